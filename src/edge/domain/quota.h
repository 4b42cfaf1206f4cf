/* SPDX-License-Identifier: Apache-2.0 */
/* How many new own domains an account, and all accounts together, may ask for in an hour: what CAs
 * allow the edge is used up by nobody alone.  Pure; since the last start. */
#ifndef ADIT_EDGE_DOMAIN_QUOTA_H
#define ADIT_EDGE_DOMAIN_QUOTA_H

#include "base/check.h"
#include "base/limits.h"

#include <stdbool.h>
#include <stdint.h>

struct quota {
	struct {
		int64_t at_ms; /* 0: never used */
		char account[64];
	} last[LIMIT_DOMAINS_NEW]; /* a ring, the oldest is at `at` */
	size_t at;
};

/* Takes one; false: not now, and *ret_wait_ms says when. */
bool quota_take(struct quota *q, const char *account, int64_t now_ms,
    int64_t *ret_wait_ms) must_use;

#endif
