/* SPDX-License-Identifier: Apache-2.0 */
/* Takes single values out of a JSON text in one pass. */
#include "hook/peek.h"

#include "base/limits.h"
#include "base/text.h"
#include "hook/hook.h"

/* One open container: its kind, and for arrays the index of the element that is being read. */
struct level {
	bool array;
	uint32_t index;
};

struct scan {
	const char *p, *end;
	struct peek *wants;
	size_t n_wants, n_open; /* n_open: wants that are not done */
	unsigned depth;
	struct level levels[LIMIT_HOOK_JSON_DEPTH];
};

static void
skip_space(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
		s->p++;
}

/* At the opening quote; leaves p behind the closing one. */
static bool
scan_string(struct scan *s, struct slice *ret)
{
	const char *from = ++s->p;

	for (; s->p < s->end; s->p++) {
		if (*s->p == '"') {
			*ret = slice_of(from, (size_t)(s->p - from));
			s->p++;
			return true;
		}
		if (*s->p == '\\' && ++s->p == s->end)
			return false;
	}
	return false;
}

/* The part number `at` of a path, without its dots; false past the last. */
static bool
path_part(const char *path, unsigned at, struct slice *ret)
{
	struct slice rest = slice_str(path);

	for (;;) {
		*ret = slice_cut(&rest, '.');
		if (at-- == 0)
			return true;
		if (rest.p == NULL)
			return false;
	}
}

/* Elements are named by their number, "0" being the first. */
static bool
is_index(struct slice part, uint32_t index)
{
	uint64_t v;

	return slice_u64(part, &v) && v == index;
}

/* The container at `depth` goes on to a member (name) or element (index): which wants go along? */
static void
step_in(struct scan *s, const struct slice *name)
{
	unsigned at = s->depth - 1;
	const struct level *l = &s->levels[at];

	check(0 < s->depth && s->depth <= LIMIT_HOOK_JSON_DEPTH);
	for (size_t i = 0; i < s->n_wants; i++) {
		struct peek *w = &s->wants[i];
		struct slice part;

		if (w->done || w->matched != at || !path_part(w->path, at, &part))
			continue;
		if (name != NULL ? slice_eq(part, *name) : is_index(part, l->index))
			w->matched++;
	}
}

/* The value at this depth has ended: wants that went along to it go back to its container. */
static void
step_out(struct scan *s)
{
	for (size_t i = 0; i < s->n_wants; i++) {
		if (s->wants[i].matched == s->depth && s->depth > 0)
			s->wants[i].matched--;
	}
}

/* A value begins at the current path: gives it to the wants whose path that is. */
static void
found(struct scan *s, enum peek_kind kind, struct slice value)
{
	for (size_t i = 0; i < s->n_wants; i++) {
		struct peek *w = &s->wants[i];
		struct slice part;

		if (w->done || w->kind != PEEK_NONE || w->matched != s->depth ||
		    path_part(w->path, s->depth, &part))
			continue;
		w->kind = kind;
		w->value = value;
		if (kind == PEEK_ARRAY)
			continue; /* its count comes at its end */
		w->done = true;
		check(s->n_open > 0); /* it counts those that are not done */
		s->n_open--;
	}
}

/* How many elements there are is known here alone. */
static void
array_ended(struct scan *s, uint32_t count)
{
	for (size_t i = 0; i < s->n_wants; i++) {
		struct peek *w = &s->wants[i];
		struct slice part;

		if (w->done || w->kind != PEEK_ARRAY || w->matched != s->depth ||
		    path_part(w->path, s->depth, &part))
			continue;
		w->count = count;
		w->done = true;
		check(s->n_open > 0);
		s->n_open--;
	}
}

/*
 * A number is whatever its characters are: nothing is computed with it, so 1-2e is none
 * of our concern.
 */
