/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending: whose turn it is, the block that frames are built in, the queue of
 * control frames, and the liveness of the other side.
 *
 *	block of out_pool:   | front | frames sent | frames that wait | room |
 *	                             LINK_OUT_FRONT_BYTES ..out_from  ..out_to
 *
 * Control frames go before the frames that wait, but never into the middle of
 * one: out_edge is where the frame ends whose first bytes have left.
 */
#include "tunnel/link.h"

#include "tunnel/link_private.h"

#include <stdlib.h>

/* A stream that sends less than this in such a time is small, and goes before bulk. */
#define FRESH_BYTES (4 * LIMIT_DATA_FRAME_BYTES)
#define FRESH_US 1000000
/* Bulk that waits gets a frame after so many bytes of small streams. */
#define FRESH_RUN_BYTES (4 * LIMIT_DATA_FRAME_BYTES)

#define CTL_BYTES_MIN 256
#define CTL_BYTES_KEPT 4096
/* The last room of the control queue: for the GOAWAY that says why. */
#define CTL_RESERVE_BYTES 64

/* How long an answer to a PING may take. */
#define ANSWER_US ((LIMIT_LINK_DEAD_MS - LIMIT_LINK_IDLE_MS) * INT64_C(1000))
#define IDLE_US (LIMIT_LINK_IDLE_MS * INT64_C(1000))
#define DEAD_US (LIMIT_LINK_DEAD_MS * INT64_C(1000))
/* The agent speaks first on an idle link: one PING and its answer serve both sides. */
#define AGENT_FIRST_US 500000

/* --- control frames --- */

static bool
ctl_room(struct link *l, uint32_t n)
{
	uint32_t cap = l->ctl_cap < CTL_BYTES_MIN ? CTL_BYTES_MIN : l->ctl_cap;
	char *p;

	if (l->ctl_to + n <= l->ctl_cap)
		return true;
	if (l->ctl_from > 0) {
		memmove(l->ctl, l->ctl + l->ctl_from, l->ctl_to - l->ctl_from);
		l->ctl_to -= l->ctl_from;
		l->ping_end -= l->ctl_from;
		l->ctl_from = 0;
	}
	while (cap < l->ctl_to + n)
		cap *= 2;
	if (cap == l->ctl_cap)
		return true;
	p = realloc(l->ctl, cap);
	if (p == NULL)
		return false;
	l->ctl = p;
	l->ctl_cap = cap;
	return true;
}

void
link_put(struct link *l, const struct frame *f, struct slice payload)
{
	uint32_t n = FRAME_HEADER_BYTES + f->length;
	uint32_t max = LIMIT_LINK_CTL_BYTES - (f->type == FRAME_GOAWAY ? 0 : CTL_RESERVE_BYTES);

	if (l->ctl_to - l->ctl_from + n > max) {
		link_fail(l, LINK_CODE_BUSY);
		return;
	}
	if (!ctl_room(l, n)) {
		link_fail(l, LINK_CODE_INTERNAL);
		return;
	}
	frame_encode(f, l->ctl + l->ctl_to);
	memcpy(l->ctl + l->ctl_to + FRAME_HEADER_BYTES, payload.p, payload.n);
	l->ctl_to += n;
}

static void
ctl_reset(struct link *l)
{
	l->ctl_from = l->ctl_to = 0;
	l->ctl_started = false;
	if (l->n_streams == 0 || l->ctl_cap > CTL_BYTES_KEPT) {
		free(l->ctl);
		l->ctl = NULL;
		l->ctl_cap = 0;
	}
}

void
link_control(struct link *l, struct slice json)
{
	struct frame f = { .length = (uint32_t)json.n, .type = FRAME_CONTROL };

	if (json.n > 0 && json.n <= LIMIT_CONTROL_BYTES)
		link_put(l, &f, json);
	else
		link_fail(l, LINK_CODE_INTERNAL);
}

