/* SPDX-License-Identifier: Apache-2.0 */
/* What of an inbox is not finished, in words: for those who take a name or a token away. */
#ifndef ADIT_HOOK_WAITING_H
#define ADIT_HOOK_WAITING_H

#include <jansson.h>
#include <stdint.h>

struct waiting {
	uint64_t n;      /* webhooks that are neither delivered nor dropped */
	char what[128];  /* "2 queued, 1 parked" */
	char states[64]; /* "queued,parked", for --state */
};

/* states: of an answer of `inbox stat`. */
void waiting_read(const json_t *states, struct waiting *ret);

#endif
