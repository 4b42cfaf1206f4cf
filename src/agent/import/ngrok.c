/* SPDX-License-Identifier: Apache-2.0 */
/* ngrok.yml: version 2 has tunnels, version 3 those and endpoints. */
#include "agent/import/import_private.h"

#include "net/addr.h"

#include <stdio.h>

#define CLOUD "it belongs to ngrok's cloud"
#define GUARD_TLS                                                                                  \
	"adit's edge asks visitors for no certificates: end TLS at your own server, by adit tls"

/* --- values of a tunnel --- */

static void
take_proto(struct draft *d, const struct yamldoc_node *n)
{
	const char *text = draft_text(d, n);

	if (strcmp(text, "http") == 0 || strcmp(text, "https") == 0)
		d->kind = TUNNEL_HTTP;
	else if (strcmp(text, "tcp") == 0)
		d->kind = TUNNEL_TCP;
	else if (strcmp(text, "tls") == 0)
		d->kind = TUNNEL_TLS;
	else
		import_refuse(d, n, "http, tcp or tls is wanted");
}

/* A certificate of an https origin is not verified by ngrok either. */
static void
take_addr(struct draft *d, const struct yamldoc_node *n)
{
	const char *text = draft_text(d, n);

	draft_origin(d, n, text);
	if (!d->refused && strncmp(text, "https://", 8) == 0) {
		d->origin_insecure = true;
		import_warn(d, n,
		    "any certificate of it is taken, as ngrok does; origin_ca is better");
	}
}

static void
take_host(struct draft *d, const struct yamldoc_node *n)
{
	draft_host(d, n, draft_text(d, n));
}

static void
take_remote(struct draft *d, const struct yamldoc_node *n)
{
	draft_port(d, n, draft_text(d, n));
}

static void
take_host_header(struct draft *d, const struct yamldoc_node *n)
{
	const char *text = draft_text(d, n);

	if (strcmp(text, "rewrite") == 0)
		d->rewrite = true;
	else if (strcmp(text, "preserve") != 0)
		snprintf(d->origin_host, sizeof(d->origin_host), "%s", text);
}

static void
take_inspect(struct draft *d, const struct yamldoc_node *n)
{
	if (!draft_true(n))
		d->inspect = "off";
}

/* "name:password", one or a list of them. */
static void
take_users(struct draft *d, const struct yamldoc_node *list)
{
	const struct yamldoc_node *n = list->kind == YAMLDOC_LIST ? list->first : list;

	if (import_nothing(list))
		return;
	for (; n != NULL; n = list->kind == YAMLDOC_LIST ? n->next : NULL) {
		const char *text = draft_text(d, n), *colon = strchr(text, ':');
		char name[128];

		if (colon == NULL ||
		    !slice_z(slice_of(text, (size_t)(colon - text)), name, sizeof(name)))
			import_refuse(d, n, "name:password is wanted");
		else
			draft_user(d, n, name, colon + 1);
	}
}

static void
take_allow(struct draft *d, const struct yamldoc_node *n)
{
	draft_networks(d, n, &d->allow);
}

static void
take_deny(struct draft *d, const struct yamldoc_node *n)
{
	draft_networks(d, n, &d->deny);
}

static const struct import_row restriction_rows[] = {
	{ "allow_cidrs", IMPORT_TAKE, .take = take_allow },
	{ "deny_cidrs", IMPORT_TAKE, .take = take_deny },
	{ NULL },
};

static void
take_restriction(struct draft *d, const struct yamldoc_node *n)
{
	import_rows(d, restriction_rows, n);
}

/* What one provider is called here and there; the others sign in ways of their own. */
static const char *
scheme_of(const char *provider)
{
	static const char *const same[][2] = { { "bitbucket", "bitbucket" }, { "github", "github" },
		{ "gitlab", "gitlab-token" }, { "shopify", "shopify" }, { "slack", "slack" },
		{ "stripe", "stripe" }, { "svix", "svix" }, { "twilio", "twilio" },
		{ "zoom", "zoom" } };

	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++)
		if (strcmp(same[i][0], provider) == 0)
			return same[i][1];
	return NULL;
}

