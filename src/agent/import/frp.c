/* SPDX-License-Identifier: Apache-2.0 */
/* frpc.toml, and the same as YAML or JSON. */
#include "agent/import/import_private.h"

#include <stdio.h>

/* --- values of a proxy --- */

static void
take_type(struct draft *d, const struct yamldoc_node *n)
{
	const char *text = draft_text(d, n);

	if (strcmp(text, "http") == 0)
		d->kind = TUNNEL_HTTP;
	else if (strcmp(text, "tcp") == 0)
		d->kind = TUNNEL_TCP;
	else if (strcmp(text, "https") == 0)
		/* Without a plugin frp passes the visitor's TLS on, too. */
		d->kind = TUNNEL_TLS;
	else
		import_refuse(d, n, "adit has http, tcp and tls");
}

static void
take_host(struct draft *d, const struct yamldoc_node *n)
{
	draft_host(d, n, draft_text(d, n));
}

static void
take_domains(struct draft *d, const struct yamldoc_node *list)
{
	if (list->kind != YAMLDOC_LIST) {
		import_refuse(d, list, "a list is wanted");
		return;
	}
	for (const struct yamldoc_node *n = list->first; n != NULL; n = n->next)
		if (n == list->first && d->name[0] == '\0')
			take_host(d, n);
		else
			import_warn(d, n,
			    "left out: a tunnel has one name; adit domain add brings "
			    "further ones");
}

static void
take_port(struct draft *d, const struct yamldoc_node *n)
{
	draft_port(d, n, draft_text(d, n));
}

static void
take_host_header(struct draft *d, const struct yamldoc_node *n)
{
	snprintf(d->origin_host, sizeof(d->origin_host), "%s", draft_text(d, n));
}

static void
take_user(struct draft *d, const struct yamldoc_node *n)
{
	const struct yamldoc_node *password = import_child(d->node, "httpPassword");

	if (!import_nothing(n))
		draft_user(d, n, draft_text(d, n), password != NULL ? draft_text(d, password) : "");
}

/* Without a name frp asks for an empty one. */
static void
take_password(struct draft *d, const struct yamldoc_node *n)
{
	const struct yamldoc_node *user = import_child(d->node, "httpUser");

	if (!import_nothing(n) && (user == NULL || import_nothing(user)))
		import_refuse(d, n, "httpUser is missing");
}

static void
take_locations(struct draft *d, const struct yamldoc_node *list)
{
	bool all = list->first == NULL;

	for (const struct yamldoc_node *n = list->first; n != NULL; n = n->next)
		all = all || (n->kind == YAMLDOC_SCALAR && strcmp(n->text, "/") == 0);
	for (const struct yamldoc_node *n = list->first; n != NULL && !all; n = n->next) {
		const char *text = draft_text(d, n);
		char path[256];

		if (text[0] != '/' || strlen(text) > sizeof(path) - 2 ||
		    strchr(text, '*') != NULL) {
			import_refuse(d, n, "a path that begins with / is wanted");
			continue;
		}
		snprintf(path, sizeof(path), "%s*", text);
		draft_add(d, n, "paths", path);
	}
}

static void
take_fields(struct draft *d, const struct yamldoc_node *map, const char *group)
{
	const struct yamldoc_node *set = import_child(map, "set");

	for (const struct yamldoc_node *n = set != NULL ? set->first : NULL; n != NULL; n = n->next)
		if (n->key != NULL)
			draft_header(d, n, group, n->key, draft_text(d, n));
	for (const struct yamldoc_node *n = map->first; n != NULL; n = n->next)
		if (n != set)
			import_refuse(d, n, "only set is known");
}

static void
take_request(struct draft *d, const struct yamldoc_node *n)
{
	take_fields(d, n, "request_headers");
}

static void
take_response(struct draft *d, const struct yamldoc_node *n)
{
	take_fields(d, n, "response_headers");
}

static void
take_proxy(struct draft *d, const struct yamldoc_node *n)
{
	const char *text = draft_text(d, n);

	if (strcmp(text, "v1") == 0 || strcmp(text, "v2") == 0)
		d->proxy_protocol = text[1] - '0';
	else if (!import_nothing(n))
		import_refuse(d, n, "v1 or v2 is wanted");
}

static void
take_enabled(struct draft *d, const struct yamldoc_node *n)
{
	d->skip = d->skip || !draft_true(n);
}

/* --- plugins --- */

