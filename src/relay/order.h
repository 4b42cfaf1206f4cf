/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A case of the client of CAs (acme/acme.h) at work on a loop: its requests leave by fetch, its waits are
 * waited, and what it wants stored is stored before its next step.  Where to store, and how to show a
 * challenge to the world, the owner knows.
 *
 *	RUNS --> SENDS --> RUNS      a request, and what came
 *	     --> WAITS --> RUNS      a clock
 *	     --> STORES --> RUNS     order_stored()
 *	     --> SHOWS --> RUNS      order_shown()
 *	     --> OVER                ready, done or failed: the owner is told once
 *
 * Any of them may be left for OVER by order_end().
 */
#ifndef ADIT_RELAY_ORDER_H
#define ADIT_RELAY_ORDER_H

#include "acme/acme.h"
#include "net/loop.h"
#include "net/tls.h"

struct order;

/* None of them is called from within a call of the owner's. */
struct order_ops {
	/* To disk, then order_stored(), which may be called from within.  ca: ca_save() of its CA, else
	 * acme_save() of its case; both keep track of versions by themselves (ca_stored(), acme_stored()). */
	void (*store)(void *owner, bool ca);
	/* To be shown to the world, then order_shown(), which may be called from within. */
	void (*show)(void *owner, const struct challenge *c);
	/* A request got no answer, and will be made again: a sentence for people, who may wait long. */
	void (*unanswered)(void *owner, const char *why);
	/* ACME_READY, ACME_DONE or ACME_FAILED, whose parts live until order_end(). Last call. */
	void (*over)(void *owner, const struct acme_step *s);
};

struct order_params {
	struct loop *loop;
	struct tls_client *tls; /* whom to trust as the CA's server; the order has a reference */
	const char *program;    /* User-Agent; lives on */
	const struct order_ops *ops;
	void *owner;
};

/* The case becomes the order's; the CA must live on. NULL without memory: the case is freed. */
struct order *order_start(const struct order_params *p, struct acme *acme) must_use;
struct acme *order_case(const struct order *o);
/* ok false: it is tried again in LIMIT_CERT_STORE_MS. */
void order_stored(struct order *o, bool ok);
/* why NULL: the world can see it; else a sentence on why it cannot be shown. */
void order_shown(struct order *o, const char *why);
/* What is under way ends without a call; freed at the end of the turn. Harmless with NULL. */
void order_end(struct order *o);

#endif