static void
take_webhook(struct draft *d, const struct yamldoc_node *n)
{
	const struct yamldoc_node *provider = import_child(n, "provider"),
				  *secret = import_child(n, "secret");
	const char *scheme;

	if (import_nothing(n))
		return;
	if (provider == NULL || secret == NULL || import_nothing(secret)) {
		import_refuse(d, n, "provider and secret are wanted");
		return;
	}
	scheme = scheme_of(draft_text(d, provider));
	if (scheme == NULL) {
		import_refuse(d, provider,
		    "adit may know this sender by another name: see scheme in adit-policy(5)");
		return;
	}
	draft_add(d, secret, "secrets", draft_text(d, secret));
	json_object_set_new(d->policy, "scheme", json_string(scheme));
	json_object_set_new(d->policy, "mode", json_string("relay"));
	import_warn(d, n,
	    "the edge checks the signature, and stores each webhook until your server has it (mode "
	    "relay)");
}

/* "name: value" of a list, or a name where fields are removed. */
static void
take_fields(struct draft *d, const struct yamldoc_node *list, const char *group, bool remove)
{
	for (const struct yamldoc_node *n = list->first; n != NULL; n = n->next) {
		const char *text = draft_text(d, n), *colon = strchr(text, ':');
		char name[128];
		size_t end = remove ? strlen(text) : colon != NULL ? (size_t)(colon - text) : 0;

		if (end == 0 || !slice_z(slice_of(text, end), name, sizeof(name)))
			import_refuse(d, n, "name: value is wanted");
		else if (strstr(text, "${") != NULL)
			import_warn(d, n, "left out: adit fills in no variables");
		else
			draft_header(d, n, group, name,
			    remove ? NULL : colon + 1 + strspn(colon + 1, " "));
	}
}

static void
take_headers(struct draft *d, const struct yamldoc_node *n, const char *group)
{
	for (const struct yamldoc_node *c = n->first; c != NULL; c = c->next)
		if (strcmp(c->key, "add") == 0 || strcmp(c->key, "remove") == 0)
			take_fields(d, c, group, c->key[0] == 'r');
		else
			import_refuse(d, c, "add or remove is wanted");
}

static void
take_request(struct draft *d, const struct yamldoc_node *n)
{
	if (n->kind == YAMLDOC_MAP)
		take_headers(d, n, "request_headers");
}

static void
take_response(struct draft *d, const struct yamldoc_node *n)
{
	if (n->kind == YAMLDOC_MAP)
		take_headers(d, n, "response_headers");
}

static void
take_proxy(struct draft *d, const struct yamldoc_node *n)
{
	const char *text = draft_text(d, n);

	if (strcmp(text, "1") == 0 || strcmp(text, "2") == 0)
		d->proxy_protocol = text[0] - '0';
	else if (!import_nothing(n))
		import_refuse(d, n, "1 or 2 is wanted");
}

static void
take_terminate(struct draft *d, const struct yamldoc_node *n)
{
	if (strcmp(draft_text(d, n), "upstream") != 0)
		import_refuse(d, n,
		    "adit's edge opens no TLS of kind tls; kind http or "
		    "tls_at_agent may be what you want");
}

static void
take_bindings(struct draft *d, const struct yamldoc_node *list)
{
	for (const struct yamldoc_node *n = list->first; n != NULL; n = n->next)
		if (strcmp(draft_text(d, n), "public") != 0)
			import_refuse(d, n,
			    "such a tunnel is not public, and every one of adit is");
}

static void
take_schemes(struct draft *d, const struct yamldoc_node *list)
{
	for (const struct yamldoc_node *n = list->first; n != NULL; n = n->next)
		if (strcmp(draft_text(d, n), "http") == 0)
			import_warn(d, n, "left out: visitors come by https alone");
}

static void
take_labels(struct draft *d, const struct yamldoc_node *n)
{
	if (!import_nothing(n))
		import_refuse(d, n,
		    "what keeps people out of it is at ngrok's cloud, and not in "
		    "this file");
}

/* "https://x.example.org", "tcp://1.tcp.example.org:20001", "x.example.org". */
static void
take_url(struct draft *d, const struct yamldoc_node *n)
{
	const char *text = draft_text(d, n);

	d->kind = strncmp(text, "tcp://", 6) == 0   ? TUNNEL_TCP
		  : strncmp(text, "tls://", 6) == 0 ? TUNNEL_TLS
						    : TUNNEL_HTTP;
	if (strncmp(text, "http://", 7) == 0)
		import_warn(d, n, "visitors come by https");
	if (d->kind == TUNNEL_TCP)
		draft_port(d, n, text);
	else
		draft_host(d, n, text);
}

