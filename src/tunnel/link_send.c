/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending: whose turn it is, and the frames of streams.  Streams that have sent
 * little lately go first; the others share by deficit round robin.
 */
#include "tunnel/link.h"

#include "tunnel/link_private.h"

/* A stream that sends less than this in such a time is small, and goes before bulk. */
#define FRESH_BYTES (4 * LIMIT_DATA_FRAME_BYTES)
#define FRESH_US 1000000
/* Bulk that waits gets a frame after so many bytes of small streams. */
#define FRESH_RUN_BYTES (4 * LIMIT_DATA_FRAME_BYTES)

/* --- turns --- */

static bool
has_room(const struct link *l)
{
	return l->out == NULL || l->out_to - LINK_OUT_FRONT_BYTES < l->out_room;
}

static bool
is_bulk(const struct stream *s)
{
	return s->tx_recent >= FRESH_BYTES;
}

bool
link_has_room(const struct link *l)
{
	return l->dead == LINK_CODE_OK && has_room(l);
}

/*
 * Without credit it is only marked: stream_unblock() queues it when some comes. Harmless for
 * one that is queued or has ended.
 */
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
	if (!is_bulk(s))
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

/* Bulk among itself changes seldom: the other side then writes on in large pieces. */
static uint32_t
quantum(const struct stream *s)
{
	const struct link *l = s->link;

	return is_bulk(s) && list_empty(&l->fresh) ? l->out_room / 2 : LIMIT_DATA_FRAME_BYTES;
}

/* Small streams first, but after so many of their bytes a frame of bulk: neither waits for ever. */
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
		s->deficit = quantum(s);
	return s;
}

struct stream *
link_turn(struct link *l)
{
	struct stream *s;

	if (list_empty(&l->fresh) && list_empty(&l->bulk))
		return NULL;
	if (!link_has_room(l) || !link_have_block(l))
		return NULL;
	while ((s = next_wanting(l)) != NULL) {
		if (!s->opened || s->tx_credit > 0)
			return s;
		s->blocked = true;
	}
	return NULL;
}

void
stream_want_credit(struct stream *s)
{
	check(s->opened && list_empty(&s->round)); /* its turn has just been */
	s->blocked = !s->tx_ended;
}

/* Credit that a stream takes for granted when it opens: as much only as the other side
 * can give to all. */
static uint32_t
first_credit(const struct link *l)
{
	return l->n_sending < LIMIT_STREAMS_RX_FIRST ? LIMIT_STREAM_RX_BYTES_FIRST
						     : LIMIT_STREAM_RX_BYTES_MIN;
}

/* Where the frame's payload will lie, behind room for its header, so nothing is copied. */
size_t
stream_grant(struct stream *s, char **ret_p)
{
	struct link *l = s->link;
	size_t n;

	if (s->tx_ended || !link_has_room(l) || !link_have_block(l))
		return 0;
	if (s->opened) {
		*ret_p = l->out + l->out_to + FRAME_HEADER_BYTES;
		n = (size_t)s->tx_credit;
		return n < LIMIT_DATA_FRAME_BYTES ? n : LIMIT_DATA_FRAME_BYTES;
	}
	s->tx_credit = first_credit(l);
	*ret_p = l->out + l->out_to + FRAME_HEADER_BYTES + FRAME_SYN_BYTES;
	/* How much of it will be opening is not known yet: data alone must
	 * stay within the credit. */
	n = (size_t)s->tx_credit - LIMIT_OPENING_BYTES;
	return (n < LIMIT_DATA_FRAME_BYTES ? n : LIMIT_DATA_FRAME_BYTES) + 2 + LIMIT_OPENING_BYTES;
}

/*
 * Only while no small stream waits, and within what this round gives: more in one go would make
 * others wait for it.
 */
