/* SPDX-License-Identifier: Apache-2.0 */
/* Writes and reads messages of activity. */
#include "tunnel/activity.h"

#include "base/limits.h"
#include "base/utf8.h"
#include "tunnel/hello.h"

#include <jansson.h>

/* A row's own members as they are written and read: one list for both. */

/* X(member, key) */
#define TEXTS(X)                                                                                   \
	X(request, "request")                                                                      \
	X(code, "code")                                                                            \
	X(text, "text")                                                                            \
	X(policy, "policy")                                                                        \
	X(method, "method")                                                                        \
	X(path, "path")                                                                            \
	X(event, "event")                                                                          \
	X(repository, "repository")                                                                \
	X(branch, "branch")                                                                        \
	X(provider, "provider")                                                                    \
	X(peer, "peer")

/* X(member, key, type, greatest) */
#define NUMBERS(X)                                                                                 \
	X(id, "id", uint64_t, INT64_MAX)                                                           \
	X(at_ms, "at_ms", int64_t, INT64_MAX)                                                      \
	X(status, "status", uint16_t, 999)                                                         \
	X(attempt, "attempt", uint32_t, UINT32_MAX)                                                \
	X(due_ms, "due_ms", int64_t, INT64_MAX)                                                    \
	X(bytes, "bytes", uint64_t, INT64_MAX)

static const char *const whats[] = {
#define X(symbol, word) word,
	ACTIVITY_WHATS(X)
#undef X
};
static const char *const states[] = {
#define X(symbol, word) word,
	ACTIVITY_STATES(X)
#undef X
};
static const char *const verdicts[] = {
#define X(symbol, word) word,
	ACTIVITY_VERDICTS(X)
#undef X
};
#define N(a) (sizeof(a) / sizeof(*(a)))

const char *
activity_what_word(enum activity_what what)
{
	check((size_t)what < N(whats));
	return whats[what];
}

const char *
activity_state_word(enum activity_state state)
{
	check((size_t)state < N(states));
	return states[state];
}

const char *
activity_verdict_word(enum activity_verdict verdict)
{
	check((size_t)verdict < N(verdicts));
	return verdicts[verdict];
}

/* Senders write it, and screens show it: what people would not see where it stands is a '?'. */
void
activity_text(char *dst, size_t cap, struct slice s)
{
	size_t n = 0;

	check(cap > 0);
	while (s.n > 0) {
		size_t k = utf8_next(s);
		bool shown = k > 0 && utf8_is_shown(slice_head(s, k));
		size_t wants = shown ? k : 1;

		if (n + wants >= cap)
			break;
		if (shown)
			memcpy(dst + n, s.p, k);
		else
			dst[n] = '?';
		n += wants;
		s = slice_from(s, k == 0 ? 1 : k);
	}
	dst[n] = '\0';
}

/* --- writing --- */

static void
put_text(struct buf *out, const char *key, const char *text)
{
	if (text[0] == '\0')
		return;
	buf_printf(out, ",\"%s\":", key);
	buf_json(out, slice_str(text));
}

static void
put_number(struct buf *out, const char *key, uint64_t n)
{
	if (n != 0)
		buf_printf(out, ",\"%s\":%llu", key, (unsigned long long)n);
}

void
activity_put_row(struct buf *out, const struct activity_row *r)
{
	check(r->at_ms >= 0 && r->due_ms >= 0);
	buf_printf(out, "{\"tunnel\":%u,\"what\":\"%s\"", r->tunnel, activity_what_word(r->what));
	put_text(out, "state", activity_state_word(r->state));
	if (r->verdict != ACTIVITY_VERDICT_NONE)
		put_text(out, "verdict", activity_verdict_word(r->verdict));
	if (r->took_us >= 0)
		buf_printf(out, ",\"took_us\":%lld", (long long)r->took_us);
#define X(member, key, type, max) put_number(out, key, (uint64_t)r->member);
	NUMBERS(X)
#undef X
#define X(member, key) put_text(out, key, r->member);
	TEXTS(X)
#undef X
	buf_putc(out, '}');
}

void
activity_put_inbox(struct buf *out, const struct activity_inbox *f)
{
	buf_printf(out, "{\"tunnel\":%u,\"queued\":%llu,\"parked\":%llu,\"dead\":%llu", f->tunnel,
	    (unsigned long long)f->queued, (unsigned long long)f->parked,
	    (unsigned long long)f->dead);
	put_number(out, "oldest_ms", (uint64_t)f->oldest_ms);
	buf_putc(out, '}');
}

