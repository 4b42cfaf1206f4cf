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
#include "http/close.h"

struct page {
	enum close_code code;
	struct slice accept; /* the visitor's Accept, or empty */
	struct slice request_id;
	struct slice host;      /* what was asked for, or empty */
	struct slice remedy;    /* what to do, in place of what the row says; or empty */
	struct slice allow;     /* for 405: the methods that are allowed, "POST, GET"; ours */
	bool head_request;      /* no body, same fields */
	bool keep_alive;        /* else Connection: close */
	unsigned visitor_minor; /* HTTP/1.minor of the request */
	int64_t wall_ms;        /* for Date, since 1970 */
};
/* Appends the response; out->failed when it did not fit. */
#define PAGE_BYTES_MAX 16384
void page_write(struct buf *out, const struct page *p);

/* The reason phrase of a status that we send, "" for another. */
const char *page_reason(int status);

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7) and a NUL, whatever the locale. */
#define PAGE_DATE_BYTES 30
void page_date(int64_t wall_ms, char dst[PAGE_DATE_BYTES]);

/*
 * What an answer says of its connection, a whole line or "": HTTP/1.1 persists unless it says close,
 * HTTP/1.0 only where both have said keep-alive (RFC 9112 9.3).
 */
const char *page_connection(bool keep_alive, unsigned visitor_minor);

#endif