int
stream_grant_more(struct stream *s, struct iovec *iov, int n_iov)
{
	struct link *l = s->link;
	const uint32_t whole = FRAME_HEADER_BYTES + LIMIT_DATA_FRAME_BYTES;
	size_t left = (size_t)s->tx_credit < s->deficit ? (size_t)s->tx_credit : s->deficit;
	uint32_t at = l->out_to + whole;
	int n = 0;

	if (!s->opened || !list_empty(&l->fresh) || left <= LIMIT_DATA_FRAME_BYTES)
		return 0;
	left -= LIMIT_DATA_FRAME_BYTES; /* what stream_grant() gave */
	for (; n < n_iov && left > 0 && at - LINK_OUT_FRONT_BYTES < l->out_room; n++) {
		size_t part = left < LIMIT_DATA_FRAME_BYTES ? left : LIMIT_DATA_FRAME_BYTES;

		iov[n] = (struct iovec){ l->out + at + FRAME_HEADER_BYTES, part };
		left -= part;
		at += whole;
	}
	return n;
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
	s->link->n_sending++;
}

static void
count_sent(struct stream *s, uint32_t n)
{
	struct link *l = s->link;

	s->tx_credit -= n;
	s->deficit = n < s->deficit ? s->deficit - n : 0;
	if (!is_bulk(s))
		l->fresh_run += n;
	s->tx_recent += n;
}

static void
end_sending(struct stream *s)
{
	if (s->opened && !s->tx_ended) {
		check(s->link->n_sending > 0);
		s->link->n_sending--;
	}
	s->tx_ended = true;
	s->blocked = false;
	list_del(&s->round);
}

/* Writes the header of a frame whose payload is there, and counts it. */
static void
put_frame(struct stream *s, enum frame_type type, size_t opening_n, size_t n, bool fin)
{
	struct link *l = s->link;
	struct frame f = { .length = (uint32_t)(opening_n + n), .type = (uint8_t)type };
	char *p = l->out + l->out_to;

	if (!s->opened) {
		write_syn(s, p + FRAME_HEADER_BYTES);
		f.length += FRAME_SYN_BYTES;
		f.flags = FRAME_SYN;
	}
	if (fin)
		f.flags |= FRAME_FIN;
	f.stream = s->id;
	check(l->out_to + FRAME_HEADER_BYTES + f.length <= LINK_OUT_BLOCK_BYTES);
	frame_encode(&f, p);
	s->last_block = l->out_block;
	l->out_to += FRAME_HEADER_BYTES + f.length;
	count_sent(s, (uint32_t)n);
}

/*
 * What stream_grant_more() gave was filled with gaps for headers: they are written here, the
 * last frame's with the FIN.
 */
void
stream_commit(struct stream *s, size_t opening_n, size_t n, bool fin)
{
	struct link *l = s->link;

	if (opening_n + n == 0 && !fin)
		return;
	check(!s->tx_ended && l->out != NULL);
	check((opening_n > 0) == !s->opened);
	check(n <= (size_t)s->tx_credit);
	for (; opening_n == 0 && n > LIMIT_DATA_FRAME_BYTES; n -= LIMIT_DATA_FRAME_BYTES)
		put_frame(s, FRAME_DATA, 0, LIMIT_DATA_FRAME_BYTES, false);
	put_frame(s, FRAME_DATA, opening_n, n, fin);
	if (fin)
		end_sending(s);
}

void
stream_commit_trailers(struct stream *s, size_t n)
{
	check(s->opened && !s->tx_ended && s->link->out != NULL);
	check(n > 0 && n <= LIMIT_TRAILER_BYTES && n <= (size_t)s->tx_credit);
	put_frame(s, FRAME_TRAILERS, 0, n, true);
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
	/* What was committed before goes first: a SYN, or the good part of an answer that broke. */
	if (l->out != NULL && s->last_block == l->out_block)
		l->ctl_hold = true;
	frame_put_u32(payload, code);
	link_put(l, &f, slice_of(payload, 4));
}
