/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status screen's inputs: bytes as keys, as a filter, and as text of a stranger in cells of a grid.
 * Whatever they are, a piece stands for some bytes and takes its columns, and what is painted holds no
 * control of a terminal but the painter's own.
 */
#include "agent/console/keys.h"
#include "agent/console/paint.h"
#include "agent/console/sieve.h"

#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
paint_text(struct slice text, unsigned columns)
{
	struct grid g;
	struct buf out;

	if (grid_init(&g, columns, 2) != 0)
		return;
	buf_init(&out, 1 << 20);
	MUST(grid_put(&g, 0, 0, columns, GRID_RED, text) <= columns);
	grid_put_right(&g, columns / 2, 0, columns, 0, text);
	grid_put(&g, columns / 3, 1, 7, 0, text);
	grid_put(&g, columns / 2, 1, 3, 0, text);
	grid_link(&g, 0, 0, columns, text);
	paint(NULL, &g, true, &out);
	for (size_t i = 0; i < out.n; i++) {
		MUST((unsigned char)out.p[i] >= ' ' || out.p[i] == '\x1b');
		/* Escapes are of our three kinds. */
		if (out.p[i] == '\x1b')
			MUST(i + 1 < out.n && strchr("[]\\", out.p[i + 1]) != NULL);
	}
	for (size_t i = 0; i < (size_t)g.columns * g.lines; i++)
		MUST(g.cells[i].n > 0 || (i > 0 && g.cells[i - 1].n > 1));
	buf_fini(&out);
	grid_fini(&g);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice all = slice_of(data, n), rest = all;
	struct key_reader keys = { 0 };
	struct sieve sieve;
	struct capture_row row = { .target = all, .branch = all, .status = 404 };
	enum key_typed key;
	size_t left = n + 1;

	while (rest.n > 0) {
		struct width_piece p;

		width_next(rest, &p);
		MUST(p.from > 0 && p.from <= rest.n && p.n <= WIDTH_PIECE_BYTES && p.columns <= 4);
		rest = slice_from(rest, p.from);
	}
	rest = all;
	while ((key = keys_next(&keys, &rest)) != KEY_NONE)
		MUST(key <= KEY_OTHER && left-- > 0);
	MUST(rest.n == 0);
	sieve_set(&sieve, all);
	(void)sieve_lets(&sieve, &row, 0);
	paint_text(all, n == 0 ? 1 : 1 + data[0] % 90);
	return 0;
}
