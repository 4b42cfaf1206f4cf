/* SPDX-License-Identifier: Apache-2.0 */
/* Applies a route's policy to a request, and waits for the password where one is asked for. */
#include "edge/visit/access.h"

#include "base/log.h"
#include "edge/visit/client.h"
#include "edge/core/incident.h"
#include "edge/visit/password.h"
#include "edge/visit/local_reply.h"
#include "edge/visit/refusal.h"

#include <stdio.h>
#include <stdlib.h>

struct access_wait {
	struct password_job job;
	struct exchange *x; /* NULL: the visitor has gone */
	bool guessed;       /* it was counted as a guess */
};

/* The first field of that name: a request with two is judged by the first. */
static struct slice
authorization_of(const struct exchange *x, struct slice bytes)
{
	const struct h1_field *f;
	size_t at = 0;
	struct slice none = { 0 };

	f = h1_find(&x->req.head, bytes, S("Authorization"), &at);
	return f == NULL ? none : h1_text(bytes, f->value);
}

/* The visitor's address as policies count by it, into *key; NULL: he has none. */
static const unsigned char *
source_of(const struct exchange *x, struct source_key *key)
{
	return client_key(x, key) ? key->bytes : NULL;
}

/* To the owner's agent, where it watches: which row of his policy it was. */
static void
tell(struct exchange *x, enum close_code code, const char *policy, const char *text,
    struct slice bytes)
{
	const struct refusal why = {
		.policy = policy, .text = text, .head = slice_head(bytes, x->req.head.n_bytes)
	};

	refusal_tell(x, code, &why);
}

static void
wait_free(struct access_wait *a)
{
	policy_unref(a->job.policy);
	free(a);
}

/*
 * The job goes on: the thread may be computing it, and it comes home to on_password()
 * all the same.
 */
void
access_abandon(struct exchange *x)
{
	if (x->access != NULL) {
		check(x->access->x == x);
		x->access->x = NULL;
	}
	x->access = NULL;
}

static void
on_password(struct errand *e)
{
	struct access_wait *a = list_of(e, struct access_wait, job.errand);
	struct exchange *x = a->x;
	enum password_result result = a->job.result;
	char peer[PEER_TEXT_BYTES];
	struct source_key key;

	check(x == NULL || x->access == a);
	/*
	 * A right password is no guess, and one that was never looked at is none
	 * either. Of a visitor who has gone the address is not known any more: his
	 * guess stays counted.
	 */
	if (x != NULL && a->guessed && result != PASSWORD_WRONG)
		policy_no_guess(a->job.policy, source_of(x, &key));
	wait_free(a);
	if (x == NULL)
		return;
	x->access = NULL;
	check(x->state == EXCHANGE_PASSWORD);
	check(x->head.n >= x->req.head.n_bytes); /* ask_password() has kept it */
	if (result == PASSWORD_RIGHT) {
		exchange_admit_again(x);
		return;
	}
	/* The edge stops: nobody will compute this hash. */
	if (result == PASSWORD_STOPPED) {
		local_reply_error(x, CLOSE_OVERLOAD,
		    slice_from(buf_slice(&x->head), x->req.head.n_bytes));
		return;
	}
	client_text(x, peer);
	log_event(LOG_WARN, "bad-password", LOG_Z("tunnel", x->name), LOG_Z("peer", peer),
	    LOG_Z("id", x->id));
	tell(x, CLOSE_UNAUTHORIZED, "users", "The user name or the password is wrong.",
	    buf_slice(&x->head));
	local_reply_error(x, CLOSE_UNAUTHORIZED,
	    slice_from(buf_slice(&x->head), x->req.head.n_bytes));
}

/*
 * NULL also for a field that is longer than any password may be: it is wrong
 * without a hash.
 */
static struct access_wait *
wait_new(struct exchange *x, struct policy *policy, const char *account, struct slice authorization)
{
	struct access_wait *a = calloc(1, sizeof(*a));

	if (a == NULL || authorization.n > sizeof(a->job.authorization)) {
		free(a);
		return NULL;
	}
	a->x = x;
	a->job.policy = policy_ref(policy);
	snprintf(a->job.account, sizeof(a->job.account), "%s", account);
	a->job.n = authorization.n;
	memcpy(a->job.authorization, authorization.p, authorization.n);
	return a;
}

/* Guesses are counted before they are looked at. What shares somebody's answer costs nothing, and is
 * no guess: a page asks for its parts all at once. */
static enum access_result
ask_password(struct exchange *x, struct policy *policy, const char *account,
    struct slice authorization, struct slice bytes)
{
	struct slice read_ahead = slice_from(bytes, x->req.head.n_bytes);
	enum password_taken taken = PASSWORD_FULL;
	char peer[PEER_TEXT_BYTES];
	struct access_wait *a;
	struct source_key key;

