/* SPDX-License-Identifier: Apache-2.0 */
/* A queue of bytes in chunks of a pool (bufq.h). */
#include "base/bufq.h"

struct bufq_chunk {
	struct bufq_chunk *next;
	uint32_t from, to; /* offsets into bytes[] */
	char bytes[];
};

void
bufq_init(struct bufq *q, struct pool *pool, size_t max)
{
	check(pool->block_bytes > sizeof(struct bufq_chunk));
	*q = (struct bufq){ .pool = pool, .max = max };
}

static void
drop_first(struct bufq *q)
{
	struct bufq_chunk *c = q->first;

	q->first = c->next;
	if (q->first == NULL)
		q->last = NULL;
	pool_put(q->pool, c);
}

void
bufq_reset(struct bufq *q)
{
	size_t n = 0;

	while (q->first != NULL) {
		n += q->first->to - q->first->from;
		drop_first(q);
	}
	check(n == q->n); /* the chunks held what was counted */
	q->n = 0;
}

static bool
append_chunk(struct bufq *q)
{
	struct bufq_chunk *c = pool_get(q->pool);

	if (c == NULL)
		return false;
	*c = (struct bufq_chunk){ 0 };
	if (q->last == NULL)
		q->first = c;
	else
		q->last->next = c;
	q->last = c;
	return true;
}

/*
 * The last chunk is filled up first, so that small pieces share one. The pool may be at its end
 * before the queue is full: then less is taken than bufq_room() said.
 */
size_t
bufq_put(struct bufq *q, struct slice s)
{
	size_t cap = q->pool->block_bytes - sizeof(struct bufq_chunk), done = 0;

	s = slice_head(s, bufq_room(q));
	while (done < s.n) {
		struct bufq_chunk *c = q->last;
		size_t n;

		if (c == NULL || c->to == cap) {
			if (!append_chunk(q))
				break;
			c = q->last;
		}
		n = cap - c->to;
		if (n > s.n - done)
			n = s.n - done;
		memcpy(c->bytes + c->to, s.p + done, n);
		c->to += (uint32_t)n;
		done += n;
	}
	q->n += done;
	return done;
}

int
bufq_peek(const struct bufq *q, struct iovec *iov, int n)
{
	int i = 0;

	for (struct bufq_chunk *c = q->first; c != NULL && i < n; c = c->next)
		iov[i++] = (struct iovec){ c->bytes + c->from, c->to - c->from };
	return i;
}

void
bufq_skip(struct bufq *q, size_t n)
{
	check(n <= q->n);
	q->n -= n;
	while (n > 0) {
		struct bufq_chunk *c = q->first;
		size_t have = c->to - c->from;

		if (n < have) {
			c->from += (uint32_t)n;
			return;
		}
		n -= have;
		drop_first(q);
	}
	check((q->n == 0) == (q->first == NULL)); /* an empty queue holds no chunk */
}

/* Copies. Who can write from an iovec takes bufq_peek() and bufq_skip() instead. */
size_t
bufq_take(struct bufq *q, char *dst, size_t cap)
{
	size_t done = 0;

	while (done < cap && q->first != NULL) {
		const struct bufq_chunk *c = q->first;
		size_t n = c->to - c->from;

		if (n > cap - done)
			n = cap - done;
		memcpy(dst + done, c->bytes + c->from, n);
		bufq_skip(q, n);
		done += n;
	}
	return done;
}