static void
take_plugin_type(struct draft *d, const struct yamldoc_node *n)
{
	static const char *const ours[] = { "unix_domain_socket", "http2https", "http2http",
		"https2http", "https2https" };
	const char *text = draft_text(d, n);

	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		if (strcmp(ours[i], text) == 0) {
			d->plugin = ours[i];
			return;
		}
	import_refuse(d, n, "adit has no such plugin");
}

static void
take_socket(struct draft *d, const struct yamldoc_node *n)
{
	char text[300];

	snprintf(text, sizeof(text), "unix:%.280s", draft_text(d, n));
	draft_origin(d, n, text);
}

static void
take_local(struct draft *d, const struct yamldoc_node *n)
{
	const struct yamldoc_node *type = import_child(n->parent, "type");
	const char *plugin = type != NULL && type->kind == YAMLDOC_SCALAR ? type->text : "";
	bool tls = strcmp(plugin, "http2https") == 0 || strcmp(plugin, "https2https") == 0;
	char text[300];

	snprintf(text, sizeof(text), "%s%.280s", tls ? "https://" : "http://", draft_text(d, n));
	draft_origin(d, n, text);
	if (tls) {
		d->origin_insecure = true;
		import_warn(d, n,
		    "any certificate of it is taken, as frp does; origin_ca is better");
	}
}

/* clang-format off */
#define EDGE_TLS "the edge has a certificate for the name, and ends TLS"
static const struct import_row plugin_rows[] = {
	{ "type", IMPORT_TAKE, .take = take_plugin_type },
	{ "localAddr", IMPORT_TAKE, .take = take_local },
	{ "unixPath", IMPORT_TAKE, .take = take_socket },
	{ "hostHeaderRewrite", IMPORT_TAKE, .take = take_host_header },
	{ "requestHeaders", IMPORT_TAKE, .take = take_request },
	{ "crtPath", IMPORT_DROP, EDGE_TLS },
	{ "keyPath", IMPORT_DROP, EDGE_TLS },
	{ "enableHTTP2", IMPORT_SAME },
	{ NULL },
};

#define OWN_TLS "a link of adit is TLS always"
static const struct import_row transport_rows[] = {
	{ "useEncryption", IMPORT_SAME }, /* a link is TLS always */
	{ "useCompression", IMPORT_DROP, "adit passes bodies on as they are" },
	{ "bandwidthLimit", IMPORT_DROP, "see rate in adit-policy(5), which counts requests" },
	{ "bandwidthLimitMode", IMPORT_DROP, "see rate in adit-policy(5), which counts requests" },
	{ "proxyProtocolVersion", IMPORT_TAKE, .take = take_proxy },
	{ NULL },
};

static const struct import_row proxy_rows[] = {
	{ "name", IMPORT_SAME },
	{ "type", IMPORT_TAKE, .take = take_type },
	{ "enabled", IMPORT_TAKE, .take = take_enabled },
	{ "localIP", IMPORT_SAME }, /* read together */
	{ "localPort", IMPORT_SAME },
	{ "remotePort", IMPORT_TAKE, .take = take_port },
	{ "subdomain", IMPORT_TAKE, .take = take_host },
	{ "customDomains", IMPORT_TAKE, .take = take_domains },
	{ "httpUser", IMPORT_TAKE, .take = take_user },
	{ "httpPassword", IMPORT_TAKE, .take = take_password },
	{ "hostHeaderRewrite", IMPORT_TAKE, .take = take_host_header },
	{ "requestHeaders", IMPORT_TAKE, .take = take_request },
	{ "responseHeaders", IMPORT_TAKE, .take = take_response },
	{ "locations", IMPORT_TAKE, .take = take_locations },
	{ "transport", IMPORT_INTO, .rows = transport_rows },
	{ "plugin", IMPORT_INTO, .rows = plugin_rows },
	{ "routeByHTTPUser", IMPORT_GUARD, "a name of adit leads to one tunnel, whoever asks" },
	{ "secretKey", IMPORT_GUARD, "every tunnel of adit is public" },
	{ "allowUsers", IMPORT_GUARD, "every tunnel of adit is public" },
	{ "multiplexer", IMPORT_GUARD, "adit has http, tcp and tls" },
	{ "loadBalancer", IMPORT_DROP, "a name has one agent at a time" },
	{ "healthCheck", IMPORT_DROP, "the edge looks by itself whether a tunnel works" },
	{ "metadatas", IMPORT_DROP, "it belongs to plugins of frps" },
	{ "annotations", IMPORT_DROP, "it belongs to frp's dashboard" },
	{ NULL },
};

