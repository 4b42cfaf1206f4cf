/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flow control of what comes in.
 *
 * A stream's window is what it may hold and still be sent together.  Of each window
 * STREAM_RX_BYTES_MIN is its own; the rest is lent from the link's budget:
 *
 *	budget = rx_bytes_min + 6 x rate x rtt + what stalled streams have, at most rx_bytes_max
 *
 * - A new stream gets INIT while three quarters of the budget (without what stalled streams
 *   have) last, less and less as they shrink, then FIRST, then MIN.
 * - A window doubles when a whole window (half of a small one) was eaten within 1.5 round trips
 *   and something: the sender is then limited by the window, or nearly.  It may take half of
 *   what is free, so that something is always left; of the last quarter, which only streams
 *   that move can have, an eighth.
 * - A queue that stays at the reader is window that is not needed: half of it is taken off.  So
 *   is half the window per round trip of a reader that takes nothing, and per 5 s in which not
 *   half of it was used.
 * - What was granted cannot be taken back: a window shrinks by credit that does not go back.
 */
#include "tunnel/link.h"

#include "tunnel/link_private.h"

#define WINDOW_MIN LIMIT_STREAM_RX_BYTES_MIN
#define WINDOW_FIRST LIMIT_STREAM_RX_BYTES_FIRST
#define WINDOW_INIT LIMIT_STREAM_RX_BYTES_INIT
#define WINDOW_MAX LIMIT_STREAM_RX_BYTES_MAX
/* Credit goes back in pieces of half a window, but none larger: large windows then flow evenly. */
#define RETURN_BYTES_MAX (256 * 1024)

#define RTT_UNKNOWN_US 100000
#define RTT_MAX_US 4000000    /* what is longer is no round trip but a queue */
#define RTT_OLD_US 30000000   /* a smallest value that old may be forgotten */
#define RTT_PERIOD_US 1000000 /* between measurements while windows grow */
#define SLACK_US 8000         /* what turns of the loops at both ends may take */
#define RATE_US_MIN 20000
#define USELESS_US 5000000
#define STALLED_US 1000000
#define CENSUS_US 100000

/* Until the first PONG a tenth of a second is taken, as between continents. */
static int64_t
rtt(const struct link *l)
{
	if (l->rtt_us == 0)
		return RTT_UNKNOWN_US;
	return l->rtt_us < RTT_MAX_US ? l->rtt_us : RTT_MAX_US;
}

static uint32_t
lent(const struct stream *s)
{
	return s->rx_share > WINDOW_MIN ? s->rx_share - WINDOW_MIN : 0;
}

/* Brings what the stream counts for up to date. */
static void
settle(struct stream *s)
{
	struct link *l = s->link;
	uint32_t exposed = (uint32_t)s->rx_credit + s->rx_held;
	uint32_t before = lent(s);

	check(s->rx_share <= l->rx_promised && before <= l->rx_lent);
	l->rx_promised -= s->rx_share;
	s->rx_share = exposed > s->rx_window ? exposed : s->rx_window;
	l->rx_promised += s->rx_share;
	l->rx_lent = l->rx_lent - before + lent(s);
}

/* --- budget --- */

/* 6 x bandwidth-delay product: a stream may take half of three quarters, and shall double. */
static size_t
measured(const struct link *l)
{
	return (size_t)(6 * l->rate_max * (uint64_t)rtt(l) / 1000000);
}

static size_t
budget_of(const struct link *l, size_t stalled)
{
	size_t n = l->params.rx_bytes_min + measured(l) + stalled;

	return n < l->params.rx_bytes_max ? n : l->params.rx_bytes_max;
}

/* How much is lent to streams that eat nothing: what live ones do frees none of it. */
static void
census(struct link *l)
{
	l->census_us = l->now_us;
	l->rx_stalled = 0;
	LIST_EACH(it, &l->all) {
		struct stream *s = list_of(it, struct stream, all);

		if (l->now_us - s->rx_eaten_us > STALLED_US)
			l->rx_stalled += lent(s);
	}
}

/*
 * As long as little is lent it does not matter who stalls, and the walk over all
 * streams is saved.
 */
