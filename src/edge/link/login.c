/* SPDX-License-Identifier: Apache-2.0 */
/* The login of a session: the token, then its claims, then WELCOME. */
#include "edge/link/login_private.h"

#include "base/clock.h"
#include "edge/core/activity.h"
#include "edge/link/bind.h"
#include "edge/link/health.h"
#include "edge/link/links.h"
#include "edge/link/login_policy.h"
#include "edge/link/stored_policy.h"

#include <stdio.h>
#include <stdlib.h>

#define RETRY_BUSY_MS 5000

/* The token is wiped, and sockets that no tunnel has taken are closed. */
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

/* pending: the session is kept until the answer is back, whatever becomes of its link. */
void
login_submit(struct session *s, struct login_claim *c, void (*done)(struct store_req *),
    void (*back)(struct errand *))
{
	check(s->state == SESSION_LOGIN || login_claims(s));
	c->session = s;
	s->login->pending++;
	errand_store(&c->errand, &s->worker->errands, s->worker->edge->store, &c->req, done, back);
}

/* It is decided who serves the names that were claimed here: their policies are to be stored. */
static void
settle_policies(struct session *s)
{
	struct session_login *l = s->login;

	for (size_t i = 0; l->claims != NULL && i < l->hello.n_tunnels; i++)
		if (l->hello.tunnels[i].kind != TUNNEL_TCP &&
		    l->claims[i].req.route.name[0] != '\0')
			stored_policy_look(s->worker, l->claims[i].req.route.name);
}

/* The last answer of a session that is over frees it: nobody else has a pointer to it. */
bool
login_arrived(struct session *s)
{
	/* Nothing comes up on a link that is being left. */
	bool over = s->state == SESSION_OVER, late = over || s->state == SESSION_LEAVING;

	check(s->login != NULL && s->login->pending > 0);
	s->login->pending--;
	if (late && s->login->pending == 0) {
		settle_policies(s);
		login_free(s);
		if (over)
			session_free(s);
	}
	return !late;
}

bool
login_claims(const struct session *s)
{
	return s->state == SESSION_CLAIM || s->state == SESSION_UP;
}

/* Those that were not refused come up. */
static void
bring_up(struct session *s)
{
	struct session_login *l = s->login;
	struct hello *h = &l->hello;

	for (size_t i = 0; i < h->n_tunnels; i++)
		if (h->tunnels[i].error[0] == '\0' &&
		    (l->claims[i].read == NULL ||
			login_fan_out(s, NULL, &h->tunnels[i], l->claims[i].read))) {
			bind_tunnel(s, &h->tunnels[i], l->claims[i].read, l->claims[i].fd);
			l->claims[i].fd = -1;
			h->tunnels[i].probe = s->probes && h->tunnels[i].kind == TUNNEL_HTTP &&
					      h->tunnels[i].error[0] == '\0';
		}
	settle_policies(s);
}

/* What was asked is the answer by now. */
static void
answer(struct session *s, enum hello_type type)
{
	struct buf out;

	s->login->hello.type = type;
	buf_init(&out, LIMIT_CONTROL_BYTES);
	hello_encode(&s->login->hello, &out);
	if (out.failed)
		session_close(s, LINK_CODE_INTERNAL, "the welcome is too large");
	else
		carrier_control(&s->carrier, buf_slice(&out));
	buf_fini(&out);
	login_free(s);
	if (s->probes && s->state == SESSION_UP)
		health_session(s);
}

/*
 * The HELLO becomes the WELCOME: each row of it has got its name, its URL or its
 * error by now.
 */
static void
welcome(struct session *s)
{
	struct session_login *l = s->login;
	struct hello *h = &l->hello;

	check(l->pending == 0 && s->tunnels == NULL);
	s->tunnels = calloc(h->n_tunnels + 1, sizeof(*s->tunnels));
	if (s->tunnels == NULL) {
		session_refuse(s, LINK_CODE_BUSY, "memory", "the edge is out of memory",
		    RETRY_BUSY_MS);
		return;
	}
	s->n_first = h->n_tunnels;
	s->probes = h->probe;
	s->binds = h->binds;
	session_move(s, SESSION_UP);
	/* Without memory the agent is told less, and that is all. */
	if (h->watch)
		s->activity = activity_new(&s->carrier, s->worker, s->account);
	bring_up(s);
	explicit_bzero(h->token, sizeof(h->token));
	s->carrier.trailers = h->trailers;
	h->trailers = h->binds = true;
	/* The older of the two is spoken. */
	h->protocol = h->protocol < LINK_PROTOCOL ? h->protocol : LINK_PROTOCOL;
	h->generation = s->self.generation;
	snprintf(h->program, sizeof(h->program), "aditd/" ADIT_VERSION);
	snprintf(h->account, sizeof(h->account), "%s", s->account);
	answer(s, HELLO_WELCOME);
	session_watch_token(s);
}

