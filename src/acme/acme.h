/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client of a CA (RFC 8555), without I/O and without a clock: a case, which is fed with the
 * CA's answers and says what to do next.
 *
 *	for (;;) {
 *		struct acme_step s = acme_next(case, now);
 *
 *		ACME_STORE    s.store: ca_save() and/or acme_save() go to disk, then ca_stored(), acme_stored()
 *		ACME_SEND     send s.request, then acme_answer() with what came
 *		ACME_WAIT     until s.until_s
 *		ACME_PUBLISH  show *s.challenge to the world, then acme_published()
 *		ACME_READY    acme_certificate(): its key and chain are what is served from now on
 *		ACME_DONE     of the other cases: it is done
 *		ACME_FAILED   s.failure says why, and when it may be tried again
 *	}
 *
 * A certificate's case may end between any two steps, with the process: acme_load() of the text that
 * was stored last goes on.  What is not in the text is asked for again.  The text is stored
 *
 *	before newOrder        key and instant: no second order for these names within a minute
 *	behind newOrder        the order's URL: from now on the order is looked at, never made again
 *	behind the download    the chain, which was found to be of this key and these names
 *
 * Times are seconds since 1970 of the wall clock. All cases of a CA run on one thread.
 */
#ifndef ADIT_ACME_ACME_H
#define ADIT_ACME_ACME_H

#include "acme/ca.h"
#include "acme/chain.h"
#include "acme/challenge.h"
#include "acme/renewal.h"

#include "base/limits.h"

#define ACME_SAVED_BYTES 524288 /* at most, of a saved case */
#define ACME_WHY_BYTES 1536

struct acme;

/* --- cases --- */

/* A certificate that is wanted. Copied. */
struct acme_wish {
	const struct slice *names; /* as ident_read() takes them; at most LIMIT_ACME_NAMES */
	const unsigned *can;       /* of each name: CHALLENGE_CAN() of the kinds that work here */
	size_t n;
	const char *profile;  /* NULL: the CA's own choice */
	bool profile_must;    /* fail rather than do without it */
	const char *replaces; /* chain_facts.id of the certificate that is renewed; NULL: none */
	const char *issuer;   /* common name of the root that is preferred; NULL: as delivered */
};

/* Each gives back a case that acme_free() frees; it needs the CA until then. */

/* A certificate with a fresh key. NULL: why[] has one sentence. */
struct acme *acme_issue(struct ca *ca, const struct acme_wish *w,
    char why[ACME_WHY_BYTES]) must_use;
/* The same, from the text of acme_save(); NULL when it is none, or of another directory. */
struct acme *acme_load(struct ca *ca, struct slice saved) must_use;
/* Makes or finds the account (7.3, 7.3.1). The others do so by themselves. NULL: no memory, here and below. */
struct acme *acme_register(struct ca *ca) must_use;
/*
 * Another key for the account (7.3.5). No other case of this CA sends meanwhile. Goes on with a change
 * that was begun before: it asks with the new key first, since nobody knows how far that one came.
 */
struct acme *acme_rollover(struct ca *ca) must_use;
/*
 * Revokes (7.6). cert: DER. reason: of RFC 5280 5.3.1, 1 for a stolen key; -1: none.  key: PEM of the
 * certificate's own, which signs where the account is lost; empty: the account signs.
 */
struct acme *acme_revoke(struct ca *ca, struct slice cert, int reason, struct slice key) must_use;
/* Gives up an authorisation (7.5.2) or, with ca_account(), the account for good (7.3.6). */
struct acme *acme_deactivate(struct ca *ca, const char *url) must_use;
/* When is the certificate to be renewed? id: chain_facts.id.  ACME_DONE: acme_window(). */
struct acme *acme_ask_renewal(struct ca *ca, const char *id) must_use;
void acme_free(struct acme *a);

/* --- steps --- */

enum acme_what {
	ACME_STORE,
	ACME_SEND,
	ACME_WAIT,
	ACME_PUBLISH,
	ACME_READY,
	ACME_DONE,
	ACME_FAILED,
};

struct acme_request {
	const char *method;       /* "GET", "HEAD", "POST" */
	const char *url;          /* https */
	const char *content_type; /* NULL: no body */
	const char *accept;       /* NULL: anything */
	struct slice body;
};

enum acme_blame {
	ACME_CA_DOWN, /* no answer, a fault of its own, or it never came to an end: the same case may go on later */
	ACME_LIMITED,  /* a limit of the CA: not before retry_at_s */
	ACME_UNPROVEN, /* the CA did not see what proves a name */
	ACME_REFUSED, /* configuration or names: it will be refused again until somebody types something */
	ACME_LIED,   /* what the CA answered makes no sense, or a certificate is not ours */
	ACME_BROKEN, /* memory or libcrypto */
};

/*
 * After CA_DOWN and LIMITED the text that was stored goes on later, with the same order. After the
 * others it is dropped, and the next attempt is a new wish with a new key.
 */
struct acme_failure {
	enum acme_blame blame;
	int64_t retry_at_s;        /* 0: renewal_pause_s() after this failure */
	char text[ACME_WHY_BYTES]; /* one sentence, with what to type where something helps */
};

struct acme_step {
	enum acme_what what;
	/* What it points to lives until the next call with this case. */
	union {
		struct {
			bool ca, own;
		} store;
		struct acme_request request;
		int64_t until_s;
		const struct challenge *challenge;
		const struct acme_failure *failure;
	};
};

/*
 * What is to be done. Between ACME_SEND and acme_answer() it must not be called; everything else may be
 * asked for again.
 */
struct acme_step acme_next(struct acme *a, int64_t now_s);

/* What came back for a request. */
struct acme_answer {
	int status;         /* 0: none came */
	const char *why;    /* then: one sentence */
	struct slice nonce; /* Replay-Nonce, Location, Retry-After; empty: not there */
	struct slice location, retry_after;
	struct slice link; /* all Link fields, joined by commas */
	struct slice body; /* a longer one than LIMIT_ACME_ANSWER_BYTES counts as no answer */
};

void acme_answer(struct acme *a, const struct acme_answer *answer, int64_t now_s);
/* The world can see the challenge: our own server answers with it. */
void acme_published(struct acme *a);
/* It cannot be shown: another kind is tried, if there is one. why: a sentence for people. */
void acme_unpublishable(struct acme *a, const char *why);

/*
 * The text of a certificate's case, with the key in it, which the caller frees after it has
 * overwritten it; NULL without memory.  Then as ca_save().  Of acme_issue() and acme_load() alone: the
 * others begin anew.
 */
char *acme_save(const struct acme *a, uint64_t *ret_version) must_use;
void acme_stored(struct acme *a, uint64_t version);

/* --- outcomes --- */

/* Of ACME_READY; slices live as long as the case. */
struct acme_certificate {
	struct slice chain, key; /* PEM */
	struct chain_facts facts;
};

void acme_certificate(struct acme *a, struct acme_certificate *ret);
/* Of ACME_DONE after acme_ask_renewal(): 0 and 0 where the CA has no such service. */
const struct renewal_window *acme_window(const struct acme *a);
/* When it asked for an order last, as far as its text says, 0: it has not. Of a certificate's case. */
int64_t acme_ordered_s(const struct acme *a);
/* "order", "authorisation": what it is at, for people. */
const char *acme_at(const struct acme *a);

#endif
