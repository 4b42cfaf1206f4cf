/* SPDX-License-Identifier: Apache-2.0 */
/* One delivery on its way: the stream, the origin's answer, the verdict, the settling. */
#include "edge/inbox/courier_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "edge/core/vault.h"
#include "hook/result.h"

#include <stdio.h>
#include <stdlib.h>

/* An origin that is starting is asked again after this. */
#define HOLD_US (5 * 1000 * 1000)
/* A delivery that is not with the agent after this is on a slow line; how often it is looked. */
#define LINE_US (2 * 1000 * 1000)
/* After the store could not: the disk may have space again. */
#define STORE_PAUSE_US (2 * 1000 * 1000)

/* One delivery under way. */
struct attempt {
	struct courier *courier;
	struct inbox_delivery item;
	struct flow flow;
	struct h1 res;
	bool has_head, settling;
	bool arrived;               /* whole with the agent's kernel */
	uint64_t sent_mark;         /* carrier_mark() of its end, 0: it is not in the link yet */
	uint32_t silent_ms;         /* how long the origin may be silent from there */
	int64_t start_us, since_us; /* since: it arrived */
	uint16_t status;
	int64_t retry_after_ms;
	bool jenkins, cut; /* cut: its answer is longer than what is kept of it */
	char location[256];
	struct buf head;   /* of the answer, for a wish */
	struct buf answer; /* its first bytes, of which fewer are kept */
	struct courier_waiter *waiter;
	struct loop_timer timer; /* on_look(); then on_full() */
	struct inbox_req settle;
	struct loop_mail mail;
	struct loop_grave grave;
};

/* --- its end: settle, then free --- */

static void
attempt_free(struct loop_grave *g)
{
	struct attempt *r = list_of(g, struct attempt, grave);

	inbox_req_fini(&r->settle);
	buf_fini(&r->head);
	buf_fini(&r->answer);
	free(r->item.block);
	free(r);
}

static void on_full(struct loop_timer *t);

/* It is with the agent, or nowhere any more. */
static void
arrive(struct attempt *r)
{
	int64_t now = loop_now_us(r->courier->worker->loop);

	if (!r->arrived)
		courier_arrived(r->courier, r->item.bytes, now - r->start_us < 2 * LINE_US);
	r->arrived = true;
}

