/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what is asked for (ask.h): texts and numbers alike, names of either age of the API. */
#include "agent/ngrok/ask.h"

#include "base/rand.h"
#include "base/sentence.h"
#include "http/url.h"
#include "net/addr.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static bool fail(struct ngrok_ask *a, const char *fmt, ...) printf_like(2, 3);

static bool
fail(struct ngrok_ask *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(a->why, sizeof(a->why), fmt, ap);
	va_end(ap);
	return false;
}

/* A text, or a number as one, into cap bytes; "" where it is neither, null or absent. */
static void
text_of(const json_t *o, const char *key, char *dst, size_t cap)
{
	const json_t *v = json_object_get(o, key);

	dst[0] = '\0';
	if (json_is_string(v) && json_string_length(v) < cap)
		snprintf(dst, cap, "%s", json_string_value(v));
	else if (json_is_integer(v))
		snprintf(dst, cap, "%lld", (long long)json_integer_value(v));
}

static bool
set(struct ngrok_ask *a, char **at, const char *text)
{
	*at = strdup(text);
	return *at != NULL || fail(a, "out of memory");
}

/* --- the address of the local server --- */

/* "8080", "host:8080", "http://localhost:8080/": the last slash means nothing. A certificate of an
 * https origin is not verified, as those who ask this API expect. */
static bool
take_address(struct ngrok_ask *a, const char *addr)
{
	struct config_tunnel *t = &a->tunnel;
	char text[300];
	struct addr parsed;
	const char *why;
	size_t n;

	snprintf(text, sizeof(text), "%s", strncmp(addr, "tcp://", 6) == 0 ? addr + 6 : addr);
	n = strlen(text);
	if (n > 0 && text[n - 1] == '/' && strncmp(text, "unix:", 5) != 0)
		text[n - 1] = '\0';
	why = addr_parse_origin(slice_str(text), &parsed);
	if (why == NULL && parsed.kind == ADDR_TCP && parsed.port == 0)
		why = "a port is wanted";
	if (why != NULL)
		return fail(a, "Tunnel '%.60s' specifies invalid address '%.80s': %.80s", a->name,
		    addr, why);
	/* The name of this machine is both of its addresses. */
	if (strncmp(text, "localhost:", 10) == 0)
		return set(a, &t->origin, text + 10);
	if (strncmp(text, "http://localhost:", 17) == 0)
		return set(a, &t->origin, text + 17);
	t->origin_insecure = parsed.tls && t->kind == TUNNEL_HTTP;
	return set(a, &t->origin, text);
}

/* --- the public side --- */

/* "x.example.org", "https://x.example.org:443": the first label is the name. */
static bool
take_host(struct ngrok_ask *a, const char *host)
{
	const char *behind = strstr(host, "://"), *why;
	struct slice s = slice_str(behind != NULL ? behind + 3 : host), name;
	char made[64];

	name = slice_head(s, slice_find(s, '.'));
	name = slice_head(name, slice_find(name, ':'));
	if (name.n == 0)
		return true;
	why = url_name(name, made, sizeof(made));
	if (why != NULL)
		return fail(a, "Tunnel '%.60s' specifies invalid hostname '%.80s': %.80s", a->name,
		    host, why);
	return a->tunnel.name != NULL || set(a, &a->tunnel.name, made);
}

/* "1.tcp.example.org:20001", "tcp://:20001", "20001": the port alone is ours to give. */
static bool
take_port(struct ngrok_ask *a, const char *text)
{
	struct slice s = slice_str(text);
	uint64_t port;
	const char *colon = strrchr(text, ':');

	if (colon != NULL)
		s = slice_str(colon + 1);
	if (s.n == 0 || slice_starts(s, S("//")))
		return true; /* any */
	if (!slice_u64(s, &port) || port > 65535)
		return fail(a, "Tunnel '%.60s' specifies invalid remote address '%.80s'", a->name,
		    text);
	a->tunnel.port = (int64_t)port;
	return true;
}

static bool
take_kind(struct ngrok_ask *a, const char *proto)
{
	if (proto[0] == '\0' || strcmp(proto, "http") == 0 || strcmp(proto, "https") == 0)
		a->tunnel.kind = TUNNEL_HTTP;
	else if (strcmp(proto, "tcp") == 0)
		a->tunnel.kind = TUNNEL_TCP;
	else if (strcmp(proto, "tls") == 0)
		a->tunnel.kind = TUNNEL_TLS;
	else
		return fail(a, "Tunnel '%.60s' specifies invalid protocol name '%.40s'", a->name,
		    proto);
	return true;
}

static void
take_name(struct ngrok_ask *a, const json_t *o)
{
	text_of(o, "name", a->name, sizeof(a->name));
	if (a->name[0] == '\0')
		rand_name(a->name, 16);
}

/* --- guards --- */

/* What keeps somebody out, and is not made here: without it the tunnel would be open. */
static bool
refuse_guards(struct ngrok_ask *a, const json_t *o)
{
	static const char *const guards[] = { "auth", "basic_auth", "oauth", "oidc", "crt", "key",
		"client_cas", "mutual_tls_cas", "mutual_tls_certificate_authorities",
		"user_agent_filter", "verify_webhook", "webhook_verification", "traffic_policy",
		"traffic_policy_file", "policy", "agent_tls_termination" };

	for (size_t i = 0; i < sizeof(guards) / sizeof(*guards); i++) {
		const json_t *v = json_object_get(o, guards[i]);

		if (v != NULL && !json_is_null(v) && !json_is_false(v) &&
		    !(json_is_string(v) && json_string_length(v) == 0) &&
		    !(json_is_array(v) && json_array_size(v) == 0) &&
		    !(json_is_object(v) && json_object_size(v) == 0))
			return fail(a,
			    "Tunnel '%.60s' asks for '%s', which this agent cannot keep when asked "
			    "by this API: put the tunnel into adit.yml, with user_file, scheme and "
			    "the like",
			    a->name, guards[i]);
	}
	return true;
}

