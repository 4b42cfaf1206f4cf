/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program says to whoever started it: answers on standard output, what went wrong on standard
 * error.  There a line each, for people or (--json) for scripts:
 *
 *	adit: no edge: adit login URL stores one
 *	{"event":"error","code":"usage","text":"no edge: adit login URL stores one"}
 *
 * Only programs say something; libraries give sentences to them.
 */
#ifndef ADIT_BASE_TELL_H
#define ADIT_BASE_TELL_H

#include "base/buf.h"
#include "base/check.h"

#include <stdbool.h>

/* Before anything is said. program: a literal. */
void tell_init(const char *program, bool json);
/* What went wrong. code: a word for scripts, which never changes its meaning. */
void tell_error(const char *code, const char *fmt, ...) printf_like(2, 3);
/* The same for everybody's mistakes on the command line or in a file: code "usage". */
void tell_usage(const char *fmt, ...) printf_like(1, 2);
/* Something to know while nothing went wrong; {"event":"note","text":...}. */
void tell_note(const char *fmt, ...) printf_like(1, 2);
/*
 * Writes an answer, or the part of it that has been made, to standard output, and empties the
 * buffer.  It waits while nobody reads.  False: it cannot be written.
 */
bool tell_answer(struct buf *out) must_use;

#endif
