/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An own domain and who wants it: what each check of its DNS makes of it.  Pure; time is a parameter
 * (wall clock, ms).
 *
 * A wish is one account's.  Of several wishes for one domain at most one holds it: the first that the
 * DNS has proven.
 *
 *	WANTED ----> PROVEN <---> MISSING ----> SUSPENDED ----> STOPPED
 *	   |           |             |           |   |            ^ |
 *	   |           |             \-----------|---|------------/ |   another wish takes over
 *	   \-----------|-------------------------|---|--------------/   14 days without a proof; asked
 *	               \<------------------------/   \-----> WANTED     again: WANTED
 *
 *	PROVEN, MISSING     visitors are served
 *	MISSING             the last check found no proof; three over 24 hours or more end it
 *	SUSPENDED           visitors are told why; it is looked at once a day, for 30 days
 *	STOPPED             nobody looks any more until the account asks again
 *
 * What counts is what the DNS says.  Where it says nothing (no server answers), nothing changes.
 */
#ifndef ADIT_EDGE_DOMAIN_WISH_H
#define ADIT_EDGE_DOMAIN_WISH_H

#include "base/limits.h"
#include "edge/core/directory.h"
#include "http/url.h"

#define WISH_TOKEN_BYTES 33 /* 128 bit as hexadecimal digits, and NUL */
#define WISH_WHY_BYTES 320

enum wish_state {
	WISH_WANTED,
	WISH_PROVEN,
	WISH_MISSING,
	WISH_SUSPENDED,
	WISH_STOPPED,
};

/* What a check has found for one wish. */
enum wish_proof {
	WISH_UNTOLD, /* the DNS did not answer */
	WISH_UNSEEN,
	WISH_SEEN,
};

struct wish {
	char account[64];
	char tunnel[DIRECTORY_KEY_BYTES]; /* where visitors are led to */
	char token[WISH_TOKEN_BYTES];     /* of the TXT record */
	enum wish_state state;
	bool untold;              /* STOPPED without a proof, and people were not told of it yet */
	int64_t since_ms;         /* of the state */
	int64_t asked_ms;         /* the account asked for it last */
	int64_t proven_ms;        /* it held the domain first; 0: never */
	unsigned n_unseen;        /* checks in a row without a proof */
	int64_t unseen_ms;        /* the first of them */
	char why[WISH_WHY_BYTES]; /* of the last check that found none; for people */
};

struct domain_state {
	char name[URL_HOST_BYTES];
	struct wish wishes[LIMIT_DOMAIN_WISHES];
	size_t n;
	int64_t next_ms; /* the next check; 0: none */
	/* Checks in a row that found another's proof and not the holder's; the first of them. */
	unsigned n_rival;
	int64_t rival_ms;
};

/* The wish that serves visitors now, NULL: none. */
struct wish *wish_holder(struct domain_state *d);
/* The one that did last and is not served now: visitors are told why. NULL: none. */
struct wish *wish_fallen(struct domain_state *d);
struct wish *wish_find(struct domain_state *d, const char *account);
/* A new wish, WANTED, which is looked at at once. NULL: there are too many. */
struct wish *wish_add(struct domain_state *d, const char *account, int64_t now_ms);
/* The account asks once more: looked at at once; one that was stopped is wanted again. */
void wish_again(struct domain_state *d, struct wish *w, int64_t now_ms);
void wish_remove(struct domain_state *d, struct wish *w, int64_t now_ms);
/* What the check found for each wish, in their order; sets the next check. */
void wish_judge(struct domain_state *d, const enum wish_proof *seen, int64_t now_ms);

const char *wish_state_text(enum wish_state s);
/* False: no state is called so. */
bool wish_state_parse(struct slice text, enum wish_state *ret_state) must_use;

#endif
