/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the edge answers itself, told to the tunnel's agent where that one watches (activity.h).  Each
 * exchange is told once, by whoever knows most of why; local_reply_error() tells what nobody has.
 */
#ifndef ADIT_EDGE_VISIT_REFUSAL_H
#define ADIT_EDGE_VISIT_REFUSAL_H

#include "edge/visit/exchange.h"
#include "hook/event.h"
#include "tunnel/activity.h"

/* What the caller knows; each may be missing. */
struct refusal {
	const char *policy; /* member of the tunnel's policy that decided */
	enum activity_verdict verdict;
	const char *text;        /* a sentence; else that of the close table */
	struct slice head, body; /* of the request; head: as it was parsed */
};

void refusal_tell(struct exchange *x, enum close_code code, const struct refusal *why);
/* The same for an answer that is no row of the close table. */
void refusal_tell_as(struct exchange *x, unsigned status, const char *code,
    const struct refusal *why);

/* What is known of the exchange itself, and of a webhook. */
void refusal_fill(const struct exchange *x, struct slice head, struct activity_row *row);
void refusal_fill_event(const struct event *e, struct activity_row *row);
enum activity_verdict refusal_verdict(enum sign_reason reason);

#endif
