/* SPDX-License-Identifier: Apache-2.0 */
/* Rates of equal answers in a table of fixed size. */
#include "dns/rrl.h"

#include "base/limits.h"
#include "base/map.h"
#include "dns/dname.h"

#include <stdlib.h>

#define ANSWER_US (1000000 / LIMIT_DNS_RATE)
#define BURST_US INT64_C(1000000)

struct rrl_row {
	uint64_t key;    /* of network, rcode and name */
	int64_t full_us; /* when its bucket will be full again; 0: nobody's */
	uint8_t refused; /* every second one slips */
};

/* The network that is one asker: /24 of IPv4, /56 of IPv6. Its bytes in dst; how many. */
static size_t
network_of(const unsigned char address[16], unsigned char *dst)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	size_t n = memcmp(address, mapped, sizeof(mapped)) == 0 ? 15 : 7;

	memcpy(dst, address, n);
	return n;
}

static uint64_t
key_of(const unsigned char address[16], unsigned rcode, struct slice about)
{
	unsigned char text[16 + 1 + DNAME_BYTES];
	size_t n = network_of(address, text);

	check(about.n <= DNAME_BYTES);
	text[n++] = (unsigned char)rcode;
	if (about.n > 0)
		memcpy(text + n, about.p, about.n);
	return map_hash(slice_of(text, n + about.n));
}

/*
 * Two places for each key; a stranger takes the one that has been quiet longer. The key's hash is
 * secret, so nobody can aim at another's row.
 */
static struct rrl_row *
row_of(struct rrl *r, uint64_t key)
{
	size_t first = key % LIMIT_DNS_RATE_ROWS,
	       apart = 1 + (key >> 32) % (LIMIT_DNS_RATE_ROWS - 1);
	struct rrl_row *a = &r->rows[first];
	struct rrl_row *b = &r->rows[(first + apart) % LIMIT_DNS_RATE_ROWS]; /* another one */
	struct rrl_row *quiet = a->full_us <= b->full_us ? a : b;

	if (a->key == key)
		return a;
	if (b->key == key)
		return b;
	*quiet = (struct rrl_row){ .key = key };
	return quiet;
}

enum rrl_verdict
rrl_judge(struct rrl *r, const unsigned char address[16], unsigned rcode, struct slice about,
    int64_t now_us)
{
	struct rrl_row *row;

	if (r->rows == NULL && (r->rows = calloc(LIMIT_DNS_RATE_ROWS, sizeof(*row))) == NULL)
		return RRL_SEND;
	row = row_of(r, key_of(address, rcode, about));
	if (row->full_us < now_us)
		row->full_us = now_us;
	if (row->full_us - now_us <= BURST_US - ANSWER_US) {
		row->full_us += ANSWER_US;
		return RRL_SEND;
	}
	return row->refused++ % 2 == 0 ? RRL_SLIP : RRL_DROP;
}

void
rrl_fini(struct rrl *r)
{
	free(r->rows);
	r->rows = NULL;
}
