/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 one character at a time, and which of them people see. */
#ifndef ADIT_BASE_UTF8_H
#define ADIT_BASE_UTF8_H

#include "base/slice.h"

/* Bytes of the well-formed UTF-8 sequence at the start (RFC 3629), 0 when there is none. */
size_t utf8_next(struct slice s);

/* The code point of a well-formed sequence. */
uint32_t utf8_code(struct slice sequence);
/*
 * Whether a well-formed sequence is seen where it stands.  Not: C0 and C1 controls, marks of direction
 * (Unicode UAX 9), characters without width, separators of lines, fillers, annotations and tags: with
 * them a text is read as another one than it is.
 */
bool utf8_is_shown(struct slice sequence);

#endif
