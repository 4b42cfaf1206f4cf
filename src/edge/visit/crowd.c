/* SPDX-License-Identifier: Apache-2.0 */
/* The lobbies of a worker (crowd.h). */
#include "edge/visit/crowd.h"

#include "base/log.h"
#include "edge/visit/client.h"
#include "edge/visit/visit.h"
#include "edge/visit/response.h"

/* Descriptors that are freed at a time. */
#define SHED 64

/* --- visitors --- */

bool
crowd_is_idle(const struct lobby_guest *g)
{
	const struct visitor *v =
	    (const struct visitor *)(const void *)((const char *)g -
						   offsetof(struct visitor, guest));

	return v->state == VISITOR_HEAD || v->state == VISITOR_LINGER;
}

void
crowd_shed(struct worker *w)
{
	int64_t now = loop_now_us(w->loop);
	struct lobby_guest *g;

	for (int i = 0; i < SHED && (g = lobby_victim(&w->visit->lobby)) != NULL; i++) {
		struct visitor *v = list_of(g, struct visitor, guest);

		if (now - v->moved_us < LISTENER_FRESH_US)
			return;
		visitor_close(v);
	}
}

bool
crowd_visitor(struct worker *w, struct visitor *v, const struct source_key *key)
{
	struct lobby_guest *victim = NULL;
	enum lobby_room room;

	while ((room = lobby_room(&w->visit->lobby, key, &victim)) == LOBBY_VICTIM)
		visitor_close(list_of(victim, struct visitor, guest));
	return room == LOBBY_ROOM && lobby_enter(&w->visit->lobby, &v->guest, key);
}

/* --- heads in part --- */

static void
crowd_out(struct lobby_guest *g)
{
	struct visitor *v = list_of(g, struct exchange, partial)->visitor;

	log_event(LOG_DEBUG, "visitor-crowded-out", LOG_Z("peer", v->peer));
	visitor_close(v);
}

bool
crowd_partial(struct exchange *x)
{
	struct lobby *l = &x->worker->visit->partials;
	struct source *source = x->visitor->source;
	const struct source_key *key = source == NULL ? NULL : &source->key;
	struct lobby_guest *victim = NULL;

	if (lobby_has(&x->partial))
		return true;
	while (lobby_room(l, key, &victim) == LOBBY_VICTIM)
		crowd_out(victim);
	return lobby_enter(l, &x->partial, key);
}

bool
crowd_partial_bytes(struct exchange *x)
{
	struct visit *w = x->worker->visit;
	struct lobby_guest *victim;

	w->partial_bytes += x->head.cap - x->partial_bytes;
	x->partial_bytes = x->head.cap;
	while (w->partial_bytes > LIMIT_PARTIAL_BYTES &&
	       (victim = lobby_victim(&w->partials)) != NULL) {
		crowd_out(victim);
		if (victim == &x->partial)
			return false;
	}
	return true;
}

void
crowd_no_partial(struct exchange *x)
{
	lobby_leave(&x->worker->visit->partials, &x->partial);
	x->worker->visit->partial_bytes -= x->partial_bytes;
	x->partial_bytes = 0;
}

/* --- exchanges --- */

/* Who has had no byte of an answer is told why. */
static void
cut_exchange(struct exchange *x)
{
	struct visitor *v = x->visitor;

	log_event(LOG_DEBUG, "exchange-crowded-out", LOG_Z("id", x->id), LOG_Z("peer", v->peer));
	x->keep_alive = false;
	if (v->state == VISITOR_FLOW)
		response_fail(x, CLOSE_OVERLOAD);
	if (share_takes(&x->share)) /* it is not over, or waits for the socket */
		visitor_close(v);
}

bool
crowd_exchange(struct exchange *x, const char *account)
{
	struct shares *s = &x->worker->visit->exchange_shares;
	struct share *victim = NULL;
	struct source_key key;
	enum lobby_room room;

	if (share_takes(&x->share))
		return true;
	share_of(&x->share, account, client_key(x, &key) ? &key : NULL);
	while ((room = shares_room(s, &x->share, 1, &victim)) == LOBBY_VICTIM)
		cut_exchange(list_of(victim, struct exchange, share));
	return room == LOBBY_ROOM && shares_take(s, &x->share, 1);
}
