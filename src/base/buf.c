/* SPDX-License-Identifier: Apache-2.0 */
/* A growing buffer with a ceiling (buf.h). */
#include "base/buf.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_fini(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ 0 };
}

void
buf_reset(struct buf *b)
{
	b->n = 0;
	b->failed = false;
}

/*
 * Doubles, so that many small pieces are copied twice on average and not once a piece; the last
 * step stops at max. Nothing is ever given back before buf_fini().
 */
char *
buf_room(struct buf *b, size_t n)
{
	size_t cap = b->cap;
	char *p;

	check(b->n <= b->cap); /* what callers commit had room */
	if (b->failed || n > b->max || b->n > b->max - n) {
		b->failed = true;
		return NULL;
	}
	if (b->n + n <= cap)
		return b->p + b->n;
	if (cap == 0)
		cap = 256;
	while (cap < b->n + n)
		cap *= 2;
	if (cap > b->max)
		cap = b->max;
	p = realloc(b->p, cap);
	if (p == NULL) {
		b->failed = true;
		return NULL;
	}
	b->p = p;
	b->cap = cap;
	return p + b->n;
}

void
buf_put(struct buf *b, struct slice s)
{
	char *p;

	/* p may be NULL, which memcpy() must not see. */
	if (s.n == 0)
		return;
	p = buf_room(b, s.n);
	if (p == NULL)
		return;
	memcpy(p, s.p, s.n);
	b->n += s.n;
}

void
buf_putc(struct buf *b, char c)
{
	buf_put(b, slice_of(&c, 1));
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	check(n >= 0);
	/*
	 * vsnprintf() writes a NUL behind the text. It is not counted: the next piece
	 * takes its place.
	 */
	p = buf_room(b, (size_t)n + 1);
	if (p == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

/* One well-formed sequence, as one or two (RFC 8259 section 7) escapes. */
static void
put_escaped(struct buf *b, struct slice seq)
{
	uint32_t c = utf8_code(seq);

	if (c >= 0x10000) {
		buf_printf(b, "\\u%04x", 0xd800 + ((c - 0x10000) >> 10));
		c = 0xdc00 + ((c - 0x10000) & 0x3ff);
	}
	buf_printf(b, "\\u%04x", c);
}

/*
 * RFC 8259 section 7 wants quotes, backslashes and controls escaped. What is valid but not seen
 * (utf8_is_shown()) is escaped, too, since people look at the text.
 */
static void
put_json(struct buf *b, struct slice s, bool ascii)
{
	buf_putc(b, '"');
	while (s.n > 0) {
		struct slice seq = slice_head(s, utf8_next(s));
		unsigned char c = (unsigned char)s.p[0];

		/*
		 * Of bytes that are no UTF-8 one is replaced at a time: what stands behind it
		 * may be good.
		 */
		s = slice_from(s, seq.n == 0 ? 1 : seq.n);
		if (seq.n == 0)
			seq = S("\xef\xbf\xbd");
		if (c == '"' || c == '\\') {
			buf_putc(b, '\\');
			buf_putc(b, (char)c);
		} else if (c == '\n') {
			buf_put(b, S("\\n"));
		} else if (seq.n > 1 ? ascii || !utf8_is_shown(seq) : c < 0x20 || c == 0x7f) {
			put_escaped(b, seq);
		} else {
			buf_put(b, seq);
		}
	}
	buf_putc(b, '"');
}

void
buf_json(struct buf *b, struct slice s)
{
	put_json(b, s, false);
}

void
buf_json_ascii(struct buf *b, struct slice s)
{
	put_json(b, s, true);
}

void
buf_skip(struct buf *b, size_t n)
{
	check(n <= b->n);
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}

const char *
buf_z(struct buf *b)
{
	char *p = buf_room(b, 1);

	if (p == NULL)
		return NULL;
	*p = '\0';
	return b->p;
}
