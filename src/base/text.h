/* SPDX-License-Identifier: Apache-2.0 */
/* Hexadecimal and base64 (RFC 4648), both ways. */
#ifndef ADIT_BASE_TEXT_H
#define ADIT_BASE_TEXT_H

#include "base/check.h"
#include "base/slice.h"

/* Lower case; dst holds 2 * n + 1 bytes and is NUL-terminated. */
void text_hex(const void *src, size_t n, char *dst);
/* Either case.  The number of bytes, or -1 for odd length, a foreign character or too much. */
ptrdiff_t text_unhex(struct slice s, void *dst, size_t cap) must_use;
/* Standard alphabet with padding; dst holds 4 * ((n + 2) / 3) + 1, NUL-terminated. */
void text_base64(const void *src, size_t n, char *dst);
/*
 * Standard or URL alphabet, padding wanted only where `padded`.  The number of
 * bytes, or -1 for anything that is not exactly one encoding.
 */
ptrdiff_t text_unbase64(struct slice s, bool url, bool padded, void *dst, size_t cap) must_use;

#endif
