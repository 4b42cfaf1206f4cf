/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request of the dyndns2 protocol: the token is looked up, then one name is set after the other,
 * since each of them has its own line in the answer.
 */
#ifndef ADIT_EDGE_DDNS_DDNS_UPDATE_H
#define ADIT_EDGE_DDNS_DDNS_UPDATE_H

#include "edge/ddns/ddns.h"

/* Zeroed at first; the asker's until done(). */
struct ddns_update {
	/* in */
	char user[64];
	struct dyndns wanted; /* read; settled where has_address is set */
	bool has_address;     /* of dyndns_settle() */
	bool has_source;
	struct source_key source;            /* who is slowed down after bad tokens */
	void (*done)(struct ddns_update *u); /* on the home's loop; it may free u */
	void *owner;
	/* out: GOOD: a code for each name; else why there is none */
	enum dyndns_code code;
	size_t n;
	enum dyndns_code codes[DYNDNS_HOSTS];
	/* private */
	struct edge *edge;
	struct errands *home;
	struct errand errand;
	struct store_req login;
	struct ddns_set set;
};

/* password: a token; it is copied, and wiped in the end. */
void ddns_update_start(struct ddns_update *u, struct edge *e, struct errands *home,
    struct slice password);

#endif
