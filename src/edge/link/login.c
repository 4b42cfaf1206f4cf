/* SPDX-License-Identifier: Apache-2.0 */
/* The login of a session: the token, then names and ports, then WELCOME. */
#include "edge/link/login.h"

#include "base/clock.h"
#include "edge/link/links.h"
#include "edge/core/vault.h"
#include "edge/link/login_policy.h"
#include "edge/tcp/tcp_port.h"
#include "edge/link/health.h"
#include "edge/link/stored_policy.h"
#include "http/reserved.h"
#include "http/url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define PORT_TRIES 8
#define RETRY_BUSY_MS 5000

/* One request to the store, for the token or for tunnel `index` of the HELLO. */
struct login_claim {
	struct errand errand;
	struct store_req req;
	struct session *session;
	size_t index;
	int tries;
	int fd;              /* TCP: the listening socket, until it is bound; -1 */
	struct policy *read; /* what the HELLO brings; NULL: none */
	struct buf policy;   /* sealed */
	bool release; /* the port is not free here: it is given back, then another is claimed */
};

struct session_login {
	struct hello hello;
	size_t pending;
	struct login_claim *claims; /* of the tunnels */
	struct login_claim token;
};

static void
login_free(struct session *s)
{
	struct session_login *l = s->login;

	s->login = NULL;
	if (l == NULL)
		return;
	store_req_fini(&l->token.req);
	for (size_t i = 0; l->claims != NULL && i < l->hello.n_tunnels; i++) {
		store_req_fini(&l->claims[i].req);
		policy_unref(l->claims[i].read);
		buf_fini(&l->claims[i].policy);
		if (l->claims[i].fd >= 0)
			loop_close(l->claims[i].fd);
	}
	hello_wipe(&l->hello);
	free(l->claims);
	free(l);
}

bool
login_abandon(struct session *s)
{
	if (s->login != NULL && s->login->pending > 0)
		return true;
	login_free(s);
	return false;
}

static void
submit(struct session *s, struct login_claim *c, void (*done)(struct store_req *),
    void (*back)(struct errand *))
{
	c->session = s;
	s->login->pending++;
	errand_store(&c->errand, &s->worker->errands, s->worker->edge->store, &c->req, done, back);
}

/* --- names and ports --- */

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

/* It is decided who serves the names that were claimed here: their policies are to be stored. */
static void
settle_policies(struct session *s)
{
	struct session_login *l = s->login;

	for (size_t i = 0; l->claims != NULL && i < l->hello.n_tunnels; i++)
		if (l->hello.tunnels[i].kind == TUNNEL_HTTP && l->claims[i].req.name[0] != '\0')
			stored_policy_look(s->worker, l->claims[i].req.name);
}

/* An answer of the store has come. False when the session is over, and perhaps freed. */
static bool
arrived(struct session *s)
{
	bool over = s->state == SESSION_OVER;

	check(s->login != NULL && s->login->pending > 0);
	s->login->pending--;
	if (over && s->login->pending == 0) {
		settle_policies(s);
		login_free(s);
		session_free(s);
	}
	return !over;
}

static void
welcome(struct session *s)
{
	struct session_login *l = s->login;
	struct hello *h = &l->hello;
	struct buf out;
	bool probe = h->probe;

	s->tunnels = calloc(h->n_tunnels + 1, sizeof(*s->tunnels));
	if (s->tunnels == NULL) {
		session_refuse(s, LINK_CODE_BUSY, "memory", "the edge is out of memory",
		    RETRY_BUSY_MS);
		return;
	}
	session_move(s, SESSION_UP);
	for (size_t i = 0; i < h->n_tunnels; i++)
		if (h->tunnels[i].error[0] == '\0' &&
		    (l->claims[i].read == NULL ||
			login_fan_out(s, NULL, &h->tunnels[i], l->claims[i].read))) {
			session_bind(s, &h->tunnels[i], l->claims[i].read, l->claims[i].fd);
			l->claims[i].fd = -1;
			h->tunnels[i].probe = probe && h->tunnels[i].kind == TUNNEL_HTTP &&
					      h->tunnels[i].error[0] == '\0';
		}
	settle_policies(s);
	explicit_bzero(h->token, sizeof(h->token));
	h->type = HELLO_WELCOME;
	h->protocol = h->protocol < LINK_PROTOCOL ? h->protocol : LINK_PROTOCOL;
	h->generation = s->self.generation;
	snprintf(h->program, sizeof(h->program), "aditd/" ADIT_VERSION);
	snprintf(h->account, sizeof(h->account), "%s", s->account);
	buf_init(&out, LIMIT_CONTROL_BYTES);
	hello_encode(h, &out);
	if (out.failed)
		session_close(s, LINK_CODE_INTERNAL, "the welcome is too large");
	else
		carrier_control(&s->carrier, buf_slice(&out));
	buf_fini(&out);
	login_free(s);
	if (probe)
		health_session(s);
	session_watch_token(s);
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
	    directory_load(e->directory, slice_str(req->name), slice_str(req->account), false) != 0)
		req->result = STORE_FULL;
	if (req->op == STORE_NAME_CLAIM && req->result == STORE_OK && req->set_policy)
		directory_stored(e->directory, slice_str(req->name),
		    c->read == NULL ? none : slice_str(c->read->json));
	errand_end(&c->errand);
}

