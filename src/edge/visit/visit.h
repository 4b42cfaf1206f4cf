/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The visitors of a worker: who they are together, and what the worker's dispatcher has to say to
 * them.  The room's own files share what is below.
 */
#ifndef ADIT_EDGE_VISIT_VISIT_H
#define ADIT_EDGE_VISIT_VISIT_H

#include "base/buf.h"
#include "edge/core/lobby.h"
#include "edge/core/shares.h"
#include "edge/core/worker.h"

/* The longest answer that is written at once: that of an origin in mode relay. */
#define VISIT_PAGE_BYTES (LIMIT_RELAY_BYTES + 2 * LIMIT_HEAD_BYTES)

struct visit {
	struct slab visitors, exchanges;
	struct list list;              /* of visitors */
	struct lobby lobby;            /* all visitors; those who are idle may have to go */
	struct lobby partials;         /* exchanges whose head has come in part */
	struct lobby callers;          /* whose body for the edge itself is coming */
	size_t partial_bytes;          /* of the heads of partials */
	struct shares exchange_shares; /* how many are under way */
	struct shares intake_shares;   /* KiB of webhooks that are being read or stored */
	struct lobby h2_memory;        /* KiB that wait for readers of HTTP/2, and with us */
	struct slab h2_fronts;         /* of streams of HTTP/2 */
	char *h2_room;                 /* for draining one connection */
	struct buf page;               /* for writing one answer */
};

/* NULL without memory. */
struct visit *visit_new(const struct settings *s) must_use;
void visit_free(struct visit *v);

/* Takes over the connection of an arrival, with what was read of it. */
void visit_arrived(struct worker *w, struct arrival *a);
/* False: there is nobody whose deadlines are to be looked at. */
bool visit_tick(struct worker *w, int64_t now_us);
/* Who waits for nothing goes now. */
void visit_drain(struct worker *w);
/* Everybody goes now. */
void visit_cut(struct worker *w);
/* Descriptors are short: some who are idle go. */
void visit_shed(struct worker *w);

#endif
