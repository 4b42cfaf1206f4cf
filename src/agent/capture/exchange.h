/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One exchange of the capture, read from its records: heads, trailers, pieces of bodies with their times. Bodies
 * are read in parts of any size and lie in no memory whole.  Bytes are as they passed: redact.h before
 * anybody sees them.
 *
 * Of the agent's loop thread. One that still runs is as it was when it was opened. Whatever is gone from
 * the disk meanwhile reads as nothing.
 */
#ifndef ADIT_AGENT_CAPTURE_EXCHANGE_H
#define ADIT_AGENT_CAPTURE_EXCHANGE_H

#include "agent/capture/capture.h"
#include "agent/capture/tap.h"
#include "base/buf.h"

struct captured;

/* A piece of a body, as it passed. */
struct exchange_piece {
	int64_t at_us; /* wall clock */
	uint64_t offset;
	size_t n;
};

/* NULL: there is no such row, nothing of it was kept, or it is gone (or no memory). */
struct captured *exchange_open(struct capture *c, uint64_t id) must_use;
/* NULL is harmless. */
void exchange_close(struct captured *e);

/* The final head; false where there is none. Its empty line is with it. */
bool exchange_head(struct captured *e, enum tap_side side, enum tap_form form, struct buf *out);
bool exchange_trailers(struct captured *e, enum tap_side side, struct buf *out);
/* When the first record of a head came; wall clock in us, 0: none. */
int64_t exchange_head_us(const struct captured *e, enum tap_side side);

/* What is kept of a body. Its length as transferred is the row's tx_bytes, rx_bytes. */
uint64_t exchange_body_bytes(const struct captured *e, enum tap_side side);
size_t exchange_pieces(const struct captured *e, enum tap_side side);
/* i < exchange_pieces(). */
void exchange_piece(const struct captured *e, enum tap_side side, size_t i,
    struct exchange_piece *ret);
/* Offset in the body of a piece that seek.h has found; UINT64_MAX: it is not there. */
uint64_t exchange_offset(const struct captured *e, enum tap_side side, uint64_t place);
/* Copies what is kept of the body from an offset on; the bytes, 0 at the end, or where they are gone. */
size_t exchange_read(struct captured *e, enum tap_side side, uint64_t offset, char *dst, size_t n);

/* --- for pin.c --- */

/* A whole record, the oldest first; dst: SEGMENT_RECORD_BYTES + SEGMENT_PAYLOAD_BYTES. 0: none. */
size_t exchange_records(const struct captured *e);
size_t exchange_record(struct captured *e, size_t i, char *dst);

#endif