	check(x->access == NULL);
	if (!policy_guess(policy, source_of(x, &key), loop_now_us(x->worker->loop))) {
		client_text(x, peer);
		log_event(LOG_WARN, "too-many-guesses", LOG_Z("tunnel", x->name),
		    LOG_Z("peer", peer), LOG_Z("id", x->id));
		tell(x, CLOSE_RATE_LIMITED, "users",
		    "Too many wrong passwords came from this address.", bytes);
		local_reply_error(x, CLOSE_RATE_LIMITED, read_ahead);
		return ACCESS_ANSWERED;
	}
	a = wait_new(x, policy, account, authorization);
	if (a == NULL) {
		local_reply_error(x, CLOSE_UNAUTHORIZED, read_ahead);
		return ACCESS_ANSWERED;
	}
	/* the head is needed again; it may lie in scratch memory now */
	if (x->head.p != bytes.p)
		buf_put(&x->head, bytes);
	if (!x->head.failed)
		taken = password_submit(x->worker->edge->passwords, &a->job, &x->worker->errands,
		    on_password);
	if (taken != PASSWORD_QUEUED)
		policy_no_guess(policy, source_of(x, &key));
	if (taken == PASSWORD_FULL) {
		wait_free(a);
		local_reply_error(x, CLOSE_OVERLOAD, read_ahead);
		return ACCESS_ANSWERED;
	}
	a->guessed = taken == PASSWORD_QUEUED;
	x->access = a;
	exchange_move(x, EXCHANGE_PASSWORD);
	return ACCESS_WAITS;
}

/*
 * Those that are not told apart here are one answer for people: no. incident_put() keeps
 * the reason for the owner.
 */
static enum close_code
close_of(enum policy_verdict v)
{
	switch (v) {
	case POLICY_METHOD:
		return CLOSE_METHOD_NOT_ALLOWED;
	case POLICY_PASSWORD:
		return CLOSE_UNAUTHORIZED;
	case POLICY_ALLOW:
		return CLOSE_OK;
	case POLICY_ADDRESS:
	case POLICY_PATH:
	case POLICY_SLASH:
		break;
	}
	return CLOSE_FORBIDDEN;
}

/*
 * What an owner cannot see from outside: a webhook that his own policy has turned away, by
 * its address, its password or a slash.
 */
static void
note_refusal(const struct exchange *x, enum policy_verdict v, struct slice bytes, struct slice path)
{
	enum incident_kind kind = v == POLICY_ADDRESS ? INCIDENT_ADDRESS
				  : v == POLICY_SLASH ? INCIDENT_SLASH
						      : INCIDENT_LOGIN;
	char peer[PEER_TEXT_BYTES];
	struct slice agent;

	if (v != POLICY_ADDRESS && v != POLICY_SLASH && v != POLICY_PASSWORD)
		return;
	if (x->probe != EXCHANGE_NO_PROBE || !incident_is_hook(&x->req.head, bytes, &agent))
		return;
	client_text(x, peer);
	incident_put(x->worker->edge->incidents, x->name, kind, peer, agent, path);
}

static void
tell_verdict(struct exchange *x, const struct policy *p, enum policy_verdict v,
    const struct sockaddr_storage *peer, struct slice bytes)
{
	/* policy_judge() looks at the route's own lists before its preset. */
	bool denied = cidr_set_has(&p->deny, peer);

	switch (v) {
	case POLICY_ADDRESS:
		tell(x, CLOSE_FORBIDDEN, denied ? "deny" : "allow",
		    denied ? "The visitor's address is in deny: of this tunnel."
			   : "The visitor's address is not in allow: of this tunnel.",
		    bytes);
		return;
	case POLICY_METHOD:
		tell(x, CLOSE_METHOD_NOT_ALLOWED, p->n_methods > 0 ? "methods" : "preset", NULL,
		    bytes);
		return;
	case POLICY_PATH:
		tell(x, CLOSE_FORBIDDEN, p->n_paths > 0 ? "paths" : "preset",
		    "This tunnel does not take this path.", bytes);
		return;
	case POLICY_SLASH:
		tell(x, CLOSE_FORBIDDEN, "preset",
		    "The sender's URL lacks the final slash, or has one too many.", bytes);
		return;
	case POLICY_PASSWORD:
		tell(x, CLOSE_UNAUTHORIZED, "users", "No user name and password were sent.", bytes);
		return;
	case POLICY_ALLOW:
		tell(x, CLOSE_RATE_LIMITED, p->rate > 0 ? "rate" : "visitor_rate",
		    p->rate > 0 ? "More requests came than rate: of this tunnel allows."
				: "More requests came from this address than visitor_rate: of this "
				  "tunnel allows.",
		    bytes);
		return;
	}
}

enum access_result
access_check(struct exchange *x, struct policy *p, const char *account, struct slice bytes)
{
	const struct h1_head *h = &x->req.head;
	struct slice authorization = authorization_of(x, bytes), path = h1_text(bytes, h->path);
	struct slice read_ahead = slice_from(bytes, h->n_bytes);
	struct sockaddr_storage peer = { 0 };
	int64_t now = loop_now_us(x->worker->loop);
	enum policy_verdict v;
	struct source_key key;

	/* It may cost a system call: only where a rule looks at addresses. */
	if (p->allow.n > 0 || p->deny.n > 0)
		client_sockaddr(x, &peer);
	v = policy_judge(p, &peer, h1_text(bytes, h->method), path.n == 0 ? S("/") : path,
	    authorization, now);
	if (v == POLICY_ALLOW && policy_take(p, source_of(x, &key), now))
		return ACCESS_OK;
	/* Without credentials there is nothing to compute: 401 asks for them. */
	if (v == POLICY_PASSWORD && authorization.n > 0)
		return ask_password(x, p, account, authorization, bytes);
	note_refusal(x, v, bytes, path);
	if (v == POLICY_SLASH)
		log_event(LOG_WARN, "slash", LOG_Z("tunnel", x->name), LOG_S("path", path),
		    LOG_Z("text", "the sender's URL lacks the final slash, or has one too many"));
	tell_verdict(x, p, v, &peer, bytes);
	local_reply_error(x, v == POLICY_ALLOW ? CLOSE_RATE_LIMITED : close_of(v), read_ahead);
	return ACCESS_ANSWERED;
}
