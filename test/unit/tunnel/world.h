/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A world of two link ends and a wire between them, in virtual time: the wire
 * delays, splits at random, has a rate or none, can be cut or frozen, and never reorders.
 * Every exchange is one stream with an owner at both ends; what they send is known,
 * so every byte is compared when it arrives.
 */
#ifndef ADIT_TEST_TUNNEL_WORLD_H
#define ADIT_TEST_TUNNEL_WORLD_H

#include "unit.h"

#include "tunnel/link.h"
#include "tunnel/opening.h"

#define EDGE LINK_EDGE
#define AGENT LINK_AGENT
#define MIB (1024 * 1024)

enum reader {
	READER_FAST,    /* takes all at once */
	READER_SLOW,    /* `rate` bytes per ms */
	READER_STALLED, /* takes nothing */
};

/* One end of an exchange. */
struct end {
	struct stream *s; /* NULL: not yet or no more */
	uint64_t tx_total, tx_sent;
	uint64_t rx_got, rx_eaten;
	bool rx_fin, tx_fin, lost, gone;
	uint32_t lost_code;
	enum reader reader;
	uint32_t rate;
	int64_t first_us, last_us; /* when data arrived */
};

struct exchange {
	unsigned number;
	struct end end[2];
	int64_t opened_us;
	bool hung_up[2];     /* this end resets the stream ... */
	uint64_t hang_up_at; /* ... after so many received bytes */
};

struct segment {
	struct segment *next;
	int64_t at_us;
	size_t n, from;
	char bytes[];
};

struct wire {
	struct segment *first, *last;
	size_t n;
	int64_t free_us; /* when its transmitter is free again */
	bool frozen;     /* takes and delivers nothing */
};

#define EXCHANGES_MAX 4096
struct world {
	int64_t now_us, delay_us;
	double bytes_per_us; /* 0: as many as come */
	size_t queue_max;    /* bytes that wait for the transmitter before it pushes back; 0: any */
	bool split;          /* takes and delivers at random boundaries */
	uint64_t rng;
	struct slab streams[2];
	struct pool blocks[2];
	struct link link[2];
	struct wire wire[2]; /* [side]: towards that side */
	int64_t tick_us[2];
	struct exchange *x;
	unsigned n_x;
	bool bad[2], goaway[2], dead[2];
	uint32_t bad_code;
	size_t promised_max[2];
	bool slow_readers; /* any: owners need a tick each ms */
	int64_t owner_us;
	int64_t rtt_us[2];
};

/* --- chance --- */

static uint64_t
chance(struct world *w)
{
	w->rng ^= w->rng << 13;
	w->rng ^= w->rng >> 7;
	w->rng ^= w->rng << 17;
	return w->rng;
}

static uint64_t
below(struct world *w, uint64_t n)
{
	return (chance(w) >> 11) % n;
}

/* --- the bytes of an exchange --- */

#define PATTERN_PERIOD 65521
#define PATTERN_BYTES (PATTERN_PERIOD + 32768)
static char pattern[PATTERN_BYTES];

static void
pattern_make(void)
{
	uint64_t v = 88172645463325252u;

	if (pattern[0] != 0)
		return;
	for (size_t i = 0; i < PATTERN_PERIOD; i++) {
		v ^= v << 13;
		v ^= v >> 7;
		v ^= v << 17;
		pattern[i] = (char)(v >> 20 | 1);
	}
	memcpy(pattern + PATTERN_PERIOD, pattern, PATTERN_BYTES - PATTERN_PERIOD);
}

/* Bytes at `offset` of what `side` sends in the exchange; at least 32768 - 1 of them follow. */
static const char *
bytes_at(const struct exchange *x, int side, uint64_t offset)
{
	return pattern + (offset + x->number * 1031u + (unsigned)side * 17u) % PATTERN_PERIOD;
}

/* --- life --- */

