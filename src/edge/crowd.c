/* SPDX-License-Identifier: Apache-2.0 */
/* The lobbies of a worker (crowd.h). */
#include "edge/crowd.h"

#include "base/log.h"
#include "edge/client.h"

/* Descriptors that are freed at a time. */
#define SHED 64

/* --- visitors --- */

/* He waits for a request, or for the other side's farewell. */
static bool
is_idle(const struct lobby_guest *g)
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

	for (int i = 0; i < SHED && (g = lobby_victim(&w->lobby)) != NULL; i++) {
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

	while ((room = lobby_room(&w->lobby, key, &victim)) == LOBBY_VICTIM)
		visitor_close(list_of(victim, struct visitor, guest));
	return room == LOBBY_ROOM && lobby_enter(&w->lobby, &v->guest, key);
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
	struct lobby *l = &x->worker->partials;
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
	struct worker *w = x->worker;
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
	lobby_leave(&x->worker->partials, &x->partial);
	x->worker->partial_bytes -= x->partial_bytes;
	x->partial_bytes = 0;
}

/* --- exchanges --- */

/* Who has had no byte of an answer is told why. */
static void
cut_exchange(struct exchange *x)
{
	struct visitor *v = x->visitor;

	log_event(LOG_DEBUG, "exchange-crowded-out", LOG_Z("id", x->id), LOG_Z("peer", v->peer));
	x->keep = false;
	if (v->state == VISITOR_FLOW)
		reply_fail(x, CLOSE_OVERLOAD);
	if (share_takes(&x->share)) /* it is not over, or waits for the socket */
		visitor_close(v);
}

bool
crowd_exchange(struct exchange *x, const char *account)
{
	struct shares *s = &x->worker->exchange_shares;
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

/* --- links --- */

bool
crowd_link(struct worker *w, struct session *s)
{
	const struct source_key *key = s->has_source ? &s->source : NULL;
	struct lobby_guest *victim = NULL;
	enum lobby_room room;

	while ((room = lobby_room(&w->unknown, key, &victim)) == LOBBY_VICTIM)
		session_close(list_of(victim, struct session, unknown), LINK_CODE_BUSY,
		    "too many links have shown no token");
	return room == LOBBY_ROOM && lobby_enter(&w->unknown, &s->unknown, key);
}

/* An account stands where others have an address. */
bool
crowd_know_link(struct session *s)
{
	struct lobby_guest *victim = NULL;
	uint64_t hash = map_hash(slice_str(s->account));
	struct source_key key = { { 0 } };
	struct lobby *l = &s->worker->known;

	memcpy(key.bytes, &hash, sizeof(hash));
	lobby_leave(&s->worker->unknown, &s->unknown);
	return lobby_room(l, &key, &victim) == LOBBY_ROOM && lobby_enter(l, &s->known, &key);
}

/* --- life --- */

/* A quarter of the visitors may be idle at any time, and make room for others. */
static size_t
exchanges_max(const struct worker *w)
{
	size_t visitors = (size_t)w->settings->limits.visitors, busy = visitors - visitors / 4;

	return busy < LIMIT_EXCHANGES ? busy : LIMIT_EXCHANGES;
}

void
crowd_init(struct worker *w)
{
	lobby_init(&w->lobby, (size_t)w->settings->limits.visitors, 0, is_idle);
	lobby_init(&w->partials, LIMIT_PARTIAL_HEADS, 0, NULL);
	lobby_init(&w->unknown, LIMIT_LINKS_UNKNOWN, LIMIT_LINKS_UNKNOWN_PER_ADDRESS, NULL);
	lobby_init(&w->known, LIMIT_LINKS, LIMIT_LINKS_PER_ACCOUNT, NULL);
	shares_init(&w->exchange_shares, exchanges_max(w), 0);
	shares_init(&w->pipe_shares, (size_t)w->settings->limits.visitors, 0);
	shares_init(&w->intake_shares, LIMIT_INTAKE_BYTES / 1024, LIMIT_INTAKE_BYTES_SHARE / 1024);
}

void
crowd_fini(struct worker *w)
{
	lobby_fini(&w->lobby);
	lobby_fini(&w->partials);
	lobby_fini(&w->unknown);
	lobby_fini(&w->known);
	shares_fini(&w->exchange_shares);
	shares_fini(&w->pipe_shares);
	shares_fini(&w->intake_shares);
}
