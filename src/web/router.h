/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which row of a server answers a request.  A row names a method, a pattern of segments and a handler:
 *
 *	{ .method = "GET", .pattern = "/v1/exchanges/:id", .right = WEB_READ, .handle = one_exchange }
 *
 * A segment that begins with ':' takes any one segment; its value is a parameter, percent-decoded.
 * Rows are tried in their order.  GET rows answer HEAD, too.
 */
#ifndef ADIT_WEB_ROUTER_H
#define ADIT_WEB_ROUTER_H

#include "base/check.h"
#include "base/slice.h"

struct web_request;

/* What one must be allowed to do; the guard judges it (guard.h). */
enum web_right {
	WEB_OPEN,  /* everybody who may connect: assets, health */
	WEB_READ,  /* data of the user */
	WEB_WRITE, /* changes something, or sends something */
};

/* What a request of this row may bring. */
enum web_body {
	WEB_NO_BODY, /* none: one that comes is answered 413 */
	WEB_JSON,    /* application/json, parsed into r->json; none at all: r->json is NULL */
	WEB_BYTES,   /* any type, as it came: r->body */
};

struct web_route {
	const char *method; /* "GET", "POST", "PUT", "PATCH" or "DELETE" */
	const char *pattern;
	enum web_right right;
	enum web_body body;
	uint32_t body_max; /* bytes; 0: LIMIT_WEB_BODY_BYTES */
	/*
	 * Answers r now (reply.h), or later: then it must have set r->gone before it returns.  r and
	 * all its texts live until the answer is complete, or until r->gone was called.
	 */
	void (*handle)(struct web_request *r);
	int tag; /* for the owner of the server: what its authorizer or handler wants to know */
};

#define WEB_PARAMS_MAX 4

struct web_match {
	const struct web_route *route; /* NULL: no row */
	bool bad;       /* a parameter is no percent-encoding of readable UTF-8: 400 */
	bool known;     /* the path is there, with another method: 405 */
	char allow[64]; /* then: "GET, HEAD, POST" */
	size_t n_params;
	struct slice params[WEB_PARAMS_MAX]; /* decoded, in `text` */
};

/* path: without its query. text: where parameters are put; as long as path. */
void web_route_find(const struct web_route *rows, size_t n, struct slice method, struct slice path,
    char *text, struct web_match *ret);

/* One name and value of a query, decoded; "a" alone has an empty value. */
struct web_pair {
	struct slice name, value;
};
/*
 * Decodes "a=b&c=d" ('+' is a space) into text, which is as long as query.  The number of pairs,
 * or -1: more than cap, or no percent-encoding of UTF-8 without control characters.
 */
ptrdiff_t web_query_parse(struct slice query, char *text, struct web_pair *pairs,
    size_t cap) must_use;
/* Percent-decodes into dst (as long as s). The number of bytes, or -1 as above. */
ptrdiff_t web_decode(struct slice s, bool plus, char *dst) must_use;

#endif
