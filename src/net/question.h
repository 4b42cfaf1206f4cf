/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One question of the DNS to servers that are named, and the answer as it came, for who must see
 * records and not only addresses.  Nothing is kept of it: each question has a channel of c-ares of
 * its own, so no answer of a minute ago is given.
 */
#ifndef ADIT_NET_QUESTION_H
#define ADIT_NET_QUESTION_H

#include "net/loop.h"

struct question {
	/* A whole message (RFC 1035 4.1) of any RCODE, the caller's during the call; empty: nobody
	 * has answered. Never from within question_start(). */
	void (*done)(struct question *q, struct slice message);
	void *owner;
	struct question_private *private; /* NULL while not running */
};

enum question_whom {
	QUESTION_RESOLVER,  /* it is to find the answer wherever it is (RD) */
	QUESTION_AUTHORITY, /* it is to say what it has itself */
};

/* servers: "host:port,..." of numbers, asked in turn, each twice; NULL: the system's. False: no
 * memory, and no call. */
bool question_start(struct loop *l, struct question *q, enum question_whom whom,
    const char *servers, const char *name, int type) must_use;
/* No call any more. Harmless when not running. */
void question_cancel(struct question *q);

#endif
