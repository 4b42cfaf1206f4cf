/* SPDX-License-Identifier: Apache-2.0 */
/* Makes room for heads in part and for exchanges (crowd.h). */
#include "edge/visit/crowd.h"

#include "base/log.h"
#include "edge/visit/client.h"
#include "edge/visit/h2_visitor.h"
#include "edge/visit/visit.h"
#include "edge/visit/response.h"

/* --- visitors --- */

bool
visitor_is_idle(const struct lobby_guest *g)
{
	const struct visitor *v =
	    (const struct visitor *)(const void *)((const char *)g -
						   offsetof(struct visitor, guest));

	return v->state == VISITOR_HEAD || v->state == VISITOR_LINGER ||
	       (v->state == VISITOR_H2 && h2_visitor_is_idle(v->h2));
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

/*
 * Without a word: nobody has asked for anything yet, and an answer would take
 * what is short.
 */
static void
crowd_out(struct lobby_guest *g)
{
	struct front *f = list_of(g, struct exchange, partial)->front;

	log_event(LOG_DEBUG, "visitor-crowded-out", LOG_Z("peer", f->peer));
	front_cut(f, FRONT_CLOSE);
	check(!lobby_has(g)); /* else whoever makes room would never be done */
}

bool
crowd_partial(struct exchange *x)
{
	struct lobby *l = &x->worker->visit->partials;
	struct source *source = x->front->source;
	const struct source_key *key = source == NULL ? NULL : &source->key;
	struct lobby_guest *victim = NULL;

	check(x->state == EXCHANGE_HEAD);
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

	/* It is in, and a buffer that gathers a head does not shrink. */
	check(lobby_has(&x->partial) && x->head.cap >= x->partial_bytes);
	/* The capacity counts, not what is in it: that is what the worker is short of. */
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

/* Harmless where it was never in. */
void
crowd_no_partial(struct exchange *x)
{
	check(lobby_has(&x->partial) || x->partial_bytes == 0);
	check(x->worker->visit->partial_bytes >= x->partial_bytes);
	lobby_leave(&x->worker->visit->partials, &x->partial);
	x->worker->visit->partial_bytes -= x->partial_bytes;
	x->partial_bytes = 0;
}

/* --- exchanges --- */

/* Who has had no byte of an answer is told why. */
static void
cut_exchange(struct exchange *x)
{
	struct front *f = x->front;

	log_event(LOG_DEBUG, "exchange-crowded-out", LOG_Z("id", x->id), LOG_Z("peer", f->peer));
	x->keep_alive = false;
	if (exchange_flows(x))
		response_fail(x, CLOSE_OVERLOAD);
	if (share_takes(&x->share)) /* it is not over, or waits for the socket */
		front_cut(f, FRONT_CLOSE);
	check(!share_takes(&x->share)); /* else whoever makes room would never be done */
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
