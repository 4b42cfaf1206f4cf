/* SPDX-License-Identifier: Apache-2.0 */
/* Counters and percentiles of each tunnel. Time is a parameter; percentiles are a bucket's middle, 6 % off at most. */
#ifndef ADIT_AGENT_CAPTURE_FIGURES_H
#define ADIT_AGENT_CAPTURE_FIGURES_H

#include "agent/capture/rows.h"

/* Eight buckets for each doubling, up to 2^40 us. */
#define FIGURES_BUCKETS 312

struct figures {
	struct figures_tunnel {
		struct tunnel_figures counts;
		/* Of this span of five minutes, and of the one before. */
		uint32_t took[2][FIGURES_BUCKETS];
		int64_t span_us; /* when it began */
	} * tunnels;             /* LIMIT_AGENT_TUNNELS */
};

/* -1 without memory. */
int figures_init(struct figures *f) must_use;
void figures_fini(struct figures *f);
void figures_anew(struct figures *f, size_t tunnel);
void figures_begun(struct figures *f, size_t tunnel, bool listed);
void figures_ended(struct figures *f, size_t tunnel, int64_t took_us, bool failed, int64_t now_us);
void figures_refused(struct figures *f, size_t tunnel);
void figures_inbox(struct figures *f, size_t tunnel, uint64_t wait, uint64_t parked,
    int64_t oldest_ms);
void figures_of(const struct figures *f, size_t tunnel, int64_t now_us, struct tunnel_figures *ret);

#endif
