/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header block of an HTTP/2 message becomes the text of an HTTP/1.1 head, so that one strict
 * parser judges both versions.  Fields keep their order; pseudo-fields become the first line and
 * Host; crumbs of a cookie are joined by "; " (RFC 9113 8.2.3) at the place of the first one.
 *
 * Judged here is only what the text could not show any more: octets that would end a line, blanks
 * around a value (8.2.1), the scheme, and the size of all fields, crumbs counted one by one.
 */
#ifndef ADIT_H2_HEAD_H
#define ADIT_H2_HEAD_H

#include "base/buf.h"
#include "base/limits.h"

/* What a drain must have room for, on either side: h2_drain(), h2_client_drain(). */
#define H2_DRAIN_BYTES_MIN (32 * 1024)

enum h2_head_kind { H2_REQUEST, H2_RESPONSE };

/* What is wrong with a block; the worst is kept. */
enum h2_fault {
	H2_FINE,
	H2_BAD_SCHEME, /* a request that is not for https */
	H2_TOO_LARGE,  /* more or larger fields than we take; nothing of it is kept */
	H2_MALFORMED,  /* no message at all: its stream is reset (8.1.1) */
};

/* A part of a buffer; n 0: it was not sent, or is empty. */
struct h2_span {
	uint32_t at, n;
};

struct h2_head {
	enum h2_head_kind kind;
	enum h2_fault fault;
	size_t fields_max, bytes_max; /* a field counts its octets and 32 more (RFC 9113 6.5.2) */
	size_t n_fields, n_bytes;
	struct buf text; /* the head; taken by whoever wants to keep it, see h2_head_take() */
	struct buf pseudo, crumbs; /* private */
	struct h2_span method, scheme, path, authority, status;
	size_t crumbs_at;
	bool begun, has_length, has_crumbs;
};

void h2_head_init(struct h2_head *h, size_t fields_max, size_t bytes_max);
void h2_head_fini(struct h2_head *h);
/* A block begins. */
void h2_head_begin(struct h2_head *h, enum h2_head_kind kind);
/* Its fields in the order in which they came; pseudo-fields stand first (the caller's library saw
 * to that, to lower case, and to their number). */
void h2_head_field(struct h2_head *h, struct slice name, struct slice value);
/*
 * The block is whole, and h->text the head, unless there is a fault.  body_follows: a message
 * without Content-Length is chunked then; its reader makes the coding.
 */
void h2_head_end(struct h2_head *h, bool body_follows);
/* Moves the text to *ret, whose old content is freed. */
void h2_head_take(struct h2_head *h, struct buf *ret);

/* True for what may stand in a field's value in HTTP/2 (RFC 9113 8.2.1), or in its name. */
bool h2_value_ok(struct slice value);
bool h2_name_ok(struct slice name);

#endif
