/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers.  One of them for each request, in the handler or later.  All of them have the headers of
 * the guard (CSP, nosniff, COOP, CORP, Referrer-Policy, no-store); nothing here gives a CORS header.
 */
#ifndef ADIT_WEB_REPLY_H
#define ADIT_WEB_REPLY_H

#include "web/request.h"

/* --- before the answer begins --- */

/* One more header; both are copied. A value with a control character, or past what there is room for
 * (LIMIT_WEB_FIELDS_BYTES), leaves the header out. */
void web_put(struct web_request *r, struct slice name, struct slice value);
/*
 * What follows are bytes of somebody else: whatever type is asked for they are sent as
 * application/octet-stream, to be saved under this name ("" for none), in a sandbox that loads nothing.
 */
void web_untrusted(struct web_request *r, struct slice file_name);

/* --- whole answers --- */

/* Takes the reference; compact. NULL (no memory) is answered 500. */
void web_json(struct web_request *r, int status, json_t *json);
/* {"code","text","todo"}: a short word with dashes; who could not do what; what to do next, or "". */
void web_error(struct web_request *r, int status, const char *code, const char *text,
    const char *todo);
/* type: "text/plain; charset=utf-8"; the text is copied. */
void web_text(struct web_request *r, int status, const char *type, struct slice text);
/* Without a body: 204, 303 with a Location. */
void web_empty(struct web_request *r, int status);

/* --- answers that come in pieces --- */

#define WEB_UNKNOWN UINT64_MAX
/*
 * length: of all that will be written, or WEB_UNKNOWN (chunked; ended by the connection for HTTP/1.0).
 * Then r->more is called whenever there is room, the first time soon; it writes and ends.
 */
void web_body_begin(struct web_request *r, int status, const char *type, uint64_t length);
/* How much web_body_write() takes now. */
size_t web_body_room(const struct web_request *r);
/* Copies; how much was taken. After less than all, r->more will be called. */
size_t web_body_write(struct web_request *r, struct slice s);
/* It was all; r is nothing after it.  Less than `length` is seen by the client as broken off. */
void web_body_end(struct web_request *r);
/* Something went wrong in the middle: the client sees that the answer is not whole. r is nothing after it. */
void web_body_abort(struct web_request *r);

#endif
