/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pauses between attempts to reach the edge: full jitter, so that a thousand agents of an edge that
 * restarted do not come back in step; doubling from LIMIT_RETRY_MS_MIN to LIMIT_RETRY_MS_MAX, and
 * anew only after a link had lived for LIMIT_STABLE_MS, so that one that falls at once is not
 * dialled in a tight loop.
 */
#ifndef ADIT_AGENT_LINK_RETRY_H
#define ADIT_AGENT_LINK_RETRY_H

#include <stdint.h>

struct retry {
	unsigned n_failed; /* attempts since the last stable link */
};

/* The edge's own wish (GOAWAY, refused) is a floor, and itself not obeyed past this. */
#define RETRY_FLOOR_MS_MAX 300000

/*
 * The next pause in ms.  floor_ms: what the edge asked for, or 0; random: any 64 bits.  In
 * [MIN, min(MAX, MIN * 2^n)] without a floor, in [floor, floor + MIN] with one.
 */
int64_t retry_pause_ms(struct retry *r, uint32_t floor_ms, uint64_t random);
/* A link has ended that lived so long. */
void retry_lived(struct retry *r, int64_t lived_us);

#endif
