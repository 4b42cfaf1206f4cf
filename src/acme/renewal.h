/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a certificate is renewed, and how long to wait after a failure.  Seconds since 1970; random
 * numbers come from the caller, are chosen once for a certificate or window, and kept.
 */
#ifndef ADIT_ACME_RENEWAL_H
#define ADIT_ACME_RENEWAL_H

#include "base/check.h"
#include "base/slice.h"

/*
 * What a CA wishes (RFC 9773 4.2).  It is of one certificate: the window of the one before, applied
 * to its successor, would renew it again and again.
 */
struct renewal_window {
	int64_t start_s, end_s; /* both 0: the CA said nothing */
	char why[512];          /* explanationURL, or ""; printable ASCII */
	int64_t ask_again_s;    /* how long until the next question (4.3), 1 minute to 1 day */
};

/* The CA's answer.  False for what is no such document; an end before the start is none. */
bool renewal_read(struct slice json, struct slice retry_after, int64_t now_s,
    struct renewal_window *ret) must_use;
/* The same where the answer failed: 6 hours (RFC 9773 4.3.3). */
#define RENEWAL_ASK_AGAIN_S 21600

/*
 * The instant at which to begin: inside the window when there is one, else after 2/3 of the life, or
 * 1/2 of one below 10 days, spread over 1/20.  Never later than 1/20 before the end.  An instant
 * that is past means now: a window in the past is how a CA says that it is about to revoke.
 */
int64_t renewal_at_s(int64_t not_before_s, int64_t not_after_s, const struct renewal_window *window,
    uint64_t random);
/* From when on people are told: the last quarter of the life. */
int64_t renewal_alert_s(int64_t not_before_s, int64_t not_after_s);
/*
 * The pause after so many failures in a row: 1, 10, 100 minutes, then a day, with up to a quarter
 * more by chance; a twentieth of the life is the longest where that is shorter, a minute the shortest.
 */
int64_t renewal_pause_s(unsigned failures, int64_t life_s, uint64_t random);

#endif