void
login_settled(struct session *s)
{
	if (s->state == SESSION_CLAIM) {
		welcome(s);
		return;
	}
	check(s->state == SESSION_UP);
	bring_up(s);
	answer(s, HELLO_BOUND);
}

/* Each of the tunnels is claimed. False without memory. */
static bool
claim_all(struct session *s)
{
	struct session_login *l = s->login;

	l->claims = calloc(l->hello.n_tunnels + 1, sizeof(*l->claims));
	if (l->claims == NULL)
		return false;
	for (size_t i = 0; i < l->hello.n_tunnels; i++)
		l->claims[i].fd = -1;
	for (size_t i = 0; i < l->hello.n_tunnels; i++)
		claim_start(s, i);
	if (l->pending == 0)
		login_settled(s);
	return true;
}

/* --- more tunnels --- */

void
login_bind(struct session *s, struct slice json)
{
	struct session_login *l;
	const char *why;

	check(s->state == SESSION_UP);
	if (s->login != NULL || !s->binds) {
		session_close(s, LINK_CODE_PROTOCOL,
		    s->binds ? "the agent did not wait for the answer to its bind"
			     : "the agent has not said that it knows bind");
		return;
	}
	l = s->login = calloc(1, sizeof(*l));
	if (l == NULL) {
		session_close(s, LINK_CODE_BUSY, "out of memory");
		return;
	}
	if (!hello_decode(json, &l->hello, &why)) {
		session_close(s, LINK_CODE_PROTOCOL, why);
		return;
	}
	check(l->hello.type == HELLO_BIND); /* as the caller has read it */
	if (!claim_all(s))
		session_close(s, LINK_CODE_BUSY, "out of memory");
}

/* --- the token --- */

/* Counts against the address, so that guessing gets slow (S-04). */
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

	if (!login_arrived(s))
		return;
	check(s->state == SESSION_LOGIN && c == &l->token && l->pending == 0 && l->claims == NULL);
	switch (c->req.result) {
	case STORE_OK:
		break;
	case STORE_REVOKED:
		refuse_token(s, "token-revoked", "this token was revoked or has expired");
		return;
	/* Our trouble and not the token's: the agent keeps it, and comes back. */
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
	/* A router's configuration holds it, often in clear: it opens no tunnel. */
	if (c->req.grant.scope[0] != '\0') {
		session_refuse(s, LINK_CODE_REVOKED, "token-scope",
		    "this token is for dynamic DNS alone; an agent needs one of its own: aditd "
		    "token add ACCOUNT",
		    0);
		return;
	}
	session_move(s, SESSION_CLAIM);
	s->expires_ms = c->req.grant.expires_ms;
	snprintf(s->account, sizeof(s->account), "%s", c->req.account);
	snprintf(s->token_id, sizeof(s->token_id), "%s", c->req.grant.id);
	if (!links_know(s)) {
		session_refuse(s, LINK_CODE_BUSY, "too-many-links",
		    "this account has as many links to this edge as it may", RETRY_BUSY_MS);
		return;
	}
	if (!claim_all(s))
		session_refuse(s, LINK_CODE_BUSY, "memory", "the edge is out of memory",
		    RETRY_BUSY_MS);
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
	struct session_login *l = calloc(1, sizeof(*l));
	const char *why;
	uint32_t wait_ms = 0;

	check(s->state == SESSION_HELLO && s->login == NULL);
	s->login = l;
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
	/* By its form alone: the store is not troubled with what cannot be one. */
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
	snprintf(l->token.req.grant.token, sizeof(l->token.req.grant.token), "%s", l->hello.token);
	login_submit(s, &l->token, NULL, on_token);
}
