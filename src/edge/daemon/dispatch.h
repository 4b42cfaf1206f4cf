/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker with all its rooms: what comes, what the time is, and what is ordered goes from here to
 * visitors, TCP ports and links.  Nobody else knows all of them.
 */
#ifndef ADIT_EDGE_DAEMON_DISPATCH_H
#define ADIT_EDGE_DAEMON_DISPATCH_H

#include "edge/core/worker.h"

/* http_fd: listening socket for plain HTTP, or -1. NULL and errno. */
struct worker *dispatch_new(struct edge *e, unsigned index, struct settings *s,
    int http_fd) must_use;
/* After worker_stop(); harmless with NULL. */
void dispatch_free(struct worker *w);

#endif
