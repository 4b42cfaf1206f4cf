/* SPDX-License-Identifier: Apache-2.0 */
/* Makes texts of other machines harmless, and honest, for people (plain.h). */
#include "base/plain.h"

#include "base/utf8.h"

/*
 * What is not shown is written byte for byte, so that nothing is lost and nothing can be
 * mistaken for it but a text that has the same escapes.
 */
static void
put(struct buf *out, struct slice s, bool lines)
{
	while (s.n > 0) {
		size_t n = utf8_next(s);
		char c = s.p[0];

		if (lines && (c == '\n' || c == '\t'))
			buf_putc(out, c);
		else if (n > 0 && utf8_is_shown(slice_head(s, n)))
			buf_put(out, slice_head(s, n));
		else if (!lines || c != '\r')
			for (size_t i = 0; i < (n == 0 ? 1 : n); i++)
				buf_printf(out, "\\x%02x", (unsigned char)s.p[i]);
		s = slice_from(s, n == 0 ? 1 : n);
	}
}

void
plain_put(struct buf *out, struct slice s)
{
	put(out, s, false);
}

void
plain_put_lines(struct buf *out, struct slice s)
{
	put(out, s, true);
}

void
plain_put_column(struct buf *out, struct slice s, size_t width)
{
	size_t from = out->n;

	put(out, s, false);
	while (!out->failed && out->n - from < width)
		buf_putc(out, ' ');
}
