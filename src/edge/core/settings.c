/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of aditd.yml, and what the edge does where a key is not there. */
#include "edge/core/settings.h"

#include "base/limits.h"
#include "conf/file.h"
#include "conf/schema.h"
#include "edge/core/settings_dashboard.h"
#include "edge/core/settings_names.h"
#include "edge/core/settings_show.h"
#include "tunnel/hello.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define TRUSTED_MAX 1024
#define VIA_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]"

#define AT(member) offsetof(struct settings, member)
#define SIZE(member) sizeof(((struct settings *)0)->member)

/*
 * Numeric alone: what the edge listens on must not depend on a name server that
 * may be down.
 */
static bool
read_addr(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	struct addr *addr = dst;
	struct sockaddr_storage ss;
	socklen_t len;
	const char *why;

	if (n->kind != YAMLDOC_SCALAR)
		return schema_fault(r, n, "one address is wanted");
	why = addr_parse(slice_str(n->text), addr);
	if (why != NULL)
		return schema_fault(r, n, "%s", why);
	if (addr->tls || addr_sockaddr(addr, true, &ss, &len) != 0)
		return schema_fault(r, n,
		    "write a port, a numeric address with a port, *:PORT or unix:/PATH");
	return true;
}

static bool
read_http(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	struct settings *s = dst;

	s->has_http = true;
	return read_addr(r, n, &s->http);
}

/* On a port nobody could tell who asks; a Unix socket tells the user (SO_PEERCRED). */
static bool
read_control(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	struct addr *addr = dst;

	return read_addr(r, n, addr) &&
	       (addr->kind == ADDR_UNIX ||
		   schema_fault(r, n, "the control socket must be unix:/PATH"));
}

static bool
read_host(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	struct addr a = { .kind = ADDR_TCP };
	struct sockaddr_storage ss;
	socklen_t len;

	if (n->kind != YAMLDOC_SCALAR || !slice_z(slice_str(n->text), a.host, sizeof(a.host)))
		return schema_fault(r, n, "a numeric address is wanted");
	if (strcmp(a.host, "*") == 0)
		a.host[0] = '\0';
	if (addr_sockaddr(&a, true, &ss, &len) != 0)
		return schema_fault(r, n, "a numeric address is wanted, or \"*\"");
	memcpy(dst, a.host, SIZE(host));
	return true;
}

static bool
read_networks(struct schema_read *r, const struct yamldoc_node *list, void *dst)
{
	struct cidr_set *set = dst;
	const char *why;

	if (list->kind != YAMLDOC_LIST)
		return schema_fault(r, list, "a list of networks is wanted, such as [10.0.0.0/8]");
	for (const struct yamldoc_node *n = list->first; n != NULL; n = n->next) {
		if (n->kind != YAMLDOC_SCALAR)
			return schema_fault(r, n, "a network is wanted, such as 10.0.0.0/8");
		if (set->n >= TRUSTED_MAX)
			return schema_fault(r, n, "more than %d networks", TRUSTED_MAX);
		why = cidr_set_add(set, slice_str(n->text));
		if (why != NULL)
			return schema_fault(r, n, "%s", why);
	}
	return true;
}

/* A pseudonym (RFC 9110 7.6.3), which may be a host with a port. */
static bool
read_via(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	if (n->kind != YAMLDOC_SCALAR || n->text[0] == '\0' ||
	    !slice_z(slice_str(n->text), dst, SIZE(via)))
		return schema_fault(r, n, "a name of at most %zu characters is wanted, or off",
		    SIZE(via) - 1);
	if (strcmp(dst, "off") == 0)
		memset(dst, 0, SIZE(via));
	return ((char *)dst)[strspn(dst, VIA_CHARS)] == '\0' ||
	       schema_fault(r, n, "letters, digits and -._:[] only, or off");
}

