/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a case. Its states and the ways between them:
 *
 *	ORDER --> LOOK --> AUTHZ --> PUBLISH --> RESPOND --> AUTHZ ...
 *	  ^        |  ^      |
 *	  |        |  +------+  all proven
 *	  |        +--> FINALIZE --> LOOK ... --> DOWNLOAD --> [ALTERNATE ...] --> READY
 *	  +-- from each of them: the order is lost, or a name was not proven and there is another kind
 *
 *	FIND_NEXT --> KEY_CHANGE --> DONE;  REGISTER, REVOKE, DEACTIVATE, RENEWAL --> DONE
 *
 * Every state may end in FAILED.  A state's own request needs others before it (directory, account,
 * nonce): `asked` says which one is on its way.
 */
#ifndef ADIT_ACME_ACME_PRIVATE_H
#define ADIT_ACME_ACME_PRIVATE_H

#include "acme/acme.h"
#include "acme/ca_private.h"
#include "acme/problem.h"

/* clang-format off */
#define ACME_STATES(X)                                                                             \
	X(ORDER) X(LOOK) X(AUTHZ) X(PUBLISH) X(RESPOND) X(FINALIZE) X(DOWNLOAD) X(ALTERNATE) X(READY) \
	X(REGISTER) X(FIND_NEXT) X(KEY_CHANGE) X(REVOKE) X(DEACTIVATE) X(RENEWAL) X(DONE) X(FAILED)
/* clang-format on */

enum acme_state {
#define X(name) ACME_AT_##name,
	ACME_STATES(X)
#undef X
	    ACME_N_STATES
};

enum acme_asked { ASKED_NOTHING, ASKED_DIRECTORY, ASKED_NONCE, ASKED_ACCOUNT, ASKED_OWN };

struct acme {
	struct ca *ca;
	enum acme_state state;
	enum acme_asked asked;
	int64_t not_before_s; /* nothing is sent earlier */

	/* The certificate that is wanted; all of it is saved. */
	struct ident ids[LIMIT_ACME_NAMES];
	unsigned can[LIMIT_ACME_NAMES], tried[LIMIT_ACME_NAMES]; /* sets of challenge kinds */
	size_t n;
	char profile[64], replaces[CHAIN_ID_BYTES], issuer[128]; /* "": none */
	bool profile_must;
	EVP_PKEY *key;
	char account[LIMIT_ACME_URL_BYTES]; /* whose order it is */
	int64_t ordered_at_s; /* 0: never; of the last newOrder, even of one that got lost */
	char order[LIMIT_ACME_URL_BYTES]; /* "": none, or its URL is not known */
	unsigned orders;                  /* made so far */
	struct buf chain;                 /* PEM, judged; empty before READY */

	uint64_t version, stored;

	/* The order as it was seen last. */
	char authz[LIMIT_ACME_NAMES][LIMIT_ACME_URL_BYTES];
	size_t n_authz, at; /* at: the authorisation, or the alternate chain, that is looked at */
	bool proven;        /* all were valid at the last walk */
	char finalize[LIMIT_ACME_URL_BYTES], certificate[LIMIT_ACME_URL_BYTES];
	char respond[LIMIT_ACME_URL_BYTES]; /* of the challenge that is published */
	struct challenge challenge;
	size_t ident;    /* whose challenge it is */
	bool responded;  /* the CA was told to look at the one at `at` */
	bool refused;    /* it did not want to: still pending means that it never will */
	bool processing; /* it looks already: published anew, not told again */
	char alternates[LIMIT_ACME_ALTERNATES][LIMIT_ACME_URL_BYTES];
	size_t n_alternates;

	/* Patience. */
	bool armed;   /* ordered_at_s is on disk for the newOrder that comes next */
	bool reread;  /* the directory was read anew because of a 404 */
	bool refound; /* the account was made anew since the CA had lost it */
	unsigned tries, nonce_tries, polls;
	int64_t poll_until_s; /* 0: not polling */

	/* Of the other cases. */
	struct buf cert; /* DER, of a revocation */
	int reason;
	EVP_PKEY *cert_key;
	char url[LIMIT_ACME_URL_BYTES + CHAIN_ID_BYTES];
	struct renewal_window window;

	struct acme_failure failure;
	char unproven[ACME_WHY_BYTES]; /* of the last challenge that failed */
	struct buf body, key_pem;      /* of the request; of the certificate */
};

