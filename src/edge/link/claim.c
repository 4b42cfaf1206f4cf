/* SPDX-License-Identifier: Apache-2.0 */
/* The names and ports that a HELLO asks for: each is claimed at the store, or refused. */
#include "edge/link/login_private.h"

#include "edge/core/vault.h"
#include "edge/link/login_policy.h"
#include "edge/tcp/tcp_port.h"
#include "http/reserved.h"
#include "http/url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * Other programs of the host may have ports of the range; an agent that meets so many of
 * them in a row is told.
 */
#define PORT_TRIES 8

static const struct {
	enum store_result result;
	const char *code, *text;
} refusals[] = {
	{ STORE_TAKEN, "name-taken", "this name or port belongs to another account" },
	{ STORE_LIMIT, "limit",
	    "the account has as many names or ports as it may, or no port is free" },
	{ STORE_INVALID, "not-allowed", "this edge does not give out this name or port" },
	{ STORE_NONE, "account-gone", "the account does not exist any more" },
	{ STORE_FULL, "store-full", "the edge cannot write its store: its disk is full" },
	{ STORE_BROKEN, "store-broken", "the edge cannot use its store: see its log" },
	{ STORE_DAMAGED, "store-damaged",
	    "the edge's database is damaged where this name or port stands: its operator sees "
	    "it in aditd status" },
	{ STORE_UNSURE, "store-broken", "the edge cannot use its store: see its log" },
};

static void
refuse_tunnel(struct hello_tunnel *h, const char *code, const char *text)
{
	snprintf(h->error, sizeof(h->error), "%s", code);
	snprintf(h->text, sizeof(h->text), "%s", text);
}

void
login_refuse_released(struct hello_tunnel *h)
{
	char text[sizeof(h->text)];

	snprintf(text, sizeof(text),
	    "this name was released; no account can get it by asking. The operator can give it "
	    "back: aditd name reserve %.63s ACCOUNT",
	    h->name);
	refuse_tunnel(h, "name-released", text);
}

/* A result of the store that has no row is told in the store's own words. */
static void
refuse_result(struct hello_tunnel *h, enum store_result r)
{
	if (r == STORE_GONE)
		login_refuse_released(h);
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
		if (refusals[i].result == r)
			refuse_tunnel(h, refusals[i].code, refusals[i].text);
	if (h->error[0] == '\0')
		refuse_tunnel(h, "store", store_result_text(r));
}

static void on_claimed(struct errand *e);
static void add_policy(struct session *s, struct login_claim *c, const struct hello_tunnel *h);

/* On the store's thread, in the order of commits: what the directory knows of a
 * name follows the store. */
static void
follow(struct store_req *req)
{
	struct login_claim *c = list_of(req->owner, struct login_claim, errand);
	struct edge *e = c->session->worker->edge;
	struct slice none = { 0 };

	if (req->op == STORE_NAME_CLAIM && req->result == STORE_OK &&
	    directory_load(e->directory, slice_str(req->route.name), slice_str(req->account),
		false) != 0)
		req->result = STORE_FULL;
	if (req->op == STORE_NAME_CLAIM && req->result == STORE_OK && req->route.set_policy)
		directory_stored(e->directory, slice_str(req->route.name),
		    c->read == NULL ? none : slice_str(c->read->json), req->route.tls);
	errand_end(&c->errand);
}

/*
 * The port that the agent wishes, 0: any. The store gives the account the one that
 * it had before.
 */
static void
submit_port(struct session *s, struct login_claim *c)
{
	struct settings *set = s->worker->settings;

	c->release = false;
	c->req.op = STORE_PORT_CLAIM;
	c->req.route.port = s->login->hello.tunnels[c->index].port;
	c->req.route.port_min = (uint16_t)set->port_min;
	c->req.route.port_max = (uint16_t)set->port_max;
	c->req.route.per_account_max = (uint32_t)set->limits.ports_per_account;
	login_submit(s, c, follow, on_claimed);
}

/* The kept or random port is in use by another program here: another one. */
static void
submit_port_release(struct session *s, struct login_claim *c)
{
	c->release = true;
	c->req.op = STORE_PORT_RELEASE;
	login_submit(s, c, follow, on_claimed);
}