static void
update_budget(struct link *l)
{
	if (l->rx_lent < l->params.rx_bytes_min / 4)
		l->rx_stalled = 0;
	else if (l->now_us - l->census_us >= CENSUS_US)
		census(l);
	l->rx_budget = budget_of(l, l->rx_stalled);
}

/*
 * The largest rate of late. It falls by an eighth an epoch; behind a pause of 16 epochs it is
 * old, and the next one takes its place.
 */
static void
count_rate(struct link *l, uint32_t n)
{
	int64_t elapsed = l->now_us - l->rate_from_us, epoch = rtt(l);
	uint64_t rate;

	if (epoch < RATE_US_MIN)
		epoch = RATE_US_MIN;
	if (elapsed >= epoch) {
		rate = l->rate_bytes * 1000000 / (uint64_t)elapsed;
		l->rate_max -= l->rate_max / 8;
		if (elapsed > 16 * epoch || rate > l->rate_max)
			l->rate_max = rate;
		l->rate_from_us = l->now_us;
		l->rate_bytes = 0;
	}
	l->rate_bytes += n;
}

void
window_update(struct link *l)
{
	count_rate(l, 0);
	update_budget(l);
}

/* The smallest of the last half minute: larger ones have waited in a queue. */
void
window_rtt(struct link *l, int64_t rtt_us)
{
	if (l->rtt_us != 0 && rtt_us > l->rtt_us && l->now_us - l->rtt_at_us < RTT_OLD_US)
		return;
	l->rtt_us = rtt_us;
	l->rtt_at_us = l->now_us;
}

/* --- a stream's window --- */

/*
 * Nothing is known of it yet: an eighth of what is free of three quarters of the budget,
 * up to INIT; FIRST while that can be lent from twice the smallest budget; else MIN,
 * which is always there.
 */
uint32_t
window_first(const struct link *l)
{
	size_t pot = budget_of(l, 0) / 4 * 3, n;

	n = pot > l->rx_lent ? (pot - l->rx_lent) / 8 : 0;
	if (n >= WINDOW_FIRST)
		return n < WINDOW_INIT ? (uint32_t)n : WINDOW_INIT;
	pot = 2 * l->params.rx_bytes_min;
	if (pot > l->params.rx_bytes_max)
		pot = l->params.rx_bytes_max;
	return l->rx_lent + WINDOW_FIRST <= pot ? WINDOW_FIRST : WINDOW_MIN;
}

void
window_open(struct stream *s, uint32_t credit)
{
	s->rx_window = credit;
	s->rx_credit = credit;
	s->rx_eaten_us = s->rx_useful_us = s->link->now_us;
	settle(s);
}

void
window_close(struct stream *s)
{
	s->rx_window = 0;
	s->rx_credit = 0;
	settle(s);
}

void
window_drop(struct stream *s)
{
	s->rx_held = 0;
	window_close(s);
}

void
window_arrived(struct stream *s, uint32_t n)
{
	check(n <= s->rx_credit); /* judge_data() refused the frame else */
	s->rx_credit -= n;
	s->rx_held += n;
}

/*
 * The most that the stream may have: half of what is free of three quarters, its own part included,
 * or an eighth of what is free of all.  N streams that want all come to rest at equal parts.
 */
static uint32_t
window_cap(const struct stream *s)
{
	const struct link *l = s->link;
	size_t others = l->rx_lent - lent(s), pot = l->rx_budget / 4 * 3;
	size_t half = pot > others ? (pot - others) / 2 : 0;
	size_t eighth = l->rx_budget > others ? (l->rx_budget - others) / 8 : 0;
	size_t cap = WINDOW_MIN + (half > eighth ? half : eighth);

	return cap < WINDOW_MAX ? (uint32_t)cap : WINDOW_MAX;
}

static void
grow(struct stream *s)
{
	struct link *l = s->link;
	uint32_t wanted = 2 * s->rx_window, cap;

	if (l->rtt_us == 0 || l->now_us - l->pinged_us >= RTT_PERIOD_US)
		link_ping(l);
	update_budget(l);
	cap = window_cap(s);
	if (wanted < WINDOW_INIT)
		wanted = WINDOW_INIT;
	if (wanted > cap)
		wanted = cap;
	/* Also down: when others have come, what was fair is too much. */
	if (wanted > s->rx_window || s->rx_window > WINDOW_FIRST)
		s->rx_window = wanted > WINDOW_FIRST ? wanted : WINDOW_FIRST;
}

