/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of each exchange is kept, by what came in this second: so that the capture costs traffic
 * little, however much there is of it.  Pure: time is a parameter.
 */
#ifndef ADIT_AGENT_CAPTURE_GOVERNOR_H
#define ADIT_AGENT_CAPTURE_GOVERNOR_H

#include "base/slice.h"

enum governor_verdict {
	GOVERNOR_ALL,
	GOVERNOR_HEADS,  /* too many bytes in this second: heads alone */
	GOVERNOR_SAMPLE, /* too many exchanges: heads of this one, one of many */
	GOVERNOR_COUNT,  /* too many: it is counted, and has no row */
};

struct governor {
	int64_t second_us; /* when this second began */
	uint64_t bytes, exchanges;
};

/* An exchange begins. */
enum governor_verdict governor_ask(struct governor *g, int64_t now_us);
/* So many bytes are kept. */
static inline void
governor_take(struct governor *g, size_t bytes)
{
	g->bytes += bytes;
}
/* False: this second has as many as it may; bodies end here. */
bool governor_allows(struct governor *g, int64_t now_us);

#endif
