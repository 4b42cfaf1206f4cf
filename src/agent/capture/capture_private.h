/* SPDX-License-Identifier: Apache-2.0 */
/* The capture as its parts see it. */
#ifndef ADIT_AGENT_CAPTURE_CAPTURE_PRIVATE_H
#define ADIT_AGENT_CAPTURE_CAPTURE_PRIVATE_H

#include "agent/capture/capture.h"
#include "agent/capture/tap.h"
#include "base/limits.h"
#include "base/slab.h"

/* An exchange that passes through. */
struct tap {
	struct capture *capture;
	uint64_t id; /* of its row, 0: none yet */
	uint64_t parent;
	int64_t begun_ms;
	size_t tunnel;
	enum row_kind kind;
	bool switched; /* its answer was 101 */
	char request_id[40], client[48];
};

struct capture {
	struct loop *loop;
	struct rows *rows;
	struct slab taps;
	struct capture_place {
		char name[64];
		enum capture_level level;
	} tunnels[LIMIT_AGENT_TUNNELS];
	uint64_t last_id; /* of a row */
};

/* The next id: the time, so that it grows over restarts, too. */
uint64_t capture_next_id(struct capture *c);

#endif
