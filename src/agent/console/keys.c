/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the sequences of ECMA-48 and of xterm that keys and wheels send. */
#include "agent/console/keys.h"

#include <stdio.h>

/* A whole sequence behind its introducer: parameters, then what it is. */
static enum key_typed
meaning(struct key_reader *k, struct slice parameters, char final)
{
	static const struct {
		const char *parameters;
		char final;
		enum key_typed key;
	} rows[] = {
		{ "", 'A', KEY_UP },
		{ "", 'B', KEY_DOWN },
		{ "", 'H', KEY_HOME },
		{ "", 'F', KEY_END },
		{ "1", '~', KEY_HOME },
		{ "7", '~', KEY_HOME },
		{ "4", '~', KEY_END },
		{ "8", '~', KEY_END },
		{ "5", '~', KEY_PAGE_UP },
		{ "6", '~', KEY_PAGE_DOWN },
	};
	char text[KEYS_BYTES];
	unsigned button, x, y;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].final == final && slice_eq(parameters, slice_str(rows[i].parameters)))
			return rows[i].key;
	/* CSI < BUTTON ; COLUMN ; LINE M: the mouse. */
	slice_copy(parameters, text, sizeof(text));
	if (final != 'M' || sscanf(text, "<%3u;%4u;%4u", &button, &x, &y) != 3 || y == 0)
		return KEY_OTHER;
	k->line = y - 1;
	return button == 64   ? KEY_WHEEL_UP
	       : button == 65 ? KEY_WHEEL_DOWN
	       : button == 0  ? KEY_CLICK
			      : KEY_OTHER;
}

/* What is held is a whole sequence with this byte, or goes on. */
static enum key_typed
feed(struct key_reader *k, char c)
{
	struct slice parameters = slice_of(k->held + 2, k->n < 2 ? 0 : k->n - 2);

	if (k->n == 1 && c != '[' && c != 'O') {
		k->n = 0; /* Alt with a key */
		return KEY_OTHER;
	}
	if (k->n >= 2 && c >= '@' && c <= '~') {
		k->n = 0;
		return meaning(k, parameters, c);
	}
	if (k->n == sizeof(k->held) || (k->n >= 2 && (c < ' ' || c > '~'))) {
		k->n = 0;
		return KEY_OTHER;
	}
	k->held[k->n++] = c;
	return KEY_NONE;
}

enum key_typed
keys_next(struct key_reader *k, struct slice *in)
{
	while (in->n > 0) {
		char c = in->p[0];
		enum key_typed key;

		*in = slice_from(*in, 1);
		if (k->n == 0 && c != '\x1b')
			return c == '\0'   ? KEY_OTHER
			       : c == '\n' ? KEY_ENTER
					   : (enum key_typed)(unsigned char)c;
		if (k->n == 0 || c == '\x1b') {
			/* Alone, or a sequence that never ended. */
			k->held[0] = c;
			k->n = 1;
			if (in->n > 0)
				continue;
			k->n = 0;
			return KEY_ESCAPE;
		}
		key = feed(k, c);
		if (key != KEY_NONE)
			return key;
	}
	return KEY_NONE;
}
