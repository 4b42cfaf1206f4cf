/* SPDX-License-Identifier: Apache-2.0 */
/* What an agent that watches is told of a webhook on its way into the store. */
#include "edge/visit/intake_private.h"

#include "edge/core/activity.h"
#include "edge/visit/refusal.h"

void
intake_tell_refused(struct intake *in, enum close_code code, const char *policy,
    enum activity_verdict verdict, const char *text)
{
	const struct refusal why = { .policy = policy,
		.verdict = verdict,
		.text = text,
		.head = buf_slice(&in->raw),
		.body = buf_slice(&in->body) };

	refusal_tell(in->x, code, &why);
}

void
intake_tell_ping(struct intake *in, unsigned status, const char *name,
    enum activity_verdict verdict)
{
	char text[128];
	const struct refusal why = { .verdict = verdict,
		.text = text,
		.head = buf_slice(&in->raw),
		.body = buf_slice(&in->body) };

	snprintf(text, sizeof(text), "A connection test of the sender (%s): the edge answered it.",
	    name);
	refusal_tell_as(in->x, status, "handshake", &why);
}

static enum activity_state
state_of(enum inbox_state state)
{
	switch (state) {
	case INBOX_RECEIVED:
	case INBOX_LEASED:
		return ACTIVITY_STATE_LEASED;
	case INBOX_QUEUED:
		break;
	case INBOX_DELIVERED:
		return ACTIVITY_STATE_DELIVERED;
	case INBOX_PARKED:
		return ACTIVITY_STATE_PARKED;
	case INBOX_DEAD:
		return ACTIVITY_STATE_DEAD;
	case INBOX_DROPPED:
		return ACTIVITY_STATE_DROPPED;
	}
	return ACTIVITY_STATE_QUEUED;
}

void
intake_tell_stored(struct intake *in)
{
	struct edge *e = in->worker->edge;
	struct activity_row row = { .what = ACTIVITY_STORED,
		.id = in->req.id,
		.state = state_of(in->req.state),
		.verdict = in->verdict,
		.took_us = -1 };

	if (atomic_load_explicit(&e->watching, memory_order_relaxed) == 0)
		return;
	if (in->x != NULL)
		refusal_fill(in->x, buf_slice(&in->raw), &row);
	row.bytes = in->body.n;
	row.status = in->req.state == INBOX_RECEIVED ? 0 : 202;
	refusal_fill_event(&in->event, &row);
	activity_text(row.policy, sizeof(row.policy),
	    in->verdict == ACTIVITY_VERDICT_OK ? S("scheme")
	    : in->policy->unsigned_ok          ? S("unsigned")
					       : S("mode"));
	if (in->req.duplicate) {
		activity_text(row.code, sizeof(row.code), S("duplicate"));
		activity_text(row.text, sizeof(row.text),
		    S("It came before: the edge has it already."));
	}
	activity_tell(e, in->worker, in->name, &row);
	for (size_t i = 0; !in->req.duplicate && i < in->req.put.n_copies; i++) {
		row.id = in->copies[i].id;
		row.state = ACTIVITY_STATE_QUEUED;
		activity_tell(e, in->worker, in->copies[i].tunnel, &row);
	}
	activity_moved(e, in->worker, &in->req);
}
