/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a filter into words and asks them of a row. */
#include "agent/console/sieve.h"

#include <stdio.h>

enum {
	SIEVE_ANY,
	SIEVE_STATE,
	SIEVE_STATUS,
	SIEVE_METHOD,
	SIEVE_PATH,
	SIEVE_REPO,
	SIEVE_BRANCH,
	SIEVE_EVENT,
	SIEVE_FROM,
	SIEVE_TUNNEL,
	SIEVE_CODE,
	SIEVE_IS,
	SIEVE_SINCE,
};

static const char *const keys[] = { "", "state", "status", "method", "path", "repo", "branch",
	"event", "from", "tunnel", "code", "is", "since" };

/* "30m": milliseconds, -1: it is no such thing. */
static int64_t
age_of(struct slice s)
{
	static const struct {
		char unit;
		int64_t ms;
	} units[] = { { 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 }, { 'd', 86400000 } };
	uint64_t n;

	if (s.n < 2 || !slice_u64(slice_head(s, s.n - 1), &n) || n > 100000)
		return -1;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (units[i].unit == s.p[s.n - 1])
			return (int64_t)n * units[i].ms;
	return -1;
}

/* A word may be half typed: only what can mean nothing is wrong. */
static void
take(struct sieve *s, struct slice word)
{
	struct sieve_word w = { .value = word };
	size_t colon;

	if (word.p[0] == '-' && word.n > 1) {
		w.not = true;
		w.value = slice_from(word, 1);
	}
	colon = slice_find(w.value, ':');
	for (uint8_t i = 1; colon != SIZE_MAX && i < sizeof(keys) / sizeof(*keys); i++)
		if (slice_ieq(slice_head(w.value, colon), slice_str(keys[i])))
			w.key = i;
	if (w.key != SIEVE_ANY)
		w.value = slice_from(w.value, colon + 1);
	if (w.value.n == 0)
		return;
	if (w.key == SIEVE_SINCE && (w.number = age_of(w.value)) < 0) {
		snprintf(s->wrong, sizeof(s->wrong), "since: 30s, 10m, 2h or 1d is wanted");
		return;
	}
	s->words[s->n++] = w;
}

void
sieve_set(struct sieve *s, struct slice text)
{
	struct slice rest, word;

	*s = (struct sieve){ 0 };
	slice_copy(text, s->text, sizeof(s->text));
	rest = slice_str(s->text);
	while (rest.n > 0 && s->n < SIEVE_WORDS) {
		word = slice_cut(&rest, ' ');
		if (word.n > 0)
			take(s, word);
	}
}

/* "404", "5xx". */
static bool
is_status(unsigned status, struct slice value)
{
	char text[8];

	snprintf(text, sizeof(text), "%03u", status);
	for (size_t i = 0; i < value.n; i++)
		if (i >= 3 || (value.p[i] != text[i] && (value.p[i] | 32) != 'x'))
			return false;
	return status != 0;
}

static bool
is_kind(const struct capture_row *r, struct slice value)
{
	if (slice_ieq(value, S("pinned")))
		return (r->flags & ROW_PINNED) != 0;
	if (slice_ieq(value, S("replay")))
		return r->parent != 0 || r->state == ROW_REPLAY;
	if (slice_ieq(value, S("imported")))
		return (r->flags & ROW_IMPORTED) != 0;
	return slice_ieq(value, slice_str(row_kind_word(r->kind))) ||
	       slice_ieq(value, slice_str(row_state_word(r->state)));
}

/* Of a path what stands before its query: that may hold secrets, and is shown nowhere (S-23). */
static struct slice
path_of(const struct capture_row *r)
{
	size_t query = slice_find(r->target, '?');

	return query == SIZE_MAX ? r->target : slice_head(r->target, query);
}

static bool
stands_in(const struct capture_row *r, struct slice value)
{
	return slice_iholds(path_of(r), value) || slice_iholds(r->repository, value) ||
	       slice_iholds(r->branch, value) || slice_iholds(r->event, value) ||
	       slice_iholds(r->code, value);
}

static bool
is_true(const struct sieve_word *w, const struct capture_row *r, int64_t now_ms)
{
	switch (w->key) {
	case SIEVE_STATE:
		return slice_ieq(slice_head(slice_str(row_state_word(r->state)), w->value.n),
		    w->value);
	case SIEVE_STATUS:
		return is_status(r->status, w->value);
	case SIEVE_METHOD:
		return slice_ieq(r->method, w->value);
	case SIEVE_PATH:
		return slice_iholds(path_of(r), w->value);
	case SIEVE_REPO:
		return slice_iholds(r->repository, w->value);
	case SIEVE_BRANCH:
		return slice_iholds(r->branch, w->value);
	case SIEVE_EVENT:
		return slice_iholds(r->event, w->value);
	case SIEVE_FROM:
		return slice_iholds(r->provider, w->value);
	case SIEVE_TUNNEL:
		return slice_ieq(r->name, w->value);
	case SIEVE_CODE:
		return slice_iholds(r->code, w->value);
	case SIEVE_IS:
		return is_kind(r, w->value);
	case SIEVE_SINCE:
		return now_ms - r->begun_ms <= w->number;
	}
	return stands_in(r, w->value);
}

bool
sieve_lets(const struct sieve *s, const struct capture_row *r, int64_t now_ms)
{
	for (size_t i = 0; i < s->n; i++)
		if (is_true(&s->words[i], r, now_ms) == s->words[i].not )
			return false;
	return true;
}