static const struct import_row top_rows[] = {
	{ "proxies", IMPORT_SAME }, /* read one by one, as the next two */
	{ "visitors", IMPORT_SAME },
	{ "start", IMPORT_SAME },
	{ "serverAddr", IMPORT_DROP, "the edge is that of adit login" },
	{ "serverPort", IMPORT_DROP, "the edge is that of adit login" },
	{ "auth", IMPORT_DROP, "a token of frps opens no other edge: adit login" },
	{ "user", IMPORT_DROP, "tunnels are called as they are" },
	{ "transport", IMPORT_DROP, OWN_TLS },
	{ "webServer", IMPORT_DROP, "see web in adit.yml(5)" },
	{ "log", IMPORT_DROP, "see --log of adit(1)" },
	{ "includes", IMPORT_DROP, "import those files one by one" },
	{ "loginFailExit", IMPORT_DROP, "adit tries again unless its token is wrong" },
	{ "dnsServer", IMPORT_DROP, "adit asks the system" },
	{ "natHoleStunServer", IMPORT_DROP, "adit makes no holes" },
	{ "udpPacketSize", IMPORT_DROP, "adit has no UDP" },
	{ "metadatas", IMPORT_DROP, "it belongs to plugins of frps" },
	{ "featureGates", IMPORT_DROP, "adit has none" },
	{ "virtualNet", IMPORT_DROP, "adit routes no networks" },
	{ "store", IMPORT_DROP, "tunnels that were added while frpc ran are not in this file" },
	{ NULL },
};
/* clang-format on */

static bool
is_started(const struct yamldoc_node *root, const char *name)
{
	const struct yamldoc_node *start = import_child(root, "start");

	if (start == NULL || start->first == NULL)
		return true;
	for (const struct yamldoc_node *n = start->first; n != NULL; n = n->next)
		if (n->kind == YAMLDOC_SCALAR && strcmp(n->text, name) == 0)
			return true;
	return false;
}

/* localIP and localPort, where no plugin has said it. */
static void
take_address(struct draft *d)
{
	const struct yamldoc_node *ip = import_child(d->node, "localIP"),
				  *port = import_child(d->node, "localPort");
	const char *host = ip != NULL && !import_nothing(ip) ? draft_text(d, ip) : "127.0.0.1";
	char text[300];

	if (d->plugin != NULL || port == NULL)
		return;
	snprintf(text, sizeof(text), strchr(host, ':') != NULL ? "[%.250s]:%.20s" : "%.250s:%.20s",
	    host, draft_text(d, port));
	draft_origin(d, port, text);
}

static void
one_proxy(struct import *im, const struct yamldoc_node *root, const struct yamldoc_node *n)
{
	const struct yamldoc_node *name = import_child(n, "name"), *type = import_child(n, "type");
	const char *label = name != NULL && name->kind == YAMLDOC_SCALAR ? name->text : NULL;
	struct draft d;

	draft_init(&d, im, n, label);
	if (n->kind != YAMLDOC_MAP) {
		import_refuse(&d, n, "a table is wanted");
		draft_end(&d);
		return;
	}
	import_rows(&d, proxy_rows, n);
	take_address(&d);
	if (type == NULL)
		import_refuse(&d, n, "type is missing");
	if (d.kind == TUNNEL_TLS && d.plugin != NULL) {
		d.kind = TUNNEL_HTTP;
		import_warn(&d, n, "kind http: " EDGE_TLS);
	}
	if (!is_started(root, label != NULL ? label : "")) {
		d.skip = true;
		import_warn(&d, n, "left out: start does not name it");
	}
	draft_end(&d);
}

void
import_frp(struct import *im, const struct yamldoc_node *root)
{
	const struct yamldoc_node *proxies = import_child(root, "proxies"),
				  *visitors = import_child(root, "visitors");
	struct draft d;

	draft_init(&d, im, NULL, NULL);
	import_rows(&d, top_rows, root);
	for (const struct yamldoc_node *n = visitors != NULL ? visitors->first : NULL; n != NULL;
	     n = n->next) {
		import_refuse(&d, n,
		    "a visitor of a private tunnel: every tunnel of adit is public");
		im->n_refused++;
	}
	buf_put(&im->yml, buf_slice(&d.comments));
	buf_fini(&d.comments);
	buf_fini(&d.allow);
	buf_fini(&d.deny);
	buf_put(&im->yml, S("tunnels:\n"));
	for (const struct yamldoc_node *n = proxies != NULL ? proxies->first : NULL; n != NULL;
	     n = n->next)
		one_proxy(im, root, n);
}
