/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the text of the search box, and looks at rows with it (filter.h). */
#include "agent/inspect/filter.h"

enum filter_key {
	KEY_WORD,
	KEY_STATUS,
	KEY_STATE,
	KEY_METHOD,
	KEY_PATH,
	KEY_REPO,
	KEY_BRANCH,
	KEY_EVENT,
	KEY_FROM,
	KEY_TUNNEL,
	KEY_VERDICT,
	KEY_KIND,
	KEY_HOST,
	KEY_DELIVERY,
	KEY_CODE,
	KEY_SINCE,
	KEY_IS,
};

static const char *const keys[] = { "", "status", "state", "method", "path", "repo", "branch",
	"event", "from", "tunnel", "verdict", "kind", "host", "delivery", "code", "since", "is" };

/* "90s", "5m", "1h", "2d" in ms, -1: it is none. */
static int64_t
span_ms(struct slice s)
{
	static const struct {
		char unit;
		int64_t ms;
	} units[] = { { 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 }, { 'd', 86400000 } };
	uint64_t n;

	if (s.n < 2 || s.n > 7 || !slice_u64(slice_head(s, s.n - 1), &n))
		return -1;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (s.p[s.n - 1] == units[i].unit)
			return (int64_t)n * units[i].ms;
	return -1;
}

/* A word from *s, without its quotes; `quoted`: it began with one. */
static struct slice
next_word(struct slice *s, bool *ret_quoted)
{
	struct slice word = *s;
	size_t n = 0;
	bool inside = false;

	*ret_quoted = s->p[0] == '"';
	while (n < s->n && (inside || s->p[n] != ' ')) {
		if (s->p[n] == '"')
			inside = !inside;
		n++;
	}
	word = slice_head(*s, n);
	*s = slice_from(*s, n);
	return word;
}

static struct slice
unquote(struct slice s)
{
	if (s.n > 0 && s.p[0] == '"')
		s = slice_from(s, 1);
	if (s.n > 0 && s.p[s.n - 1] == '"')
		s = slice_head(s, s.n - 1);
	return s;
}

static void
add_word(struct filter *f, struct slice word, bool quoted)
{
	struct filter_word *w = &f->words[f->n];
	size_t at;

	*w = (struct filter_word){ .key = KEY_WORD };
	if (word.n > 1 && word.p[0] == '-') {
		w->negated = true;
		word = slice_from(word, 1);
	}
	at = quoted ? SIZE_MAX : slice_find(word, ':');
	for (size_t i = 1; at != SIZE_MAX && i < sizeof(keys) / sizeof(*keys); i++)
		if (slice_eq(slice_head(word, at), slice_str(keys[i])))
			w->key = (uint8_t)i;
	w->value = unquote(w->key == KEY_WORD ? word : slice_from(word, at + 1));
	if (w->key == KEY_SINCE)
		w->number = span_ms(w->value);
	/* One that is still being typed. */
	if (w->value.n > 0)
		f->n++;
}

void
filter_parse(struct filter *f, struct slice text)
{
	f->n = 0;
	while (text.n > 0 && f->n < LIMIT_INSPECT_WORDS) {
		struct slice word;
		bool quoted;

		if (text.p[0] == ' ') {
			text = slice_from(text, 1);
			continue;
		}
		word = next_word(&text, &quoted);
		add_word(f, word, quoted);
	}
}

/* --- rows --- */

static bool
is_status(struct slice value, uint16_t status)
{
	uint64_t n;

	if (value.n == 3 && slice_ieq(slice_from(value, 1), S("xx")))
		return status != 0 && value.p[0] == (char)('0' + status / 100);
	return slice_u64(value, &n) && n == status && n != 0;
}

