/* SPDX-License-Identifier: Apache-2.0 */
/* The index of rows in memory: how a row is packed, and what rows.c and row_pack.c share. */
#ifndef ADIT_AGENT_CAPTURE_ROWS_PRIVATE_H
#define ADIT_AGENT_CAPTURE_ROWS_PRIVATE_H

#include "agent/capture/rows.h"
#include "base/limits.h"
#include "base/map.h"

/* Longer ones are no words, and stand with the row. */
#define ROW_WORD_BYTES 47

/*
 * A row in 80 bytes.  Words that many rows share are numbers of the table of words, 0: not there;
 * what else it has of text lies in a ring of bytes, as a list of tag (1), length (2), bytes.  Counts that
 * do not fit stand at their largest.
 */
struct cell {
	uint64_t id, changed, at;
	uint64_t text_first; /* place in the ring of what it had at first: grows with the id */
	uint64_t tx : 44, attempt : 20;
	uint64_t rx : 44, status : 10, kind : 5, verdict : 5;
	uint64_t took : 40, state : 6, flags : 10, tunnel : 8; /* took: all ones while it runs */
	uint64_t begun_ms : 44, text_n : 20;
	uint32_t text_off; /* where its text is now, from text_first on */
	uint16_t words[6]; /* method, host, event, provider, code, name */
};
_Static_assert(sizeof(struct cell) == 80, "100,000 of them are promised to be small");

/* A ring of bytes, addressed by all that was ever put into it. */
struct ring {
	char *p;
	size_t cap;
	uint64_t head; /* the next byte goes here */
};

/* Words of rows, each once; never forgotten, so their number has an end. */
struct words {
	struct map map;
	struct word {
		struct map_node node;
		uint8_t n;
		char text[ROW_WORD_BYTES];
	} * list;
	size_t n, max;
};

/* The longest that pack_text() writes. */
#define PACK_BYTES 2048

/* All but the text. */
void pack_numbers(struct cell *c, const struct capture_row *row);
/* What of the row's text is no word of the table; its length. */
size_t pack_text(struct cell *c, struct words *w, const struct capture_row *row,
    char dst[PACK_BYTES]);
void unpack(const struct cell *c, const struct words *w, struct slice text,
    struct capture_row *ret);

#endif
