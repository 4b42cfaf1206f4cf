/* SPDX-License-Identifier: Apache-2.0 */
/* The end of an attempt: what the answer was worth, the settlement at the store, the next lease. */
#include "edge/inbox/attempt_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"

#include <stdio.h>
#include <stdlib.h>

/* An origin that is starting is asked again after this. */
#define HOLD_US (5 * 1000 * 1000)

static void
attempt_free(struct loop_grave *g)
{
	struct attempt *r = list_of(g, struct attempt, grave);

	check(r->settling && r->waiter == NULL && r->flow.stream == NULL);
	inbox_req_fini(&r->req);
	buf_fini(&r->head);
	buf_fini(&r->answer);
	free(r->item.block);
	free(r);
}

/*
 * Harmless twice. "Soon" is twice the time between two looks: else a look that came a
 * moment too early would call a fast line slow.
 */
void
attempt_arrived(struct attempt *r)
{
	int64_t now = loop_now_us(r->courier->worker->loop);

	if (!r->arrived)
		courier_arrived(r->courier, r->item.bytes, now - r->start_us < 2 * LINE_US);
	r->arrived = true;
}

/*
 * By what the store has made of it: another result means that people, or a newer webhook,
 * have dropped the delivery meanwhile.
 */
static void
count(struct courier *c, const struct attempt *r)
{
	static const int64_t bounds[] = LAG_MS;
	struct worker_counters *n = &c->worker->counters;
	int64_t lag_ms = r->item.age_ms + (loop_now_us(c->worker->loop) - r->start_us) / 1000;
	size_t i = 0;

	switch (r->req.result == STORE_OK ? r->req.settle.to : INBOX_DROPPED) {
	case INBOX_DELIVERED:
		while (i < LAG_BUCKETS - 1 && lag_ms > bounds[i])
			i++;
		counter_add(&n->lag[i], 1);
		counter_add(&n->lag_ms, (uint64_t)(lag_ms > 0 ? lag_ms : 0));
		counter_add(&n->delivered, 1);
		return;
	case INBOX_QUEUED:
		counter_add(&n->retried, 1);
		return;
	case INBOX_PARKED:
		counter_add(&n->parked, 1);
		return;
	case INBOX_DEAD:
		counter_add(&n->dead, 1);
		return;
	case INBOX_RECEIVED:
	case INBOX_LEASED:
	case INBOX_DROPPED:
		return; /* dropped by hand meanwhile */
	}
}

/* The place is free before the attempt is: its memory goes at the end of the turn. */
static void
end(struct attempt *r)
{
	struct courier *c = r->courier;

	check(r->arrived); /* its bytes are off the line */
	count(c, r);
	attempt_tell_ended(r);
	loop_bury(c->worker->loop, &r->grave, attempt_free);
	courier_ended(c, &r->req, r->item.bytes);
}

static void on_settled(struct errand *e);

/* Tries the settlement again, with the time of now. */
static void
on_full(struct loop_timer *t)
{
	struct attempt *r = list_of(t, struct attempt, timer);

	check(r->settling && r->req.result == STORE_FULL);
	if (r->courier->worker->stopping) {
		errand_end(&r->errand); /* the next start of the edge takes the lease back */
		return;
	}
	r->req.now_ms = r->req.mono_ms = 0;
	inbox_submit(r->courier->worker->edge->store, &r->req);
}

static void
on_settled(struct errand *e)
{
	struct attempt *r = list_of(e, struct attempt, errand);
	struct worker *w = r->courier->worker;

	check(r->settling && r->req.op == INBOX_SETTLE);
	/* Its lease holds meanwhile, and the pause counts as work of the store: a stop waits
	 * until it is over. */
	if (r->req.result == STORE_FULL && !w->stopping) {
		errand_begin(e, &w->errands, on_settled);
		r->timer.fn = on_full;
		loop_timer_set(w->loop, &r->timer, STORE_PAUSE_US);
		return;
	}
	end(r);
}

/* An empty head: there is no answer that a sender could take as final. */
static void
answer_waiter(struct attempt *r, bool final)
{
	struct courier_waiter *waiter = r->waiter;

	r->waiter = NULL;
	if (waiter == NULL)
		return;
	check(waiter->attempt == r);
	waiter->attempt = NULL;
	waiter->answered(waiter, final && !r->head.failed ? buf_slice(&r->head) : S(""),
	    buf_slice(&r->answer));
}

