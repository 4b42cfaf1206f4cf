/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store has of one certificate: what is served (live) and what is under way (pending), apart,
 * so that nothing that goes wrong with the one touches the other.  It is one item ("certificate", NAME),
 * written whole: a live key and its chain are replaced by a newer pair in one step, with the end of what
 * was pending.
 *
 * Its text is JSON with keys in it: the vault seals it.  It comes from our own store, so what is wrong
 * in it is damage; a row that cannot be read is no row.
 */
#ifndef ADIT_EDGE_CERT_ROW_H
#define ADIT_EDGE_CERT_ROW_H

#include "acme/acme.h"

#include <jansson.h>

#define ROW_NAMES 2  /* the wildcard and its domain */
#define ROW_ORDERS 4 /* instants that are remembered: as many as plan_rate_same allows at once */
#define ROW_URL_BYTES 1024

/* Texts are malloced; keys are wiped where they are freed. */
struct row {
	char names[ROW_NAMES][IDENT_BYTES]; /* the first is the item's */
	size_t n_names;
	char account[64]; /* whose name it is, "": the edge's */
	struct {
		char *chain, *key; /* PEM; NULL: nothing is served */
		char ca[ROW_URL_BYTES];
		struct chain_facts facts;
		uint64_t random; /* of its renewal, see plan.h */
		/* What its CA wishes, of this certificate alone: window.id is facts.id of it. */
		struct renewal_window window;
	} live;
	struct {
		char *text; /* acme_save(); NULL: nothing is under way */
		char ca[ROW_URL_BYTES];
	} pending;
	int64_t orders_s[ROW_ORDERS]; /* when the last attempts began, newest first; 0: none */
	size_t ca;                    /* which of the configured ones is asked */
	unsigned failures;            /* in a row */
	int64_t next_s;               /* after a failure: not before; 0: none */
	int64_t down_s;               /* since when its CA has failed, 0: it has not */
	int64_t failed_s;             /* when it failed last */
	bool forced;                  /* somebody wants a new one, whatever the dates say */
	int64_t told_s;               /* when people were told last that it ends soon */
	char problem[ACME_WHY_BYTES]; /* of the last failure; "": none */
};

/* The text, which row_free_text() frees; NULL without memory. */
char *row_write(const struct row *r) must_use;
/* False: it is none of ours, or without memory; *ret is empty then. */
bool row_read(struct slice text, struct row *ret) must_use;
void row_free_text(char *text);
void row_fini(struct row *r);

/* Takes over both texts in place of what was live, with what follows from that. */
void row_take_live(struct row *r, char *chain, char *key, const char *ca,
    const struct chain_facts *facts, uint64_t random);
/* Takes over the text of a case; NULL: nothing is under way any more. */
void row_take_pending(struct row *r, char *text, const char *ca);
/* An attempt begins. */
void row_note_order(struct row *r, int64_t now_s);

#endif