static bool
scan_scalar(struct scan *s)
{
	static const struct {
		struct slice text;
		enum peek_kind kind;
	} words[] = { { S("true"), PEEK_TRUE }, { S("false"), PEEK_FALSE },
		{ S("null"), PEEK_NULL } };
	struct slice rest = slice_of(s->p, (size_t)(s->end - s->p)), value;
	size_t n = 0;

	if (*s->p == '"') {
		if (!scan_string(s, &value))
			return false;
		found(s, PEEK_STRING, value);
		return true;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (slice_starts(rest, words[i].text)) {
			s->p += words[i].text.n;
			found(s, words[i].kind, words[i].text);
			return true;
		}
	}
	while (n < rest.n && memchr("0123456789+-.eE", rest.p[n], 15) != NULL)
		n++;
	if (n == 0)
		return false;
	s->p += n;
	found(s, PEEK_NUMBER, slice_head(rest, n));
	return true;
}

/* Depth is bounded by the array of levels, not by the stack: nothing here calls itself. */
static bool
open_container(struct scan *s)
{
	bool array = *s->p == '[';

	if (s->depth == LIMIT_HOOK_JSON_DEPTH)
		return false;
	found(s, array ? PEEK_ARRAY : PEEK_OBJECT, S(""));
	s->p++;
	s->levels[s->depth++] = (struct level){ .array = array };
	return true;
}

/* In an object, before a member: its name and colon. */
static bool
scan_name(struct scan *s)
{
	struct slice name;

	if (s->p == s->end || *s->p != '"' || !scan_string(s, &name))
		return false;
	skip_space(s);
	if (s->p == s->end || *s->p != ':')
		return false;
	s->p++;
	skip_space(s);
	step_in(s, &name);
	return s->p < s->end;
}

/* Behind a value: commas and closing brackets, up to the next value. False: wrong,
 * or at the end. */
static bool
after_value(struct scan *s)
{
	for (;;) {
		struct level *l;

		step_out(s);
		if (s->depth == 0)
			return false;
		skip_space(s);
		if (s->p == s->end)
			return false;
		l = &s->levels[s->depth - 1];
		if (*s->p == ',') {
			s->p++;
			skip_space(s);
			l->index++;
			if (!l->array)
				return scan_name(s);
			step_in(s, NULL);
			return s->p < s->end;
		}
		if (*s->p != (l->array ? ']' : '}'))
			return false;
		s->p++;
		s->depth--;
		if (l->array)
			array_ended(s, l->index + 1);
	}
}

/* Behind an opening bracket. 1: a value follows, 0: it was empty and is closed, -1: wrong. */
static int
enter(struct scan *s)
{
	const struct level *l = &s->levels[s->depth - 1];

	skip_space(s);
	if (s->p == s->end)
		return -1;
	if (*s->p == (l->array ? ']' : '}')) {
		s->p++;
		s->depth--;
		if (l->array)
			array_ended(s, 0);
		return 0;
	}
	if (!l->array)
		return scan_name(s) ? 1 : -1;
	step_in(s, NULL);
	return 1;
}

bool
peek_json(struct slice json, struct peek *wants, size_t n)
{
	struct scan s = { .p = json.p, .wants = wants, .n_wants = n, .n_open = n };

	for (size_t i = 0; i < n; i++)
		wants[i] = (struct peek){ .path = wants[i].path };
	if (json.n == 0)
		return false;
	s.end = json.p + json.n;
	/* A byte order mark: some senders of .NET write one. */
	if (slice_starts(json, S("\xef\xbb\xbf")))
		s.p += 3;
	skip_space(&s);
	if (s.p == s.end)
		return false;
	while (s.n_open > 0) {
		if (*s.p == '{' || *s.p == '[') {
			int inside = open_container(&s) ? enter(&s) : -1;

			if (inside < 0)
				return false;
			if (inside > 0)
				continue;
		} else if (!scan_scalar(&s))
			return false;
		if (!after_value(&s)) {
			skip_space(&s);
			return s.depth == 0 && s.p == s.end;
		}
	}
	return true;
}