static void
world_init(struct world *w, uint64_t seed, int64_t rtt_us)
{
	struct link_params p = {
		.rx_bytes_min = LIMIT_LINK_RX_BYTES_MIN,
		.rx_bytes_max = LIMIT_LINK_RX_BYTES_MAX,
		.streams_max = LIMIT_LINK_STREAMS,
	};

	pattern_make();
	*w = (struct world){ .now_us = 1000000,
		.delay_us = rtt_us / 2,
		.rng = seed * 2654435761u + 88172645463325252u };
	w->x = calloc(EXCHANGES_MAX, sizeof(*w->x));
	for (int side = 0; side < 2; side++) {
		slab_init(&w->streams[side], sizeof(struct stream), LIMIT_LINK_STREAMS);
		pool_init(&w->blocks[side], LINK_OUT_BLOCK_BYTES, 1, 1);
		p.side = (enum link_side)side;
		p.streams = &w->streams[side];
		p.out_pool = &w->blocks[side];
		check(link_init(&w->link[side], &p, w->now_us) == 0);
		w->tick_us[side] = w->now_us + LIMIT_LINK_IDLE_MS * 1000;
	}
}

static void
wire_drop(struct wire *wire)
{
	while (wire->first != NULL) {
		struct segment *next = wire->first->next;

		free(wire->first);
		wire->first = next;
	}
	*wire = (struct wire){ .frozen = wire->frozen };
}

/* Tears down what lives; nothing may be left afterwards. */
static void
world_fini(struct world *w)
{
	for (int side = 0; side < 2; side++) {
		struct link *l = &w->link[side];
		struct stream *s;

		while ((s = link_any_stream(l)) != NULL)
			stream_free(s);
		EXPECT_INT(l->rx_promised, 0);
		EXPECT_INT(l->rx_lent, 0);
		EXPECT_INT(l->n_sending, 0);
		EXPECT_INT(link_n_streams(l), 0);
		EXPECT_INT(l->streams.n, 0);
		link_fini(l);
		EXPECT_INT(w->streams[side].n_out, 0);
		EXPECT_INT(w->blocks[side].n_out, 0);
		slab_fini(&w->streams[side]);
		pool_fini(&w->blocks[side]);
		wire_drop(&w->wire[side]);
	}
	free(w->x);
}

/* --- owners --- */

static struct exchange *
world_open(struct world *w, uint64_t up, uint64_t down)
{
	struct exchange *x = &w->x[w->n_x];

	check(w->n_x < EXCHANGES_MAX);
	*x =
	    (struct exchange){ .number = w->n_x, .opened_us = w->now_us, .hang_up_at = UINT64_MAX };
	x->end[EDGE].tx_total = up;
	x->end[AGENT].tx_total = down;
	x->end[EDGE].s = stream_open(&w->link[EDGE], x);
	if (x->end[EDGE].s == NULL)
		return NULL;
	w->n_x++;
	stream_want(x->end[EDGE].s);
	return x;
}

static void
end_gone(struct end *e)
{
	stream_free(e->s);
	e->s = NULL;
	e->gone = true;
}

/* Both directions have ended and all was eaten. */
static void
retire(struct end *e)
{
	if (e->s != NULL && e->rx_fin && e->tx_fin && e->rx_eaten == e->rx_got) {
		EXPECT(e->s->rx_ended && e->s->tx_ended);
		end_gone(e);
	}
}

static void
hang_up(struct end *e)
{
	if (e->s == NULL)
		return;
	stream_reset(e->s, LINK_CODE_CANCELLED);
	EXPECT(e->s->tx_ended);
	end_gone(e);
	e->lost = true;
}

static void
fill(struct world *w, struct exchange *x, int side)
{
	struct end *e = &x->end[side];
	size_t cap, opening_n = 0, n;
	char *p;

	cap = stream_grant(e->s, &p);
	EXPECT(e->s->tx_credit >= 0);
	if (!e->s->opened) {
		char id[16];
		struct opening o = { .tunnel = 1, .kind = OPENING_HTTP };

		o.request_id = slice_of(id, (size_t)snprintf(id, sizeof(id), "%u", x->number));
		opening_n = opening_encode(&o, p, cap);
		check(opening_n > 0);
	}
	n = cap - opening_n;
	if (n > e->tx_total - e->tx_sent)
		n = e->tx_total - e->tx_sent;
	if (n > 0 && w->split && below(w, 4) == 0)
		n = below(w, n + 1);
	memcpy(p + opening_n, bytes_at(x, side, e->tx_sent), n);
	e->tx_sent += n;
	e->tx_fin = e->tx_sent == e->tx_total;
	stream_commit(e->s, opening_n, n, e->tx_fin);
	if (!e->tx_fin)
		stream_want(e->s);
	else
		retire(e);
}

