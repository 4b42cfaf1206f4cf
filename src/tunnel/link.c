/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Life of a link and of its streams, and whether the other side lives.  Bytes
 * that come: link_feed.c; that leave: link_send.c, link_out.c; flow control: window.c.
 */
#include "tunnel/link.h"

#include "tunnel/link_private.h"

#include <stdlib.h>

/* How long an answer to a PING may take. */
#define ANSWER_US ((LIMIT_LINK_DEAD_MS - LIMIT_LINK_IDLE_MS) * INT64_C(1000))
#define IDLE_US (LIMIT_LINK_IDLE_MS * INT64_C(1000))
#define DEAD_US (LIMIT_LINK_DEAD_MS * INT64_C(1000))
/* The agent speaks first on an idle link: one PING and its answer serve both sides. */
#define AGENT_FIRST_US 500000

/* --- life --- */

int
link_init(struct link *l, const struct link_params *p, int64_t now_us)
{
	check(p->streams_max > 0 && p->rx_bytes_min <= p->rx_bytes_max);
	check(p->out_pool->block_bytes >= LINK_OUT_BLOCK_BYTES);
	*l = (struct link){ .params = *p, .now_us = now_us };
	map_init(&l->streams);
	list_init(&l->all);
	list_init(&l->fresh);
	list_init(&l->bulk);
	list_init(&l->returning);
	l->heard_us = l->said_us = l->glitches_us = now_us;
	l->rate_from_us = now_us;
	l->rx_budget = p->rx_bytes_min;
	l->out_block = 1;
	l->out_room = LINK_OUT_ROOM_MIN;
	return 0;
}

void
link_fini(struct link *l)
{
	check(l->n_streams == 0);
	check(list_empty(&l->all) && l->n_sending == 0);
	check(l->rx_promised == 0 && l->rx_lent == 0); /* every window was given back */
	map_fini(&l->streams);
	free(l->gather);
	free(l->ctl);
	if (l->out != NULL)
		pool_put(l->params.out_pool, l->out);
	l->gather = l->ctl = l->out = NULL;
}

struct stream *
link_any_stream(struct link *l)
{
	return list_empty(&l->all) ? NULL : list_of(l->all.next, struct stream, all);
}

size_t
link_n_streams(const struct link *l)
{
	return l->n_streams;
}

/*
 * The first reason stays. The GOAWAY that says it is put in here, so it leaves with
 * the next output.
 */
void
link_fail(struct link *l, enum link_code code)
{
	if (l->dead != LINK_CODE_OK)
		return;
	l->dead = code;
	link_goaway(l, code, 0);
}

/* --- streams --- */

/* Numbers count up, so nobody can choose ones that collide, and a cheap hash will do. */
struct stream *
link_find(const struct link *l, uint32_t id)
{
	struct map_node *node = map_first(&l->streams, map_hash_u64(id));

	for (; node != NULL; node = map_next_same(node)) {
		struct stream *s = map_of(node, struct stream, by_id);

		if (s->id == id)
			return s;
	}
	return NULL;
}

/*
 * Out of every list, and its part of the windows with it. Frames that still come for its number
 * are passed over.
 */
void
stream_delete(struct stream *s)
{
	struct link *l = s->link;

	if (l->rx_stream == s)
		l->rx_stream = NULL;
	window_drop(s);
	list_del(&s->round);
	list_del(&s->returning);
	list_del(&s->all);
	if (s->opened)
		map_del(&l->streams, &s->by_id);
	check(l->n_streams > 0);
	l->n_streams--;
	slab_put(l->params.streams, s);
}

/* The table exists from the first stream on, so that putting a number into it cannot fail. */
static bool
have_table(struct link *l, struct stream *s)
{
	if (l->streams.n_chains > 0)
		return true;
	if (map_put(&l->streams, &s->by_id, 0) != 0)
		return false;
	map_del(&l->streams, &s->by_id);
	return true;
}

struct stream *
stream_new(struct link *l, void *owner)
{
	struct stream *s;

	if (l->n_streams >= l->params.streams_max)
		return NULL;
	s = slab_get(l->params.streams);
	if (s == NULL)
		return NULL;
	s->link = l;
	s->owner = owner;
	list_push(&l->all, &s->all);
	list_init(&s->round);
	list_init(&s->returning);
	l->n_streams++;
	if (have_table(l, s))
		return s;
	stream_delete(s);
	return NULL;
}