/* --- text of strings --- */

/* RFC 3629, at most four bytes. */
static size_t
put_utf8(uint32_t c, char *dst)
{
	check(c <= 0x10ffff); /* unicode_escape() makes pairs one, and single halves none */
	if (c < 0x80) {
		dst[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		dst[0] = (char)(0xc0 | c >> 6);
		dst[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		dst[0] = (char)(0xe0 | c >> 12);
		dst[1] = (char)(0x80 | (c >> 6 & 0x3f));
		dst[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	dst[0] = (char)(0xf0 | c >> 18);
	dst[1] = (char)(0x80 | (c >> 12 & 0x3f));
	dst[2] = (char)(0x80 | (c >> 6 & 0x3f));
	dst[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* \uXXXX at the start of s, a surrogate pair as one; *ret_n: bytes of s it took, 0
 * when it is none. */
static uint32_t
unicode_escape(struct slice s, size_t *ret_n)
{
	uint8_t hi[2], lo[2];
	uint32_t c, d;

	*ret_n = 0;
	if (s.n < 6 || s.p[1] != 'u' || text_unhex(slice_of(s.p + 2, 4), hi, 2) != 2)
		return 0;
	c = (uint32_t)hi[0] << 8 | hi[1];
	*ret_n = 6;
	if (c < 0xd800 || c > 0xdfff)
		return c;
	if (c > 0xdbff || s.n < 12 || s.p[6] != '\\' || s.p[7] != 'u' ||
	    text_unhex(slice_of(s.p + 8, 4), lo, 2) != 2)
		return '?';
	d = (uint32_t)lo[0] << 8 | lo[1];
	if (d < 0xdc00 || d > 0xdfff)
		return '?';
	*ret_n = 12;
	/* RFC 8259 section 7: two escapes are one character beyond the basic plane. */
	return 0x10000 + ((c - 0xd800) << 10) + (d - 0xdc00);
}

/* The escape at the start of s into dst (4 bytes); returns their number, *ret_n what
 * it took of s. */
static size_t
unescape(struct slice s, char *dst, size_t *ret_n)
{
	static const char from[] = "bfnrt\"\\/", to[] = "\b\f\n\r\t\"\\/";
	const char *at = s.n < 2 || s.p[1] == '\0' ? NULL : strchr(from, s.p[1]);
	uint32_t c;

	if (at != NULL) {
		*ret_n = 2;
		dst[0] = to[at - from];
		return 1;
	}
	c = unicode_escape(s, ret_n);
	if (*ret_n == 0)
		*ret_n = 1;
	return put_utf8(c == 0 ? '?' : c, dst);
}

void
peek_text(const struct peek *p, char *dst, size_t cap)
{
	struct slice s = p->value;
	size_t n = 0;

	check(cap > 0);
	dst[0] = '\0';
	if (p->kind == PEEK_NONE || p->kind == PEEK_NULL)
		return;
	while (s.n > 0) {
		char one[8];
		size_t took = 1, made;

		if (s.p[0] == '\\') {
			made = unescape(s, one, &took);
		} else {
			/* hook_copy() of one character: its UTF-8, or '?' */
			size_t len = 1;

			while (len < s.n && len < 4 && ((unsigned char)s.p[len] & 0xc0) == 0x80)
				len++;
			hook_copy(slice_head(s, len), one, sizeof(one));
			made = strlen(one);
			took = len;
			if (made == 0) {
				one[0] = '?';
				made = 1;
			}
		}
		check(0 < made && made <= sizeof(one) && took <= s.n);
		/* Cut before the character that does not fit; its NUL always does. */
		if (n + made >= cap)
			break;
		memcpy(dst + n, one, made);
		n += made;
		s = slice_from(s, took);
	}
	dst[n] = '\0';
}
