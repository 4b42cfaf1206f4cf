/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of an HTTP/1.1 head, or of trailers, as the list of fields that nghttp2 takes.  The text is our own
 * (http/answer, http/rewrite), so it is well-formed: whatever is not is left out, never repaired.
 */
#ifndef ADIT_H2_LINES_H
#define ADIT_H2_LINES_H

#include "base/check.h"
#include "base/limits.h"
#include "base/slice.h"

#include <nghttp2/nghttp2.h>

/* Of a head that came out of a stream, pseudo-fields, and what a route adds. */
#define H2_LINES_MAX (2 * LIMIT_HEAD_FIELDS + 64)

/* Large: one on the stack, UNCLEARED. */
struct h2_lines {
	size_t n;
	nghttp2_nv nv[H2_LINES_MAX];
};

/* Of a head the n bytes that it has, empty line included; 0: it is not whole. */
size_t h2_lines_whole(struct slice bytes);

/*
 * A status line and fields.  Names are put into lower case where they lie; fields that HTTP/2 has no use for
 * (Connection and its kin, Transfer-Encoding; RFC 9113 8.2.2) are left out.  Names and values lie in `text`,
 * which must live until the frame is sent.  The status; 0: there was no room.
 */
int h2_lines_response(struct h2_lines *l, char *text, size_t n);
/* Fields alone: trailers. */
void h2_lines_fields(struct h2_lines *l, char *text, size_t n);
/* For more in front of them, pseudo-fields of a request: call it on an empty list. */
void h2_lines_put(struct h2_lines *l, struct slice name, struct slice value);

#endif
