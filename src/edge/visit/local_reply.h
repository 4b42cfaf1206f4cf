/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of the edge's own, and those that the inbox hands back. */
#ifndef ADIT_EDGE_VISIT_LOCAL_REPLY_H
#define ADIT_EDGE_VISIT_LOCAL_REPLY_H

#include "edge/visit/exchange.h"

/*
 * Answers with a page of our own, after ending the flow.  read_ahead: what was read behind the head
 * and not given to the flow.  Where an answer has begun already, the connection is cut instead.
 */
void local_reply_error(struct exchange *x, enum close_code code, struct slice read_ahead);
/* An answer of our own that is no page: fields are whole lines; type may be empty. */
void local_reply_own(struct exchange *x, int status, const char *fields, struct slice type,
    struct slice body, struct slice read_ahead);
/*
 * Mode relay: writes the origin's answer to a delivery, every field as in an answer that comes
 * through a stream, for local_reply_send().  head: as it came out of the stream.  False: it
 * cannot be passed on.
 */
bool local_reply_write_relayed(struct exchange *x, struct slice head, struct slice body,
    uint64_t delivery) must_use;
void local_reply_send(struct exchange *x, struct slice read_ahead);
/* 308 to the same target on https://. bytes: of the request, from the first of its head on. */
void local_reply_redirect(struct exchange *x, struct slice bytes);
/* The socket takes bytes again. */
void local_reply_writable(struct exchange *x);

#endif