static bool
read_hide(struct schema_read *r, const struct yamldoc_node *list, void *dst)
{
	struct settings *s = dst;

	if (list->kind != YAMLDOC_LIST)
		return schema_fault(r, list,
		    "a list of header fields is wanted, such as [X-Hook-Password]");
	for (const struct yamldoc_node *n = list->first; n != NULL; n = n->next) {
		if (s->inbox.n_hide == SETTINGS_HIDE)
			return schema_fault(r, n, "more than %d header fields", SETTINGS_HIDE);
		if (n->kind != YAMLDOC_SCALAR || n->text[0] == '\0' ||
		    !slice_z(slice_str(n->text), s->inbox.hide[s->inbox.n_hide],
			sizeof(s->inbox.hide[0])))
			return schema_fault(r, n, "the name of a header field is wanted");
		s->inbox.n_hide++;
	}
	return true;
}

/* What a request line may hold. A fragment is for the client alone (RFC 3986 3.5). */
static bool
is_plain(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '#')
			return false;
	return true;
}

/*
 * Whoever is called may be named by host, as nobody is kept waiting for it: addr is
 * looked up then.
 */
static bool
read_url(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	struct settings_url *url = dst;
	struct slice text = slice_str(n->kind == YAMLDOC_SCALAR ? n->text : ""), host, target;
	size_t scheme = slice_starts(text, S("https://")) ? 8 : 7, slash;
	const char *why;

	if (scheme == 7 && !slice_starts(text, S("http://")))
		return schema_fault(r, n, "an https:// or http:// URL is wanted");
	host = slice_from(text, scheme);
	slash = slice_find(host, '/');
	target = slash < host.n ? slice_from(host, slash) : S("/");
	host = slice_head(host, slash);
	/*
	 * A user in the URL would be a password in a log; "?" before the first "/"
	 * leaves no path.
	 */
	if (!is_plain(text) || slice_find(host, '@') != SIZE_MAX ||
	    slice_find(host, '?') != SIZE_MAX || !slice_z(host, url->host, sizeof(url->host)) ||
	    !slice_z(target, url->target, sizeof(url->target)))
		return schema_fault(r, n, "a URL without user, '#', spaces and such is wanted");
	why = addr_parse(slice_head(text, scheme + host.n), &url->addr);
	if (why == NULL && url->addr.host[0] == '\0')
		why = "the URL names no host";
	if (why != NULL)
		return schema_fault(r, n, "%s", why);
	url->addr.tls = scheme == 8;
	if (url->addr.port == 0)
		url->addr.port = scheme == 8 ? 443 : 80;
	return true;
}

/* --- certificates: a list of { cert, key } --- */

struct cert_paths {
	char *cert, *key;
};

static const struct schema_row cert_rows[] = {
	{ "cert", SCHEMA_PATH, offsetof(struct cert_paths, cert) },
	{ "key", SCHEMA_PATH, offsetof(struct cert_paths, key) },
	{ NULL },
};

/* The paths are the settings' from here on, if it works. */
static bool
add_cert(struct schema_read *r, const struct yamldoc_node *n, struct settings *s,
    const struct cert_paths *paths)
{
	struct tls_cert_files *grown;

	if (paths->cert == NULL || paths->key == NULL)
		return schema_fault(r, n, "cert and key are both needed");
	if (s->n_certs >= LIMIT_CERTIFICATES)
		return schema_fault(r, n, "more than %d certificates", LIMIT_CERTIFICATES);
	grown = reallocarray(s->certs, s->n_certs + 1, sizeof(*s->certs));
	if (grown == NULL)
		return schema_fault(r, n, "out of memory");
	s->certs = grown;
	grown[s->n_certs++] =
	    (struct tls_cert_files){ .cert_path = paths->cert, .key_path = paths->key };
	return true;
}

static bool
read_certs(struct schema_read *r, const struct yamldoc_node *list, void *dst)
{
	if (list->kind != YAMLDOC_LIST)
		return schema_fault(r, list, "a list is wanted: - { cert: FILE, key: FILE }");
	for (const struct yamldoc_node *n = list->first; n != NULL; n = n->next) {
		struct cert_paths paths = { NULL };

		if (schema_apply(r, cert_rows, n, &paths) && add_cert(r, n, dst, &paths))
			continue;
		free(paths.cert);
		free(paths.key);
		return false;
	}
	return true;
}

