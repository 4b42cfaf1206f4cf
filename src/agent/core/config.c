/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of adit.yml, and the checks that span several keys. */
#include "agent/core/config.h"

#include "agent/core/builtin_origin.h"
#include "base/sentence.h"
#include "conf/schema.h"
#include "http/url.h"
#include "net/addr.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

/* As schema_row.call: dst is a char *, which gets the name in its canonical form. */
static bool
read_name(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	char name[64];
	const char *why;

	if (n->kind != YAMLDOC_SCALAR)
		return schema_fault(r, n, "a name is wanted");
	why = url_name(slice_str(n->text), name, sizeof(name));
	return why != NULL ? schema_fault(r, n, "%s", why) : schema_text(r, n, name, dst);
}

/* The same of an address, which stays as it was written: it is shown to people, and parsed again
 * where it is dialled. */
static bool
read_address(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	struct addr addr;
	enum builtin_kind kind;
	const char *why, *folder;

	if (n->kind != YAMLDOC_SCALAR)
		return schema_fault(r, n, "an address is wanted");
	why = builtin_origin(n->text, &kind, &folder);
	if (why == NULL && kind == BUILTIN_NONE)
		why = addr_parse_origin(slice_str(n->text), &addr);
	return why != NULL ? schema_fault(r, n, "%s", why) : schema_text(r, n, n->text, dst);
}

/* A list of hosts; the edge judges them. */
static bool
read_domains(struct schema_read *r, const struct yamldoc_node *list, void *dst)
{
	char host[URL_HOST_BYTES], all[LIMIT_DOMAINS_PER_TUNNEL * URL_HOST_BYTES] = "";
	size_t used = 0, n_hosts = 0;
	uint16_t port;

	if (list->kind != YAMLDOC_LIST)
		return schema_fault(r, list, "a list is wanted, such as [hook.example.com]");
	for (const struct yamldoc_node *n = list->first; n != NULL; n = n->next) {
		if (n_hosts++ == LIMIT_DOMAINS_PER_TUNNEL)
			return schema_fault(r, n, "more than %d own domains of a tunnel",
			    LIMIT_DOMAINS_PER_TUNNEL);
		if (n->kind != YAMLDOC_SCALAR ||
		    !url_authority(slice_str(n->text), host, sizeof(host), &port) || port != 0)
			return schema_fault(r, n,
			    "a host name is wanted, such as hook.example.com");
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s",
		    used > 0 ? "," : "", host);
	}
	return schema_text(r, list, all, dst);
}

#define AT(member) offsetof(struct config_tunnel, member)

static const char *const kind_words[] = {
	[TUNNEL_HTTP] = "http", [TUNNEL_TCP] = "tcp", [TUNNEL_TLS] = "tls", NULL
};

static const char *const inspect_words[] = { "on", "heads", "off", NULL };

