/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent is told of an attempt, where it watches: its begin, and what became of it. */
#include "edge/inbox/attempt_private.h"

#include "base/clock.h"
#include "edge/core/activity.h"

#include <stdio.h>

/* Nobody watches: nothing is written. */
static bool
is_watched(const struct courier *c)
{
	if (c->tunnel != NULL)
		return c->tunnel->activity != NULL;
	return atomic_load_explicit(&c->worker->edge->watching, memory_order_relaxed) > 0;
}

/* Another link may serve the tunnel by now. */
static void
tell(struct courier *c, struct activity_row *row)
{
	if (c->tunnel != NULL)
		activity_take(c->tunnel, row);
	else
		activity_tell(c->worker->edge, c->worker, c->name, row);
}

/* "acme/web main"; a hash has no slash, and says nothing to people. */
static void
put_order(struct slice order, struct activity_row *row)
{
	struct slice branch = order, repository = slice_cut(&branch, ' ');

	if (slice_find(order, '/') == SIZE_MAX && branch.n == 0)
		return;
	activity_text(row->repository, sizeof(row->repository), repository);
	activity_text(row->branch, sizeof(row->branch), branch);
}

static void
begin_row(const struct attempt *r, struct activity_row *row)
{
	struct slice path = slice_head(r->item.target, slice_find(r->item.target, '?'));

	*row = (struct activity_row){
		.what = ACTIVITY_STATE, .id = r->item.id, .took_us = -1, .bytes = r->item.body.n
	};
	activity_text(row->event, sizeof(row->event), r->item.event);
	activity_text(row->method, sizeof(row->method), r->item.method);
	activity_text(row->path, sizeof(row->path), path);
	put_order(r->item.order_key, row);
}

/* The same as the opening of its stream has. */
static void
put_request(const struct attempt *r, struct activity_row *row, uint32_t number)
{
	row->attempt = number;
	snprintf(row->request, sizeof(row->request), "d%llu-%u", (unsigned long long)r->item.id,
	    number);
}

void
attempt_tell_begun(struct attempt *r)
{
	struct activity_row row;

	if (!is_watched(r->courier))
		return;
	begin_row(r, &row);
	row.state = ACTIVITY_STATE_LEASED;
	put_request(r, &row, r->item.attempts + 1);
	tell(r->courier, &row);
}

static enum activity_state
state_of(const struct inbox_settle *s)
{
	switch (s->to) {
	case INBOX_DELIVERED:
		return ACTIVITY_STATE_DELIVERED;
	case INBOX_PARKED:
		return ACTIVITY_STATE_PARKED;
	case INBOX_DEAD:
		return ACTIVITY_STATE_DEAD;
	case INBOX_DROPPED:
		return ACTIVITY_STATE_DROPPED;
	case INBOX_RECEIVED:
	case INBOX_LEASED:
	case INBOX_QUEUED:
		break;
	}
	return s->delay_ms > 0 ? ACTIVITY_STATE_RETRYING : ACTIVITY_STATE_QUEUED;
}

/* Where the lease was over people, or a newer webhook, have moved the delivery meanwhile, and whoever
 * did was heard. */
void
attempt_tell_ended(struct attempt *r)
{
	const struct inbox_settle *s = &r->req.settle;
	struct activity_row row;

	if (r->req.result != STORE_OK || !is_watched(r->courier))
		return;
	begin_row(r, &row);
	row.state = state_of(s);
	row.took_us = (int64_t)s->attempt.latency_ms * 1000;
	row.status = r->status;
	put_request(r, &row, r->item.attempts + 1);
	if (row.state == ACTIVITY_STATE_RETRYING)
		row.due_ms = clock_wall_ms() + s->delay_ms;
	activity_text(row.code, sizeof(row.code), slice_str(s->attempt.reason));
	activity_text(row.text, sizeof(row.text), slice_str(s->note));
	tell(r->courier, &row);
}