/* --- the schema --- */

static const char *const http_words[] = { "redirect", "serve", NULL };
static const char *const access_words[] = { "logfmt", "json", "combined", NULL };
static const char *const level_words[] = { "error", "warn", "info", "debug", NULL };
static const char *const format_words[] = { "logfmt", "json", NULL };

static const struct schema_row listen_rows[] = {
	{ "https", SCHEMA_CALL, AT(https), .call = read_addr },
	{ "http", SCHEMA_CALL, .call = read_http },
	{ "control", SCHEMA_CALL, AT(control), .call = read_control },
	{ NULL },
};
static const struct schema_row port_rows[] = {
	{ "from", SCHEMA_INT, AT(port_min), 1, 65535 },
	{ "to", SCHEMA_INT, AT(port_max), 1, 65535 },
	{ "address", SCHEMA_CALL, AT(host), .call = read_host },
	{ NULL },
};
static const struct schema_row log_rows[] = {
	{ "level", SCHEMA_WORD, AT(log_level), .words = level_words },
	{ "format", SCHEMA_WORD, AT(log_format), .words = format_words },
	{ "access", SCHEMA_BOOL, AT(log_access) },
	{ "access_format", SCHEMA_WORD, AT(access_format), .words = access_words },
	{ "access_file", SCHEMA_PATH, AT(access_file), .max = SIZE(access_file) },
	{ NULL },
};
static const struct schema_row limit_rows[] = {
	{ "visitors", SCHEMA_INT, AT(limits.visitors), 1, LIMIT_VISITORS },
	{ "visitors_per_address", SCHEMA_INT, AT(limits.visitors_per_address), 1, LIMIT_VISITORS },
	{ "names_per_account", SCHEMA_INT, AT(limits.names_per_account), 1, 1000000 },
	{ "ports_per_account", SCHEMA_INT, AT(limits.ports_per_account), 1, 65535 },
	{ "body_bytes", SCHEMA_INT, AT(limits.body_bytes), 0, INT64_MAX },
	{ "body_rate_bytes", SCHEMA_INT, AT(limits.body_rate_bytes), 0, 1 << 30 },
	{ "head_ms", SCHEMA_INT, AT(limits.head_ms), 100, 3600000 },
	{ "idle_ms", SCHEMA_INT, AT(limits.idle_ms), 100, 86400000 },
	{ "stream_idle_ms", SCHEMA_INT, AT(limits.stream_idle_ms), 0, 30 * 86400000LL },
	{ "stream_stall_ms", SCHEMA_INT, AT(limits.stream_stall_ms), 1000, 86400000 },
	{ "origin_silent_ms", SCHEMA_INT, AT(limits.origin_silent_ms), 1000,
	    HELLO_ORIGIN_SILENT_MS_MAX },
	{ "drain_ms", SCHEMA_INT, AT(limits.drain_ms), 0, 3600000 },
	{ NULL },
};
static const struct schema_row inbox_rows[] = {
	{ "keep_days", SCHEMA_INT, AT(inbox.keep_days), 0, 36500 },
	{ "keep_failed_days", SCHEMA_INT, AT(inbox.keep_failed_days), 0, 36500 },
	{ "account_bytes", SCHEMA_INT, AT(inbox.account_bytes), 0, INT64_MAX },
	{ "alert_command", SCHEMA_TEXT, AT(inbox.alert_command), .max = SIZE(inbox.alert_command) },
	{ "alert_url", SCHEMA_CALL, AT(inbox.alert_url), .call = read_url },
	{ "alert_minutes", SCHEMA_INT, AT(inbox.alert_minutes), 0, 100000 },
	{ "alert_pause_s", SCHEMA_INT, AT(inbox.alert_pause_s), 1, 86400 },
	{ "hide", SCHEMA_CALL, .call = read_hide },
	{ NULL },
};
static const struct schema_row proxy_rows[] = {
	{ "https", SCHEMA_CALL, AT(proxies.https), .call = read_networks },
	{ "http", SCHEMA_CALL, AT(proxies.http), .call = read_networks },
	{ "tcp", SCHEMA_CALL, AT(proxies.tcp), .call = read_networks },
	{ NULL },
};
static const struct schema_row metrics_rows[] = {
	{ "tunnels", SCHEMA_CALL, .call = settings_read_metrics_tunnels },
	{ NULL },
};
static const struct schema_row dynamic_dns_rows[] = {
	{ "plain_http", SCHEMA_BOOL, AT(ddns_plain_http) },
	{ "private", SCHEMA_BOOL, AT(ddns_private) },
	{ NULL },
};
const struct schema_row settings_rows[] = {
	{ "domain", SCHEMA_CALL, AT(domain), .call = settings_read_domain },
	{ "state_dir", SCHEMA_PATH, AT(state_dir), .max = SIZE(state_dir) },
	{ "user", SCHEMA_TEXT, AT(user), .max = SIZE(user) },
	{ "group", SCHEMA_TEXT, AT(group), .max = SIZE(group) },
	{ "workers", SCHEMA_INT, AT(workers), 0, LIMIT_WORKERS },
	{ "public_port", SCHEMA_INT, AT(public_port), 1, 65535 },
	{ "http", SCHEMA_WORD, AT(http_mode), .words = http_words },
	{ "http2", SCHEMA_BOOL, AT(http2) },
	{ "trace", SCHEMA_BOOL, AT(trace) },
	{ "via", SCHEMA_CALL, AT(via), .call = read_via },
	{ "listen", SCHEMA_MAP, .rows = listen_rows },
	{ "resolver", SCHEMA_CALL, AT(resolver), .call = settings_read_resolver },
	{ "default_tunnel", SCHEMA_CALL, AT(default_tunnel), .call = settings_read_default_tunnel },
	{ "certificates", SCHEMA_CALL, .call = read_certs },
	{ "acme", SCHEMA_CALL, AT(acme), .call = settings_acme_read },
	{ "tcp_ports", SCHEMA_MAP, .rows = port_rows },
	{ "trusted_proxies", SCHEMA_CALL, AT(trusted), .call = read_networks },
	{ "proxy_protocol", SCHEMA_MAP, .rows = proxy_rows },
	{ "log", SCHEMA_MAP, .rows = log_rows },
	{ "limits", SCHEMA_MAP, .rows = limit_rows },
	{ "inbox", SCHEMA_MAP, .rows = inbox_rows },
	{ "dashboard", SCHEMA_CALL, AT(dashboard), .call = settings_read_dashboard },
	{ "metrics", SCHEMA_MAP, .rows = metrics_rows },
	{ "dynamic_dns", SCHEMA_MAP, .rows = dynamic_dns_rows },
	{ "dns", SCHEMA_CALL, AT(dns), .call = settings_dns_read },
	{ NULL },
};

