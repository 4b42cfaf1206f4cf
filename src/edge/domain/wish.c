/* SPDX-License-Identifier: Apache-2.0 */
/* The states of wishes, and what leads from one to the next. */
#include "edge/domain/wish.h"

#include "base/rand.h"

#include <stdio.h>

#define MINUTE_MS (60 * INT64_C(1000))
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

/* A proof is gone, or another's, when so many checks over so long have said so. */
#define CHECKS 3
#define GONE_MS DAY_MS
/* Between checks while it is about that. */
#define DOUBT_MS (8 * HOUR_MS)
#define WANTED_MS (14 * DAY_MS)
#define SUSPENDED_MS (30 * DAY_MS)
/* Where the DNS did not answer for one that is served. */
#define UNTOLD_MS HOUR_MS

static const char *const state_texts[] = { "wanted", "proven", "missing", "suspended", "stopped" };
#define N_STATES (sizeof(state_texts) / sizeof(*state_texts))

const char *
wish_state_text(enum wish_state s)
{
	return state_texts[s];
}

bool
wish_state_parse(struct slice text, enum wish_state *ret_state)
{
	for (size_t i = 0; i < N_STATES; i++) {
		if (slice_eq(text, slice_str(state_texts[i]))) {
			*ret_state = (enum wish_state)i;
			return true;
		}
	}
	return false;
}

/* clang-format off */
static const unsigned predecessors[] = {
	[WISH_WANTED] = 1 << WISH_STOPPED, /* and born in it */
	[WISH_PROVEN] = 1 << WISH_WANTED | 1 << WISH_MISSING | 1 << WISH_SUSPENDED,
	[WISH_MISSING] = 1 << WISH_PROVEN,
	[WISH_SUSPENDED] = 1 << WISH_MISSING,
	[WISH_STOPPED] = 1 << WISH_WANTED | 1 << WISH_PROVEN | 1 << WISH_MISSING | 1 << WISH_SUSPENDED,
};
/* clang-format on */

/* The only writer of a state. */
static void
wish_move(struct wish *w, enum wish_state to, int64_t now_ms)
{
	check(predecessors[to] & 1u << w->state);
	w->state = to;
	w->since_ms = now_ms;
	if (to == WISH_PROVEN && w->proven_ms == 0)
		w->proven_ms = now_ms;
	if (to == WISH_WANTED)
		w->n_unseen = 0;
	w->untold = false;
}

static bool
holds(const struct wish *w)
{
	return w->state == WISH_PROVEN || w->state == WISH_MISSING;
}

struct wish *
wish_holder(struct domain_state *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (holds(&d->wishes[i]))
			return &d->wishes[i];
	return NULL;
}

/* Of several, the one whose turn was last. */
struct wish *
wish_fallen(struct domain_state *d)
{
	struct wish *last = NULL;

	if (wish_holder(d) != NULL)
		return NULL;
	for (size_t i = 0; i < d->n; i++) {
		struct wish *w = &d->wishes[i];

		if (w->proven_ms != 0 && (last == NULL || w->since_ms > last->since_ms))
			last = w;
	}
	return last;
}

struct wish *
wish_find(struct domain_state *d, const char *account)
{
	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->wishes[i].account, account) == 0)
			return &d->wishes[i];
	return NULL;
}

