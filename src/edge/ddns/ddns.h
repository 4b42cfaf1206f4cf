/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dynamic DNS: whose name it is, how often it may change, and the change itself.  One for the edge,
 * used by all its threads.
 *
 *	judge: is this a name of the account (and of the token)?      from the directory, at once
 *	set:   its addresses, in one transaction                       an errand to the name server
 *
 * What is so already costs nothing and is never held against anybody: programs that forget what they
 * have told send it again and again.
 */
#ifndef ADIT_EDGE_DDNS_DDNS_H
#define ADIT_EDGE_DDNS_DDNS_H

#include "edge/core/edge.h"
#include "edge/dns/records.h"
#include "hook/dyndns.h"

struct ddns;

/* NULL without memory. */
struct ddns *ddns_new(void) must_use;
void ddns_free(struct ddns *d);

/*
 * "home.example.org" is a name that this account may change: DYNDNS_GOOD, and "home" in label.  Else
 * NOTFQDN, NOHOST or NOT_YOURS.  scope: of the token; "": any name of the account.
 */
enum dyndns_code ddns_judge(const struct edge *e, const char *host, const char *account,
    const char *scope, char label[DIRECTORY_KEY_BYTES]);

/* Whoever says last where a name is speaks for it: a turn that is not 0; 0 without memory.  The
 * other asks whether he still does. */
uint64_t ddns_speak(struct ddns *d, const char *label);
bool ddns_speaks(struct ddns *d, const char *label, uint64_t turn);

/* The name is given up: nothing of it is left in DNS. Nobody waits for that. */
void ddns_forget(struct edge *e, struct errands *home, const char *label);

/* One name's addresses on their way. Zeroed at first; the asker's until done(). */
struct ddns_set {
	struct records_ask ask;
	struct edge *edge;
	struct errands *home;
	void (*done)(struct ddns_set *s); /* on the home's loop, later; it may free s */
	enum dyndns_code code;            /* GOOD, NOCHG, ABUSE, DNSERR or LATER */
	bool counted;                     /* private: as a change of this hour */
};

/* v4, v6: LEAVE, SET or REMOVE. label: of ddns_judge(). */
void ddns_set_start(struct ddns_set *s, struct edge *e, struct errands *home, const char *label,
    const char *account, const struct dyndns_family *v4, const struct dyndns_family *v6,
    void (*done)(struct ddns_set *s));

#endif
