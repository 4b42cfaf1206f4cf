/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request as a handler sees it.  It has passed the guard, its body is whole, and its JSON is
 * parsed.  Everything in it may be read until the answer is complete or gone() was called.
 */
#ifndef ADIT_WEB_REQUEST_H
#define ADIT_WEB_REQUEST_H

#include "web/router.h"

#include <jansson.h>
#include <sys/types.h>

/* Of one connection, asked once (peer.h). */
struct web_peer {
	bool known; /* the kernel has told who is on the other side */
	uid_t uid;
	bool local;     /* it came by a Unix socket */
	char text[128]; /* its address for people: "127.0.0.1:4711" */
};

struct web_request {
	const struct web_route *route;
	void *owner; /* of the server: web_config.owner */
	struct slice
	    method; /* "HEAD", too, where the row says GET: what is answered to it loses its body */
	struct slice path; /* as sent */
	struct slice host; /* the authority, as sent; it was on the list of hosts */
	const struct web_peer *peer;
	/* Values of the ':' segments, in their order. */
	size_t n_params;
	struct slice params[WEB_PARAMS_MAX];
	struct slice body; /* WEB_BYTES and WEB_JSON */
	json_t *json;      /* WEB_JSON: borrowed; NULL where no body came */

	/* --- to be set by the handler --- */
	/* The client went, or the server ends, before the answer was complete: r is nothing after it.
	 * Not called after web_json() and its kin, web_body_end(), web_stream_end(). */
	void (*gone)(struct web_request *r);
	/* Streamed answers: there is room again (reply.h, stream.h). Called from the loop, never from
	 * within a call of the handler. */
	void (*more)(struct web_request *r);
	void *job; /* whatever belongs to this request */
};

/* The first value of that name in the query, decoded; .p NULL: there is none. */
struct slice web_query(const struct web_request *r, struct slice name);
/* The same as a decimal number. False: it is there and is no number, or too large; absent: *value stays. */
bool web_query_u64(const struct web_request *r, struct slice name, uint64_t *value) must_use;
/* The first field of that name, case ignored; .p NULL: there is none. */
struct slice web_field(const struct web_request *r, struct slice name);
/* The token of "Authorization: Bearer TOKEN"; .p NULL: there is none. */
struct slice web_bearer(const struct web_request *r);
/* The value of a cookie (for servers that have sessions: the agent has none); .p NULL: none. */
struct slice web_cookie(const struct web_request *r, struct slice name);

#endif
