/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many columns of a terminal a text takes, one piece at a time.  A piece is what is never cut: a
 * character with the marks that stand on it, or two letters that make a flag.
 */
#ifndef ADIT_AGENT_CONSOLE_WIDTH_H
#define ADIT_AGENT_CONSOLE_WIDTH_H

#include "base/slice.h"

/* Marks on one character that are shown: more of them only climb over the lines above. */
#define WIDTH_MARKS 2
/* The longest text of a piece. */
#define WIDTH_PIECE_BYTES 12

struct width_piece {
	size_t from;      /* bytes of the source that it stands for, at least 1 */
	unsigned n;       /* bytes of text */
	unsigned columns; /* 1, 2, or 4 a byte where it is an escape */
	char text[WIDTH_PIECE_BYTES];
};

/*
 * The piece at the start of a text of at least one byte.  What must not be shown as it is (controls,
 * marks of direction, what has no width and what is no UTF-8; see utf8.h) becomes \xNN, byte by byte.
 */
void width_next(struct slice s, struct width_piece *ret);
/* Columns of a whole text. */
size_t width_of(struct slice s);

#endif
