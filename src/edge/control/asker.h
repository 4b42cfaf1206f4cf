/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Somebody who asks the edge what an operator may ask: a client of the control socket, or a page of
 * the dashboard.  The requests and their answers are the same for both (control_op.c has the rows).
 * One request at a time, so that answers need no number.
 */
#ifndef ADIT_EDGE_CONTROL_ASKER_H
#define ADIT_EDGE_CONTROL_ASKER_H

#include "edge/control/control.h"
#include "edge/core/directory.h"

struct control_job;
struct query;
struct certs_job;
struct domain_ask;

/* What one may ask. control_op.c has it in the rows; a request that one may not ask is refused ("forbidden"). */
enum asker_role {
	ASKER_OPERATOR, /* everything */
	ASKER_AUDITOR,  /* what changes nothing, and shows no head and no body */
	ASKER_ACCOUNT,  /* what belongs to `account`; to those requests its name is added */
};

struct asker {
	struct control *control;
	enum asker_role role;
	char account[64]; /* of ASKER_ACCOUNT */
	char who[64];     /* for the audit: "uid 0", "session 1a2b3c4d (operator)" */
	/* Once for each request, also from within asker_ask(). Takes over the object; NULL: there was
	 * no memory for it. */
	void (*answered)(struct asker *a, json_t *answer);
	/* private: who works for it, NULL: nobody */
	struct control_job *job;    /* the store */
	struct query *query;        /* the store, for a request of the inbox */
	struct certs_job *cert_job; /* a CA */
	struct domain_ask *domain;  /* own domains */
	char op[32],
	    about[160]; /* private: what is to be noted when it is answered; op "": nothing */
	/* private: {"op":"wait"} */
	char wait_key[DIRECTORY_KEY_BYTES]; /* "": does not wait */
	struct loop_timer wait_timer;
};

/* An operator, unless role and account are set then. */
void asker_init(struct asker *a, struct control *c,
    void (*answered)(struct asker *a, json_t *answer));
/* It must not be busy. request stays the caller's; "account" in it may be changed. */
void asker_ask(struct asker *a, json_t *request);
/* Whether the request changes something, or shows a head or a body: those are written into the log. */
bool asker_changes(const char *op);
bool asker_is_busy(const struct asker *a);
/* Nothing is answered any more; what was begun for it is done all the same. Harmless twice. */
void asker_leave(struct asker *a);

#endif
