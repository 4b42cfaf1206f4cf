/* SPDX-License-Identifier: Apache-2.0 */
/* The visitors of a worker's TCP tunnels: who they are together, and what the worker's dispatcher has
 * to say to them. */
#ifndef ADIT_EDGE_TCP_TCP_H
#define ADIT_EDGE_TCP_TCP_H

#include "edge/core/shares.h"
#include "edge/core/worker.h"

struct tcp {
	struct slab pipes;
	struct list list;     /* of pipes */
	struct shares shares; /* how many are open */
};

/* NULL without memory; as many pipes as these settings let visitors in. */
struct tcp *tcp_new(const struct settings *s) must_use;
void tcp_free(struct tcp *t);

/* False: there is nobody whose deadlines are to be looked at. */
bool tcp_tick(struct worker *w, int64_t now_us);
/* Everybody goes now. */
void tcp_cut(struct worker *w);

#endif
