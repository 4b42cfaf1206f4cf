/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A courier delivers what is stored for one tunnel, while its link is up: it leases from the inbox
 * as many as may be under way at once, opens a stream for each, judges the answer, and settles.  It
 * lives on the worker of the link.
 *
 * At least once: a delivery whose answer we saw, but could not settle before a crash, is sent again
 * with the same adit-delivery.
 */
#ifndef ADIT_EDGE_INBOX_COURIER_H
#define ADIT_EDGE_INBOX_COURIER_H

#include "edge/core/tunnel.h"
#include "hook/policy.h"
#include "store/inbox.h"

struct courier;

/* What a sender in mode relay waits for. */
struct courier_waiter {
	/* The origin's answer; an empty head when there was none in time.
	 * body: at most LIMIT_RELAY_BYTES. */
	void (*answered)(struct courier_waiter *w, struct slice head, struct slice body);
	struct attempt *attempt; /* private */
};

/* For a tunnel that is up. NULL without memory. Takes a reference to the policy,
 * which may be NULL. */
struct courier *courier_new(struct tunnel *t, struct policy *policy) must_use;
/* Something was stored, or its time has come. */
void courier_kick(struct courier *c);
/* All couriers of this worker, or of an account; NULL or "": of every one. */
void couriers_kick(struct worker *w, const char *account);
/* The same for the courier of this route, on whichever worker it is; nothing when
 * its tunnel is down. */
void courier_wake(struct worker *w, const char *key);
/*
 * Delivers one that was stored with `hold` and is leased already; item is moved. wish may be NULL;
 * it is answered once, or courier_forget_waiter() is called first. -1: no stream; the lease must be
 * settled by the caller.
 */
int courier_carry(struct courier *c, struct inbox_delivery *item,
    struct courier_waiter *waiter) must_use;
void courier_forget_waiter(struct courier_waiter *waiter);
/* The agent says that the origin of this tunnel accepts connections again. */
void courier_origin(struct courier *c);
/* The tunnel is down: nothing more is started; what is under way ends with its link at
 * the latest. Frees itself. */
void courier_close(struct courier *c);

#endif