/* Keys of a tunnel (adit.yml(5)). */
static const struct schema_row tunnel_rows[] = {
	{ "kind", SCHEMA_WORD, AT(kind), .words = kind_words },
	{ "name", SCHEMA_CALL, AT(name), .call = read_name },
	{ "port", SCHEMA_INT, AT(port), 1, 65535 },
	{ "origin", SCHEMA_CALL, AT(origin), .call = read_address },
	{ "origin_host", SCHEMA_TEXT, AT(origin_host) },
	{ "origin_ca", SCHEMA_PATH, AT(origin_ca) },
	{ "origin_insecure", SCHEMA_BOOL, AT(origin_insecure) },
	{ "proxy_protocol", SCHEMA_INT, AT(proxy_protocol), 1, 2 },
	{ "tls_at_agent", SCHEMA_BOOL, AT(tls_at_agent) },
	{ "listing", SCHEMA_BOOL, AT(listing) },
	{ "dotfiles", SCHEMA_BOOL, AT(dotfiles) },
	{ "domains", SCHEMA_CALL, AT(domains), .call = read_domains },
	{ "inspect", SCHEMA_WORD, AT(inspect), .words = inspect_words },
	{ "origin_silent", SCHEMA_INT, AT(origin_silent_s), 1, HELLO_ORIGIN_SILENT_MS_MAX / 1000 },
	{ "for", SCHEMA_TEXT, AT(policy.preset) },
	{ "context", SCHEMA_TEXT, AT(policy.context) },
	{ "store", SCHEMA_BOOL, AT(policy.store) },
	{ "relay", SCHEMA_BOOL, AT(policy.relay) },
	{ "secret_file", SCHEMA_PATH, AT(policy.secret_files[0]) },
	{ "scheme", SCHEMA_TEXT, AT(policy.scheme) },
	{ "allow", SCHEMA_TEXT, AT(policy.allow) },
	{ "deny", SCHEMA_TEXT, AT(policy.deny) },
	{ "user_file", SCHEMA_PATH, AT(policy.user_file) },
	{ "policy", SCHEMA_PATH, AT(policy.policy_file) },
	{ "body_max", SCHEMA_TEXT, AT(policy.body_max) },
	{ "rate", SCHEMA_TEXT, AT(policy.rate) },
	{ "unsigned", SCHEMA_BOOL, AT(policy.unsigned_ok) },
	{ "http2", SCHEMA_TEXT, AT(policy.http2) },
	{ "coalesce", SCHEMA_BOOL, AT(policy.coalesce) },
	{ "resign", SCHEMA_BOOL, AT(policy.resign) },
	{ "fan_out", SCHEMA_TEXT, AT(policy.fan_out) },
	{ NULL },
};

/* What no key can say alone: keys that belong to the other kind of tunnel. */
static bool
check_tunnel(struct schema_read *r, const struct yamldoc_node *n, const struct config_tunnel *t)
{
	if (t->origin == NULL)
		return schema_fault_key(r, n,
		    "\"origin\" is missing: the address of the local server");
	if (t->kind == TUNNEL_TCP && t->name != NULL)
		return schema_fault_key(r, n, "name is for kind: http and kind: tls");
	if (t->kind != TUNNEL_HTTP && (t->origin_host != NULL || t->origin_silent_s != 0))
		return schema_fault_key(r, n, "origin_host and origin_silent are for kind: http");
	if (t->kind != TUNNEL_HTTP && policy_text_given(&t->policy))
		return schema_fault_key(r, n, "policies and webhooks are for kind: http");
	if (t->inspect != 0 && (t->kind != TUNNEL_HTTP || t->tls_at_agent))
		return schema_fault_key(r, n,
		    "inspect is for kind: http without tls_at_agent: nothing is read of others");
	if (t->domains != NULL && t->kind == TUNNEL_TCP)
		return schema_fault_key(r, n, "domains are for kind: http and kind: tls");
	if (t->tls_at_agent && t->kind != TUNNEL_HTTP)
		return schema_fault_key(r, n, "tls_at_agent is for kind: http");
	if (t->tls_at_agent &&
	    (t->origin_host != NULL || t->origin_silent_s != 0 || policy_text_given(&t->policy)))
		return schema_fault_key(r, n,
		    "tls_at_agent: the edge cannot read requests, so "
		    "origin_host, origin_silent, policies and webhooks are off");
	if (t->kind != TUNNEL_TCP && t->port != 0)
		return schema_fault_key(r, n, "port is for kind: tcp");
	return true;
}

/* n: its key and what stands below it. False after a fault; the tunnel is counted even then, so
 * that config_fini() frees what it has. */
static bool
read_tunnel(struct schema_read *r, const struct yamldoc_node *n, struct config *c)
{
	struct config_tunnel *t;

	if (n->kind != YAMLDOC_MAP)
		return schema_fault(r, n, "a mapping with origin: ADDRESS is wanted");
	if (strlen(n->key) > 63)
		return schema_fault_key(r, n, "the name of a tunnel has 1 to 63 characters");
	if (c->n_tunnels == LIMIT_TUNNELS_PER_LINK)
		return schema_fault_key(r, n, "more than %d tunnels", LIMIT_TUNNELS_PER_LINK);
	t = &c->tunnels[c->n_tunnels++];
	t->line = n->key_line;
	return schema_text(r, n, n->key, &t->label) && schema_apply(r, tunnel_rows, n, t) &&
	       check_tunnel(r, n, t);
}