/* Listens on the port that the store gave. False: another request was submitted. */
static bool
try_port(struct session *s, struct login_claim *c, struct hello_tunnel *h)
{
	int error;

	check(h->kind == TUNNEL_TCP && c->fd < 0); /* a socket from an earlier try would be lost */
	c->fd = tcp_port_listen(s->worker, c->req.route.port);
	if (c->fd >= 0) {
		h->port = c->req.route.port;
		return true;
	}
	error = errno;
	if (error == EADDRINUSE && h->port == 0 && c->tries++ < PORT_TRIES) {
		submit_port_release(s, c);
		return false;
	}
	refuse_tunnel(h, "port-unavailable",
	    error == EACCES ? "the edge may not listen on this port"
			    : "another program of the edge's host listens on this port");
	return true;
}

static void
on_claimed(struct errand *e)
{
	struct login_claim *c = list_of(e, struct login_claim, errand);
	struct session *s = c->session;
	struct hello_tunnel *h;

	if (!login_arrived(s))
		return;
	/* The last of these answers leaves the state. */
	check(login_claims(s) && c->index < s->login->hello.n_tunnels);
	h = &s->login->hello.tunnels[c->index];
	if (c->release) {
		submit_port(s, c);
		return;
	}
	if (c->req.result != STORE_OK) {
		refuse_result(h, c->req.result);
	} else if (h->kind != TUNNEL_TCP && !c->req.route.set_policy) {
		add_policy(s, c, h);
		login_submit(s, c, follow, on_claimed);
		return;
	} else if (h->kind != TUNNEL_TCP) {
		snprintf(h->name, sizeof(h->name), "%s", c->req.route.name);
	} else if (!try_port(s, c, h)) {
		return;
	}
	/* The answers come in any order: the last one says welcome. */
	if (s->login->pending == 0)
		login_settled(s);
}

/* What a tunnel is kept for when it has no name: the agent's key, or its number. */
static void
key_of(const struct hello_tunnel *h, char *dst, size_t cap)
{
	if (h->key[0] != '\0')
		snprintf(dst, cap, "%s", h->key);
	else
		snprintf(dst, cap, "tunnel %u", h->id);
}

/* Streams name their tunnel by this number: two would make them go astray. */
static bool
is_id_twice(struct session *s, const struct hello *h, size_t i)
{
	for (size_t j = 0; j < s->n_tunnels; j++)
		if (session_tunnel(s, j)->up && session_tunnel(s, j)->id == h->tunnels[i].id)
			return true;
	for (size_t j = 0; j < i; j++)
		if (h->tunnels[j].id == h->tunnels[i].id)
			return true;
	return false;
}

/*
 * The policy is stored with the name, before the tunnel is up.  It is bound to the name,
 * so a tunnel that has none yet gets its policy with a second claim, of the name that
 * the first one gave.
 */
static void
add_policy(struct session *s, struct login_claim *c, const struct hello_tunnel *h)
{
	struct store_req *req = &c->req;

	req->route.set_policy = req->route.name[0] != '\0';
	req->route.tls = h->kind == TUNNEL_TLS;
	if (!req->route.set_policy || h->policy == NULL)
		return;
	check(c->policy.p == NULL); /* once a claim: with its name, or when it has got one */
	buf_init(&c->policy, 2 * LIMIT_POLICY_BYTES);
	vault_seal(s->worker->edge->vault, slice_str(req->route.name), slice_str(h->policy),
	    &c->policy);
	req->route.policy = buf_slice(&c->policy);
}

/*
 * The name is this account's, of this kind and with this very policy: the store has nothing to write.  An agent that
 * comes back costs no commit then, and a full disk does not keep it away from what waits for it.
 */
