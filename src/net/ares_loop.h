/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A channel of c-ares on a loop.  c-ares expects level-triggered readiness; the loop gives edges.
 * So a socket that still holds bytes after c-ares has read, and one that c-ares newly wants to write
 * to, is told again (loop_again()).  Private to net (lookup.c, question.c).
 */
#ifndef ADIT_NET_ARES_LOOP_H
#define ADIT_NET_ARES_LOOP_H

#include "net/loop.h"

#include <ares.h>

/* Embedded; ares_loop_init() first. */
struct ares_loop {
	struct loop *loop;
	ares_channel channel; /* while up */
	bool up;
	struct list sockets;
	struct loop_timer tick;
};

void ares_loop_init(struct ares_loop *a, struct loop *l);
/*
 * options and mask as for ares_init_options(); the socket callback is added.  servers:
 * "host:port,..." to ask instead of the system's, or NULL.  False: no memory, no descriptors, or
 * servers that cannot be read.
 */
bool ares_loop_open(struct ares_loop *a, struct ares_options *options, int mask,
    const char *servers) must_use;
/* What runs ends, through its callback.  Not from within one.  Harmless where it is not up. */
void ares_loop_close(struct ares_loop *a);
/* After a question was put: c-ares says when it wants to look at its own deadlines. */
void ares_loop_tick(struct ares_loop *a);

#endif
