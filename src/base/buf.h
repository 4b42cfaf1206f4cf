/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A contiguous growing buffer with a stated maximum and a sticky failure: write
 * everything, test once (Knot's wire_ctx).  For configuration, control messages
 * and pages; the hot path uses bufq and the link's own buffers.
 */
#ifndef ADIT_BASE_BUF_H
#define ADIT_BASE_BUF_H

#include "base/check.h"
#include "base/slice.h"

struct buf {
	/* cap bytes, of which n are used; NULL until something was put. */
	char *p;
	size_t n, cap, max;
	bool failed; /* something did not fit, or there was no memory */
};

void buf_init(struct buf *b, size_t max);
void buf_fini(struct buf *b);
/* Forgets the content and the failure, keeps the memory. */
void buf_reset(struct buf *b);
void buf_put(struct buf *b, struct slice s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) printf_like(2, 3);
/* As a JSON string with its quotes; invalid UTF-8 becomes U+FFFD. */
void buf_json(struct buf *b, struct slice s);
/* The same text in ASCII alone, everything else as \uXXXX: for terminals. */
void buf_json_ascii(struct buf *b, struct slice s);
/* Room for n more bytes at the end, or NULL (and failed); commit with b->n += used. */
char *buf_room(struct buf *b, size_t n);
/* Drops the first n bytes. */
void buf_skip(struct buf *b, size_t n);
static inline struct slice
buf_slice(const struct buf *b)
{
	return (struct slice){ b->p, b->n };
}
/* NUL-terminated view (the NUL is not counted), or NULL when failed. */
const char *buf_z(struct buf *b);

#endif
