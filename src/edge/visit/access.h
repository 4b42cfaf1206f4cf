/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy of a route, applied to a request whose route is known: addresses, paths, methods,
 * rates, passwords. It reads the same parsed values that routing read (S-07).
 */
#ifndef ADIT_EDGE_VISIT_ACCESS_H
#define ADIT_EDGE_VISIT_ACCESS_H

#include "edge/visit/exchange.h"
#include "hook/policy.h"

enum access_result {
	ACCESS_OK,       /* go on */
	ACCESS_ANSWERED, /* no */
	ACCESS_WAITS,    /* a password is being looked at; exchange_admit_again() follows */
};

/* account: whose route it is. */
enum access_result access_check(struct exchange *x, struct policy *policy, const char *account,
    struct slice bytes) must_use;
/* The exchange ends while its password is looked at. */
void access_abandon(struct exchange *x);

#endif
