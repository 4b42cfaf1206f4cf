/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One case (acme/acme.h) at work on the main loop: its requests are sent, its waits are waited, its
 * challenges are put up on the board, and what it wants stored is stored before its next step.
 *
 *	RUNS --> SENDS --> RUNS      a request, and what came
 *	     --> WAITS --> RUNS      a clock; or the name server, until it has a challenge
 *	     --> LOOKS --> RUNS      a challenge is up, and is looked at as its CA will
 *	     --> STORES --> RUNS     the account (kept here) or the case (kept by its owner)
 *	     --> OVER                ready, done or failed: its owner is told once
 */
#ifndef ADIT_EDGE_CERT_DRIVE_H
#define ADIT_EDGE_CERT_DRIVE_H

#include "edge/cert/registration.h"

struct drive;

struct drive_ops {
	/* The case's text is to be stored, and then drive_stored() called; it is freed by the callee. */
	void (*store)(void *owner, char *text);
	/* Of cases with challenges: one could not be seen from here; a sentence. */
	void (*unseen)(void *owner, const char *text);
	/* ACME_READY, ACME_DONE or ACME_FAILED; the case is drive_case(). Last call. */
	void (*over)(void *owner, const struct acme_step *s);
};

/* The case becomes the drive's, and the registration counts one more at work. NULL without memory: the
 * case is freed. Nothing is called before the loop's next turn. */
struct drive *drive_start(struct registration *a, struct acme *acme, const struct drive_ops *ops,
    void *owner) must_use;
/* The text of ops->store() is on the disk; ok false: it is not, and is stored again later. */
void drive_stored(struct drive *d, bool ok);
struct acme *drive_case(const struct drive *d);
struct registration *drive_registration(const struct drive *d);
/* What is under way ends without a call; challenges are taken down. Harmless with NULL. */
void drive_end(struct drive *d);

#endif
