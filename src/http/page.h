/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of our own: a whole response for a row of the close table.  HTML, JSON or plain text by
 * Accept (text for curl and for anything that does not ask), with adit-error, adit-request-id,
 * Retry-After where the row has one, Cache-Control: no-store, and a sentence on what to do.
 *
 * host and remedy may hold any bytes: they are shown escaped, and only so much of them
 * as a page needs.
 */
#ifndef ADIT_HTTP_PAGE_H
#define ADIT_HTTP_PAGE_H

#include "base/buf.h"
#include "http/answer.h"
#include "http/close.h"

struct page {
	enum close_code code;
	struct slice accept; /* the visitor's Accept, or empty */
	struct slice host;   /* what was asked for, or empty */
	struct slice remedy; /* what to do, in place of what the row says; or empty */
	struct slice allow;  /* for 405: the methods that are allowed, "POST, GET"; ours */
	struct answer_to to;
};
#define PAGE_BYTES_MAX 16384
/* Head and body; body->failed when it did not fit.  The head's texts live as long as p's. */
void page_make(const struct page *p, struct answer *ret_head, struct buf *body);
/* Appends the whole response; out->failed when it did not fit. */
void page_write(struct buf *out, const struct page *p);

#endif
