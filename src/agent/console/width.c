/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts text into pieces of known width, by a table of Unicode. */
#include "agent/console/width.h"

#include "agent/console/width_table.h"
#include "base/utf8.h"

#include <stdio.h>

static bool
is_in(const struct width_range *rows, size_t n, uint32_t c)
{
	size_t low = 0;

	while (low < n) {
		size_t mid = low + (n - low) / 2;

		if (c > rows[mid].to)
			low = mid + 1;
		else if (c < rows[mid].from)
			n = mid;
		else
			return true;
	}
	return false;
}

#define IN(table, c) is_in(table, sizeof(table) / sizeof(*(table)), c)

static bool
is_mark(uint32_t c)
{
	return c >= 0x300 && IN(width_none, c);
}

/* They choose between two looks of the character before them, and terminals differ in what that
 * does to its width: left out. */
static bool
is_selector(uint32_t c)
{
	return c >= 0xfe00 && c <= 0xfe0f;
}

/* Two of them are a flag. */
static bool
is_flag_letter(uint32_t c)
{
	return c >= 0x1f1e6 && c <= 0x1f1ff;
}

static void
take(struct width_piece *p, struct slice sequence)
{
	memcpy(p->text + p->n, sequence.p, sequence.n);
	p->n += (unsigned)sequence.n;
}

/* Marks behind a character: the first few are shown, all belong to it. */
static void
take_marks(struct slice s, struct width_piece *p)
{
	unsigned marks = 0;

	for (;;) {
		struct slice rest = slice_from(s, p->from);
		size_t n = utf8_next(rest);
		struct slice sequence = slice_head(rest, n);

		if (n == 0 || !is_mark(utf8_code(sequence)) || !utf8_is_shown(sequence))
			return;
		p->from += n;
		if (!is_selector(utf8_code(sequence)) && marks++ < WIDTH_MARKS)
			take(p, sequence);
	}
}

void
width_next(struct slice s, struct width_piece *ret)
{
	size_t n = utf8_next(s), m;
	struct slice first = slice_head(s, n), second;
	uint32_t c = n == 0 ? 0 : utf8_code(first);

	*ret = (struct width_piece){ .from = 1, .n = 4, .columns = 4 };
	if (n == 0 || !utf8_is_shown(first) || (is_mark(c) && !is_selector(c))) {
		snprintf(ret->text, sizeof(ret->text), "\\x%02x", (unsigned char)s.p[0]);
		return;
	}
	ret->from = n;
	ret->n = ret->columns = 0;
	if (is_selector(c))
		return;
	take(ret, first);
	ret->columns = c >= 0x1100 && IN(width_two, c) ? 2 : 1;
	second = slice_from(s, n);
	m = utf8_next(second);
	if (is_flag_letter(c) && m > 0 && is_flag_letter(utf8_code(slice_head(second, m)))) {
		take(ret, slice_head(second, m));
		ret->from += m;
		ret->columns = 2;
	}
	if (s.n > ret->from && (unsigned char)s.p[ret->from] >= 0x80)
		take_marks(s, ret);
}

size_t
width_of(struct slice s)
{
	struct width_piece p;
	size_t columns = 0;

	while (s.n > 0) {
		width_next(s, &p);
		columns += p.columns;
		s = slice_from(s, p.from);
	}
	return columns;
}
