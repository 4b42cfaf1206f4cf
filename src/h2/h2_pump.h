/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes out of a session, whichever side it is: frames gather in a buffer while it is drained, and the
 * bytes of bodies go into DATA frames without a copy between (nghttp2: NGHTTP2_DATA_FLAG_NO_COPY).
 */
#ifndef ADIT_H2_H2_PUMP_H
#define ADIT_H2_H2_PUMP_H

#include "base/bufq.h"
#include "h2/h2_head.h"

#include <nghttp2/nghttp2.h>

/* Zeroed: nothing is drained. */
struct h2_pump {
	char *dst; /* only during h2_pump_drain(): where, and how much is there */
	size_t n;
};

/* Writes what is to be sent next, as much as there is room for: *ret_n. False: nghttp2 cannot go on. */
bool h2_pump_drain(struct h2_pump *p, nghttp2_session *ng, char *dst, size_t cap,
    size_t *ret_n) must_use;
/* For nghttp2's send_data callback, which is to return NGHTTP2_ERR_PAUSE then: a frame of n bytes of
 * body, with its head of 9. */
void h2_pump_data(struct h2_pump *p, const uint8_t *head, struct bufq *body, size_t n);
/*
 * For its read callback: how many bytes of the body the next frame has, NGHTTP2_ERR_DEFERRED where
 * there are none yet.  whole: nothing is added to the body any more.  With
 * NGHTTP2_DATA_FLAG_NO_END_STREAM in *flags the trailers are to be submitted.
 */
ssize_t h2_pump_next(const struct bufq *body, bool whole, bool trailers, size_t cap,
    uint32_t *flags);

#endif