void
link_goaway(struct link *l, enum link_code code, uint32_t retry_ms)
{
	struct frame f = { .length = 12, .type = FRAME_GOAWAY };
	char payload[12];

	l->goaway_sent = true;
	frame_put_u32(payload, l->last_id);
	frame_put_u32(payload + 4, code);
	frame_put_u32(payload + 8, retry_ms);
	link_put(l, &f, slice_of(payload, sizeof(payload)));
}

void
link_ping(struct link *l)
{
	struct frame f = { .length = 8, .type = FRAME_PING };
	char payload[8];

	if (l->ping_queued || l->ping_us != 0 || l->dead != LINK_CODE_OK)
		return;
	l->ping_opaque++;
	frame_put_u32(payload, (uint32_t)(l->ping_opaque >> 32));
	frame_put_u32(payload + 4, (uint32_t)l->ping_opaque);
	link_put(l, &f, slice_of(payload, sizeof(payload)));
	l->ping_queued = true;
	l->ping_merged = false;
	l->ping_end = l->ctl_to;
}

/* Credit goes back late, when frames leave: what was eaten in one turn is one frame. */
static void
put_windows(struct link *l)
{
	struct frame f = { .length = 4, .type = FRAME_WINDOW };
	struct list *node;
	char payload[4];

	while ((node = list_pop(&l->returning)) != NULL) {
		struct stream *s = list_of(node, struct stream, returning);
		uint32_t n = window_take_due(s);

		if (n == 0)
			continue;
		f.stream = s->id;
		frame_put_u32(payload, n);
		link_put(l, &f, slice_of(payload, 4));
	}
}

/* --- the output --- */

static bool
have_block(struct link *l)
{
	if (l->out != NULL)
		return true;
	l->out = pool_get(l->params.out_pool);
	l->out_from = l->out_to = l->out_edge = LINK_OUT_FRONT_BYTES;
	return l->out != NULL;
}

static void
release_block(struct link *l)
{
	if (l->out == NULL)
		return;
	pool_put(l->params.out_pool, l->out);
	l->out = NULL;
	l->out_from = l->out_to = l->out_edge = 0;
	l->out_block++;
	l->ctl_hold = false;
}

/* Control frames that fit into the free space in front leave together with the data. */
static bool
merge_ctl(struct link *l)
{
	uint32_t n = l->ctl_to - l->ctl_from;

	if (l->ctl_started || l->out_to == l->out_from || n > l->out_from)
		return false;
	l->out_from -= n;
	l->out_edge = l->out_from;
	memcpy(l->out + l->out_from, l->ctl + l->ctl_from, n);
	l->ping_merged = true;
	l->ping_end = l->ping_end - l->ctl_from + l->out_from;
	ctl_reset(l);
	return true;
}

struct slice
link_out(struct link *l)
{
	bool in_frame = l->out_edge > l->out_from, ctl_may;

	if (l->out != NULL && l->out_to == l->out_from)
		release_block(l);
	ctl_may = !in_frame && !l->ctl_hold;
	l->out_is_ctl = false;
	if (ctl_may && !list_empty(&l->returning))
		put_windows(l);
	if (ctl_may && l->ctl_to > l->ctl_from && !merge_ctl(l)) {
		l->out_is_ctl = true;
		return slice_of(l->ctl + l->ctl_from, l->ctl_to - l->ctl_from);
	}
	if (l->out == NULL)
		return slice_of(NULL, 0);
	if (in_frame && !l->ctl_hold && (l->ctl_to > l->ctl_from || !list_empty(&l->returning)))
		return slice_of(l->out + l->out_from, l->out_edge - l->out_from);
	return slice_of(l->out + l->out_from, l->out_to - l->out_from);
}

static void
data_sent(struct link *l, uint32_t n)
{
	struct frame f;

	check(n <= l->out_to - l->out_from);
	l->out_from += n;
	if (l->out_from == l->out_to) {
		release_block(l);
		return;
	}
	while (l->out_edge < l->out_from) {
		frame_decode(l->out + l->out_edge, &f);
		l->out_edge += FRAME_HEADER_BYTES + f.length;
	}
}

