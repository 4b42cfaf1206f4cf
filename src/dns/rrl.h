/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many equal answers a network gets over UDP: who forges a victim's address makes us send to it
 * what it never asked for. Past the rate every second answer is dropped, the others tell to come by
 * TCP (authority_slip()), which a forger cannot. Not for TCP, nor for what a key has signed.
 */
#ifndef ADIT_DNS_RRL_H
#define ADIT_DNS_RRL_H

#include "base/check.h"
#include "base/slice.h"

/* Zeroed at first; LIMIT_DNS_RATE_ROWS rows are made with the first answer. No lock of its own. */
struct rrl {
	struct rrl_row *rows;
};

enum rrl_verdict {
	RRL_SEND,
	RRL_SLIP, /* authority_slip() instead */
	RRL_DROP,
};

/*
 * address: IPv6, or IPv4 mapped into it (::ffff:192.0.2.1). rcode and about: as authority_said has
 * them. Without memory everything is sent.
 */
enum rrl_verdict rrl_judge(struct rrl *r, const unsigned char address[16], unsigned rcode,
    struct slice about, int64_t now_us);
void rrl_fini(struct rrl *r);

#endif