void
activity_put(struct buf *out, uint64_t lost, struct slice rows, struct slice inbox)
{
	buf_put(out, S("{\"type\":\"activity\""));
	put_number(out, "lost", lost);
	if (rows.n > 0) {
		buf_put(out, S(",\"rows\":["));
		buf_put(out, rows);
		buf_putc(out, ']');
	}
	if (inbox.n > 0) {
		buf_put(out, S(",\"inbox\":["));
		buf_put(out, inbox);
		buf_putc(out, ']');
	}
	buf_putc(out, '}');
}

/* --- reading --- */

/* 0 where it is missing or none. */
static uint64_t
number_of(const json_t *o, const char *key, uint64_t max)
{
	const json_t *v = json_object_get(o, key);
	json_int_t n = json_integer_value(v);

	return n < 0 || (uint64_t)n > max ? 0 : (uint64_t)n;
}

static void
text_of(const json_t *o, const char *key, char *dst, size_t cap)
{
	const json_t *v = json_object_get(o, key);

	activity_text(dst, cap,
	    json_is_string(v) ? slice_of(json_string_value(v), json_string_length(v)) : S(""));
}

/* The index of the member's word; `missing` where there is none, n where it is not known. */
static size_t
word_of(const json_t *o, const char *key, const char *const *words, size_t n, size_t missing)
{
	const char *word = json_string_value(json_object_get(o, key));
	size_t i = 0;

	if (word == NULL)
		return missing;
	while (i < n && strcmp(words[i], word) != 0)
		i++;
	return i;
}

bool
activity_begin(struct activity_reader *r, struct slice json)
{
	json_t *root = NULL;

	*r = (struct activity_reader){ 0 };
	if (json.n <= LIMIT_CONTROL_BYTES && !hello_is_deep(json))
		root = json_loadb(json.p, json.n, JSON_REJECT_DUPLICATES, NULL);
	r->root = root;
	if (json_is_object(root)) {
		const char *type = json_string_value(json_object_get(root, "type"));

		if (type != NULL && strcmp(type, "activity") == 0) {
			r->lost = number_of(root, "lost", INT64_MAX);
			return true;
		}
	}
	activity_end(r);
	return false;
}

void
activity_end(struct activity_reader *r)
{
	json_decref(r->root);
	r->root = NULL;
}

static bool
read_row(const json_t *o, struct activity_row *ret)
{
	size_t what = word_of(o, "what", whats, N(whats), N(whats));
	size_t state = word_of(o, "state", states, N(states), ACTIVITY_STATE_NONE);
	size_t verdict = word_of(o, "verdict", verdicts, N(verdicts), ACTIVITY_VERDICT_NONE);

	*ret = (struct activity_row){
		.tunnel = (uint16_t)number_of(o, "tunnel", UINT16_MAX),
		.took_us = json_is_integer(json_object_get(o, "took_us"))
			       ? (int64_t)number_of(o, "took_us", INT64_MAX)
			       : -1,
	};
	if (ret->tunnel == 0 || what == N(whats) || state == N(states) || verdict == N(verdicts))
		return false;
	ret->what = (enum activity_what)what;
	ret->state = (enum activity_state)state;
	ret->verdict = (enum activity_verdict)verdict;
#define X(member, key, type, max) ret->member = (type)number_of(o, key, max);
	NUMBERS(X)
#undef X
#define X(member, key) text_of(o, key, ret->member, sizeof(ret->member));
	TEXTS(X)
#undef X
	return ret->what == ACTIVITY_REFUSED || ret->id != 0;
}

bool
activity_next_row(struct activity_reader *r, struct activity_row *ret)
{
	const json_t *rows = json_object_get(r->root, "rows");

	while (r->row < json_array_size(rows))
		if (read_row(json_array_get(rows, r->row++), ret))
			return true;
	return false;
}

bool
activity_next_inbox(struct activity_reader *r, struct activity_inbox *ret)
{
	const json_t *figures = json_object_get(r->root, "inbox");

	while (r->figure < json_array_size(figures)) {
		const json_t *o = json_array_get(figures, r->figure++);

		*ret = (struct activity_inbox){
			.tunnel = (uint16_t)number_of(o, "tunnel", UINT16_MAX),
			.queued = number_of(o, "queued", INT64_MAX),
			.parked = number_of(o, "parked", INT64_MAX),
			.dead = number_of(o, "dead", INT64_MAX),
			.oldest_ms = (int64_t)number_of(o, "oldest_ms", INT64_MAX),
		};
		if (ret->tunnel != 0)
			return true;
	}
	return false;
}
