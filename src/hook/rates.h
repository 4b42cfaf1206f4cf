/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often something may happen: a bucket, and a bounded table of buckets by address.  A bucket
 * that is full again is the same as none, so rows expire by themselves.
 */
#ifndef ADIT_HOOK_RATES_H
#define ADIT_HOOK_RATES_H

#include "base/check.h"

#include <stdbool.h>
#include <stdint.h>

/* `rate` a second, `burst` at once. Zeroed at first. */
struct rates_bucket {
	int64_t full_us; /* when it will be full again */
};

/* The rates that a policy may name; 0 means none. */
bool rates_is_sane(double rate) must_use;

/* Takes one; false when it is empty, and *ret_wait_us is when to come again. */
bool rates_take(struct rates_bucket *b, double rate, double burst, int64_t now_us,
    int64_t *ret_wait_us) must_use;
/* Gives one back that was taken. */
void rates_give(struct rates_bucket *b, double rate);

#define RATES_KEY_BYTES 16

/* Zeroed at first; the rows are made when the first address comes. No lock of its own. */
struct rates {
	struct rates_row *rows;
};

void rates_fini(struct rates *r);
/* The bucket of an address, valid until the next call. NULL without memory. */
struct rates_bucket *rates_of(struct rates *r, const unsigned char key[RATES_KEY_BYTES]);

#endif