/*
 * n_ids counts what was in use once and stops at 2^31: numbers come round after 2^32, and those
 * behind us must stay known as used.
 */
void
link_use_id(struct link *l, uint32_t id)
{
	l->n_ids += id - l->last_id;
	if (l->n_ids > INT32_MAX)
		l->n_ids = INT32_MAX;
	l->last_id = id;
}

void
stream_set_id(struct stream *s, uint32_t id)
{
	struct link *l = s->link;

	check(!s->opened && id != 0);
	link_use_id(l, id);
	s->id = id;
	s->opened = true;
	check(map_put(&l->streams, &s->by_id, map_hash_u64(id)) == 0);
}

/*
 * A link that goes away takes no new streams: the visitor is told at once. A first stream asks
 * for the round trip, too, which windows are made from.
 */
struct stream *
stream_open(struct link *l, void *owner)
{
	struct stream *s;

	check(l->params.side == LINK_EDGE);
	if (l->goaway_sent || l->goaway_received || l->dead != LINK_CODE_OK)
		return NULL;
	s = stream_new(l, owner);
	if (s != NULL && l->rtt_us == 0)
		link_ping(l);
	return s;
}

/* The next number, but for 0 and those that still live from the last round. */
void
stream_take_id(struct stream *s)
{
	uint32_t id = s->link->last_id + 1;

	while (id == 0 || link_find(s->link, id) != NULL)
		id++;
	stream_set_id(s, id);
}

/* A stream that has not ended is reset, so the other side never waits for one that is gone. */
void
stream_free(struct stream *s)
{
	if (!s->rx_ended || !s->tx_ended)
		stream_reset(s, LINK_CODE_CANCELLED);
	stream_delete(s);
}

/* --- liveness --- */

void
link_probe(struct link *l, int64_t now_us)
{
	l->now_us = now_us;
	l->probing = true;
	l->ping_us = l->asked_us = 0; /* one that was sent before the sleep says nothing */
	link_ping(l);
}

/*
 * Silence counts against the other side only when it was asked and had time to
 * answer, or when it does not even take what we send.  Each side says something
 * every LINK_IDLE_MS, so a PING that waits behind our own data is never needed
 * to keep a link alive whose other side has nothing to tell.
 */
static bool
is_silent(const struct link *l, int64_t now)
{
	int64_t asked = l->asked_us == 0 ? 0 : now - l->asked_us;

	if (l->probing && asked >= ANSWER_US)
		return true;
	if (now - l->heard_us < DEAD_US)
		return false;
	return asked >= ANSWER_US || (link_out_pending(l) && now - l->said_us >= DEAD_US);
}

/* How long we may say nothing ourselves. */
static int64_t
beat_us(const struct link *l)
{
	return l->params.side == LINK_AGENT ? IDLE_US - AGENT_FIRST_US : IDLE_US;
}

/* When silence will count, or when it is time to ask; and we must not be silent ourselves. */
static int64_t
next_look(const struct link *l)
{
	int64_t at = l->heard_us + IDLE_US, say = l->said_us + beat_us(l);

	if (l->asked_us != 0) {
		at = l->asked_us + ANSWER_US;
		if (!l->probing && at < l->heard_us + DEAD_US)
			at = l->heard_us + DEAD_US;
	} else if (l->ping_queued) {
		at = (l->heard_us > l->said_us ? l->heard_us : l->said_us) + DEAD_US;
	}
	if (!l->ping_queued && say < at)
		at = say;
	return at > l->now_us ? at : l->now_us + 1000000;
}

/* An idle link holds no memory. */
static void
trim(struct link *l)
{
	if (l->n_streams > 0)
		return;
	map_fini(&l->streams);
	link_out_trim(l);
}

/* Silence is judged before anything is sent: a PING now would not be an answer. */
int64_t
link_tick(struct link *l, int64_t now_us)
{
	l->now_us = now_us;
	if (l->dead == LINK_CODE_OK && is_silent(l, now_us))
		l->dead = LINK_CODE_SILENT;
	if (l->dead != LINK_CODE_OK)
		return -1;
	trim(l);
	window_update(l);
	if (l->ping_us != 0 && now_us - l->ping_us >= beat_us(l))
		l->ping_us = 0; /* it lives, but does not answer: ask again */
	if (now_us - l->heard_us >= IDLE_US || now_us - l->said_us >= beat_us(l))
		link_ping(l);
	return next_look(l);
}