void
attempt_settle(struct attempt *r, enum inbox_state to, int64_t delay_ms, bool tried,
    const char *reason, const char *text, const char *advice)
{
	struct courier *c = r->courier;
	struct inbox_settle *req = &r->req.settle;
	struct inbox_attempt *a = &req->attempt;

	check(!r->settling && c->n_attempts > 0); /* once */
	r->settling = true;
	attempt_arrived(r);
	loop_timer_stop(c->worker->loop, &r->timer);
	flow_end(&r->flow, LINK_CODE_CANCELLED);
	r->req.op = INBOX_SETTLE;
	req->id = r->item.id;
	req->lease = r->item.lease;
	req->to = to;
	req->delay_ms = delay_ms;
	req->tried = tried;
	req->skip_after = c->policy->skip_after;
	req->synced = c->policy->coalesce;
	snprintf(req->note, sizeof(req->note), "%s%s%s", text, advice[0] != '\0' ? " " : "",
	    advice);
	a->at_ms = clock_wall_ms();
	a->status = r->status;
	a->latency_ms = (uint32_t)((loop_now_us(c->worker->loop) - r->start_us) / 1000);
	snprintf(a->reason, sizeof(a->reason), "%s", reason);
	a->n_answer = r->answer.n < sizeof(a->answer) ? r->answer.n : sizeof(a->answer);
	if (a->n_answer > 0)
		memcpy(a->answer, r->answer.p, a->n_answer);
	log_event(to == INBOX_PARKED || to == INBOX_DEAD ? LOG_WARN : LOG_INFO, "delivery",
	    LOG_U("id", r->item.id), LOG_Z("tunnel", c->name), LOG_S("event", r->item.event),
	    LOG_Z("state", inbox_state_text(to)), LOG_Z("reason", reason),
	    LOG_U("status", r->status), LOG_U("attempt", r->item.attempts + tried),
	    LOG_U("ms", a->latency_ms), LOG_Z("text", req->note));
	errand_inbox(&r->errand, &c->worker->errands, c->worker->edge->store, &r->req, on_settled);
}

/*
 * The next lease goes with the settlement, so it is asked for before: all but for an agent
 * that has gone, to whom nothing can be sent.
 */
void
attempt_conclude(struct attempt *r, enum result_class class, const char *code, const char *text,
    const char *advice)
{
	struct courier *c = r->courier;
	int64_t took_ms = (loop_now_us(c->worker->loop) - r->start_us) / 1000;
	struct result_plan plan;

	r->req.settle.spent_ms = r->item.spent_ms + took_ms;
	r->req.settle.early = r->item.early;
	plan = result_next(r->req.settle.spent_ms, class, r->retry_after_ms, rand_u64());
	/* An origin that is starting is not asked sooner because an agent comes back. */
	r->req.settle.firm = plan.firm || class == RESULT_HOLD;

	/* A sender must not take an answer as final that is not: it would send again
	 * what goes on here. */
	answer_waiter(r, (class == RESULT_DONE || class == RESULT_PARK) && !r->cut);

	if (class == RESULT_HOLD)
		c->hold_until_us = loop_now_us(c->worker->loop) + HOLD_US;
	if (class != RESULT_AWAY) {
		attempt_arrived(r);
		courier_ask_next(c, &r->req, r->item.bytes);
	}
	switch (plan.step) {
	case RESULT_STEP_DONE:
		attempt_settle(r, INBOX_DELIVERED, 0, true, code, text, advice);
		return;
	case RESULT_STEP_WAIT:
		attempt_settle(r, INBOX_QUEUED, plan.delay_ms, class != RESULT_HOLD, code, text,
		    advice);
		return;
	case RESULT_STEP_PARK:
		attempt_settle(r, INBOX_PARKED, 0, true, code, text, advice);
		return;
	case RESULT_STEP_DEAD:
		attempt_settle(r, INBOX_DEAD, 0, true, code, text, advice);
		return;
	case RESULT_STEP_AWAY:
		attempt_settle(r, INBOX_QUEUED, 0, false, code, text, advice);
		return;
	}
}

void
attempt_answered(struct attempt *r)
{
	struct preset_answer a = {
		.status = r->status,
		.path = slice_head(r->item.target, slice_find(r->item.target, '?')),
		.location = slice_str(r->location),
		.body = buf_slice(&r->answer),
		.jenkins = r->jenkins,
	};
	struct preset_judgement j = preset_judge(r->courier->policy->preset, &a);

	if (j.class != RESULT_HOLD)
		courier_rest(r->courier);

	attempt_conclude(r, j.class, j.code, j.text, j.advice);
}