static bool
read_tunnels(struct schema_read *r, const struct yamldoc_node *map, void *dst)
{
	bool ok = true;

	if (map->kind == YAMLDOC_LIST || (map->kind == YAMLDOC_SCALAR && map->text[0] != '\0'))
		return schema_fault(r, map, "a mapping of tunnels is wanted");
	for (const struct yamldoc_node *n = map->first; ok && n != NULL; n = n->next)
		ok = read_tunnel(r, n, dst);
	return ok;
}

/* As schema_row.call: dst is a char *. */
static bool
read_listen(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	struct addr addr;
	const char *why;

	if (n->kind != YAMLDOC_SCALAR)
		return schema_fault(r, n, "an address is wanted, such as 127.0.0.1:4040, or off");
	why = strcmp(n->text, "off") == 0 ? NULL : addr_parse(slice_str(n->text), &addr);
	return why != NULL ? schema_fault(r, n, "%s", why) : schema_text(r, n, n->text, dst);
}

/* The same; names that a browser may ask for, each "NAME" or "NAME:PORT". */
static bool
read_hosts(struct schema_read *r, const struct yamldoc_node *list, void *dst)
{
	char host[URL_HOST_BYTES], all[CONFIG_WEB_HOSTS * (URL_HOST_BYTES + 8)] = "";
	size_t used = 0, n_hosts = 0;
	uint16_t port;

	if (list->kind != YAMLDOC_LIST)
		return schema_fault(r, list, "a list is wanted, such as [build-1.example.com]");
	for (const struct yamldoc_node *n = list->first; n != NULL; n = n->next) {
		if (n_hosts++ == CONFIG_WEB_HOSTS)
			return schema_fault(r, n, "more than %d hosts", CONFIG_WEB_HOSTS);
		if (n->kind != YAMLDOC_SCALAR ||
		    !url_authority(slice_str(n->text), host, sizeof(host), &port))
			return schema_fault(r, n, "a host name is wanted, or NAME:PORT");
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s",
		    used > 0 ? "," : "", n->text);
	}
	return schema_text(r, list, all, dst);
}

static const char *const api_words[] = {
	[CONFIG_API_DEFAULT] = "default",
	[CONFIG_API_OPEN] = "open",
	[CONFIG_API_TOKEN] = "token",
	[CONFIG_API_OFF] = "off",
	NULL,
};

static const struct schema_row web_rows[] = {
	{ "listen", SCHEMA_CALL, offsetof(struct config, web.listen), .call = read_listen },
	{ "hosts", SCHEMA_CALL, offsetof(struct config, web.hosts), .call = read_hosts },
	{ "api", SCHEMA_WORD, offsetof(struct config, web.api), .words = api_words },
	{ NULL },
};

static const struct schema_row acme_rows[] = {
	{ "directory", SCHEMA_TEXT, offsetof(struct config, acme.directory) },
	{ "ca_file", SCHEMA_PATH, offsetof(struct config, acme.ca_file) },
	{ "email", SCHEMA_TEXT, offsetof(struct config, acme.email) },
	{ "agree_to_terms", SCHEMA_BOOL, offsetof(struct config, acme.agree) },
	{ NULL },
};

/*
 * A list of names: of header fields, "?name" of parameters of a query, and, where bodies are read,
 * "/pointer" of a value in JSON.
 */
