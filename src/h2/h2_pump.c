/* SPDX-License-Identifier: Apache-2.0 */
/* What both sides of HTTP/2 do when they send (h2_pump.h). */
#include "h2/h2_pump.h"

#include <string.h>

/* The largest frame that we send, its head included. */
#define FRAME_HEAD_BYTES 9
#define FRAME_BYTES (16384 + FRAME_HEAD_BYTES)

bool
h2_pump_drain(struct h2_pump *p, nghttp2_session *ng, char *dst, size_t cap, size_t *ret_n)
{
	const uint8_t *frame;
	size_t before;
	ssize_t n;

	check(cap >= H2_DRAIN_BYTES_MIN && p->dst == NULL);
	p->dst = dst;
	p->n = 0;
	do {
		/* It gives one frame, or DATA has written itself and it gives nothing. */
		before = p->n;
		n = nghttp2_session_mem_send(ng, &frame);
		if (n <= 0)
			continue;
		check((size_t)n <= cap - p->n);
		memcpy(dst + p->n, frame, (size_t)n);
		p->n += (size_t)n;
	} while (n >= 0 && p->n > before && cap - p->n >= FRAME_BYTES);
	p->dst = NULL;
	*ret_n = p->n;
	return n >= 0;
}

/* A DATA frame writes itself where the others gather; nghttp2 is asked again behind each. */
void
h2_pump_data(struct h2_pump *p, const uint8_t *head, struct bufq *body, size_t n)
{
	check(p->dst != NULL && body->n >= n);
	memcpy(p->dst + p->n, head, FRAME_HEAD_BYTES);
	p->n += FRAME_HEAD_BYTES;
	p->n += bufq_take(body, p->dst + p->n, n);
}

ssize_t
h2_pump_next(const struct bufq *body, bool whole, bool trailers, size_t cap, uint32_t *flags)
{
	size_t n = body->n < cap ? body->n : cap;

	if (n == 0 && !whole)
		return NGHTTP2_ERR_DEFERRED;
	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	if (n == body->n && whole)
		*flags |= NGHTTP2_DATA_FLAG_EOF | (trailers ? NGHTTP2_DATA_FLAG_NO_END_STREAM : 0);
	return (ssize_t)n;
}
