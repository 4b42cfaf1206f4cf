/* SPDX-License-Identifier: Apache-2.0 */
/* Cells of a screen, and the text that is put into them. */
#include "agent/console/grid.h"

#include "base/limits.h"

#include <stdlib.h>

static void
blank(struct grid_cell *c)
{
	*c = (struct grid_cell){ .text = " ", .n = 1 };
}

int
grid_init(struct grid *g, unsigned columns, unsigned lines)
{
	*g = (struct grid){ .columns = columns, .lines = lines };
	if (g->columns > LIMIT_SCREEN_COLUMNS)
		g->columns = LIMIT_SCREEN_COLUMNS;
	if (g->lines > LIMIT_SCREEN_LINES)
		g->lines = LIMIT_SCREEN_LINES;
	g->cells = calloc((size_t)g->columns * g->lines + 1, sizeof(*g->cells));
	if (g->cells == NULL)
		return -1;
	grid_clear(g);
	return 0;
}

void
grid_fini(struct grid *g)
{
	free(g->cells);
	g->cells = NULL;
}

void
grid_clear(struct grid *g)
{
	for (size_t i = 0; i < (size_t)g->columns * g->lines; i++)
		blank(&g->cells[i]);
	g->n_links = 0;
}

static struct grid_cell *
cell(const struct grid *g, unsigned x, unsigned y)
{
	check(x < g->columns && y < g->lines);
	return &g->cells[(size_t)y * g->columns + x];
}

/* A wide character of which one half is overwritten is gone as a whole. */
static void
make_room(struct grid *g, unsigned x, unsigned y)
{
	struct grid_cell *c = cell(g, x, y);

	if (c->n == 0 && x > 0)
		blank(c - 1);
	if (x + 1 < g->columns && (c + 1)->n == 0)
		blank(c + 1);
}

/* One piece of n columns; those of an escape are a cell a byte. */
static void
put_piece(struct grid *g, unsigned x, unsigned y, unsigned style, const struct width_piece *p)
{
	bool spread = p->columns == p->n; /* ASCII, or an escape */

	for (unsigned i = 0; i < p->columns; i++) {
		struct grid_cell *c = cell(g, x + i, y);

		make_room(g, x + i, y);
		*c = (struct grid_cell){ .style = (uint8_t)style };
		if (spread) {
			c->text[0] = p->text[i];
			c->n = 1;
		} else if (i == 0) {
			memcpy(c->text, p->text, p->n);
			c->n = (uint8_t)p->n;
		}
	}
}

unsigned
grid_put(struct grid *g, unsigned x, unsigned y, unsigned width, unsigned style, struct slice text)
{
	unsigned used = 0;
	size_t all;

	if (y >= g->lines || x >= g->columns || width == 0 || text.n == 0)
		return 0;
	if (width > g->columns - x)
		width = g->columns - x;
	/* A text of more than this cannot fit, however narrow its characters are. */
	all = text.n > (size_t)width * 64 ? SIZE_MAX : width_of(text);
	while (text.n > 0) {
		struct width_piece p;

		width_next(text, &p);
		if (all > width && used + p.columns > width - 1) {
			p = (struct width_piece){
				.from = text.n, .n = 1, .columns = 1, .text = "~"
			};
		}
		put_piece(g, x + used, y, style, &p);
		used += p.columns;
		text = slice_from(text, p.from);
	}
	return used;
}

unsigned
grid_put_right(struct grid *g, unsigned x, unsigned y, unsigned width, unsigned style,
    struct slice text)
{
	size_t n = width_of(text);
	unsigned pad = n < width ? width - (unsigned)n : 0;

	return grid_put(g, x + pad, y, width - pad, style, text);
}

void
grid_rule(struct grid *g, unsigned y, unsigned style, char c)
{
	for (unsigned x = 0; y < g->lines && x < g->columns; x++)
		*cell(g, x, y) =
		    (struct grid_cell){ .text = { c }, .n = 1, .style = (uint8_t)style };
}

void
grid_mark(struct grid *g, unsigned x, unsigned y, unsigned width, unsigned style)
{
	for (unsigned i = 0; y < g->lines && i < width && x + i < g->columns; i++)
		cell(g, x + i, y)->style |= (uint8_t)style;
}

void
grid_link(struct grid *g, unsigned x, unsigned y, unsigned width, struct slice url)
{
	if (g->n_links == GRID_LINKS || url.n == 0 || url.n >= GRID_LINK_BYTES)
		return;
	/* OSC 8 takes 0x20 to 0x7e; a space is in no URL. */
	for (size_t i = 0; i < url.n; i++)
		if (url.p[i] <= ' ' || url.p[i] > '~')
			return;
	slice_copy(url, g->links[g->n_links++], GRID_LINK_BYTES);
	for (unsigned i = 0; y < g->lines && i < width && x + i < g->columns; i++)
		cell(g, x + i, y)->link = (uint8_t)g->n_links;
}

struct slice
grid_line(const struct grid *g, unsigned y, char *dst, size_t cap)
{
	size_t n = 0, end = 0;

	for (unsigned x = 0; x < g->columns; x++) {
		const struct grid_cell *c = cell(g, x, y);

		if (n + c->n > cap)
			break;
		memcpy(dst + n, c->text, c->n);
		n += c->n;
		if (c->n > 1 || (c->n == 1 && c->text[0] != ' '))
			end = n;
	}
	return slice_of(dst, end);
}
