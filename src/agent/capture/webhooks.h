/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What webhooks are about, read from the records that are written: heads name the sender and the event,
 * the first bytes of the body repository and branch.  Of the writer's thread alone.
 */
#ifndef ADIT_AGENT_CAPTURE_WEBHOOKS_H
#define ADIT_AGENT_CAPTURE_WEBHOOKS_H

#include "agent/capture/segment.h"
#include "base/buf.h"
#include "base/limits.h"

struct webhook {
	char provider[24], event[64], repository[160], branch[160];
};

/* Requests whose bodies are being put together; what comes when all are taken goes without. */
struct webhooks {
	struct webhooks_one {
		uint64_t id; /* 0: free */
		struct buf head, body;
	} list[LIMIT_CAPTURE_WEBHOOKS];
	size_t n; /* that are taken */
};

void webhooks_init(struct webhooks *w);
void webhooks_fini(struct webhooks *w);
/* Sees each record. True when an exchange ended, and *ret says what it was about. */
bool webhooks_see(struct webhooks *w, const struct segment_record *r, struct slice payload,
    struct webhook *ret);

#endif