/* What stands here is what aditd.yml(5) calls the default; 0 where it names none. */
struct settings *
settings_new(void)
{
	struct settings *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	atomic_init(&s->refs, 1);
	strcpy(s->state_dir, "/var/lib/aditd");
	strcpy(s->via, "adit");
	strcpy(s->user, SETTINGS_USER);
	s->https = (struct addr){ .kind = ADDR_TCP, .port = 443 };
	s->control = (struct addr){ .kind = ADDR_UNIX, .path = "/run/aditd/control.sock" };
	s->port_min = 20000;
	s->port_max = 29999;
	s->log_level = LOG_INFO;
	s->log_access = true;
	s->access_format = -1;
	s->limits.visitors = LIMIT_VISITORS;
	s->limits.visitors_per_address = LIMIT_VISITORS_PER_ADDRESS;
	s->limits.names_per_account = LIMIT_NAMES_PER_ACCOUNT;
	s->limits.ports_per_account = LIMIT_PORTS_PER_ACCOUNT;
	s->limits.body_rate_bytes = LIMIT_BODY_RATE_BYTES;
	s->limits.head_ms = LIMIT_VISITOR_HEAD_MS;
	s->limits.idle_ms = LIMIT_VISITOR_IDLE_MS;
	s->limits.stream_stall_ms = LIMIT_STREAM_STALL_MS;
	s->limits.origin_silent_ms = LIMIT_ORIGIN_SILENT_MS;
	s->limits.drain_ms = LIMIT_DRAIN_MS;
	s->inbox.keep_days = 30;
	s->inbox.keep_failed_days = 90;
	s->http2 = true;
	s->inbox.account_bytes = 1LL << 30;
	s->inbox.alert_minutes = 15;
	s->inbox.alert_pause_s = 600;
	return s;
}

