/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has started the edge (systemd, sd_notify(3)): it is told that the edge is ready, and gets signs
 * of life of all of it.  The main loop asks each worker's loop for one, and tells the
 * supervisor only when all have answered the last time.  A worker that hangs silences the edge.
 */
#ifndef ADIT_EDGE_DAEMON_SUPERVISOR_H
#define ADIT_EDGE_DAEMON_SUPERVISOR_H

#include "edge/core/worker.h"

struct supervisor;

/* Sockets listen and workers run: from here on a visitor is answered. NULL without memory; the supervisor gets no signs then. */
struct supervisor *supervisor_start(struct edge *e, unsigned https_port) must_use;
/* Before the workers are stopped. NULL is harmless, here and below. */
void supervisor_stop(struct supervisor *b);
/* When their loops are gone: mail may still have been on its way. */
void supervisor_free(struct supervisor *b);

#endif
