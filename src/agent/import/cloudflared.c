/* SPDX-License-Identifier: Apache-2.0 */
/* cloudflared's config.yml: rules of ingress, the last of which takes what is left. */
#include "agent/import/import_private.h"

#include <ctype.h>
#include <stdio.h>

/* --- originRequest --- */

static void
take_host_header(struct draft *d, const struct yamldoc_node *n)
{
	snprintf(d->origin_host, sizeof(d->origin_host), "%s", draft_text(d, n));
}

static void
take_ca(struct draft *d, const struct yamldoc_node *n)
{
	snprintf(d->origin_ca, sizeof(d->origin_ca), "%s", draft_text(d, n));
}

static void
take_no_verify(struct draft *d, const struct yamldoc_node *n)
{
	d->origin_insecure = draft_true(n);
}

static void
take_server_name(struct draft *d, const struct yamldoc_node *n)
{
	if (d->origin_host[0] == '\0')
		snprintf(d->origin_host, sizeof(d->origin_host), "%s", draft_text(d, n));
	import_warn(d, n, "the local server is sent this name as Host, too");
}

#define TIMES "adit has waits of its own, see origin_silent in adit.yml(5)"
/* clang-format off */
static const struct import_row origin_rows[] = {
	{ "httpHostHeader", IMPORT_TAKE, .take = take_host_header },
	{ "originServerName", IMPORT_TAKE, .take = take_server_name },
	{ "caPool", IMPORT_TAKE, .take = take_ca },
	{ "noTLSVerify", IMPORT_TAKE, .take = take_no_verify },
	{ "access", IMPORT_GUARD, "it asks for a login of Cloudflare Access, which adit cannot: user_file, allow or a proxy with one" },
	{ "ipRules", IMPORT_GUARD, "rules for addresses behind a proxy are not for tunnels of adit" },
	{ "connectTimeout", IMPORT_DROP, TIMES },
	{ "tlsTimeout", IMPORT_DROP, TIMES },
	{ "tcpKeepAlive", IMPORT_DROP, TIMES },
	{ "keepAliveTimeout", IMPORT_DROP, TIMES },
	{ "keepAliveConnections", IMPORT_DROP, "adit has limits of its own" },
	{ "noHappyEyeballs", IMPORT_DROP, "a name of this machine is tried by both kinds of address" },
	{ "disableChunkedEncoding", IMPORT_DROP, "adit sends a length where it knows one" },
	{ "http2Origin", IMPORT_DROP, "write the origin as h2:// for HTTP/2" },
	{ "matchSNItoHost", IMPORT_DROP, "adit sends the name of origin_host" },
	{ "bastionMode", IMPORT_GUARD, "what it leads to is chosen by the visitor, which adit never lets him" },
	{ "proxyAddress", IMPORT_DROP, "adit is no proxy" },
	{ "proxyPort", IMPORT_DROP, "adit is no proxy" },
	{ "proxyType", IMPORT_DROP, "adit is no proxy" },
	{ NULL },
};

static const struct import_row top_rows[] = {
	{ "ingress", IMPORT_SAME }, /* read one by one, as the next two */
	{ "url", IMPORT_SAME },
	{ "originRequest", IMPORT_SAME },
	{ "tunnel", IMPORT_DROP, "a tunnel of Cloudflare's is known to no other edge: adit login" },
	{ "credentials-file", IMPORT_DROP, "keys of Cloudflare's open no other edge: adit login" },
	{ "token", IMPORT_DROP, "keys of Cloudflare's open no other edge: adit login" },
	{ "origincert", IMPORT_DROP, "keys of Cloudflare's open no other edge: adit login" },
	{ "protocol", IMPORT_DROP, "a link is TLS on TCP" },
	{ "region", IMPORT_DROP, "the edge stands where yours stands" },
	{ "edge-ip-version", IMPORT_DROP, "adit takes the address that answers" },
	{ "metrics", IMPORT_DROP, "they are at /metrics of the web interface" },
	{ "warp-routing", IMPORT_DROP, "adit routes no networks" },
	{ "loglevel", IMPORT_DROP, "see --log-level of adit(1)" },
	{ "logfile", IMPORT_DROP, "see --log of adit(1)" },
	{ "log-directory", IMPORT_DROP, "see --log of adit(1)" },
	{ "no-autoupdate", IMPORT_DROP, "adit does not update itself" },
	{ "autoupdate-freq", IMPORT_DROP, "adit does not update itself" },
	{ "grace-period", IMPORT_DROP, "adit has waits of its own" },
	{ "retries", IMPORT_DROP, "adit tries until it is stopped" },
	{ "tag", IMPORT_DROP, "it belongs to Cloudflare" },
	{ NULL },
};
/* clang-format on */

/* --- rules --- */

static void
take_host(struct draft *d, const struct yamldoc_node *n)
{
	draft_host(d, n, draft_text(d, n));
}

/*
 * A regular expression that is looked for anywhere in the path. adit knows whole paths and how they
 * begin: never wider than what was there, and said where it is narrower.
 */
