/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Search through bodies and heads, on a thread of its own: newest segments first, ours before those of
 * others. Heads are those that came in, as they came: what redact.h hides is for the caller to leave out. Letters of ASCII match in either case.  What stands in two pieces of a body is found, too, unless
 * these lie in two segments.
 */
#ifndef ADIT_AGENT_CAPTURE_SEEK_H
#define ADIT_AGENT_CAPTURE_SEEK_H

#include "agent/capture/capture.h"
#include "agent/capture/tap.h"

#define SEEK_NEEDLE_BYTES 128
#define SEEK_EXCERPT_BYTES 160

struct seek_hit {
	uint64_t id; /* its row may be forgotten already */
	enum tap_side side;
	uint64_t place; /* of the piece; exchange_offset() makes an offset in the body of it */
	uint32_t at;    /* in the piece; in what came before it by so much where `before` */
	bool before;
	bool head; /* it is in a head of that side: one hit for each, and `place` is no body's */
	size_t n;  /* of the excerpt: bytes around it, as they are */
	char excerpt[SEEK_EXCERPT_BYTES];
};

/* Called on the loop's thread. */
struct seek_ops {
	void (*hit)(void *owner, const struct seek_hit *h);
	/* All was looked through; seek_end() is still to be called. */
	void (*done)(void *owner, uint64_t scanned_bytes);
};

struct seek;

/* needle: 1 to SEEK_NEEDLE_BYTES bytes. NULL: nothing is on the disk, or no memory or thread. */
struct seek *seek_start(struct capture *c, struct slice needle, const struct seek_ops *ops,
    void *owner) must_use;
/* Bytes that it has looked through. */
uint64_t seek_scanned(const struct seek *s);
/* No calls afterwards; waits for the thread, which is at most a few ms. In a call, too. */
void seek_end(struct seek *s);

/* --- for capture.c and tests --- */

/* Whatever is left when the capture ends. */
void seek_free_all(struct capture *c);
/* Place of the first match in hay, SIZE_MAX: none. needle: in lower case. */
size_t seek_find(struct slice hay, struct slice needle);

#endif