static bool
is_stored(struct session *s, const char *name, const struct hello_tunnel *h)
{
	struct directory *d = s->worker->edge->directory;
	char account[sizeof(((struct route *)0)->account)] = "";
	struct policy *p = directory_policy(d, slice_str(name), account);
	bool same = strcmp(account, s->account) == 0 && (p == NULL) == (h->policy == NULL) &&
		    directory_is_tls(d, slice_str(name)) == (h->kind == TUNNEL_TLS) &&
		    (p == NULL || strcmp(p->json, h->policy) == 0);

	policy_unref(p);
	return same;
}

/* Reserved names are for accounts that the operator has given them to. */
static bool
check_reserved(struct session *s, struct hello_tunnel *h, const char *name)
{
	const char *why = reserved_why(slice_str(name));
	char text[sizeof(h->text)];
	unsigned at;

	/* The store says whether one that was given away is this account's. */
	if (why == NULL ||
	    directory_find(s->worker->edge->directory, slice_str(name), &at) != DIRECTORY_UNKNOWN)
		return true;
	snprintf(text, sizeof(text),
	    "this name is reserved (%s); the operator of the edge can give it to you: "
	    "aditd name reserve %s %.40s",
	    why, name, s->account);
	refuse_tunnel(h, "reserved-name", text);
	return false;
}

/* False: it is refused. */
static bool
read_policy(struct session *s, struct login_claim *c, struct hello_tunnel *h)
{
	if (h->policy == NULL)
		return true;
	c->read = login_policy(s, &s->login->hello, h, c->req.route.name);
	return c->read != NULL;
}

/* For the account that has the name alone: another one is told that it is taken. */
static bool
is_disabled(struct session *s, const char *name)
{
	struct directory *d = s->worker->edge->directory;
	unsigned at;

	return directory_find(d, slice_str(name), &at) == DIRECTORY_DISABLED &&
	       directory_owns(d, slice_str(name), slice_str(s->account));
}

static void
claim_name(struct session *s, struct login_claim *c, struct hello_tunnel *h)
{
	const char *why = NULL;
	unsigned at;

	if (h->name[0] != '\0')
		why = url_name(slice_str(h->name), c->req.route.name, sizeof(c->req.route.name));
	if (why != NULL) {
		refuse_tunnel(h, "bad-name", why);
		return;
	}
	/* The store would give it back to its owner, which only `aditd name reserve` may do. */
	if (directory_find(s->worker->edge->directory, slice_str(c->req.route.name), &at) ==
	    DIRECTORY_RELEASED) {
		login_refuse_released(h);
		return;
	}
	/* Before its policy is stored: that of the last link holds until the name is on again. */
	if (is_disabled(s, c->req.route.name)) {
		refuse_tunnel(h, "name-disabled", LOGIN_DISABLED_TEXT);
		return;
	}
	if (!check_reserved(s, h, c->req.route.name) || !read_policy(s, c, h))
		return;
	if (is_stored(s, c->req.route.name, h)) {
		snprintf(h->name, sizeof(h->name), "%s", c->req.route.name);
		return;
	}
	c->req.op = STORE_NAME_CLAIM;
	add_policy(s, c, h);
	if (c->policy.failed) {
		refuse_tunnel(h, "memory", "the edge is out of memory");
		return;
	}
	c->req.route.per_account_max = (uint32_t)s->worker->settings->limits.names_per_account;
	login_submit(s, c, follow, on_claimed);
}

void
claim_start(struct session *s, size_t i)
{
	struct session_login *l = s->login;
	struct hello_tunnel *h = &l->hello.tunnels[i];
	struct login_claim *c = &l->claims[i];

	check(login_claims(s) && i < l->hello.n_tunnels);
	h->error[0] = h->url[0] = '\0';
	c->index = i;
	snprintf(c->req.account, sizeof(c->req.account), "%s", s->account);
	key_of(h, c->req.route.key, sizeof(c->req.route.key));
	if (is_id_twice(s, &l->hello, i)) {
		refuse_tunnel(h, "id-twice", "the agent gave two tunnels the same number");
		return;
	}
	switch (h->kind) {
	case TUNNEL_HTTP:
	case TUNNEL_TLS:
		claim_name(s, c, h);
		return;
	case TUNNEL_TCP:
		if (read_policy(s, c, h))
			submit_port(s, c);
		return;
	}
}