static void
submit_port(struct session *s, struct login_claim *c)
{
	struct settings *set = s->worker->settings;

	c->release = false;
	c->req.op = STORE_PORT_CLAIM;
	c->req.port = s->login->hello.tunnels[c->index].port;
	c->req.port_min = (uint16_t)set->port_min;
	c->req.port_max = (uint16_t)set->port_max;
	c->req.per_account_max = (uint32_t)set->limits.ports_per_account;
	submit(s, c, follow, on_claimed);
}

/* The kept or random port is in use by another program here: another one. */
static void
submit_port_release(struct session *s, struct login_claim *c)
{
	c->release = true;
	c->req.op = STORE_PORT_RELEASE;
	submit(s, c, follow, on_claimed);
}

/* Listens on the port that the store gave. False: another request was submitted. */
static bool
try_port(struct session *s, struct login_claim *c, struct hello_tunnel *h)
{
	int error;

	c->fd = tcp_port_listen(s->worker, c->req.port);
	if (c->fd >= 0) {
		h->port = c->req.port;
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

	if (!arrived(s))
		return;
	h = &s->login->hello.tunnels[c->index];
	if (c->release) {
		submit_port(s, c);
		return;
	}
	if (c->req.result != STORE_OK) {
		refuse_result(h, c->req.result);
	} else if (h->kind == TUNNEL_HTTP && !c->req.set_policy) {
		add_policy(s, c, h);
		submit(s, c, follow, on_claimed);
		return;
	} else if (h->kind == TUNNEL_HTTP) {
		snprintf(h->name, sizeof(h->name), "%s", c->req.name);
	} else if (!try_port(s, c, h)) {
		return;
	}
	if (s->login->pending == 0)
		welcome(s);
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

static bool
is_id_twice(const struct hello *h, size_t i)
{
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

	req->set_policy = req->name[0] != '\0';
	if (!req->set_policy || h->policy == NULL)
		return;
	buf_init(&c->policy, 2 * LIMIT_POLICY_BYTES);
	vault_seal(s->worker->edge->vault, slice_str(req->name), slice_str(h->policy), &c->policy);
	req->policy = buf_slice(&c->policy);
}

/*
 * The name is this account's, with this very policy: the store has nothing to write.  An agent that
 * comes back costs no commit then, and a full disk does not keep it away from what waits for it.
 */
static bool
is_stored(struct session *s, const char *name, const struct hello_tunnel *h)
{
	char account[sizeof(((struct route *)0)->account)] = "";
	struct policy *p = directory_policy(s->worker->edge->directory, slice_str(name), account);
	bool same = strcmp(account, s->account) == 0 && (p == NULL) == (h->policy == NULL) &&
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
	c->read = login_policy(s, &s->login->hello, h, c->req.name);
	return c->read != NULL;
}

static void
claim(struct session *s, size_t i)
{
	struct session_login *l = s->login;
	struct hello_tunnel *h = &l->hello.tunnels[i];
	struct login_claim *c = &l->claims[i];
	const char *why = NULL;
	unsigned at;

	h->error[0] = h->url[0] = '\0';
	c->index = i;
	snprintf(c->req.account, sizeof(c->req.account), "%s", s->account);
	key_of(h, c->req.key, sizeof(c->req.key));
	if (is_id_twice(&l->hello, i)) {
		refuse_tunnel(h, "id-twice", "the agent gave two tunnels the same number");
		return;
	}
	switch (h->kind) {
	case TUNNEL_HTTP:
		if (h->name[0] != '\0')
			why = url_name(slice_str(h->name), c->req.name, sizeof(c->req.name));
		if (why != NULL) {
			refuse_tunnel(h, "bad-name", why);
			return;
		}
		/* The store would give it back to its owner: that is for `aditd name
		 * reserve`, not for agents. */
		if (directory_find(s->worker->edge->directory, slice_str(c->req.name), &at) ==
		    DIRECTORY_RELEASED) {
			login_refuse_released(h);
			return;
		}
		if (!check_reserved(s, h, c->req.name) || !read_policy(s, c, h))
			return;
		if (is_stored(s, c->req.name, h)) {
			snprintf(h->name, sizeof(h->name), "%s", c->req.name);
			return;
		}
		c->req.op = STORE_NAME_CLAIM;
		add_policy(s, c, h);
		if (c->policy.failed) {
			refuse_tunnel(h, "memory", "the edge is out of memory");
			return;
		}
		c->req.per_account_max = (uint32_t)s->worker->settings->limits.names_per_account;
		submit(s, c, follow, on_claimed);
		return;
	case TUNNEL_TCP:
		if (read_policy(s, c, h))
			submit_port(s, c);
		return;
	case TUNNEL_TLS:
		refuse_tunnel(h, "unsupported", "this edge does not pass TLS through yet");
		return;
	}
}

/* --- the token --- */

static void
refuse_token(struct session *s, const char *code, const char *text)
{
	if (s->has_source)
		guard_failed(s->worker->edge->guard, &s->source, loop_now_us(s->worker->loop));
	session_refuse(s, LINK_CODE_REVOKED, code, text, 0);
}

static void
on_token(struct errand *e)
{
	struct login_claim *c = list_of(e, struct login_claim, errand);
	struct session *s = c->session;
	struct session_login *l = s->login;

	if (!arrived(s))
		return;
	switch (c->req.result) {
	case STORE_OK:
		break;
	case STORE_REVOKED:
		refuse_token(s, "token-revoked", "this token was revoked or has expired");
		return;
	case STORE_FULL:
	case STORE_DAMAGED:
		session_refuse(s, LINK_CODE_BUSY, "store-damaged",
		    "the edge's database is damaged where this token or its account stands: its "
		    "operator sees it in aditd status",
		    RETRY_BUSY_MS);
		return;
	case STORE_BROKEN:
	case STORE_UNSURE:
		session_refuse(s, LINK_CODE_BUSY, "store", "the edge cannot use its store now",
		    RETRY_BUSY_MS);
		return;
	default:
		refuse_token(s, "bad-token", "this edge does not know this token");
		return;
	}
	session_move(s, SESSION_CLAIM);
	s->expires_ms = c->req.expires_ms;
	snprintf(s->account, sizeof(s->account), "%s", c->req.account);
	snprintf(s->token_id, sizeof(s->token_id), "%s", c->req.token_id);
	if (!links_know(s)) {
		session_refuse(s, LINK_CODE_BUSY, "too-many-links",
		    "this account has as many links to this edge as it may", RETRY_BUSY_MS);
		return;
	}
	l->claims = calloc(l->hello.n_tunnels + 1, sizeof(*l->claims));
	if (l->claims == NULL) {
		session_refuse(s, LINK_CODE_BUSY, "memory", "the edge is out of memory",
		    RETRY_BUSY_MS);
		return;
	}
	for (size_t i = 0; i < l->hello.n_tunnels; i++)
		l->claims[i].fd = -1;
	for (size_t i = 0; i < l->hello.n_tunnels; i++)
		claim(s, i);
	if (l->pending == 0)
		welcome(s);
}

/* --- HELLO --- */

/* NULL, or why this HELLO is refused. */
static const char *
look_at_hello(struct session *s, struct slice json)
{
	struct session_login *l = s->login;
	const char *why;

	if (!hello_decode(json, &l->hello, &why))
		return why;
	if (l->hello.type != HELLO_HELLO)
		return "the first message of an agent must be a HELLO";
	return l->hello.protocol < 1 ? "the edge does not speak this version of the protocol"
				     : NULL;
}

void
login_hello(struct session *s, struct slice json)
{
	struct session_login *l = s->login = calloc(1, sizeof(*l));
	const char *why;
	uint32_t wait_ms = 0;

	if (l == NULL) {
		session_close(s, LINK_CODE_BUSY, "out of memory");
		return;
	}
	why = look_at_hello(s, json);
	if (why != NULL) {
		session_refuse(s, LINK_CODE_PROTOCOL, "bad-hello", why, 0);
		return;
	}
	if (s->has_source)
		wait_ms =
		    guard_wait_ms(s->worker->edge->guard, &s->source, loop_now_us(s->worker->loop));
	if (wait_ms > 0) {
		session_refuse(s, LINK_CODE_BUSY, "too-many-failures",
		    "too many bad tokens came from this address; wait a minute", wait_ms);
		return;
	}
	if (!store_token_ok(slice_str(l->hello.token))) {
		refuse_token(s, "bad-token", "this is not a token of an adit edge");
		return;
	}
	snprintf(s->program, sizeof(s->program), "%s", l->hello.program);
	s->self.born_us = clock_mono_us() - (int64_t)l->hello.age_ms * 1000;
	memcpy(s->self.instance, l->hello.instance, sizeof(s->self.instance));
	snprintf(s->self.who, sizeof(s->self.who), "%.59s%s%s", l->hello.host,
	    l->hello.host[0] != '\0' ? " at " : "", s->peer);
	session_move(s, SESSION_LOGIN);
	l->token.req.op = STORE_LOGIN;
	snprintf(l->token.req.token, sizeof(l->token.req.token), "%s", l->hello.token);
	submit(s, &l->token, NULL, on_token);
}
