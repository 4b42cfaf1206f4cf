/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal as a thing that must be left as it was found, however the program ends: in order, by a
 * signal, by a bug (handlers put it right), or by SIGKILL, which nobody can catch: a small process of
 * ours waits for that, and for nothing else.  Standard error, where it is the same terminal, is caught
 * while the screen is there, and told when it has gone.
 *
 * One terminal a process.
 */
#ifndef ADIT_AGENT_CONSOLE_TTY_H
#define ADIT_AGENT_CONSOLE_TTY_H

#include "base/check.h"
#include "base/slice.h"

#include <sys/types.h>
#include <termios.h>

struct tty {
	int fd;                /* of the terminal, not blocking; -1: not open */
	struct termios before; /* how it was found */
	bool taken;            /* it is ours: raw, on the other screen */
	int errors; /* what was written to standard error comes from here, -1: it was not caught */
	int error_fd;   /* the real standard error, -1 */
	int watcher_fd; /* to the process that waits for our end */
	pid_t watcher;
};

/* Whether there is a terminal for a screen: standard input and output are one, we are in its
 * foreground, and nobody has asked for lines (TERM=dumb, CI, ADIT_PLAIN=1, ACCESSIBLE). */
bool tty_is_wanted(void);
/* -1: there is none after all. Nothing is changed yet. */
int tty_open(struct tty *t) must_use;
/* Takes it and gives it back; harmless twice. */
void tty_take(struct tty *t);
void tty_give_back(struct tty *t);
/* Gives it back, and ends what tty_open() began. */
void tty_close(struct tty *t);
/* Whether this process may write to it now, or is in the background. */
bool tty_is_ours(const struct tty *t);
/* Its size; 80x24 where it does not say. */
void tty_size(const struct tty *t, unsigned *ret_columns, unsigned *ret_lines);
/* Writes all of it, and waits for that, up to a second. */
void tty_write(const struct tty *t, struct slice s);

/* --- tty_watcher.c --- */

/* Starts the process that waits; watcher -1 where there can be none. */
void tty_watcher_start(struct tty *t);
/* 'T': the terminal is taken, 'G': given back, 'Q': the end is in order. */
void tty_watcher_tell(const struct tty *t, char what);
void tty_watcher_stop(struct tty *t);

#endif
