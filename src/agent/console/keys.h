/* SPDX-License-Identifier: Apache-2.0 */
/* What a terminal sends, one key at a time: plain characters, and sequences of the keys that have none. */
#ifndef ADIT_AGENT_CONSOLE_KEYS_H
#define ADIT_AGENT_CONSOLE_KEYS_H

#include "base/slice.h"

/* Bytes 1 to 255 are themselves: text of UTF-8 comes byte by byte. */
enum key_typed {
	KEY_NONE, /* nothing is left, or the rest of a sequence is still to come */
	KEY_ENTER = '\r',
	KEY_ESCAPE = '\x1b',
	KEY_ERASE = '\x7f',
	KEY_UP = 256,
	KEY_DOWN,
	KEY_HOME,
	KEY_END,
	KEY_PAGE_UP,
	KEY_PAGE_DOWN,
	KEY_WHEEL_UP,
	KEY_WHEEL_DOWN,
	KEY_CLICK, /* keys.line says where */
	KEY_OTHER, /* a sequence that means nothing here */
};

#define KEYS_BYTES 32

struct key_reader {
	char held[KEYS_BYTES]; /* the beginning of a sequence */
	size_t n;
	unsigned line; /* of KEY_CLICK, the first is 0 */
};

/*
 * Takes one key from the front of what was read in one piece.  An escape at its very end is the key
 * of that name: terminals send sequences whole.  One that is longer than any we know is dropped.
 */
enum key_typed keys_next(struct key_reader *k, struct slice *in);

#endif
