/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output: the queue of control frames and the block that DATA frames are built in.
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

#define CTL_BYTES_MIN 256
#define CTL_BYTES_KEPT 4096
/* The last room of the control queue: for the GOAWAY that says why. */
#define CTL_RESERVE_BYTES 64
/* A block is as large as what leaves in ROOM_US, as measured over RATE_US. */
#define ROOM_US 2000
#define RATE_US 20000

/* --- control frames --- */

/*
 * Sent bytes in front are used up before the queue grows. ping_end moves along: it is a place
 * in the queue.
 */
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

/*
 * A queue that is full means that the other side does not read: the link ends, saying so in the
 * room that is kept for it.
 */
void
link_put(struct link *l, const struct frame *f, struct slice payload)
{
	uint32_t n = FRAME_HEADER_BYTES + f->length;
	uint32_t max = LIMIT_LINK_CTL_BYTES - (f->type == FRAME_GOAWAY ? 0 : CTL_RESERVE_BYTES);

	check(payload.n == f->length);
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

/* An idle link keeps no queue, a busy one a small one. */
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

/* One at a time. Its number tells its answer from that to an older one. */
void
link_ping(struct link *l)
{
	struct frame f = { .length = 8, .type = FRAME_PING };
	char payload[8];

	if (l->ping_queued || l->ping_us != 0 || l->dead != LINK_CODE_OK)
		return;
	l->pinged_us = l->now_us;
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

bool
link_have_block(struct link *l)
{
	if (l->out != NULL)
		return true;
	l->out = pool_get(l->params.out_pool);
	l->out_from = l->out_to = l->out_edge = LINK_OUT_FRONT_BYTES;
	return l->out != NULL;
}

/* out_block moves on: by it stream_reset() knows whether frames of a stream still wait. */
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

size_t
link_out_waiting(const struct link *l)
{
	return (l->ctl_to - l->ctl_from) + (l->out_to - l->out_from);
}

/*
 * Control frames first, but never within a frame whose beginning has left: then the rest of it
 * goes before them.
 */
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

/*
 * What lies in the block goes before whatever comes later, however small: large blocks, which save
 * half of the calls, are only for connections that take them in no time.
 */
static void
adapt_room(struct link *l, uint32_t n)
{
	int64_t elapsed = l->now_us - l->rate_out_us;
	uint64_t room;

	l->rate_out_bytes += n;
	if (elapsed < RATE_US)
		return;
	room = l->rate_out_bytes * ROOM_US / (uint64_t)elapsed;
	if (room < LINK_OUT_ROOM_MIN)
		room = LINK_OUT_ROOM_MIN;
	l->out_room = room < LIMIT_LINK_OUT_BYTES ? (uint32_t)room : LIMIT_LINK_OUT_BYTES;
	l->rate_out_us = l->now_us;
	l->rate_out_bytes = 0;
}

/* out_edge goes on frame by frame, by the headers that lie in the block. */
static void
data_sent(struct link *l, uint32_t n)
{
	struct frame f;

	check(n <= l->out_to - l->out_from);
	adapt_room(l, n);
	l->out_from += n;
	if (l->out_from == l->out_to) {
		release_block(l);
		return;
	}
	while (l->out_edge < l->out_from) {
		frame_decode(l->out + l->out_edge, &f);
		l->out_edge += FRAME_HEADER_BYTES + f.length;
	}
	check(l->out_edge <= l->out_to); /* a block holds whole frames only */
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
link_out_trim(struct link *l)
{
	if (l->ctl_to == l->ctl_from)
		ctl_reset(l);
	if (l->out_to == l->out_from)
		release_block(l);
}