static void
take_path(struct draft *d, const struct yamldoc_node *n)
{
	const char *text = draft_text(d, n);
	bool anchored = text[0] == '^', whole = false;
	struct slice s = slice_str(text + (anchored ? 1 : 0));
	char path[256];

	if (slice_ends(s, S("$"))) {
		whole = true;
		s.n--;
	} else if (slice_ends(s, S(".*"))) {
		s.n -= 2;
	}
	for (size_t i = 0; i < s.n; i++)
		if (!isalnum((unsigned char)s.p[i]) && strchr("/_-", s.p[i]) == NULL) {
			import_refuse(d, n,
			    "adit compares how a path begins, and knows no regular "
			    "expressions");
			return;
		}
	if (s.n == 0 || s.p[0] != '/' || s.n > sizeof(path) - 2) {
		import_refuse(d, n, "a path that begins with / is wanted");
		return;
	}
	if (!anchored)
		import_warn(d, n, "only paths that begin so come through, not those that hold it");
	snprintf(path, sizeof(path), "%.*s%s", PS(s), whole ? "" : "*");
	draft_add(d, n, "paths", path);
}

static bool
is_tcp(const char *service)
{
	static const char *const schemes[] = { "tcp://", "ssh://", "rdp://", "smb://" };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
		if (strncmp(service, schemes[i], strlen(schemes[i])) == 0)
			return true;
	return false;
}

static void
take_service(struct draft *d, const struct yamldoc_node *n)
{
	const char *text = draft_text(d, n);

	if (strncmp(text, "http_status:", 12) == 0 || strcmp(text, "hello_world") == 0 ||
	    strcmp(text, "bastion") == 0 || strncmp(text, "socks", 5) == 0) {
		import_refuse(d, n, "there is no local server behind it");
	} else if (is_tcp(text)) {
		d->kind = TUNNEL_TCP;
		draft_origin(d, n, text + 6);
		import_warn(d, n,
		    "it gets a public port, which everybody can connect to without "
		    "cloudflared");
	} else if (strncmp(text, "unix+tls:", 9) == 0) {
		import_refuse(d, n, "TLS on a Unix socket is not known");
	} else {
		draft_origin(d, n, text);
	}
}

static const struct import_row rule_rows[] = {
	{ "hostname", IMPORT_TAKE, .take = take_host },
	{ "service", IMPORT_TAKE, .take = take_service },
	{ "path", IMPORT_TAKE, .take = take_path },
	{ "originRequest", IMPORT_INTO, .rows = origin_rows },
	{ NULL },
};

/* What holds for all rules, and is not said by this one. Ends in what its own keys would do. */
static void
inherit(struct draft *d, const struct yamldoc_node *all, const struct yamldoc_node *own)
{
	for (const struct yamldoc_node *n = all != NULL ? all->first : NULL; n != NULL;
	     n = n->next) {
		struct yamldoc_node one,
		    map = { .kind = YAMLDOC_MAP, .line = n->line, .column = n->column };

		if (n->key == NULL || (own != NULL && import_child(own, n->key) != NULL))
			continue;
		one = *n;
		one.next = NULL;
		map.first = map.last = &one;
		import_rows(d, origin_rows, &map);
	}
}

/* The rule that answers what no other has taken. */
static bool
is_last_answer(const struct yamldoc_node *rule)
{
	const struct yamldoc_node *service = import_child(rule, "service");

	return rule->next == NULL && import_child(rule, "hostname") == NULL &&
	       import_child(rule, "path") == NULL && service != NULL &&
	       service->kind == YAMLDOC_SCALAR && strncmp(service->text, "http_status:", 12) == 0;
}

static void
one_rule(struct import *im, const struct yamldoc_node *root, const struct yamldoc_node *rule)
{
	struct draft d;

	draft_init(&d, im, rule, NULL);
	if (rule->kind != YAMLDOC_MAP) {
		import_refuse(&d, rule, "a mapping is wanted");
	} else {
		import_rows(&d, rule_rows, rule);
		inherit(&d, import_child(root, "originRequest"),
		    import_child(rule, "originRequest"));
		if (import_child(rule, "hostname") == NULL)
			import_refuse(&d, rule, "it has no hostname, and takes what others leave");
	}
	draft_end(&d);
}

void
import_cloudflared(struct import *im, const struct yamldoc_node *root)
{
	const struct yamldoc_node *rules = import_child(root, "ingress"),
				  *url = import_child(root, "url");
	struct draft d;

	draft_init(&d, im, NULL, NULL);
	import_rows(&d, top_rows, root);
	import_warn(&d, rules != NULL ? rules : root,
	    "what Cloudflare Access or its firewall keeps out is not in this file: look there, and "
	    "give such a tunnel allow or user_file");
	buf_put(&im->yml, buf_slice(&d.comments));
	buf_fini(&d.comments);
	buf_fini(&d.allow);
	buf_fini(&d.deny);
	buf_put(&im->yml, S("tunnels:\n"));
	if (url != NULL) {
		draft_init(&d, im, url, "web");
		take_service(&d, url);
		inherit(&d, import_child(root, "originRequest"), NULL);
		draft_end(&d);
	}
	for (const struct yamldoc_node *n = rules != NULL ? rules->first : NULL; n != NULL;
	     n = n->next)
		if (!is_last_answer(n))
			one_rule(im, root, n);
}