static void
ctl_sent(struct link *l, uint32_t n)
{
	check(n <= l->ctl_to - l->ctl_from);
	l->ctl_from += n;
	l->ctl_started = true;
	if (l->ctl_from == l->ctl_to)
		ctl_reset(l);
}

/* True when the last byte of the PING that waits has left. */
static bool
ping_has_left(const struct link *l)
{
	if (l->ping_merged)
		return l->out == NULL || l->out_from >= l->ping_end;
	return l->ctl_from == l->ctl_to || l->ctl_from >= l->ping_end;
}

void
link_out_done(struct link *l, size_t n, int64_t now_us)
{
	if (n == 0)
		return;
	l->now_us = now_us;
	l->said_us = now_us;
	if (l->out_is_ctl)
		ctl_sent(l, (uint32_t)n);
	else
		data_sent(l, (uint32_t)n);
	if (l->ping_queued && ping_has_left(l)) {
		l->ping_queued = false;
		l->ping_us = now_us;
		if (l->asked_us == 0)
			l->asked_us = now_us;
	}
}

void
link_trim(struct link *l)
{
	if (l->n_streams > 0)
		return;
	map_fini(&l->streams);
	if (l->ctl_to == l->ctl_from)
		ctl_reset(l);
	if (l->out_to == l->out_from)
		release_block(l);
}

/* --- turns --- */

static bool
has_room(const struct link *l)
{
	return l->out == NULL || l->out_to - LINK_OUT_FRONT_BYTES < LIMIT_LINK_OUT_BYTES;
}

bool
link_has_room(const struct link *l)
{
	return l->dead == LINK_CODE_OK && has_room(l);
}

void
stream_want(struct stream *s)
{
	struct link *l = s->link;

	if (s->tx_ended || s->blocked || !list_empty(&s->round))
		return;
	if (s->opened && s->tx_credit == 0) {
		s->blocked = true;
		return;
	}
	if (l->now_us - s->tx_recent_us > FRESH_US) {
		s->tx_recent = 0;
		s->tx_recent_us = l->now_us;
	}
	if (s->tx_recent < FRESH_BYTES)
		list_push(&l->fresh, &s->round);
	else if (s->deficit > 0)
		list_push_front(&l->bulk, &s->round);
	else
		list_push(&l->bulk, &s->round);
}

void
stream_unblock(struct stream *s)
{
	if (!s->blocked)
		return;
	s->blocked = false;
	stream_want(s);
}

static struct stream *
next_wanting(struct link *l)
{
	bool bulk_due = l->fresh_run >= FRESH_RUN_BYTES && !list_empty(&l->bulk);
	struct list *node = NULL;
	struct stream *s;

	if (!bulk_due)
		node = list_pop(&l->fresh);
	if (node == NULL) {
		node = list_pop(&l->bulk);
		l->fresh_run = 0;
	}
	if (node == NULL)
		return NULL;
	s = list_of(node, struct stream, round);
	if (s->deficit == 0)
		s->deficit = LIMIT_DATA_FRAME_BYTES;
	return s;
}

struct stream *
link_turn(struct link *l)
{
	struct stream *s;

	if (list_empty(&l->fresh) && list_empty(&l->bulk))
		return NULL;
	if (!link_has_room(l) || !have_block(l))
		return NULL;
	while ((s = next_wanting(l)) != NULL) {
		if (!s->opened || s->tx_credit > 0)
			return s;
		s->blocked = true;
	}
	return NULL;
}

/* Credit that a stream takes for granted when it opens: as much only as the other side can give to all. */
static uint32_t
first_credit(const struct link *l)
{
	return l->n_sending < LIMIT_STREAMS_RX_FIRST ? LIMIT_STREAM_RX_BYTES_FIRST
	                                             : LIMIT_STREAM_RX_BYTES_MIN;
}

size_t
stream_credit(const struct stream *s)
{
	if (s->tx_ended)
		return 0;
	return (size_t)(s->opened ? s->tx_credit : first_credit(s->link));
}

