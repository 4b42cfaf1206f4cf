/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A screen as cells, before it is a stream of bytes: text goes in by column and line, cut to the
 * columns that it may take.  Nothing here knows a terminal; paint.h writes the difference of two grids.
 */
#ifndef ADIT_AGENT_CONSOLE_GRID_H
#define ADIT_AGENT_CONSOLE_GRID_H

#include "agent/console/width.h"
#include "base/check.h"

enum grid_style {
	/* one of these ... */
	GRID_PLAIN,
	GRID_RED,
	GRID_GREEN,
	GRID_YELLOW,
	GRID_MAGENTA,
	GRID_CYAN,
	/* ... and any of these */
	GRID_BOLD = 1 << 3,
	GRID_DIM = 1 << 4,
	GRID_INVERSE = 1 << 5,
};
#define GRID_COLOUR 7u

struct grid_cell {
	char text[WIDTH_PIECE_BYTES];
	uint8_t n;     /* bytes of it; 0: the right half of a wide character */
	uint8_t style; /* enum grid_style */
	uint8_t link;  /* 1 and up: leads to links[link - 1] */
};

#define GRID_LINKS 16
#define GRID_LINK_BYTES 320

struct grid {
	struct grid_cell *cells; /* line by line */
	unsigned columns, lines;
	unsigned n_links;
	char links[GRID_LINKS][GRID_LINK_BYTES];
};

/* Blank, with columns and lines cut to the limits. -1 without memory. */
int grid_init(struct grid *g, unsigned columns, unsigned lines) must_use;
/* Harmless where it was zeroed. */
void grid_fini(struct grid *g);
/* Blank again, without links. */
void grid_clear(struct grid *g);

/*
 * Puts text at a place, into at most `width` columns; what does not fit ends with "~".  Places beside
 * the grid are none: nothing is put there. Returns the columns taken.
 */
unsigned grid_put(struct grid *g, unsigned x, unsigned y, unsigned width, unsigned style,
    struct slice text);
/* The same, at the right end of these columns. */
unsigned grid_put_right(struct grid *g, unsigned x, unsigned y, unsigned width, unsigned style,
    struct slice text);
/* A line of this character. */
void grid_rule(struct grid *g, unsigned y, unsigned style, char c);
/* Adds this style to some cells of a line. */
void grid_mark(struct grid *g, unsigned x, unsigned y, unsigned width, unsigned style);
/* Some cells of a line lead to a URL. Nothing happens where it could end the sequence that it is
 * written in, or there are too many. */
void grid_link(struct grid *g, unsigned x, unsigned y, unsigned width, struct slice url);
/* The text of a line without its blanks at the end, into `dst`: for tests and the summary. */
struct slice grid_line(const struct grid *g, unsigned y, char *dst, size_t cap);

#endif
