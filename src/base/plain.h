/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts of other machines on their way to people: to a terminal, a list, a status.  What a terminal
 * obeys (C0 and C1 controls) and what is not seen but changes what is (marks of direction,
 * characters without width; see utf8_is_shown()) is written as \xNN for each of its bytes, and so
 * is what is no UTF-8.
 */
#ifndef ADIT_BASE_PLAIN_H
#define ADIT_BASE_PLAIN_H

#include "base/buf.h"

void plain_put(struct buf *out, struct slice s);
/* The same for a text of several lines: new lines and tabs stay, carriage returns go. */
void plain_put_lines(struct buf *out, struct slice s);
/* As a column: spaces behind it up to so many bytes. */
void plain_put_column(struct buf *out, struct slice s, size_t width);

#endif
