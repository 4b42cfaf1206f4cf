/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of our own: a whole response for a row of the close table.  HTML, JSON or plain text by
 * Accept (text for curl and for anything that does not ask), with adit-error, adit-request-id, Retry-After
 * where the row has one, Cache-Control: no-store, and a sentence on what to do.
 */
#ifndef ADIT_HTTP_PAGE_H
#define ADIT_HTTP_PAGE_H

#include "base/buf.h"
#include "http/close.h"

struct page {
	enum close_code code;
	struct slice accept;     /* the visitor's Accept, or empty */
	struct slice request_id;
	struct slice host;       /* shown escaped */
	struct slice detail;     /* one more sentence, or empty; escaped */
	bool head_request;       /* no body, same fields */
	bool keep_alive;         /* else Connection: close */
	int64_t wall_ms;         /* for Date */
};
void page_write(struct buf *out, const struct page *p);

#endif