static void
take_protocol(struct draft *d, const struct yamldoc_node *n)
{
	if (strcmp(draft_text(d, n), "http2") == 0)
		import_warn(d, n, "left out: write the origin as h2c:// or h2:// for HTTP/2");
}

static const struct import_row upstream_rows[] = {
	{ "url", IMPORT_TAKE, .take = take_addr },
	{ "protocol", IMPORT_TAKE, .take = take_protocol },
	{ "proxy_protocol", IMPORT_TAKE, .take = take_proxy },
	{ NULL },
};

static void
take_upstream(struct draft *d, const struct yamldoc_node *n)
{
	if (n->kind == YAMLDOC_SCALAR)
		take_addr(d, n);
	else
		import_rows(d, upstream_rows, n);
}

/* clang-format off */
#define POLICY_TEXT "a traffic policy may keep people out: write it as options of adit-policy(5)"
static const struct import_row tunnel_rows[] = {
	{ "name", IMPORT_SAME },
	{ "proto", IMPORT_TAKE, .take = take_proto },
	{ "addr", IMPORT_TAKE, .take = take_addr },
	{ "upstream", IMPORT_TAKE, .take = take_upstream },
	{ "url", IMPORT_TAKE, .take = take_url },
	{ "subdomain", IMPORT_TAKE, .take = take_host },
	{ "domain", IMPORT_TAKE, .take = take_host },
	{ "hostname", IMPORT_TAKE, .take = take_host },
	{ "remote_addr", IMPORT_TAKE, .take = take_remote },
	{ "host_header", IMPORT_TAKE, .take = take_host_header },
	{ "inspect", IMPORT_TAKE, .take = take_inspect },
	{ "basic_auth", IMPORT_TAKE, .take = take_users },
	{ "auth", IMPORT_TAKE, .take = take_users },
	{ "ip_restriction", IMPORT_TAKE, .take = take_restriction },
	{ "verify_webhook", IMPORT_TAKE, .take = take_webhook },
	{ "request_header", IMPORT_TAKE, .take = take_request },
	{ "response_header", IMPORT_TAKE, .take = take_response },
	{ "proxy_proto", IMPORT_TAKE, .take = take_proxy },
	{ "terminate_at", IMPORT_TAKE, .take = take_terminate },
	{ "bindings", IMPORT_TAKE, .take = take_bindings },
	{ "schemes", IMPORT_TAKE, .take = take_schemes },
	{ "labels", IMPORT_TAKE, .take = take_labels },
	{ "oauth", IMPORT_GUARD, "adit has no login by OAuth: basic_auth, ip_restriction or a proxy with one" },
	{ "oidc", IMPORT_GUARD, "adit has no login by OpenID: basic_auth, ip_restriction or a proxy with one" },
	{ "saml", IMPORT_GUARD, "adit has no login by SAML: basic_auth, ip_restriction or a proxy with one" },
	{ "mutual_tls_cas", IMPORT_GUARD, GUARD_TLS },
	{ "client_cas", IMPORT_GUARD, GUARD_TLS },
	{ "mutual_tls_certificate_authorities", IMPORT_GUARD, GUARD_TLS },
	{ "agent_tls_termination", IMPORT_GUARD, "see tls_at_agent in adit.yml(5)" },
	{ "crt", IMPORT_GUARD, "TLS that ends at the agent: see tls_at_agent in adit.yml(5)" },
	{ "key", IMPORT_GUARD, "TLS that ends at the agent: see tls_at_agent in adit.yml(5)" },
	{ "traffic_policy", IMPORT_GUARD, POLICY_TEXT },
	{ "traffic_policy_file", IMPORT_GUARD, POLICY_TEXT },
	{ "policy", IMPORT_GUARD, POLICY_TEXT },
	{ "user_agent_filter", IMPORT_GUARD, "adit does not look at User-Agent" },
	{ "metadata", IMPORT_DROP, CLOUD },
	{ "description", IMPORT_DROP, "a text for people" },
	{ "bind_tls", IMPORT_DROP, "visitors come by https alone" },
	{ "circuit_breaker", IMPORT_DROP, "adit has none" },
	{ "compression", IMPORT_DROP, "adit passes bodies on as they are" },
	{ "websocket_tcp_converter", IMPORT_DROP, "adit has none" },
	{ "pooling_enabled", IMPORT_DROP, "a name has one agent at a time" },
	{ NULL },
};