static void
count(struct courier *c, const struct attempt *r)
{
	static const int64_t bounds[] = LAG_MS;
	struct worker_counters *n = &c->worker->counters;
	int64_t lag_ms = r->item.age_ms + (loop_now_us(c->worker->loop) - r->start_us) / 1000;
	size_t i = 0;

	switch (r->settle.result == STORE_OK ? r->settle.to : INBOX_DROPPED) {
	case INBOX_DELIVERED:
		while (i < LAG_BUCKETS - 1 && lag_ms > bounds[i])
			i++;
		counter_add(&n->lag[i], 1);
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

static void
end(struct attempt *r)
{
	struct courier *c = r->courier;

	c->worker->errands.n_pending--;
	count(c, r);
	loop_bury(c->worker->loop, &r->grave, attempt_free);
	courier_ended(c, &r->settle, r->item.bytes);
}

static void
on_settled_mail(struct loop *loop, struct loop_mail *m)
{
	struct attempt *r = list_of(m, struct attempt, mail);

	/* Its lease holds meanwhile, and the pause counts as work of the store: a stop
	 * waits for its end. */
	if (r->settle.result == STORE_FULL && !r->courier->worker->stopping) {
		r->timer.fn = on_full;
		loop_timer_set(loop, &r->timer, STORE_PAUSE_US);
		return;
	}
	end(r);
}

static void
on_full(struct loop_timer *t)
{
	struct attempt *r = list_of(t, struct attempt, timer);

	if (r->courier->worker->stopping) {
		end(r); /* the next start of the edge takes the lease back */
		return;
	}
	r->settle.now_ms = r->settle.mono_ms = 0;
	inbox_submit(r->courier->worker->edge->store, &r->settle);
}

/* On the store's thread. */
static void
on_settled(struct inbox_req *req)
{
	struct attempt *r = req->owner;

	loop_post(r->courier->worker->loop, &r->mail);
}

static void
answer_waiter(struct attempt *r, bool final)
{
	struct courier_waiter *waiter = r->waiter;

	r->waiter = NULL;
	if (waiter == NULL)
		return;
	waiter->run = NULL;
	waiter->answered(waiter, final && !r->head.failed ? buf_slice(&r->head) : S(""),
	    buf_slice(&r->answer));
}

static void
settle(struct attempt *r, enum inbox_state to, int64_t delay_ms, bool tried, const char *reason,
    const char *text, const char *advice)
{
	struct courier *c = r->courier;
	struct inbox_req *req = &r->settle;
	struct inbox_attempt *a = &req->attempt;

	r->settling = true;
	arrive(r);
	loop_timer_stop(c->worker->loop, &r->timer);
	flow_end(&r->flow, LINK_CODE_CANCELLED);
	req->op = INBOX_SETTLE;
	req->done = on_settled;
	req->owner = r;
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
	r->mail.fn = on_settled_mail;
	c->worker->errands.n_pending++;
	log_event(to == INBOX_PARKED || to == INBOX_DEAD ? LOG_WARN : LOG_INFO, "delivery",
	    LOG_U("id", r->item.id), LOG_Z("tunnel", c->name), LOG_S("event", r->item.event),
	    LOG_Z("state", inbox_state_text(to)), LOG_Z("reason", reason),
	    LOG_U("status", r->status), LOG_U("attempt", r->item.attempts + tried),
	    LOG_U("ms", a->latency_ms), LOG_Z("text", req->note));
	inbox_submit(c->worker->edge->store, req);
}

/* What the attempt was worth, and when the next one is. */
static void
conclude(struct attempt *r, enum result_class class, const char *code, const char *text,
    const char *advice)
{
	struct courier *c = r->courier;
	int64_t took_ms = (loop_now_us(c->worker->loop) - r->start_us) / 1000;
	struct result_plan plan;

	r->settle.spent_ms = r->item.spent_ms + took_ms;
	r->settle.early = r->item.early;
	plan = result_next(r->settle.spent_ms, class, r->retry_after_ms, rand_u64());
	/* An origin that is starting is not asked sooner because an agent comes back. */
	r->settle.firm = plan.firm || class == RESULT_HOLD;

	/* A sender must not take an answer as final that is not: it would send again
	 * what goes on here. */
	answer_waiter(r, (class == RESULT_DONE || class == RESULT_PARK) && !r->cut);

	if (class == RESULT_HOLD)
		c->hold_until_us = loop_now_us(c->worker->loop) + HOLD_US;
	if (class != RESULT_AWAY) {
		arrive(r);
		courier_ask_next(c, &r->settle, r->item.bytes);
	}
	switch (plan.step) {
	case RESULT_STEP_DONE:
		settle(r, INBOX_DELIVERED, 0, true, code, text, advice);
		return;
	case RESULT_STEP_WAIT:
		settle(r, INBOX_QUEUED, plan.delay_ms, class != RESULT_HOLD, code, text, advice);
		return;
	case RESULT_STEP_PARK:
		settle(r, INBOX_PARKED, 0, true, code, text, advice);
		return;
	case RESULT_STEP_DEAD:
		settle(r, INBOX_DEAD, 0, true, code, text, advice);
		return;
	case RESULT_STEP_AWAY:
		settle(r, INBOX_QUEUED, 0, false, code, text, advice);
		return;
	}
}

static void
answered(struct attempt *r)
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

	conclude(r, j.class, j.code, j.text, j.advice);
}

/* --- the stream --- */

static void
take_fields(struct attempt *r, struct slice bytes)
{
	const struct h1_head *h = &r->res.head;
	const struct h1_field *f;
	size_t at = 0;

	r->status = h->status;
	f = h1_find(h, bytes, S("Retry-After"), &at);
	if (f != NULL)
		r->retry_after_ms = result_retry_after(h1_text(bytes, f->value), clock_wall_ms());
	at = 0;
	r->jenkins = h1_find(h, bytes, S("X-Jenkins"), &at) != NULL;
	at = 0;
	f = h1_find(h, bytes, S("Location"), &at);
	if (f != NULL && !slice_z(h1_text(bytes, f->value), r->location, sizeof(r->location)))
		r->location[0] = '\0';
	if (r->waiter != NULL)
		buf_put(&r->head, slice_head(bytes, h->n_bytes));
}

static size_t
take_head(struct attempt *r, struct slice bytes, bool fin)
{
	size_t n;

	switch (h1_head(&r->res, bytes)) {
	case H1_DONE:
		break;
	case H1_MORE:
		if (fin)
			conclude(r, RESULT_RETRY, "broke", "The origin's answer ended in its head.",
			    "");
		return 0;
	case H1_DATA:
	case H1_BAD:
		conclude(r, RESULT_RETRY, "bad-response",
		    "The local server has answered, but the head of its answer is no valid HTTP.",
		    "");
		return 0;
	}
	n = r->res.head.n_bytes;
	if (r->res.head.status >= 200) {
		take_fields(r, bytes);
		r->has_head = true;
	} else if (r->res.head.status == 101) {
		conclude(r, RESULT_PARK, "switched", "The origin wants another protocol than HTTP.",
		    "");
		return 0;
	} else {
		h1_reset(&r->res);
	}
	if (fin && n == bytes.n && r->has_head)
		answered(r);
	return n;
}

/* The flow has no connection: all bytes of the stream end here. */
static size_t
on_head(struct flow *f, struct slice bytes, bool fin)
{
	struct attempt *r = f->owner;
	size_t room = r->answer.max - r->answer.n;

	if (!r->has_head)
		return take_head(r, bytes, fin);
	r->cut = r->cut || bytes.n > room;
	buf_put(&r->answer, slice_head(bytes, room));
	if (fin)
		answered(r);
	return bytes.n;
}

static void
on_inlet_done(struct flow *f)
{
	struct attempt *r = f->owner;

	r->sent_mark = carrier_mark(f->carrier);
}

static void
on_outlet_done(struct flow *f)
{
	(void)f;
}

static void
on_reset(struct flow *f, uint32_t code)
{
	struct attempt *r = f->owner;

	if (r->settling)
		return;
	if (r->has_head) { /* it has decided; the rest of its answer would be for people */
		r->cut = true;
		answered(r);
		return;
	}
	if (code >= LINK_CODE_ORIGIN_REFUSED && code <= LINK_CODE_ORIGIN_TLS)
		courier_unanswered(r->courier);
	switch (code) {
	case LINK_CODE_ORIGIN_REFUSED:
		conclude(r, RESULT_RETRY, "refused",
		    "The local server did not accept the connection.", "");
		return;
	case LINK_CODE_ORIGIN_SILENT:
		conclude(r, RESULT_RETRY, "silent", "The local server did not answer in time.", "");
		return;
	case LINK_CODE_ORIGIN_BROKE:
		conclude(r, RESULT_RETRY, "broke",
		    "The local server closed before its answer was whole.", "");
		return;
	case LINK_CODE_ORIGIN_BAD_HEAD:
		conclude(r, RESULT_RETRY, "bad-response",
		    "The local server has answered, but the head of its answer is no valid HTTP.",
		    "Check the port and the scheme (http, https) of the tunnel's address.");
		return;
	case LINK_CODE_ORIGIN_LARGE_HEAD:
		/* It has the webhook, and would answer the next attempt in the same way. */
		conclude(r, RESULT_PARK, "large-head",
		    "The local server has answered, but with more than 100 header fields or 32 "
		    "KiB of them.",
		    "Check on the server whether the webhook did its work, and let the "
		    "server send fewer fields.");
		return;
	case LINK_CODE_ORIGIN_TLS:
		conclude(r, RESULT_RETRY, "tls",
		    "The local server's certificate or handshake failed.", "");
		return;
	case LINK_CODE_TOO_MANY:
	case LINK_CODE_BUSY:
		conclude(r, RESULT_RETRY, "busy", "The agent is overloaded.", "");
		return;
	default:
		conclude(r, RESULT_AWAY, "away", "The agent went away before the answer.", "");
		return;
	}
}

static void
on_broken(struct flow *f, enum close_code bad)
{
	(void)f;
	(void)bad; /* there is no connection */
}

static const struct flow_ops ops = {
	.head = on_head,
	.inlet_done = on_inlet_done,
	.outlet_done = on_outlet_done,
	.reset = on_reset,
	.conn_broken = on_broken,
};

/*
 * The agent tells when the origin was silent for too long; an agent that does not is waited for no
 * longer.  The time begins when the whole request is with it: on a slow line that may take long.
 */
static void
on_look(struct loop_timer *t)
{
	struct attempt *r = list_of(t, struct attempt, timer);
	int64_t now = loop_now_us(r->courier->worker->loop), left = LINE_US;
	const struct carrier *carrier = r->flow.carrier;

	if (!r->arrived) {
		if (carrier == NULL ||
		    (r->sent_mark != 0 && carrier_has_arrived(carrier, r->sent_mark))) {
			arrive(r);
			courier_kick(r->courier);
		} else {
			courier_slow(r->courier, r->since_us == 0);
		}
		r->since_us = now;
	}
	if (r->arrived)
		left = r->since_us + ((int64_t)r->silent_ms + LIMIT_EDGE_SILENT_MS) * 1000 - now;
	if (left > 0) {
		loop_timer_set(r->courier->worker->loop, &r->timer, left);
		return;
	}
	r->cut = true;
	if (r->has_head)
		answered(r);
	else
		conclude(r, RESULT_RETRY, "silent", "The local server did not answer in time.", "");
}

int
courier_carry(struct courier *c, struct inbox_delivery *item, struct courier_waiter *waiter)
{
	struct attempt *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return -1;
	if (tunnel_begin(c->tunnel, &r->flow, NULL, &ops, r) != CLOSE_OK) {
		free(r);
		return -1;
	}
	r->courier = c;
	r->item = *item;
	r->start_us = loop_now_us(c->worker->loop);
	r->retry_after_ms = -1;
	r->timer.fn = on_look;
	r->silent_ms = tunnel_silent_ms(c->tunnel);
	buf_init(&r->head, LIMIT_HEAD_BYTES + H1_INSIDE_BYTES);
	buf_init(&r->answer, waiter != NULL ? LIMIT_RELAY_BYTES : LIMIT_ANSWER_BYTES);
	h1_init(&r->res, H1_RESPONSE);
	r->res.inside = true;
	if (courier_send(c, &r->item, &r->flow) != 0) {
		flow_end(&r->flow, LINK_CODE_INTERNAL);
		buf_fini(&r->answer);
		free(r);
		return -1;
	}
	item->block = NULL;
	c->run_bytes += r->item.bytes;
	r->waiter = waiter;
	if (waiter != NULL)
		waiter->run = r;
	c->n_runs++;
	c->line_bytes += r->item.bytes;
	loop_timer_set(c->worker->loop, &r->timer, LINE_US);
	return 0;
}

void
courier_forget_waiter(struct courier_waiter *waiter)
{
	if (waiter->run != NULL)
		waiter->run->waiter = NULL;
	waiter->run = NULL;
}

/* --- what cannot be sent --- */

void
courier_return(struct courier *c, struct inbox_delivery *item)
{
	struct attempt *r = calloc(1, sizeof(*r));
	struct buf room;

	if (r == NULL)
		return;
	r->courier = c;
	r->item = *item;
	r->start_us = loop_now_us(c->worker->loop);
	r->flow.ended = true;
	r->settle.unsent = r->item.unsent;
	r->arrived = true; /* it never was on the line */
	item->block = NULL;
	buf_init(&r->answer, 1);
	c->n_runs++;
	c->run_bytes += r->item.bytes;
	if (c->tunnel == NULL) {
		settle(r, INBOX_QUEUED, 0, false, "away", "The agent went away.", "");
		return;
	}
	buf_init(&room, 2 * LIMIT_HEAD_BYTES);
	if (vault_clear_head(c->worker->edge->vault, r->item.head, &room).n == 0)
		settle(r, INBOX_PARKED, 0, false, "sealed", "Its head was sealed with another key.",
		    "Put back the secret.key that sealed it, then replay it.");
	else
		settle(r, INBOX_QUEUED, 1000, false, "away", "No stream could be opened.", "");
	buf_fini(&room);
}
