/* SPDX-License-Identifier: Apache-2.0 */
/*
 * W3C Trace Context, level 1: which trace a request belongs to.  It is passed on as it came; one is
 * made only where the configuration asks for it, and the request has none that is valid.
 */
#ifndef ADIT_HTTP_TRACE_H
#define ADIT_HTTP_TRACE_H

#include "base/check.h"
#include "http/h1.h"

#define TRACE_ID_BYTES 33    /* with NUL */
#define TRACE_LINE_BYTES 128 /* a field line with its CRLF, and NUL */

/* The trace id of a traceparent's value. False: it is not valid, and starts no trace here. */
bool trace_parse(struct slice value, char ret_id[TRACE_ID_BYTES]) must_use;
/* Of a request: False: it has none, two, or one that is not valid. */
bool trace_of(const struct h1_head *h, struct slice bytes, char ret_id[TRACE_ID_BYTES]) must_use;
/* A new one as a field line, sampled; random: 24 bytes. The length. */
size_t trace_make(const unsigned char random[24], char dst[TRACE_LINE_BYTES],
    char ret_id[TRACE_ID_BYTES]);

#endif