/* From any thread that has a reference. */
struct settings *
settings_ref(struct settings *s)
{
	unsigned before = atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);

	check(before > 0); /* who asks has one */
	return s;
}

static void
free_text(const char *text)
{
	free((void *)(uintptr_t)text);
}

void
settings_unref(struct settings *s)
{
	unsigned before;

	if (s == NULL)
		return;
	before = atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel);
	check(before > 0);
	if (before != 1)
		return;
	settings_wipe_certs(s);
	for (size_t i = 0; i < s->n_certs; i++) {
		free_text(s->certs[i].cert_path);
		free_text(s->certs[i].key_path);
	}
	free(s->certs);
	settings_dns_fini(&s->dns);
	settings_acme_fini(&s->acme);
	cidr_set_fini(&s->trusted);
	cidr_set_fini(&s->proxies.https);
	cidr_set_fini(&s->proxies.http);
	cidr_set_fini(&s->proxies.tcp);
	free(s);
}

/* What only the whole can tell. */
static bool
check_whole(struct schema_read *r, const struct yamldoc_node *root, void *dst)
{
	struct settings *s = dst;

	settings_use_ip(s);
	if (s->domain[0] == '\0')
		return schema_fault(r, root,
		    "\"domain\" is missing: tunnels are NAME.domain; without a domain write acme: "
		    "{ "
		    "ip: ADDRESS, agree_to_terms: yes }");
	if (s->n_certs == 0 && s->acme.n_cas == 0)
		return schema_fault(r, root,
		    "\"certificates\" is missing: - { cert: FILE, key: FILE } for *.%s; or write "
		    "acme: "
		    "{ agree_to_terms: yes }, and a CA gives them",
		    s->domain);
	if (s->port_min > s->port_max)
		return schema_fault(r, root, "tcp_ports: \"from\" is above \"to\"");
	if (s->access_format >= 0 && s->access_file[0] == '\0')
		return schema_fault(r, root, "log.access_format is for log.access_file");
	return settings_dns_whole(r, root, &s->dns, s->domain, &s->https);
}

struct settings *
settings_parse(struct slice text, const char *path, char **ret_error)
{
	struct settings *s = settings_new();
	struct schema_read r = { .path = path };

	if (s == NULL) {
		*ret_error = strdup("out of memory");
		return NULL;
	}
	if (schema_parse(&r, settings_rows, check_whole, text, s))
		return s;
	settings_unref(s);
	if (asprintf(ret_error, "%s:%d:%d: %s", path, r.error.line, r.error.column, r.error.text) <
	    0)
		*ret_error = NULL;
	return NULL;
}

struct settings *
settings_load(const char *path, char **ret_error)
{
	struct slice text = S("");
	char *bytes = file_read(path, LIMIT_CONFIG_BYTES + 1, &text, NULL);
	struct settings *s = NULL;

	if (bytes != NULL)
		s = settings_parse(text, path, ret_error);
	else if (asprintf(ret_error, "%s: %s", path, strerror(errno)) < 0)
		*ret_error = NULL;
	file_free(bytes, text);
	return s;
}
