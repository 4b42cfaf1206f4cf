/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From one grid to the next: the bytes that a terminal needs, and no others, as one synchronized update
 * (CSI ? 2026).  Cursor and style are set anew at each run of changed cells, so a terminal that counts
 * the columns of a character otherwise than we do is wrong in that run alone.
 */
#ifndef ADIT_AGENT_CONSOLE_PAINT_H
#define ADIT_AGENT_CONSOLE_PAINT_H

#include "agent/console/grid.h"
#include "base/buf.h"

/* What a terminal must be told when the screen begins and ends, whatever its state was before: the
 * other screen, no cursor; and what makes it sane again, harmless where it is so already. */
#define PAINT_ENTER "\x1b[?1049h\x1b[?25l\x1b[?7l"
#define PAINT_MOUSE_ON "\x1b[?1000h\x1b[?1006h"
#define PAINT_MOUSE_OFF "\x1b[?1006l\x1b[?1000l"
#define PAINT_LEAVE                                                                                \
	"\x1b[?2026l" PAINT_MOUSE_OFF "\x1b]8;;\x1b\\\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"

/* from: what stands there; NULL: it is not known, and all is written. Nothing is written where
 * nothing differs. colour: false for NO_COLOR. */
void paint(const struct grid *from, const struct grid *to, bool colour, struct buf *out);
/* Asks the terminal to put this into the clipboard (OSC 52). */
void paint_copy(struct slice text, struct buf *out);

#endif
