/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records that names have of their own: addresses (dynamic DNS), TXT (acme-dns, own domains).
 * The name server keeps each name's as an item ("dns", NAME) of the store and answers with them; a
 * question of that is an errand, from any loop:
 *
 *	struct records_ask *ask = calloc(1, sizeof(*ask));
 *	snprintf(ask->name, sizeof(ask->name), "home");
 *	ask->op = RECORDS_ADDRESSES;
 *	ask->v4 = (struct records_address){ RECORDS_SET, { 203, 0, 113, 9 } };
 *	records_ask(edge->name_server, ask, &home, on_answer);
 *	... on_answer(&ask->errand) on the same loop again: ask->result
 *
 * It comes back when the change is stored and served. All of one ask is one transaction. Who may
 * change which name is for who asks to know; names that are the edge's own are refused here.
 */
#ifndef ADIT_EDGE_DNS_RECORDS_H
#define ADIT_EDGE_DNS_RECORDS_H

#include "edge/core/errand.h"
#include "edge/dns/name_server.h"

#define RECORDS_NAME_BYTES 256
#define RECORDS_TXT 8         /* values of an ask */
#define RECORDS_TXT_BYTES 256 /* of one, with its NUL */
#define RECORDS_TXT_NEWEST 2  /* acme-dns: one for the name, one for its wildcard */

enum records_op {
	RECORDS_READ,
	RECORDS_ADDRESSES, /* v4 and v6 */
	RECORDS_TXT_SET,   /* the TXT values are these, and no others; none: no TXT */
	RECORDS_TXT_ADD,   /* txt[0] is one of them; only the newest RECORDS_TXT_NEWEST stay */
	RECORDS_CLEAR,     /* nothing of its own is left */
};

enum records_wish { RECORDS_LEAVE, RECORDS_SET, RECORDS_REMOVE };

struct records_address {
	enum records_wish wish;
	unsigned char ip[16]; /* IPv4: the first four */
};

enum records_result {
	RECORDS_DONE,
	RECORDS_SAME,     /* all was so already */
	RECORDS_OUTSIDE,  /* no zone of ours has that name: in mode challenge all but those below
			     _acme-challenge */
	RECORDS_RESERVED, /* the edge's own: the domain itself, its name server, "*" */
	RECORDS_BAD,      /* no name, or a value that no record can hold */
	RECORDS_FULL,     /* LIMIT_DNS_NAMES, LIMIT_DNS_SET_BYTES */
	RECORDS_FAILED,   /* the store has failed, there is no memory, or the edge stops */
};

/* The asker's until it is back; zeroed at first. Texts end with a NUL. */
struct records_ask {
	struct errand errand;
	char name[RECORDS_NAME_BYTES]; /* below the domain: "home", "ID._acme-challenge" */
	char account[64];              /* whose it is in the store; "": the edge's */
	enum records_op op;
	struct records_address v4, v6;
	char txt[RECORDS_TXT][RECORDS_TXT_BYTES];
	size_t n_txt;
	/* out, of every op: what is there now, of several addresses the first */
	enum records_result result;
	bool has_v4, has_v6;
	unsigned char now_v4[4], now_v6[16];
	char now_txt[RECORDS_TXT][RECORDS_TXT_BYTES];
	size_t n_now_txt;
	/* private */
	struct loop_mail mail;
	struct name_server *ns;
	struct records_ask *next;
};

void records_ask(struct name_server *ns, struct records_ask *ask, struct errands *home,
    void (*back)(struct errand *e));
/* One sentence for people. */
const char *records_result_text(enum records_result r);

#endif
