/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An errand: a question to another thread (the store's, that of the passwords, another worker's)
 * whose answer comes home as mail.  The struct that asks has it as a member:
 *
 *	errand_inbox(&x->errand, home, store, &x->req, on_answer);      on the loop that asks
 *	...                                                              the store works
 *	on_answer(&x->errand);                                           on the same loop again
 *
 * Who asked may have lost his owner meanwhile (the visitor has gone, the link is over), but must
 * not be freed before the answer: the errand checks that itself.  A home counts its errands, since
 * a loop may end only when all of them are back.
 */
#ifndef ADIT_EDGE_CORE_ERRAND_H
#define ADIT_EDGE_CORE_ERRAND_H

#include "net/loop.h"
#include "store/inbox.h"
#include "store/item.h"
#include "store/store.h"

/* Where errands come back to: a loop. */
struct errands {
	struct loop *loop;
	size_t n_pending;
	void (*came_home)(struct errands *home); /* after each one; NULL: nobody waits for that */
};

/* Zeroed: at home. */
struct errand {
	struct loop_mail mail;
	struct errands *home; /* NULL: it is not under way */
	void (*back)(struct errand *e);
};

/* On the home's loop: counts it as under way. Something must call errand_end() then. */
void errand_begin(struct errand *e, struct errands *home, void (*back)(struct errand *e));
/* From any thread, once: it comes home, and back() is called there, which may free it. */
void errand_end(struct errand *e);

/* Begins, and asks the store; its answer in req ends the errand. req's done and owner are set. */
void errand_inbox(struct errand *e, struct errands *home, struct store *s, struct inbox_req *req,
    void (*back)(struct errand *e));
/*
 * The same for names, tokens and ports.  done: called on the store's thread, in the order of
 * commits, with the errand as the request's owner; it calls errand_end().  NULL: nothing is
 * to be done there.
 */
void errand_store(struct errand *e, struct errands *home, struct store *s, struct store_req *req,
    void (*done)(struct store_req *req), void (*back)(struct errand *e));
/* The same for items. req's done and owner are set. */
void errand_item(struct errand *e, struct errands *home, struct store *s, struct item_req *req,
    void (*back)(struct errand *e));

#endif
