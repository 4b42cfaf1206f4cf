/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of domain. */
#ifndef ADIT_EDGE_DOMAIN_DOMAINS_PRIVATE_H
#define ADIT_EDGE_DOMAIN_DOMAINS_PRIVATE_H

#include "edge/core/errand.h"
#include "edge/domain/ask.h"
#include "edge/domain/domains.h"
#include "edge/domain/proof.h"
#include "edge/domain/quota.h"
#include "edge/domain/wish.h"

#include <pthread.h>

struct domain_check;
struct domain_notice;

/* What those who get certificates were told last. */
enum domain_told { TOLD_UNWANTED, TOLD_PAUSED, TOLD_WANTED, TOLD_NOTHING };

/* One own domain, in the store or on its way there. */
struct domain {
	struct map_node by_name;
	struct domains *domains;
	struct domain_state state;
	struct domain_check *check; /* NULL: its DNS is not looked at now */
	int64_t checked_us;         /* when it was last, by the loop's clock; 0: never */
	struct list checkers;       /* of struct domain_ask: those who wait for the check */
	struct list savers;         /* those who wait for the store */
	enum domain_told told;      /* of its certificate */
	/* the store */
	struct item_req req;
	struct errand errand;
	uint64_t version;     /* that the store has, 0: none */
	bool saving, changed; /* changed: since the store was asked last */
};

struct domains {
	struct edge *edge;
	struct settings *settings; /* NULL until domains_use_settings() */
	struct domains_calls calls;
	struct domain_notice *notice;
	struct errands errands;
	struct map names; /* of struct domain */
	struct quota quota;
	struct dnsask_servers servers;
	struct proof_addresses listens;
	size_t n_checks;
	struct loop_timer tick;
	bool started, stopped;
	/* Asks on their way, from any thread. */
	pthread_mutex_t lock;
	struct list incoming;
	bool closed, woken;
	struct loop_mail wake;
};

struct domain_ask {
	unsigned magic;
	struct errand errand;
	struct edge *edge;
	struct list node; /* incoming, checkers, savers */
	json_t *request;
	char op[16], account[64]; /* account "": the operator */
	json_t *answer;
	domain_done_fn done;
	void *owner;
	bool abandoned; /* of the loop that asks */
};

/* --- domains.c --- */

struct domain *domains_find(struct domains *ds, struct slice name);
/* NULL: no memory. */
struct domain *domains_add(struct domains *ds, struct slice name) must_use;
/* Its state has changed: visitors, the certificate and the store follow. */
void domains_changed(struct domain *d);
/* Looks at its DNS now, unless it is looked at already, or very many are: then soon. */
void domains_check_now(struct domain *d);

/* --- domain_notice.c --- */

/* NULL without memory. */
struct domain_notice *domain_notice_new(struct domains *ds) must_use;
void domain_notice_free(struct domain_notice *n);
void domain_notice_use_settings(struct domain_notice *n);
/* Tells people of one whose time is over. */
void domain_notice_look(struct domain_notice *n);

/* --- ask.c --- */

/* On the main loop: a question that has come. */
void ask_handle(struct domains *ds, struct domain_ask *a);
/* Takes over the answer; the ask goes home. */
void ask_answer(struct domain_ask *a, json_t *answer);
void ask_refuse(struct domain_ask *a, const char *code, const char *text);
/* All of a list. result: of the store. */
void ask_checked(struct domain *d);
void ask_saved(struct domain *d, enum store_result result);

/* --- domain_json.c --- */

/* As the store keeps it; malloced, NULL without memory. */
char *domain_json_text(const struct domain_state *d);
/* False: it is none. */
bool domain_json_read(struct slice text, struct domain_state *d) must_use;
/* As people see one wish of it, with the records to set. */
json_t *domain_json_row(const struct domains *ds, const struct domain *d, const struct wish *w);

#endif
