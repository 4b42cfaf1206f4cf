/* SPDX-License-Identifier: Apache-2.0 */
/* What the carrier tells its flows, and what the parts of a flow tell each other. */
#ifndef ADIT_RELAY_FLOW_PRIVATE_H
#define ADIT_RELAY_FLOW_PRIVATE_H

#include "relay/flow.h"

/* Bytes of the stream came. */
void flow_rx(struct flow *f, struct slice bytes, bool fin);
/* The trailer section of the message came, and with it its end. */
void flow_rx_trailers(struct flow *f, struct slice lines);
/* The gathered pieces are written, or queued, before their memory is used again. */
void flow_flush(struct flow *f);
/* RST came or the link died. */
void flow_lost(struct flow *f, uint32_t code);
/* The stream's turn has come: read from the connection into its grant. */
void flow_fill(struct flow *f);

/* --- between flow.c, inlet.c and outlet.c --- */

void inlet_readable(struct flow *f);
/* Forgets the trailers that have come from the connection, and what the parser knows of them. */
void inlet_drop_trailers(struct flow *f);
void outlet_writable(struct flow *f);
void outlet_drop_trailers(struct flow *f);
/* The owner's tee, if it has one, sees bytes that pass. */
static inline void
flow_tee(struct flow *f, enum flow_tee what, struct slice bytes)
{
	if (__builtin_expect(f->tee != NULL, 0) && bytes.n > 0)
		f->tee(f, what, bytes);
}
/* Drops the first n bytes of a list of pieces. */
void flow_advance(struct iovec **iov, int *n_iov, size_t n);
/* Frees the stream once both directions have ended in order. */
void flow_retire(struct flow *f);
/* The stream is at fault: it is reset, the owner told through ops->reset. */
void flow_fail_stream(struct flow *f, uint32_t code);
/* The connection is at fault: the owner is told and calls flow_end(). */
void flow_fail_conn(struct flow *f, enum close_code bad);

#endif