static void
eat(struct world *w, struct end *e, uint64_t n)
{
	if (n > e->rx_got - e->rx_eaten)
		n = e->rx_got - e->rx_eaten;
	e->rx_eaten += n;
	stream_eaten(e->s, n, w->now_us);
	stream_reader_blocked(e->s, e->rx_eaten < e->rx_got);
	retire(e);
}

static void
on_data(struct world *w, int side, struct exchange *x, struct slice bytes, bool fin)
{
	struct end *e = &x->end[side];

	EXPECT(!e->rx_fin);
	if (bytes.n > 0 && memcmp(bytes.p, bytes_at(x, !side, e->rx_got), bytes.n) != 0) {
		EXPECT(false);
		printf("exchange %u differs at %llu\n", x->number, (unsigned long long)e->rx_got);
	}
	if (e->rx_got == 0)
		e->first_us = w->now_us;
	e->last_us = w->now_us;
	e->rx_got += bytes.n;
	e->rx_fin = fin;
	if (fin)
		EXPECT_INT(e->rx_got, x->end[!side].tx_total);
	EXPECT_INT(e->s->rx_ended, fin);
	EXPECT(e->s->rx_credit >= 0);
	if (x->hung_up[side] && e->rx_got >= x->hang_up_at) {
		hang_up(e);
		return;
	}
	if (e->reader == READER_FAST)
		eat(w, e, UINT64_MAX);
	else
		stream_reader_blocked(e->s, true);
}

static void
on_opened(struct world *w, struct link_event *ev)
{
	struct opening o;
	uint64_t number;
	struct exchange *x;

	EXPECT(opening_decode(ev->bytes, &o));
	EXPECT(slice_u64(o.request_id, &number) && number < w->n_x);
	x = &w->x[number];
	x->end[AGENT].s = ev->stream;
	ev->stream->owner = x;
	if (x->hung_up[AGENT] && x->hang_up_at == 0)
		hang_up(&x->end[AGENT]);
	else
		stream_want(ev->stream);
}

static void
on_event(struct world *w, int side, struct link_event *ev)
{
	struct exchange *x = ev->stream == NULL ? NULL : ev->stream->owner;

	switch (ev->what) {
	case LINK_NONE:
	case LINK_CONTROL:
	case LINK_TRAILERS:
		break;
	case LINK_OPENED:
		on_opened(w, ev);
		break;
	case LINK_DATA:
		on_data(w, side, x, ev->bytes, ev->fin);
		break;
	case LINK_RESET:
		EXPECT(ev->stream->rx_ended && ev->stream->tx_ended);
		x->end[side].lost = true;
		x->end[side].lost_code = ev->code;
		end_gone(&x->end[side]);
		break;
	case LINK_GOAWAY:
		w->goaway[side] = true;
		break;
	case LINK_PONG:
		w->rtt_us[side] = ev->rtt_us;
		break;
	case LINK_BAD:
		w->bad[side] = true;
		w->bad_code = ev->code;
		break;
	}
}

/* --- the wire --- */

/* What the wire takes of s now. */
static size_t
wire_send(struct world *w, int side, struct slice s)
{
	struct wire *wire = &w->wire[!side];
	struct segment *seg;
	int64_t start = wire->free_us > w->now_us ? wire->free_us : w->now_us;

	if (wire->frozen)
		return 0;
	if (w->queue_max > 0 &&
	    (double)(start - w->now_us) * w->bytes_per_us >= (double)w->queue_max)
		return 0;
	if (w->bytes_per_us > 0 && w->bytes_per_us < 1 && s.n > 1460)
		s.n = 1460; /* slow lines deliver as they go */
	if (w->split && below(w, 3) == 0)
		s.n = 1 + below(w, s.n);
	seg = malloc(sizeof(*seg) + s.n);
	check(seg != NULL);
	*seg = (struct segment){ .n = s.n };
	memcpy(seg->bytes, s.p, s.n);
	if (w->bytes_per_us > 0)
		start += (int64_t)((double)s.n / w->bytes_per_us);
	wire->free_us = start;
	seg->at_us = start + w->delay_us;
	if (wire->first == NULL)
		wire->first = seg;
	else
		wire->last->next = seg;
	wire->last = seg;
	wire->n += s.n;
	return s.n;
}

