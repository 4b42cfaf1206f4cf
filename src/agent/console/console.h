/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status screen: what the agent tells, and what its client, its tunnels and their rows are just now,
 * as frames on the terminal that it was started from.  A frame is made at most each LIMIT_SCREEN_FRAME_MS,
 * however much happens, and only when the one before has left.
 */
#ifndef ADIT_AGENT_CONSOLE_CONSOLE_H
#define ADIT_AGENT_CONSOLE_CONSOLE_H

#include "agent/link/agent.h"
#include "agent/replay/replay.h"

struct console;

/* NULL: there is no terminal for it (tty_is_wanted()), or no memory; then lines are the way. Signals of
 * the terminal are blocked from here on: threads must begin later. */
struct console *console_new(void) must_use;
/* The terminal is as it was, and a last line says what there was. Harmless with NULL. */
void console_free(struct console *c);

/* What keys may do beside looking; NULL: not that. link: of the inspector, "" while there is none; both must live as
 * long as it does. */
void console_tools(struct console *c, struct replay *replay, const char *link);
/* For struct agent_params. */
struct screen *console_screen(struct console *c);
struct agent_guest *console_guest(struct console *c);

#endif
