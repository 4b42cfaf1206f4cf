/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a proxy has to know of gRPC: a POST of the type application/grpc, whose outcome stands in
 * trailers.  Its client takes no page: an answer of our own is a head without a body, with 200 and the
 * outcome in it.  It has a deadline of its own, and may wait for hours for an answer, or for the next
 * message of a request: the limits of time that are made for others would end it.
 */
#ifndef ADIT_HTTP_GRPC_H
#define ADIT_HTTP_GRPC_H

#include "http/answer.h"

static inline bool
grpc_is(const struct h1_head *h)
{
	return (h->flags & H1_GRPC) != 0;
}

/* A day: who says no deadline has none, but an exchange must not live for ever. */
#define GRPC_PATIENCE_MS 86400000u

/* How long an origin may be silent: as long as the client waits by itself, and `ms` at least. */
uint32_t grpc_patience_ms(const struct h1_head *h, struct slice buf, uint32_t ms) must_use;

/* The answer for a row of the close table: a head that is all (Trailers-Only). */
void grpc_answer(enum close_code code, struct answer *ret);

#endif