static bool
read_names(struct schema_read *r, const struct yamldoc_node *list, void *dst, bool pointers)
{
	char all[4096] = "";
	size_t used = 0;

	if (list->kind != YAMLDOC_LIST)
		return schema_fault(r, list, "a list of names is wanted, such as [X-Api-Key]");
	for (const struct yamldoc_node *n = list->first; n != NULL; n = n->next) {
		if (n->kind != YAMLDOC_SCALAR || n->text[0] == '\0' || strchr(n->text, ',') != NULL)
			return schema_fault(r, n, "the name of a header field is wanted");
		if (n->text[0] == '/' && !pointers)
			return schema_fault(r, n,
			    "a value in a body cannot be left out of it: inspect: heads keeps "
			    "bodies off the disk");
		if (used + strlen(n->text) + 2 > sizeof(all))
			return schema_fault(r, n, "too many names");
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s",
		    used > 0 ? "," : "", n->text);
	}
	return schema_text(r, list, all, dst);
}

static bool
read_redact(struct schema_read *r, const struct yamldoc_node *list, void *dst)
{
	return read_names(r, list, dst, true);
}

static bool
read_never_store(struct schema_read *r, const struct yamldoc_node *list, void *dst)
{
	return read_names(r, list, dst, false);
}

static const struct schema_row inspect_rows[] = {
	{ "size", SCHEMA_INT, offsetof(struct config, inspect.megabytes), 64, 1048576 },
	{ "days", SCHEMA_INT, offsetof(struct config, inspect.days), 1, 3650 },
	{ "redact", SCHEMA_CALL, offsetof(struct config, inspect.redact), .call = read_redact },
	{ "never_store", SCHEMA_CALL, offsetof(struct config, inspect.never_store),
	    .call = read_never_store },
	{ NULL },
};

static const struct schema_row rows[] = {
	{ "edge", SCHEMA_TEXT, offsetof(struct config, edge) },
	{ "ca", SCHEMA_PATH, offsetof(struct config, ca) },
	{ "token", SCHEMA_TEXT, offsetof(struct config, token) },
	{ "token_file", SCHEMA_PATH, offsetof(struct config, token_file) },
	{ "acme", SCHEMA_MAP, .rows = acme_rows },
	{ "inspect", SCHEMA_MAP, .rows = inspect_rows },
	{ "web", SCHEMA_MAP, .rows = web_rows },
	{ "sink", SCHEMA_CALL, offsetof(struct config, sink), .call = sink_rules_yaml },
	{ "tunnels", SCHEMA_CALL, .call = read_tunnels },
	{ NULL },
};

char *
config_parse(struct slice text, const char *path, struct config *ret_c)
{
	struct schema_read r = { .path = path };

	*ret_c = (struct config){ 0 };
	if (schema_parse(&r, rows, NULL, text, ret_c)) {
		check(ret_c->n_tunnels <= LIMIT_TUNNELS_PER_LINK);
		return NULL;
	}
	return sentence("%s:%d:%d: %s", path, r.error.line, r.error.column, r.error.text);
}

/* Freed memory of a token is memory that the next malloc() shows to somebody. */
static void
wipe(char *z)
{
	if (z != NULL)
		OPENSSL_cleanse(z, strlen(z));
	free(z);
}

void
config_tunnel_fini(struct config_tunnel *t)
{
	free(t->label);
	free(t->name);
	free(t->origin);
	free(t->origin_host);
	free(t->origin_ca);
	free(t->domains);
	free(t->policy.preset);
	free(t->policy.context);
	free(t->policy.scheme);
	free(t->policy.secret_files[0]);
	free(t->policy.allow);
	free(t->policy.deny);
	free(t->policy.user_file);
	free(t->policy.policy_file);
	free(t->policy.body_max);
	free(t->policy.rate);
	free(t->policy.fan_out);
	free(t->policy.http2);
	*t = (struct config_tunnel){ 0 };
}

void
config_fini(struct config *c)
{
	for (size_t i = 0; i < c->n_tunnels; i++)
		config_tunnel_fini(&c->tunnels[i]);
	free(c->edge);
	free(c->ca);
	free(c->token_file);
	free(c->acme.directory);
	free(c->acme.ca_file);
	free(c->acme.email);
	free(c->inspect.redact);
	free(c->inspect.never_store);
	sink_rules_unref(c->sink);
	free(c->web.listen);
	free(c->web.hosts);
	wipe(c->token);
	*c = (struct config){ 0 };
}