/* A list of networks, or a text with one. */
static bool
take_cidrs(struct ngrok_ask *a, const json_t *v, char **at)
{
	char all[2048] = "";
	size_t used = 0;

	if (json_is_string(v))
		return set(a, at, json_string_value(v));
	if (!json_is_array(v))
		return v == NULL || json_is_null(v) ||
		       fail(a, "Tunnel '%.60s' specifies an invalid ip_restriction", a->name);
	for (size_t i = 0; i < json_array_size(v); i++) {
		const char *cidr = json_string_value(json_array_get(v, i));

		if (cidr == NULL || used + strlen(cidr) + 2 > sizeof(all))
			return fail(a, "Tunnel '%.60s' specifies an invalid ip_restriction",
			    a->name);
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s",
		    used > 0 ? "," : "", cidr);
	}
	return used == 0 || set(a, at, all);
}

static bool
take_restriction(struct ngrok_ask *a, const json_t *o)
{
	const json_t *ip = json_object_get(o, "ip_restriction");

	return ip == NULL || json_is_null(ip) ||
	       (take_cidrs(a, json_object_get(ip, "allow_cidrs"), &a->tunnel.policy.allow) &&
		   take_cidrs(a, json_object_get(ip, "deny_cidrs"), &a->tunnel.policy.deny));
}

/* --- what the local server is sent --- */

static bool
take_host_header(struct ngrok_ask *a, const json_t *o)
{
	char text[256];
	struct addr origin;

	text_of(o, "host_header", text, sizeof(text));
	if (text[0] == '\0' || strcmp(text, "preserve") == 0 || a->tunnel.kind != TUNNEL_HTTP)
		return true;
	if (strcmp(text, "rewrite") != 0)
		return set(a, &a->tunnel.origin_host, text);
	if (addr_parse_origin(slice_str(a->tunnel.origin), &origin) != NULL ||
	    origin.kind != ADDR_TCP)
		return true;
	snprintf(text, sizeof(text), "%.200s:%u",
	    origin.host[0] != '\0' ? origin.host : "localhost", origin.port);
	return set(a, &a->tunnel.origin_host, text);
}

static bool
take_proxy_protocol(struct ngrok_ask *a, const json_t *o, const char *key)
{
	char text[16];

	text_of(o, key, text, sizeof(text));
	a->tunnel.proxy_protocol = strcmp(text, "1") == 0 ? 1 : strcmp(text, "2") == 0 ? 2 : 0;
	return true;
}

/* --- the two bodies --- */

bool
ngrok_ask_tunnel(const json_t *body, struct ngrok_ask *ret)
{
	static const char *const hosts[] = { "subdomain", "domain", "hostname", "url" };
	struct ngrok_ask *a = ret;
	char text[300];

	*a = (struct ngrok_ask){ 0 };
	if (!json_is_object(body))
		return fail(a, "a JSON object is wanted");
	take_name(a, body);
	text_of(body, "proto", text, sizeof(text));
	if (!take_kind(a, text) || !refuse_guards(a, body))
		return false;
	text_of(body, "addr", text, sizeof(text));
	if (text[0] == '\0')
		snprintf(text, sizeof(text), "%s", a->tunnel.kind == TUNNEL_HTTP ? "80" : "");
	if (!take_address(a, text))
		return false;
	for (size_t i = 0; a->tunnel.kind != TUNNEL_TCP && i < sizeof(hosts) / sizeof(*hosts);
	     i++) {
		text_of(body, hosts[i], text, sizeof(text));
		if (!take_host(a, text))
			return false;
	}
	text_of(body, "remote_addr", text, sizeof(text));
	if (a->tunnel.kind == TUNNEL_TCP && text[0] != '\0' && !take_port(a, text))
		return false;
	return take_host_header(a, body) && take_proxy_protocol(a, body, "proxy_proto") &&
	       (a->tunnel.kind != TUNNEL_HTTP || take_restriction(a, body));
}

/* url: "", "https://", "https://x.example.org", "tcp://", "tcp://1.tcp.example.org:20001". */
static bool
take_url(struct ngrok_ask *a, const char *url)
{
	size_t n = strcspn(url, ":");
	char scheme[16] = "";

	if (strncmp(url + n, "://", 3) == 0 && n < sizeof(scheme))
		memcpy(scheme, url, n);
	if (!take_kind(a, scheme))
		return false;
	return a->tunnel.kind == TUNNEL_TCP ? take_port(a, url) : take_host(a, url);
}

bool
ngrok_ask_endpoint(const json_t *body, struct ngrok_ask *ret)
{
	const json_t *upstream = json_object_get(body, "upstream");
	struct ngrok_ask *a = ret;
	char text[300];

	*a = (struct ngrok_ask){ 0 };
	if (!json_is_object(body))
		return fail(a, "a JSON object is wanted");
	take_name(a, body);
	text_of(body, "url", text, sizeof(text));
	if (!take_url(a, text) || !refuse_guards(a, body))
		return false;
	if (json_is_object(upstream))
		text_of(upstream, "url", text, sizeof(text));
	else
		text_of(body, "upstream", text, sizeof(text));
	return take_address(a, text) && take_host_header(a, body) &&
	       take_proxy_protocol(a, upstream, "proxy_protocol") &&
	       (a->tunnel.kind != TUNNEL_HTTP || take_restriction(a, body));
}