static bool
is_it(struct slice value, const struct capture_row *r)
{
	if (slice_ieq(value, S("replay")))
		return r->parent != 0;
	if (slice_ieq(value, S("pinned")))
		return (r->flags & ROW_PINNED) != 0;
	if (slice_ieq(value, S("imported")))
		return (r->flags & ROW_IMPORTED) != 0;
	if (slice_ieq(value, S("cut")))
		return (r->flags & (ROW_CUT_SIZE | ROW_CUT_DISK | ROW_CUT_RATE)) != 0;
	if (slice_ieq(value, S("open")))
		return r->took_us < 0;
	if (slice_ieq(value, S("needs-you")))
		return r->state == ROW_PARKED || r->state == ROW_DEAD || r->state == ROW_FAILED;
	if (slice_ieq(value, S("waiting")))
		return r->state == ROW_QUEUED || r->state == ROW_SENDING ||
		       r->state == ROW_RETRYING;
	return false;
}

static bool
is_repository(struct slice value, struct slice repository)
{
	return slice_find(value, '/') == SIZE_MAX ? slice_iholds(repository, value)
						  : slice_ieq(repository, value);
}

static struct slice
path_of(const struct capture_row *r)
{
	size_t at = slice_find(r->target, '?');

	return at == SIZE_MAX ? r->target : slice_head(r->target, at);
}

bool
filter_row_holds(const struct capture_row *r, struct slice value)
{
	return slice_iholds(path_of(r), value) || slice_iholds(r->repository, value) ||
	       slice_iholds(r->branch, value) || slice_iholds(r->event, value) ||
	       slice_iholds(r->code, value) || slice_iholds(r->host, value);
}

static bool
is_true(const struct filter_word *w, const struct capture_row *r, int64_t now_ms)
{
	uint64_t n;

	switch ((enum filter_key)w->key) {
	case KEY_WORD:
		return filter_row_holds(r, w->value);
	case KEY_STATUS:
		return is_status(w->value, r->status);
	case KEY_STATE:
		return slice_ieq(w->value, slice_str(row_state_word(r->state)));
	case KEY_METHOD:
		return slice_ieq(w->value, r->method);
	case KEY_PATH:
		return slice_iholds(path_of(r), w->value);
	case KEY_REPO:
		return is_repository(w->value, r->repository);
	case KEY_BRANCH:
		return slice_ieq(w->value, r->branch);
	case KEY_EVENT:
		return slice_ieq(w->value, r->event);
	case KEY_FROM:
		return slice_ieq(w->value, r->provider);
	case KEY_TUNNEL:
		return slice_ieq(w->value, r->name);
	case KEY_VERDICT:
		return slice_ieq(w->value, slice_str(row_verdict_word(r->verdict)));
	case KEY_KIND:
		return slice_ieq(w->value, slice_str(row_kind_word(r->kind)));
	case KEY_HOST:
		return slice_iholds(r->host, w->value);
	case KEY_DELIVERY:
		return slice_u64(w->value, &n) && n != 0 && n == r->delivery;
	case KEY_CODE:
		return slice_ieq(w->value, r->code);
	case KEY_SINCE:
		return w->number >= 0 && r->begun_ms >= now_ms - w->number;
	case KEY_IS:
		return is_it(w->value, r);
	}
	return false;
}

bool
filter_lets(const struct filter *f, const struct capture_row *r, int64_t now_ms)
{
	for (size_t i = 0; i < f->n; i++)
		if (is_true(&f->words[i], r, now_ms) == f->words[i].negated)
			return false;
	return true;
}

static bool
is_wanted(const struct filter_word *w)
{
	return w->key == KEY_WORD && !w->negated;
}

bool
filter_lets_fields(const struct filter *f, const struct capture_row *r, int64_t now_ms)
{
	for (size_t i = 0; i < f->n; i++)
		if (!is_wanted(&f->words[i]) &&
		    is_true(&f->words[i], r, now_ms) == f->words[i].negated)
			return false;
	return true;
}

bool
filter_wanted(const struct filter *f, size_t i, struct slice *ret)
{
	for (size_t k = 0; k < f->n; k++) {
		if (!is_wanted(&f->words[k]) || i-- > 0)
			continue;
		*ret = f->words[k].value;
		return true;
	}
	return false;
}
