/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the difference of two grids as sequences of a terminal. */
#include "agent/console/paint.h"

#include "base/text.h"

static bool
same(const struct grid_cell *a, const struct grid_cell *b)
{
	return a->n == b->n && a->style == b->style && a->link == b->link &&
	       memcmp(a->text, b->text, a->n) == 0;
}

/* Of the same size, and with the same links in the same order: cell by cell they can be compared. */
static bool
alike(const struct grid *a, const struct grid *b)
{
	if (a == NULL || a->columns != b->columns || a->lines != b->lines ||
	    a->n_links != b->n_links)
		return false;
	for (unsigned i = 0; i < a->n_links; i++)
		if (strcmp(a->links[i], b->links[i]) != 0)
			return false;
	return true;
}

static void
put_style(struct buf *out, unsigned style, bool colour)
{
	static const char codes[] = { 0, '1', '2', '3', '5', '6' };
	unsigned c = style & GRID_COLOUR;

	buf_put(out, S("\x1b[0"));
	if ((style & GRID_BOLD) != 0)
		buf_put(out, S(";1"));
	if ((style & GRID_DIM) != 0)
		buf_put(out, S(";2"));
	if ((style & GRID_INVERSE) != 0)
		buf_put(out, S(";7"));
	if (colour && c != GRID_PLAIN && c < sizeof(codes))
		buf_printf(out, ";3%c", codes[c]);
	buf_putc(out, 'm');
}

static void
put_link(struct buf *out, const struct grid *g, unsigned link)
{
	check(link <= g->n_links);
	buf_printf(out, "\x1b]8;;%s\x1b\\", link == 0 ? "" : g->links[link - 1]);
}

/* Where the terminal is, as far as we know. */
struct paint_pen {
	bool placed; /* its cursor stands at the next cell */
	bool styled; /* style and link are these */
	unsigned style, link;
};

static void
put_cell(struct buf *out, const struct grid *g, const struct grid_cell *c, bool colour,
    struct paint_pen *pen)
{
	unsigned style = c->style;

	if (!pen->styled || pen->style != style)
		put_style(out, style, colour);
	if (pen->link != c->link)
		put_link(out, g, c->link);
	buf_put(out, slice_of(c->text, c->n));
	/* Others may take another width for it. */
	pen->placed = c->n == 1;
	pen->styled = true;
	pen->style = style;
	pen->link = c->link;
}

static void
put_line(struct buf *out, const struct grid *from, const struct grid *to, unsigned y, bool colour,
    struct paint_pen *pen)
{
	pen->placed = false;
	for (unsigned x = 0; x < to->columns; x++) {
		const struct grid_cell *c = &to->cells[(size_t)y * to->columns + x];

		if (c->n == 0)
			continue;
		/* Of a wide one both halves are looked at: the right one may have been another. */
		if (from != NULL && same(c, &from->cells[(size_t)y * to->columns + x]) &&
		    (x + 1 == to->columns || c[1].n != 0 ||
			from->cells[(size_t)y * to->columns + x + 1].n == 0)) {
			pen->placed = false;
			continue;
		}
		if (!pen->placed)
			buf_printf(out, "\x1b[%u;%uH", y + 1, x + 1);
		put_cell(out, to, c, colour, pen);
	}
}

void
paint(const struct grid *from, const struct grid *to, bool colour, struct buf *out)
{
	struct paint_pen pen = { 0 };
	size_t begun, n;

	if (!alike(from, to))
		from = NULL;
	begun = out->n;
	buf_put(out, S("\x1b[?2026h"));
	if (from == NULL)
		buf_put(out, S("\x1b[0m\x1b[2J"));
	n = out->n;
	for (unsigned y = 0; y < to->lines; y++)
		put_line(out, from, to, y, colour, &pen);
	if (out->n == n && from != NULL && !out->failed) {
		out->n = begun;
		return;
	}
	if (pen.link != 0)
		put_link(out, to, 0);
	buf_put(out, S("\x1b[0m\x1b[?2026l"));
}

void
paint_copy(struct slice text, struct buf *out)
{
	char code[1024];

	if (4 * ((text.n + 2) / 3) >= sizeof(code))
		return;
	text_base64(text.p, text.n, code);
	buf_printf(out, "\x1b]52;c;%s\x1b\\", code);
}
