/* SPDX-License-Identifier: Apache-2.0 */
/* Who may ask what (guard.h): judges, and answers nothing itself. */
#include "web/guard.h"

#include "http/url.h"
#include "web/web_private.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <unistd.h>

#define TOKEN_BYTES_MIN 16

static char *
copy(const char *z, bool *failed)
{
	char *p = z == NULL ? NULL : strdup(z);

	*failed |= z != NULL && p == NULL;
	return p;
}

int
web_guard_init(struct web_server *s)
{
	struct web_rules *rules = &s->config.rules;
	bool failed = false;

	check(rules->token == NULL ||
	      strlen(rules->token) >= TOKEN_BYTES_MIN); /* ours, not a person's */
	s->token = copy(rules->token, &failed);
	s->token_todo = copy(rules->token_todo, &failed);
	s->host_todo = copy(rules->host_todo, &failed);
	s->hosts = calloc(rules->n_hosts + 1, sizeof(*s->hosts));
	if (failed || s->hosts == NULL)
		return -1;
	/* What is no host fits none: whoever reads the configuration says so. */
	for (size_t i = 0; i < rules->n_hosts; i++)
		if (!url_authority(slice_str(rules->hosts[i]), s->hosts[i].name,
			sizeof(s->hosts[i].name), &s->hosts[i].port))
			s->hosts[i].name[0] = '\0';
	return 0;
}

void
web_guard_fini(struct web_server *s)
{
	if (s->token != NULL)
		OPENSSL_cleanse(s->token, strlen(s->token));
	free(s->token);
	free(s->token_todo);
	free(s->host_todo);
	free(s->hosts);
}

bool
web_same_token(struct slice a, struct slice b)
{
	return a.n == b.n && a.n > 0 && CRYPTO_memcmp(a.p, b.p, a.n) == 0;
}

/* --- the name that was asked for --- */

static bool
is_loopback_name(const char *host)
{
	return strcmp(host, "127.0.0.1") == 0 || strcmp(host, "localhost") == 0 ||
	       strcmp(host, "[::1]") == 0;
}

static bool
is_our_host(const struct web_client *c, struct slice authority)
{
	const struct web_server *s = c->server;
	char host[URL_HOST_BYTES];
	uint16_t port;

	if (!url_authority(authority, host, sizeof(host), &port))
		return false;
	/* No browser reaches a Unix socket, and curl names any port. */
	if (is_loopback_name(host) && (c->port == 0 || (port == 0 ? 80 : port) == c->port))
		return true;
	for (size_t i = 0; i < s->config.rules.n_hosts; i++)
		if (strcmp(host, s->hosts[i].name) == 0 &&
		    (s->hosts[i].port == 0 || s->hosts[i].port == port))
			return true;
	return false;
}

static bool
is_ours(const struct web_peer *peer)
{
	return peer->known && (peer->uid == geteuid() || peer->uid == 0);
}

bool
web_guard_is_foreign(const struct web_client *c)
{
	return c->server->config.rules.peers == WEB_PEERS_OURS && c->peer.known &&
	       !is_ours(&c->peer);
}

enum web_refusal
web_guard_door(const struct web_client *c)
{
	if (!is_our_host(c, c->request.host))
		return WEB_FOREIGN_HOST;
	return web_guard_is_foreign(c) ? WEB_FOREIGN_USER : WEB_PASSED;
}

/* --- the page that asks --- */

/*
 * Ours is the one of the same Host, which is on the list.  By https where a proxy of the user's has TLS
 * in front of us; nothing else can have this host and port.
 */
static bool
is_our_origin(struct slice origin, struct slice host)
{
	static const struct slice schemes[] = { { "http://", 7 }, { "https://", 8 } };

	for (size_t i = 0; i < 2; i++)
		if (slice_starts(origin, schemes[i]) &&
		    slice_ieq(slice_from(origin, schemes[i].n), host))
			return true;
	return false;
}

/* Each field of these names has to be fine: two of them are no way around. */
static bool
is_our_page(const struct web_client *c)
{
	struct slice head = slice_head(buf_slice(&c->in), c->h1.head.n_bytes);
	const struct h1_field *f;

	for (size_t at = 0; (f = h1_find(&c->h1.head, head, S("Origin"), &at)) != NULL;)
		if (!is_our_origin(web_field_text(c, f), c->request.host))
			return false;
	for (size_t at = 0; (f = h1_find(&c->h1.head, head, S("Sec-Fetch-Site"), &at)) != NULL;)
		if (!slice_eq(web_field_text(c, f), S("same-origin")) &&
		    !slice_eq(web_field_text(c, f), S("none")))
			return false;
	return true;
}

/* --- who asks --- */

enum web_verdict
web_authorize(const struct web_request *r, enum web_right right)
{
	const struct web_server *s = web_client_of(r)->server;
	struct slice sent = web_bearer(r);

	(void)right; /* whoever may read may change: it is one user */
	if (s->config.rules.peers == WEB_PEERS_OURS && is_ours(r->peer))
		return WEB_YES;
	return s->token != NULL && web_same_token(sent, slice_str(s->token)) ? WEB_YES : WEB_ASK;
}

enum web_refusal
web_guard_route(const struct web_client *c, const struct web_route *route)
{
	const struct web_rules *rules = &c->server->config.rules;
	enum web_right right = route == NULL ? WEB_OPEN : route->right;
	bool reads =
	    slice_eq(c->request.method, S("GET")) || slice_eq(c->request.method, S("HEAD"));
	enum web_verdict verdict;

	if ((!reads || right != WEB_OPEN) && !is_our_page(c))
		return WEB_FOREIGN_PAGE;
	if (right == WEB_OPEN)
		return WEB_PASSED;
	verdict = (rules->authorize != NULL ? rules->authorize : web_authorize)(&c->request, right);
	if (verdict == WEB_ASK)
		return WEB_UNKNOWN_USER;
	return verdict == WEB_YES ? WEB_PASSED : WEB_FORBIDDEN;
}