static void take_listen(struct draft *d, const struct yamldoc_node *n);
static const struct import_row agent_rows[] = {
	{ "version", IMPORT_SAME },
	{ "tunnels", IMPORT_SAME }, /* read one by one */
	{ "endpoints", IMPORT_SAME },
	{ "authtoken", IMPORT_DROP, "a token of ngrok opens no other edge: adit login" },
	{ "api_key", IMPORT_DROP, "a key of ngrok opens no other edge" },
	{ "web_addr", IMPORT_TAKE, .take = take_listen },
	{ "agent", IMPORT_INTO, .rows = agent_rows },
	{ "web_allow_hosts", IMPORT_DROP, "see web: hosts in adit.yml(5)" },
	{ "log", IMPORT_DROP, "see --log of adit(1)" },
	{ "log_format", IMPORT_DROP, "see --log of adit(1)" },
	{ "log_level", IMPORT_DROP, "see --log-level of adit(1)" },
	{ "inspect_db_size", IMPORT_DROP, "see inspect: size in adit.yml(5)" },
	{ "proxy_url", IMPORT_DROP, "adit takes HTTPS_PROXY of the environment" },
	{ "root_cas", IMPORT_DROP, "certificates of the edge are ca in adit.yml(5)" },
	{ "region", IMPORT_DROP, "the edge stands where yours stands" },
	{ "server_addr", IMPORT_DROP, "the edge is that of adit login" },
	{ "connect_url", IMPORT_DROP, "the edge is that of adit login" },
	{ "console_ui", IMPORT_DROP, "see ADIT_PLAIN in adit(1)" },
	{ "console_ui_color", IMPORT_DROP, "see NO_COLOR in adit(1)" },
	{ "update", IMPORT_DROP, "adit does not update itself" },
	{ "update_channel", IMPORT_DROP, "adit does not update itself" },
	{ "update_check", IMPORT_DROP, "adit does not update itself" },
	{ "metadata", IMPORT_DROP, CLOUD },
	{ "remote_management", IMPORT_DROP, CLOUD },
	{ NULL },
};
/* clang-format on */

static void
take_listen(struct draft *d, const struct yamldoc_node *n)
{
	struct addr parsed;
	const char *text = n->kind == YAMLDOC_SCALAR ? n->text : "";

	if (strcmp(text, "false") == 0)
		snprintf(d->im->listen, sizeof(d->im->listen), "off");
	else if (strlen(text) >= sizeof(d->im->listen) ||
		 addr_parse(slice_str(text), &parsed) != NULL)
		import_warn(d, n, "left out: this is no address");
	else
		snprintf(d->im->listen, sizeof(d->im->listen), "%s", text);
}

static void
one(struct import *im, const struct yamldoc_node *n, const char *label)
{
	struct draft d;

	draft_init(&d, im, n, label);
	if (n->kind != YAMLDOC_MAP)
		import_refuse(&d, n, "a mapping is wanted");
	else
		import_rows(&d, tunnel_rows, n);
	draft_end(&d);
}

void
import_ngrok(struct import *im, const struct yamldoc_node *root)
{
	const struct yamldoc_node *tunnels = import_child(root, "tunnels"),
				  *endpoints = import_child(root, "endpoints"), *name;
	struct draft top;

	draft_init(&top, im, NULL, NULL);
	import_rows(&top, agent_rows, root);
	buf_put(&im->yml, buf_slice(&top.comments));
	buf_fini(&top.comments);
	buf_fini(&top.allow);
	buf_fini(&top.deny);
	if (im->listen[0] != '\0') {
		buf_put(&im->yml, S("web:\n  listen: "));
		buf_json(&im->yml, slice_str(im->listen));
		buf_putc(&im->yml, '\n');
	}
	buf_put(&im->yml, S("tunnels:\n"));
	for (const struct yamldoc_node *n = tunnels != NULL ? tunnels->first : NULL; n != NULL;
	     n = n->next)
		one(im, n, n->key);
	for (const struct yamldoc_node *n = endpoints != NULL ? endpoints->first : NULL; n != NULL;
	     n = n->next) {
		name = import_child(n, "name");
		one(im, n, name != NULL && name->kind == YAMLDOC_SCALAR ? name->text : NULL);
	}
}