size_t
stream_grant(struct stream *s, char **ret_p)
{
	struct link *l = s->link;
	size_t n;

	if (s->tx_ended || !link_has_room(l) || !have_block(l))
		return 0;
	if (s->opened) {
		*ret_p = l->out + l->out_to + FRAME_HEADER_BYTES;
		n = (size_t)s->tx_credit;
		return n < LIMIT_DATA_FRAME_BYTES ? n : LIMIT_DATA_FRAME_BYTES;
	}
	s->tx_credit = first_credit(l);
	*ret_p = l->out + l->out_to + FRAME_HEADER_BYTES + FRAME_SYN_BYTES;
	/* How much of it will be opening is not known yet: data alone must stay within the credit. */
	n = (size_t)s->tx_credit - LIMIT_OPENING_BYTES;
	return (n < LIMIT_DATA_FRAME_BYTES ? n : LIMIT_DATA_FRAME_BYTES) + 2 + LIMIT_OPENING_BYTES;
}

/* Number and credits of a stream that opens with this frame. */
static void
write_syn(struct stream *s, char *p)
{
	uint32_t window = window_first(s->link);

	stream_take_id(s);
	frame_put_u32(p, (uint32_t)s->tx_credit);
	frame_put_u32(p + 4, window);
	window_open(s, window);
	s->syn_block = s->link->out_block;
	s->link->n_sending++;
}

static void
count_sent(struct stream *s, uint32_t n)
{
	struct link *l = s->link;

	s->tx_credit -= n;
	s->deficit = n < s->deficit ? s->deficit - n : 0;
	if (s->tx_recent < FRESH_BYTES)
		l->fresh_run += n;
	s->tx_recent += n;
}

static void
end_sending(struct stream *s)
{
	if (s->opened && !s->tx_ended)
		s->link->n_sending--;
	s->tx_ended = true;
	s->blocked = false;
	list_del(&s->round);
}

void
stream_commit(struct stream *s, size_t opening_n, size_t n, bool fin)
{
	struct link *l = s->link;
	struct frame f = { .type = FRAME_DATA };
	char *p;

	if (opening_n + n == 0 && !fin)
		return;
	check(!s->tx_ended && l->out != NULL);
	check((opening_n > 0) == !s->opened);
	check(n <= (size_t)s->tx_credit && n <= LIMIT_DATA_FRAME_BYTES + LIMIT_OPENING_BYTES);
	p = l->out + l->out_to;
	f.length = (uint32_t)(opening_n + n);
	if (!s->opened) {
		write_syn(s, p + FRAME_HEADER_BYTES);
		f.length += FRAME_SYN_BYTES;
		f.flags = FRAME_SYN;
	}
	if (fin)
		f.flags |= FRAME_FIN;
	f.stream = s->id;
	frame_encode(&f, p);
	l->out_to += FRAME_HEADER_BYTES + f.length;
	count_sent(s, (uint32_t)n);
	if (fin)
		end_sending(s);
}

void
stream_kill(struct stream *s)
{
	s->dead = true;
	end_sending(s);
	list_del(&s->returning);
	window_close(s);
}

void
stream_reset(struct stream *s, enum link_code code)
{
	struct link *l = s->link;
	struct frame f = { .length = 4, .type = FRAME_RST, .stream = s->id };
	bool silent = s->dead || !s->opened || (s->rx_ended && s->tx_ended);
	char payload[4];

	stream_kill(s);
	if (silent)
		return;
	if (s->syn_block == l->out_block)
		l->ctl_hold = true;
	frame_put_u32(payload, code);
	link_put(l, &f, slice_of(payload, 4));
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

int64_t
link_tick(struct link *l, int64_t now_us)
{
	l->now_us = now_us;
	if (l->dead == LINK_CODE_OK && is_silent(l, now_us))
		l->dead = LINK_CODE_SILENT;
	if (l->dead != LINK_CODE_OK)
		return -1;
	link_trim(l);
	window_update(l);
	if (l->ping_us != 0 && now_us - l->ping_us >= beat_us(l))
		l->ping_us = 0; /* it lives, but does not answer: ask again */
	if (now_us - l->heard_us >= IDLE_US || now_us - l->said_us >= beat_us(l))
		link_ping(l);
	return next_look(l);
}