static void
flush(struct world *w, int side)
{
	struct link *l = &w->link[side];
	struct stream *s;
	struct slice out;

	for (;;) {
		while ((s = link_turn(l)) != NULL)
			fill(w, s->owner, side);
		out = link_out(l);
		if (out.n == 0)
			return;
		size_t n = wire_send(w, side, out);

		if (n == 0)
			return;
		link_out_done(l, n, w->now_us);
		if (w->split && below(w, 16) == 0)
			return; /* the socket was full for this turn */
	}
}

static void
observe(struct world *w, int side)
{
	struct link *l = &w->link[side];

	if (l->rx_promised > w->promised_max[side])
		w->promised_max[side] = l->rx_promised;
	EXPECT(l->rx_promised <= link_rx_ceiling(&l->params));
}

static void
deliver(struct world *w, int side)
{
	struct wire *wire = &w->wire[side];
	struct link_event ev;

	while (wire->first != NULL && wire->first->at_us <= w->now_us && !wire->frozen) {
		struct segment *seg = wire->first;

		while (seg->from < seg->n) {
			size_t n = seg->n - seg->from;
			struct slice in;

			if (w->split && below(w, 3) == 0)
				n = 1 + below(w, n < 64 ? n : 64);
			in = slice_of(seg->bytes + seg->from, n);
			while (link_feed(&w->link[side], &in, &ev, w->now_us) != LINK_NONE) {
				on_event(w, side, &ev);
				observe(w, side);
			}
			EXPECT_INT(in.n, 0);
			seg->from += n;
		}
		wire->n -= seg->n;
		wire->first = seg->next;
		free(seg);
	}
}

/* --- time --- */

static void
owners_tick(struct world *w)
{
	w->owner_us = w->now_us + 1000;
	for (unsigned i = 0; i < w->n_x; i++)
		for (int side = 0; side < 2; side++) {
			struct end *e = &w->x[i].end[side];

			if (e->s != NULL && e->reader == READER_SLOW && e->rx_got > e->rx_eaten)
				eat(w, e, e->rate);
		}
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Goes to the next moment at which something happens, at most to `until`; false when there is none.
 */
static bool
world_step(struct world *w, int64_t until)
{
	int64_t next = until;

	flush(w, EDGE);
	flush(w, AGENT);
	for (int side = 0; side < 2; side++) {
		struct wire *wire = &w->wire[side];

		if (wire->first != NULL && !wire->frozen)
			next = earlier(next, wire->first->at_us);
		if (!w->dead[side])
			next = earlier(next, w->tick_us[side]);
		if (w->queue_max > 0 && link_out(&w->link[side]).n > 0)
			next = earlier(next, w->now_us + 500);
	}
	if (w->slow_readers)
		next = earlier(next, w->owner_us);
	if (w->split)
		next = earlier(next, w->now_us + 1000);
	if (next > w->now_us)
		w->now_us = next;
	for (int side = 0; side < 2; side++) {
		deliver(w, side);
		if (!w->dead[side] && w->now_us >= w->tick_us[side]) {
			w->tick_us[side] = link_tick(&w->link[side], w->now_us);
			w->dead[side] = w->tick_us[side] < 0;
		}
		observe(w, side);
	}
	if (w->slow_readers && w->now_us >= w->owner_us)
		owners_tick(w);
	return w->now_us < until;
}

static void
world_run(struct world *w, int64_t us)
{
	int64_t until = w->now_us + us;

	while (world_step(w, until))
		;
	for (int side = 0; side < 2; side++)
		flush(w, side);
}

#endif