/* How a state's request is made, and who reads its answer. */
struct acme_row {
	const char *name; /* what people call it */
	bool account;     /* signed by the account, which must be known */
	const char *(*url)(struct acme *a);
	bool (*payload)(struct acme *a, struct buf *out); /* NULL: POST-as-GET */
	void (*answered)(struct acme *a, const struct acme_answer *ans, int64_t now_s);
	/* An answer that is none of 2xx and was not dealt with for all states alike. */
	void (*refused)(struct acme *a, const struct problem *p, int64_t now_s);
};
extern const struct acme_row acme_rows[ACME_N_STATES];

/* Its own request is signed by the account, which must be known then. */
bool acme_needs_account(const struct acme *a);
/* The only writer of the state. */
void acme_move(struct acme *a, enum acme_state to);
/* Ends it. */
void acme_fail(struct acme *a, enum acme_blame blame, const char *fmt, ...) printf_like(3, 4);
void acme_fail_problem(struct acme *a, enum acme_blame blame, const struct problem *p,
    const char *name);
/* The same request once more, after a pause; after too many the case ends. */
void acme_again(struct acme *a, int64_t now_s, int64_t retry_after_s, const char *why);
/* Look again later; ends the case where the CA has had its time. what: for people. */
void acme_poll(struct acme *a, struct slice retry_after, int64_t now_s, const char *what);
void acme_poll_end(struct acme *a);
/* The order is of no more use: a new one, or the end of the case. */
void acme_order_anew(struct acme *a, enum acme_blame blame, const char *why);
struct acme *acme_new(struct ca *ca, enum acme_state state) must_use;

/* acme_order.c: from newOrder to the certificate's URL. */
bool acme_put_order(struct acme *a, struct buf *out);
void acme_on_order(struct acme *a, const struct acme_answer *ans, int64_t now_s);
void acme_order_refused(struct acme *a, const struct problem *p, int64_t now_s);
void acme_on_look(struct acme *a, const struct acme_answer *ans, int64_t now_s);
void acme_lost(struct acme *a, const struct problem *p, int64_t now_s);
bool acme_put_finalize(struct acme *a, struct buf *out);
void acme_finalize_refused(struct acme *a, const struct problem *p, int64_t now_s);
void acme_on_download(struct acme *a, const struct acme_answer *ans, int64_t now_s);
void acme_on_alternate(struct acme *a, const struct acme_answer *ans, int64_t now_s);
void acme_alternate_refused(struct acme *a, const struct problem *p, int64_t now_s);

/* acme_authz.c: authorisations and their challenges. */
void acme_on_authz(struct acme *a, const struct acme_answer *ans, int64_t now_s);
void acme_on_respond(struct acme *a, const struct acme_answer *ans, int64_t now_s);
void acme_respond_refused(struct acme *a, const struct problem *p, int64_t now_s);

/* acme_account.c: account, keys, revocation, renewal. */
bool acme_put_account(struct acme *a, struct buf *out);
void acme_on_account(struct acme *a, const struct acme_answer *ans, int64_t now_s);
void acme_on_register(struct acme *a, const struct acme_answer *ans, int64_t now_s);
bool acme_account_forbidden(struct acme *a);
bool acme_put_find_next(struct acme *a, struct buf *out);
void acme_on_find_next(struct acme *a, const struct acme_answer *ans, int64_t now_s);
void acme_find_next_refused(struct acme *a, const struct problem *p, int64_t now_s);
bool acme_put_key_change(struct acme *a, struct buf *out);
void acme_on_key_change(struct acme *a, const struct acme_answer *ans, int64_t now_s);
void acme_key_change_refused(struct acme *a, const struct problem *p, int64_t now_s);
bool acme_put_revoke(struct acme *a, struct buf *out);
void acme_revoke_refused(struct acme *a, const struct problem *p, int64_t now_s);
bool acme_put_deactivate(struct acme *a, struct buf *out);
void acme_on_done(struct acme *a, const struct acme_answer *ans, int64_t now_s);
void acme_on_renewal(struct acme *a, const struct acme_answer *ans, int64_t now_s);
void acme_renewal_refused(struct acme *a, const struct problem *p, int64_t now_s);
void acme_refused(struct acme *a, const struct problem *p, int64_t now_s);

#endif
