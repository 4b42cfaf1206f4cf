/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bucket of tokens: so many at once, so many more a second.  What an honest visitor does now and
 * then, and an attacker always, takes one (doc: aditd(8), HTTP/2).
 */
#ifndef ADIT_H2_BUCKET_H
#define ADIT_H2_BUCKET_H

#include <stdint.h>

struct h2_bucket {
	uint32_t burst, rate; /* tokens, tokens a second */
	int64_t spent_u;      /* private: taken and not yet forgiven, in millionths of a token */
	int64_t at_us;
};

enum h2_level {
	H2_ENOUGH,
	H2_LOW, /* three quarters are gone: an honest visitor is told to come on a new connection */
	H2_EMPTY,
};

void h2_bucket_init(struct h2_bucket *b, uint32_t burst, uint32_t rate, int64_t now_us);
/* Takes one. */
enum h2_level h2_bucket_take(struct h2_bucket *b, int64_t now_us);

#endif