static void
make_token(char dst[WISH_TOKEN_BYTES])
{
	unsigned char bytes[WISH_TOKEN_BYTES / 2];

	rand_bytes(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(dst + 2 * i, 3, "%02x", bytes[i]);
}

struct wish *
wish_add(struct domain_state *d, const char *account, int64_t now_ms)
{
	unsigned n_rival = d->n_rival;
	struct wish *w;

	check(wish_find(d, account) == NULL);
	/* Whoever is not looked at any more makes room. */
	for (size_t i = 0; i < d->n && d->n == LIMIT_DOMAIN_WISHES; i++)
		if (d->wishes[i].state == WISH_STOPPED)
			wish_remove(d, &d->wishes[i], now_ms);
	d->n_rival = n_rival; /* none of these was the rival, who is looked at */
	if (d->n == LIMIT_DOMAIN_WISHES)
		return NULL;
	w = &d->wishes[d->n++];
	*w = (struct wish){ .state = WISH_WANTED, .since_ms = now_ms, .asked_ms = now_ms };
	snprintf(w->account, sizeof(w->account), "%s", account);
	make_token(w->token);
	d->next_ms = now_ms;
	return w;
}

void
wish_again(struct domain_state *d, struct wish *w, int64_t now_ms)
{
	w->asked_ms = now_ms;
	if (w->state == WISH_STOPPED)
		wish_move(w, WISH_WANTED, now_ms);
	d->next_ms = now_ms;
}

void
wish_remove(struct domain_state *d, struct wish *w, int64_t now_ms)
{
	size_t at = (size_t)(w - d->wishes);

	check(at < d->n);
	d->n--;
	memmove(w, w + 1, (d->n - at) * sizeof(*w));
	d->n_rival = 0;
	/* Whoever else wants it need not wait for a day. */
	d->next_ms = d->n > 0 ? now_ms : 0;
}

/* --- what a check makes of them --- */

static void
count_unseen(struct wish *w, int64_t now_ms)
{
	if (w->n_unseen++ == 0)
		w->unseen_ms = now_ms;
}

/* Nobody looks any more until the account asks again: somebody must hear of it. */
static void
give_up(struct wish *w, int64_t now_ms)
{
	wish_move(w, WISH_STOPPED, now_ms);
	w->untold = true;
}

static bool
is_gone(const struct wish *w, int64_t now_ms)
{
	return w->n_unseen >= CHECKS && now_ms - w->unseen_ms >= GONE_MS;
}

/* One wish by itself; what others of the domain mean for it follows. */
static void
judge_one(struct wish *w, enum wish_proof seen, int64_t now_ms)
{
	if (seen == WISH_SEEN)
		w->n_unseen = 0;
	else if (seen == WISH_UNSEEN || w->state == WISH_WANTED)
		count_unseen(w, now_ms);
	switch (w->state) {
	case WISH_WANTED:
		if (seen != WISH_SEEN && now_ms - w->asked_ms >= WANTED_MS)
			give_up(w, now_ms);
		return;
	case WISH_PROVEN:
		if (seen == WISH_UNSEEN)
			wish_move(w, WISH_MISSING, now_ms);
		return;
	case WISH_MISSING:
		if (seen == WISH_SEEN)
			wish_move(w, WISH_PROVEN, now_ms);
		else if (is_gone(w, now_ms))
			wish_move(w, WISH_SUSPENDED, now_ms);
		return;
	case WISH_SUSPENDED:
		if (seen != WISH_SEEN && now_ms - w->since_ms >= SUSPENDED_MS)
			give_up(w, now_ms);
		return;
	case WISH_STOPPED:
		return;
	}
}

/* The oldest wish that may have the domain and has been proven now; NULL: none. */
static struct wish *
next_holder(struct domain_state *d, const enum wish_proof *seen)
{
	struct wish *next = NULL;

	for (size_t i = 0; i < d->n; i++) {
		struct wish *w = &d->wishes[i];
		bool may = w->state == WISH_WANTED || w->state == WISH_SUSPENDED;

		/* Who held it before comes before who only wants it. */
		if (may && seen[i] == WISH_SEEN && (next == NULL || w->state == WISH_SUSPENDED))
			next = w;
	}
	return next;
}

/* The DNS names another one, and not the holder any more: for long enough? */
static bool
takes_over(struct domain_state *d, const struct wish *holder, int64_t now_ms)
{
	if (holder->n_unseen == 0) {
		d->n_rival = 0;
		return false;
	}
	if (d->n_rival++ == 0)
		d->rival_ms = now_ms;
	return d->n_rival >= CHECKS && now_ms - d->rival_ms >= GONE_MS;
}

/* A day, and within an hour its own minute, so that what came together does not stay together. */
static int64_t
daily_ms(const struct domain_state *d)
{
	uint64_t spread = map_hash(slice_str(d->name)) % (uint64_t)HOUR_MS;

	return DAY_MS - HOUR_MS + (int64_t)spread;
}

/* How long one wish can wait for its next check; 0: for ever. */
static int64_t
wait_of(const struct domain_state *d, const struct wish *w)
{
	switch (w->state) {
	case WISH_WANTED: /* a record that was just set needs some minutes */
		return w->n_unseen <= 1   ? 2 * MINUTE_MS
		       : w->n_unseen == 2 ? 10 * MINUTE_MS
					  : daily_ms(d);
	case WISH_MISSING:
		return DOUBT_MS;
	case WISH_PROVEN:
	case WISH_SUSPENDED:
		return daily_ms(d);
	case WISH_STOPPED:
		return 0;
	}
	return 0;
}

static void
set_next(struct domain_state *d, bool untold, int64_t now_ms)
{
	int64_t shortest = 0;

	for (size_t i = 0; i < d->n; i++) {
		int64_t ms = wait_of(d, &d->wishes[i]);

		if (ms != 0 && (shortest == 0 || ms < shortest))
			shortest = ms;
	}
	if (untold && shortest > UNTOLD_MS)
		shortest = UNTOLD_MS;
	d->next_ms = shortest == 0 ? 0 : now_ms + shortest;
}

void
wish_judge(struct domain_state *d, const enum wish_proof *seen, int64_t now_ms)
{
	struct wish *holder, *next;
	bool untold = false;

	for (size_t i = 0; i < d->n; i++) {
		judge_one(&d->wishes[i], seen[i], now_ms);
		untold = untold || (seen[i] == WISH_UNTOLD && holds(&d->wishes[i]));
	}
	holder = wish_holder(d);
	next = next_holder(d, seen);
	if (next == NULL || holder == NULL)
		d->n_rival = 0;
	if (next != NULL && holder != NULL && takes_over(d, holder, now_ms)) {
		wish_move(holder, WISH_STOPPED, now_ms);
		snprintf(holder->why, sizeof(holder->why),
		    "its DNS has named another account's tunnel for a day");
		d->n_rival = 0;
		holder = NULL;
	}
	if (next != NULL && holder == NULL) {
		next->why[0] = '\0';
		wish_move(next, WISH_PROVEN, now_ms);
		for (size_t i = 0; i < d->n; i++)
			if (d->wishes[i].state == WISH_SUSPENDED)
				wish_move(&d->wishes[i], WISH_STOPPED, now_ms);
	}
	set_next(d, untold, now_ms);
}
