/* SPDX-License-Identifier: Apache-2.0 */
/* Between rewrite.c (requests) and rewrite_answer.c: what a field is to a proxy, and
 * how one is written. */
#ifndef ADIT_HTTP_REWRITE_PRIVATE_H
#define ADIT_HTTP_REWRITE_PRIVATE_H

#include "base/wire.h"
#include "http/h1_private.h"
#include "http/rewrite.h"

enum rewrite_class {
	PLAIN,
	HOST,
	LENGTH,
	HOP,      /* for the next hop only, or of no use behind us */
	SWITCH,   /* Upgrade */
	FORWARDS, /* Max-Forwards */
	ASKS,     /* TE */
	TRAILERS, /* Trailer */
	VISITOR,  /* speaks of the visitor: ours to set */
	OURS,     /* adit-* */
	SHADOW,   /* one of the above, spelled so that only CGI and WSGI read it as that one */
};

enum rewrite_class rewrite_classify(struct slice name);

/* The fields that Connection names. */
struct rewrite_listed {
	struct slice names[H1_LISTED_MAX];
	size_t n;
};

void rewrite_listed(const struct h1_head *h, struct slice buf, struct rewrite_listed *ret);
bool rewrite_is_listed(const struct rewrite_listed *l, struct slice name);

void rewrite_put(struct wire_out *w, struct slice name, struct slice value);
/* In decimal, at the end of text[0..n). */
struct slice rewrite_number(unsigned v, char *text, size_t n);
/* The empty line; the size of the head, or 0. */
size_t rewrite_end(struct wire_out *w);

#endif
