/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the files of the room: one certificate as it is managed, and all of them.
 *
 *	RESTS --> ASKS ----> (KEEPS) --> RESTS     its CA is asked when it is to be renewed
 *	      --> ORDERS --> KEEPS ----> RESTS     a case is under way, and what came of it is stored
 *	      --> KEEPS -------------> RESTS       something else of it is stored
 */
#ifndef ADIT_EDGE_CERT_CERT_PRIVATE_H
#define ADIT_EDGE_CERT_CERT_PRIVATE_H

#include "edge/cert/cert.h"
#include "edge/cert/drive.h"
#include "edge/cert/glance.h"
#include "edge/cert/row.h"

enum cert_state { CERT_RESTS, CERT_ASKS, CERT_ORDERS, CERT_KEEPS };

struct cert {
	struct certs *all;
	struct map_node by_name;
	struct cert *next; /* in the order of names */
	enum cert_state state;
	bool unwanted; /* it is deleted as soon as it rests */
	bool paused;   /* its own domain has no proof now: nothing is asked of a CA for it */
	bool set;      /* the settings want it */
	struct row row;
	uint64_t version;      /* of its item, 0: none is stored */
	struct tls_pair *pair; /* NULL: nothing is served */
	int64_t ask_s;         /* when its CA is asked next, when to renew it */
	struct drive *drive;
	char unseen[GLANCE_TEXT_BYTES]; /* of the last attempt: a challenge that was not seen; "" */
	unsigned n_ways; /* of the attempt that is under way: how often a name may fail in it */
	struct keep keep;
	void (*kept)(struct cert *c); /* KEEPS: what follows */
	struct loop_timer again;      /* KEEPS: the store refused it */
	struct loop_grave grave;
};

struct certs {
	struct edge *edge;
	struct settings *settings;
	void (*changed)(void *owner);
	void *owner;
	struct errands home;
	struct registrations registrations;
	struct map by_name;
	struct cert *first;
	size_t n;
	unsigned n_orders, n_asks; /* certificates in these states */
	struct loop_timer tick;
	struct plan_bucket fresh;      /* names that get their first certificate */
	struct domain_bucket *domains; /* new certificates of a registered domain */
	struct certs_job *jobs;
	struct notice *notice;
	bool has_dns,
	    has_zone; /* our name server answers for the challenge alone, or for the whole domain */
	bool started, stopped;
};

/* --- cert.c --- */

struct cert *certs_find(const struct certs *all, const char *name);
/* A new one, which rests; NULL without memory, or LIMIT_CERT_ROWS are there. The row is taken over. */
struct cert *cert_new(struct certs *all, struct row *row) must_use;
void cert_move(struct cert *c, enum cert_state to);
/* Puts its row into the store, then calls kept(), which may move it; until then it is in KEEPS. */
void cert_keep(struct cert *c, void (*kept)(struct cert *c));
/* kept() of those behind which nothing follows. */
void cert_rest(struct cert *c);
/* Its live pair is what is shown from now on. */
void cert_serve(struct cert *c);
struct plan_life cert_life(const struct cert *c);
/* Nobody wants it any more: while it rests, it is deleted. */
void cert_discard(struct cert *c);
/* The settings name a CA. */
bool certs_has_acme(const struct certs *all);
int64_t certs_now_s(void);

/* --- want.c --- */

/* Somebody wants it: the settings, a tunnel, an account. */
bool cert_is_wanted(const struct cert *c);

/* --- schedule.c --- */

/* When the next attempt begins; INT64_MAX: never. */
int64_t cert_due_s(const struct cert *c);
/* Something has changed: look at all of them soon. */
void certs_kick(struct certs *all);
void certs_on_tick(struct loop_timer *t);
/* Charges what was ordered before this process began. */
void certs_charge(struct certs *all, const struct cert *c);
void certs_forget_domains(struct certs *all);

/* --- order.c --- */

/* Begins, or goes on with, an order. False: not now. */
bool cert_order(struct cert *c);
/* Asks when to renew it. */
void cert_ask(struct cert *c);
/* Gives that question up; harmless where none is asked. */
void cert_forget_question(struct cert *c);
/* Which ways prove this name here. */
unsigned cert_can(const struct cert *c, const char *name);

/* --- job.c --- */

/* Ends them all without a call. */
void jobs_end(struct certs *all);
/* A change of an account's key that a kill has cut short goes on. */
void jobs_go_on(struct certs *all);

/* --- notice.c --- */

struct notice *notice_new(struct certs *all) must_use;
void notice_free(struct notice *n);
void notice_use_settings(struct notice *n);
/* Tells people of what ends soon. */
void notice_look(struct notice *n);

#endif