static void
shrink_to(struct stream *s, uint32_t floor, uint32_t wanted)
{
	if (s->rx_window > floor)
		s->rx_window = wanted > floor ? wanted : floor;
}

/* Half for each `period` in `elapsed`. */
static void
halve(struct stream *s, uint32_t floor, int64_t elapsed, int64_t period)
{
	int64_t times = elapsed / period;

	shrink_to(s, floor, s->rx_window >> (times < 16 ? times : 16));
}

/* What was never eaten in this epoch was not needed. */
static uint32_t
surplus(const struct stream *s)
{
	return s->rx_held_min < s->rx_window ? s->rx_held_min : s->rx_window;
}

static void
restart(struct stream *s, int64_t from_us)
{
	s->rx_epoch_us = from_us;
	s->rx_eaten = 0;
	s->rx_held_min = s->rx_held;
}

/* The reader of the stream has taken nothing since. */
static int64_t
stalled_since(const struct stream *s)
{
	return s->rx_blocked_us > s->rx_eaten_us ? s->rx_blocked_us : s->rx_eaten_us;
}

/* Looks whether the window is right, after n more bytes have been eaten. */
static void
adapt(struct stream *s, uint32_t n)
{
	int64_t now = s->link->now_us, keeps_up = rtt(s->link) * 3 / 2 + SLACK_US;
	uint32_t need = s->rx_window < WINDOW_INIT ? s->rx_window / 2 : s->rx_window;

	if (s->rx_blocked)
		halve(s, WINDOW_FIRST, now - stalled_since(s), keeps_up);
	if (now - s->rx_epoch_us > keeps_up) {
		/* The epoch before this one: it did not need all of the window. */
		if (s->rx_eaten >= s->rx_window / 2)
			s->rx_useful_us = now;
		if (s->rx_held_min > s->rx_window / 4)
			shrink_to(s, WINDOW_FIRST, s->rx_window - surplus(s) / 2);
		/* These n bytes took the time since the last; after a pause, as good as none. */
		restart(s, now - s->rx_eaten_us <= keeps_up ? s->rx_eaten_us : now);
	}
	s->rx_eaten_us = now;
	s->rx_eaten += n;
	if (s->rx_held < s->rx_held_min)
		s->rx_held_min = s->rx_held;
	if (s->rx_eaten >= need) {
		s->rx_useful_us = now;
		if (s->rx_held_min <= s->rx_window / 8)
			grow(s);
		restart(s, now);
	} else if (now - s->rx_useful_us >= USELESS_US) {
		halve(s, WINDOW_INIT, now - s->rx_useful_us, USELESS_US);
		s->rx_useful_us = now;
	}
}

/* Not in drops: half of the window, or RETURN_BYTES_MAX, must have become free. */
static uint32_t
due(const struct stream *s)
{
	uint32_t exposed = (uint32_t)s->rx_credit + s->rx_held, room, least = s->rx_window / 2;

	if (s->rx_ended || s->dead || exposed >= s->rx_window)
		return 0;
	room = s->rx_window - exposed;
	return room >= (least < RETURN_BYTES_MAX ? least : RETURN_BYTES_MAX) ? room : 0;
}

uint32_t
window_take_due(struct stream *s)
{
	uint32_t n = due(s);

	s->rx_credit += n;
	settle(s);
	return n;
}

void
stream_eaten(struct stream *s, size_t n, int64_t now_us)
{
	check(n <= s->rx_held);
	if (n == 0)
		return;
	s->link->now_us = now_us;
	count_rate(s->link, (uint32_t)n);
	s->rx_held -= (uint32_t)n;
	if (!s->rx_ended && !s->dead) {
		adapt(s, (uint32_t)n);
		if (due(s) > 0 && list_empty(&s->returning))
			list_push(&s->link->returning, &s->returning);
	}
	settle(s);
}

void
stream_reader_blocked(struct stream *s, bool blocked)
{
	if (blocked && !s->rx_blocked)
		s->rx_blocked_us = s->link->now_us;
	s->rx_blocked = blocked;
}
