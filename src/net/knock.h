/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A knock: does anybody take a TCP connection at this address?  It is closed at once, and no byte is
 * said on it.
 */
#ifndef ADIT_NET_KNOCK_H
#define ADIT_NET_KNOCK_H

#include "net/loop.h"

enum knock_result {
	KNOCK_OPEN,    /* somebody took it */
	KNOCK_REFUSED, /* the machine is there, and nobody listens; or a firewall says so */
	KNOCK_SILENT,  /* nothing came back in time, or there is no way there */
};

struct knock {
	void (*done)(struct knock *k, enum knock_result r); /* never from within knock_start() */
	/* private */
	struct loop *loop;
	struct loop_io io; /* fd -1: none */
	struct loop_timer timer;
	enum knock_result known; /* what the timer tells */
};

/* Zeroed at first. ss: with its port. */
void knock_start(struct knock *k, struct loop *l, const struct sockaddr_storage *ss,
    int64_t timeout_us);
/* No call any more. Harmless where none is under way. */
void knock_cancel(struct knock *k);

/* "open", "refused", "silent" */
const char *knock_text(enum knock_result r);

#endif
