/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue of bytes in chunks of a pool, with a maximum.  An empty queue holds no
 * chunk.  A full queue is backpressure: whoever feeds it stops reading.
 */
#ifndef ADIT_BASE_BUFQ_H
#define ADIT_BASE_BUFQ_H

#include "base/pool.h"
#include "base/slice.h"

#include <sys/uio.h>

struct bufq_chunk;

struct bufq {
	/* Bytes lie in first from its `from` on; only the last may have room. */
	struct bufq_chunk *first, *last;
	/* Of this thread, shared with its other queues; it outlives them. */
	struct pool *pool;
	size_t n, max;
};

/* The pool's blocks are the chunks; a chunk's header takes 16 bytes of it. */
void bufq_init(struct bufq *q, struct pool *pool, size_t max);
/* Gives all chunks back. */
void bufq_reset(struct bufq *q);
/* Appends what fits and returns how much that was. */
size_t bufq_put(struct bufq *q, struct slice s) must_use;
/* Fills up to n entries with the front of the queue; returns how many. */
int bufq_peek(const struct bufq *q, struct iovec *iov, int n);
/* Moves up to cap bytes from the front to dst; returns how many. */
size_t bufq_take(struct bufq *q, char *dst, size_t cap);
/* Drops n bytes from the front; n <= q->n. */
void bufq_skip(struct bufq *q, size_t n);
static inline size_t
bufq_room(const struct bufq *q)
{
	check(q->n <= q->max);
	return q->max - q->n;
}

#endif
