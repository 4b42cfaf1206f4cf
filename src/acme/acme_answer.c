/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an answer of a CA means to all states alike, and how long one has patience with it.
 *
 *	badNonce              at once again, with the nonce that the refusal brought
 *	429, rateLimited      again after Retry-After when that is short, else the end until then
 *	no answer, 5xx, 408   again after 1, 2, 4... 60 s, or Retry-After
 *	accountDoesNotExist   another account with the same key, and the order anew: once
 *	404 at a URL of the   the directory is read anew: once
 *	directory
 *	everything else       the state's own affair
 */
#include "acme/acme_private.h"

#include "acme/instant.h"

#include <stdio.h>

#define PAUSE_S_MAX 60
#define POLL_S 2
#define POLL_S_MAX 30

/* --- patience --- */

void
acme_again(struct acme *a, int64_t now_s, int64_t retry_after_s, const char *why)
{
	int64_t pause = a->tries < 6 ? INT64_C(1) << a->tries : PAUSE_S_MAX;

	if (pause < retry_after_s)
		pause = retry_after_s;
	/* Whether an order was made is not known: the next one waits for its minute. */
	a->armed = false;
	if (a->state == ACME_AT_KEY_CHANGE)
		acme_move(a, ACME_AT_FIND_NEXT);
	if (++a->tries > LIMIT_ACME_TRIES || retry_after_s > LIMIT_ACME_LIMITED_S) {
		a->failure.retry_at_s = retry_after_s > 0 ? now_s + retry_after_s : 0;
		acme_fail(a, ACME_CA_DOWN, "the CA did not answer the request for %s: %s",
		    acme_rows[a->state].name, why);
		return;
	}
	a->not_before_s = now_s + pause;
}

void
acme_poll(struct acme *a, struct slice retry_after, int64_t now_s, const char *what)
{
	int64_t pause = POLL_S, wanted = instant_retry_after(retry_after, now_s);

	if (a->poll_until_s == 0)
		a->poll_until_s = now_s + LIMIT_ACME_POLL_S;
	if (now_s >= a->poll_until_s) {
		acme_fail(a, ACME_CA_DOWN, "%s: the CA has not come to an end in %d minutes", what,
		    LIMIT_ACME_POLL_S / 60);
		return;
	}
	for (unsigned i = 0; i < a->polls && pause < POLL_S_MAX; i++)
		pause += pause / 2;
	pause = pause > POLL_S_MAX ? POLL_S_MAX : pause;
	pause = pause < wanted ? wanted : pause;
	a->polls++;
	a->not_before_s = now_s + pause < a->poll_until_s ? now_s + pause : a->poll_until_s;
}

void
acme_poll_end(struct acme *a)
{
	a->poll_until_s = 0;
	a->polls = 0;
}

/* --- what came --- */

static void
on_directory(struct acme *a, const struct acme_answer *ans, int64_t now_s)
{
	if (!ca_read_directory(a->ca, ans->body, now_s))
		acme_fail(a, ACME_REFUSED,
		    "%.300s is no ACME directory: set another directory: under acme:",
		    a->ca->directory);
}

static void
answered(struct acme *a, enum acme_asked asked, const struct acme_answer *ans, int64_t now_s)
{
	if (asked == ASKED_DIRECTORY) {
		on_directory(a, ans, now_s);
	} else if (asked == ASKED_NONCE) {
		if (a->ca->n_nonces == 0)
			acme_again(a, now_s, 0, "it gave no nonce");
	} else if (asked == ASKED_ACCOUNT) {
		acme_on_account(a, ans, now_s);
	} else {
		a->tries = a->nonce_tries = 0;
		acme_rows[a->state].answered(a, ans, now_s);
	}
}

static void
limited(struct acme *a, const struct problem *p, int64_t retry_after_s, int64_t now_s)
{
	if (retry_after_s > 0 && retry_after_s <= LIMIT_ACME_LIMITED_S &&
	    a->tries < LIMIT_ACME_TRIES) {
		acme_again(a, now_s, retry_after_s, "a limit of it is reached");
		return;
	}
	a->failure.retry_at_s = now_s + (retry_after_s > 0 ? retry_after_s : LIMIT_ACME_LIMITED_S);
	acme_fail_problem(a, ACME_LIMITED, p, "");
}

/* The account is not there any more, nor are its orders: both are made anew, once. */
static void
account_gone(struct acme *a)
{
	ca_set_account(a->ca, "");
	a->refound = true;
	if (a->state >= ACME_AT_LOOK && a->state <= ACME_AT_ALTERNATE)
		acme_order_anew(a, ACME_REFUSED, "the CA has lost our account");
}

/* What means the same everywhere. True: dealt with. */
static bool
refused_anywhere(struct acme *a, enum acme_asked asked, const struct problem *p,
    int64_t retry_after_s, int64_t now_s)
{
	if (problem_is(p, PROBLEM_BAD_NONCE)) {
		/* The answer brought a fresh one (RFC 8555 6.5): at once. */
		if (++a->nonce_tries > LIMIT_ACME_NONCE_TRIES)
			acme_fail_problem(a, ACME_CA_DOWN, p, "");
	} else if (p->status == 429 || problem_is(p, PROBLEM_LIMITED)) {
		limited(a, p, retry_after_s, now_s);
	} else if (p->status >= 500 || p->status == 408 || asked == ASKED_NONCE) {
		char why[64];

		snprintf(why, sizeof(why), "it answered with status %d", p->status);
		acme_again(a, now_s, retry_after_s, why);
	} else if (asked == ASKED_DIRECTORY) {
		acme_fail(a, ACME_REFUSED,
		    "%.300s answered with status %d: set another directory: under acme:",
		    a->ca->directory, p->status);
	} else if (asked == ASKED_OWN && problem_is(p, PROBLEM_ACCOUNT_GONE) &&
		   acme_needs_account(a) && a->state != ACME_AT_FIND_NEXT && !a->refound) {
		account_gone(a);
	} else if (p->status == 404 && !a->reread &&
		   (asked == ASKED_ACCOUNT || a->state == ACME_AT_ORDER)) {
		a->reread = true; /* the CA has moved */
		a->ca->read_at_s = 0;
	} else {
		return false;
	}
	return true;
}

void
acme_answer(struct acme *a, const struct acme_answer *ans, int64_t now_s)
{
	enum acme_asked asked = a->asked;
	struct problem p;

	check(asked != ASKED_NOTHING);
	a->asked = ASKED_NOTHING;
	ca_put_nonce(a->ca, ans->nonce);
	if (ans->status == 0) {
		acme_again(a, now_s, 0, ans->why == NULL ? "no answer" : ans->why);
	} else if (ans->body.n > LIMIT_ACME_ANSWER_BYTES) {
		acme_again(a, now_s, 0, "the answer is longer than 256 KiB");
	} else if (ans->status >= 200 && ans->status < 300) {
		answered(a, asked, ans, now_s);
	} else {
		problem_read(ans->body, ans->status, &p);
		if (refused_anywhere(a, asked, &p, instant_retry_after(ans->retry_after, now_s),
			now_s))
			return;
		if (asked == ASKED_ACCOUNT)
			acme_refused(a, &p, now_s);
		else
			acme_rows[a->state].refused(a, &p, now_s);
	}
}
