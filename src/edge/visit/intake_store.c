/* SPDX-License-Identifier: Apache-2.0 */
/* A webhook that has been read and checked: commit, answer, and where it is relayed the origin's. */
#include "edge/visit/intake_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "edge/core/incident.h"
#include "edge/core/vault.h"
#include "edge/visit/local_reply.h"
#include "edge/visit/refusal.h"

#include <stdio.h>
#include <stdlib.h>

/* Bitbucket Cloud retries within minutes, GitHub can be asked to for days: a day covers what
 * senders do by themselves. */
#define DEDUPE_MS (24 * 3600 * 1000)

/* Neither 202 nor 503 would be true: the sender asks again, or its people do. */
static void
say_nothing(struct intake *in)
{
	const struct refusal why = { .verdict = in->verdict,
		.text = "The disk leaves it open whether it is stored: the sender got no answer.",
		.head = buf_slice(&in->raw) };
	struct exchange *x = in->x;

	refusal_tell_as(x, 0, "store-unsure", &why);
	x = intake_detach(in);
	front_cut(x->front, FRONT_RESET);
}

/* --- the answer --- */

static void
answer_accepted(struct intake *in)
{
	unsigned long long id = in->req.id;
	size_t n_copies = in->req.duplicate ? 0 : in->req.put.n_copies;
	char fields[64], body[160 + 24 * LIMIT_FAN_OUT];
	struct exchange *x;
	size_t n = (size_t)snprintf(body, sizeof(body), "{\"delivery\":\"%llu\",\"duplicate\":%s",
	    id, in->req.duplicate ? "true" : "false");

	if (in->req.duplicate && in->req.state == INBOX_DROPPED)
		n += (size_t)snprintf(body + n, sizeof(body) - n,
		    ",\"why\":\"a newer push of the branch has taken its place\"");
	for (size_t i = 0; i < n_copies; i++)
		n += (size_t)snprintf(body + n, sizeof(body) - n, "%s\"%llu\"%s",
		    i == 0 ? ",\"copies\":[" : ",", (unsigned long long)in->copies[i].id,
		    i + 1 == n_copies ? "]" : "");
	n += (size_t)snprintf(body + n, sizeof(body) - n, "}\n");
	check(n_copies <= LIMIT_FAN_OUT && n < sizeof(body)); /* it has room for so many */
	snprintf(fields, sizeof(fields), "adit-delivery: %llu\r\n", id);
	x = intake_detach(in);
	local_reply_own(x, 202, fields, S("application/json"), slice_of(body, n),
	    buf_slice(&x->rest));
}

/* Mode relay: the origin has answered the sender, or nobody has in time. */
static void
on_answered(struct courier_waiter *waiter, struct slice head, struct slice body)
{
	struct intake *in = list_of(waiter, struct intake, waiter);
	struct exchange *x = in->x;

	check(x != NULL && x->state == EXCHANGE_STORE); /* who goes forgets his waiter */
	if (head.n == 0 || !local_reply_write_relayed(x, head, body, in->req.id)) {
		answer_accepted(in);
		return;
	}
	x = intake_detach(in);
	local_reply_send(x, buf_slice(&x->rest));
}

void
intake_on_late(struct loop_timer *t)
{
	struct intake *in = list_of(t, struct intake, timer);

	/* It is set while an attempt is out, and stopped when the intake is freed. */
	check(in->x != NULL && in->waiter.attempt != NULL);
	courier_forget_waiter(&in->waiter);
	answer_accepted(in);
}

/* The lease of a delivery that was stored with `hold` and cannot be carried at once goes
 * back to the queue. */
struct given_back {
	struct inbox_req req;
	struct errand errand;
	struct worker *worker;
	char name[DIRECTORY_KEY_BYTES];
};

/*
 * Kicked in either case: the delivery is in the queue, or the next start of the edge
 * puts it there.
 */
static void
on_given_back(struct errand *e)
{
	struct given_back *g = list_of(e, struct given_back, errand);

	courier_wake(g->worker, g->name);
	inbox_req_fini(&g->req);
	free(g);
}

static void
give_back(struct intake *in)
{
	struct given_back *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return; /* held until the next start of the edge: late, not lost */
	g->worker = in->worker;
	memcpy(g->name, in->name, sizeof(g->name));
	g->req.op = INBOX_SETTLE;
	g->req.settle.id = in->req.id;
	g->req.settle.lease = in->req.lease;
	g->req.settle.to = INBOX_QUEUED;
	g->req.settle.unsent = in->req.put.push;
	errand_inbox(&g->errand, &g->worker->errands, g->worker->edge->store, &g->req,
	    on_given_back);
}

/* One block for the courier: what it frees is one pointer. */
static bool
make_item(struct intake *in, struct inbox_delivery *ret)
{
	struct slice parts[4] = { slice_str(in->event.key), buf_slice(&in->raw),
		buf_slice(&in->head), buf_slice(&in->body) };
	struct inbox_delivery d = {
		.id = in->req.id, .lease = in->req.lease, .received_ms = clock_wall_ms()
	};
	char *p = d.block = malloc(parts[0].n + in->req.put.target.n + parts[2].n + parts[3].n + 1);

	if (p == NULL)
		return false;
	parts[1] = in->req.put.target;
	for (int i = 0; i < 4; i++) {
		if (parts[i].n > 0)
			memcpy(p, parts[i].p, parts[i].n);
		parts[i].p = p;
		p += parts[i].n;
	}
	check((size_t)(p - (char *)d.block) == parts[0].n + parts[1].n + parts[2].n + parts[3].n);
	d.event = parts[0];
	d.target = parts[1];
	d.head = parts[2];
	d.body = parts[3];
	*ret = d;
	return true;
}

/*
 * The sender waits for his origin's own answer, for LIMIT_RELAY_MS. Where the delivery
 * cannot be carried at once he gets our 202, and the courier takes it from the queue.
 */
static void
relay(struct intake *in)
{
	struct worker *w = in->worker;
	struct tunnel *t = tunnel_find(w, slice_str(in->name));
	struct inbox_delivery item = { 0 };

	if (in->x != NULL && t != NULL && t->courier != NULL && make_item(in, &item)) {
		in->waiter.answered = on_answered;
		if (courier_carry(t->courier, &item, &in->waiter) == 0) {
			loop_timer_set(in->worker->loop, &in->timer,
			    (int64_t)LIMIT_RELAY_MS * 1000);
			return;
		}
		free(item.block);
	}
	give_back(in);
	if (in->x != NULL) {
		answer_accepted(in);
		return;
	}
	intake_free(in);
}

/* --- the store's answer --- */

static void
count(struct intake *in, enum store_result result)
{
	struct worker_counters *n = &in->worker->counters;

	if (result != STORE_OK) {
		counter_add(&n->not_stored, 1);
		counter_add(&n->account_full, result == STORE_LIMIT);
	} else if (in->req.duplicate) {
		counter_add(&n->duplicates, 1);
	} else {
		counter_add(&n->stored, 1 + in->req.put.n_copies);
		counter_add(&n->coalesced, in->req.n_changed);
	}
}

static void
on_stored(struct errand *e)
{
	struct intake *in = list_of(e, struct intake, errand);
	struct worker *w = in->worker;
	enum store_result result = in->req.result;

	check(in->storing && (in->x == NULL || in->x->state == EXCHANGE_STORE));
	in->storing = false;
	count(in, result);
	if (result == STORE_OK)
		intake_tell_stored(in);
	if (result == STORE_OK && !in->req.duplicate)
		for (size_t i = 0; i < in->req.put.n_copies; i++)
			courier_wake(w, in->copies[i].tunnel);
	/* One that waits behind another of its branch cannot be tried at once. */
	if (result == STORE_OK && !in->req.duplicate && in->req.state == INBOX_RECEIVED) {
		relay(in);
		return;
	}
	if (result == STORE_OK && !in->req.duplicate)
		courier_wake(w, in->name);
	intake_note(in,
	    result != STORE_OK  ? INCIDENT_DISK
	    : in->req.duplicate ? INCIDENT_DUPLICATE
				: INCIDENT_GOOD,
	    result != STORE_OK ? slice_str(store_result_text(result)) : S(""));
	if (in->x == NULL) {
		intake_free(in);
	} else if (result == STORE_OK) {
		answer_accepted(in);
	} else {
		log_event(LOG_ERROR, "inbox", LOG_Z("tunnel", in->name),
		    LOG_Z("why", store_result_text(result)));
		if (result == STORE_UNSURE)
			say_nothing(in);
		else
			intake_refuse(in, CLOSE_STORE_FULL);
	}
}

/* A body that came in chunks has a length now. */
static void
add_length(struct intake *in)
{
	if (in->x->req.head.framing != H1_CHUNKED)
		return;
	check(slice_ends(buf_slice(&in->head), S("\r\n\r\n"))); /* write_head() made it */
	in->head.n -= 2;
	buf_printf(&in->head, "Content-Length: %zu\r\n\r\n", in->body.n);
}

/* What is dropped for a newer one is the affair of the tunnel that it waits for, not of this one. */
static bool
coalesces(struct intake *in, struct slice name)
{
	char account[64];
	struct policy *p = directory_policy(in->worker->edge->directory, name, account);
	bool yes = p != NULL && p->coalesce;

	policy_unref(p);
	return yes;
}

/* A name that was released meanwhile gets nothing, so that nothing piles up for nobody. */
static void
add_copies(struct intake *in)
{
	struct inbox_put *put = &in->req.put;

	check(put->n_copies == 0);
	put->copies = in->copies;
	for (size_t i = 0; i < in->policy->n_fan_out && put->n_copies < LIMIT_FAN_OUT; i++) {
		struct slice name = in->policy->fan_out[i];

		if (directory_owns(in->worker->edge->directory, name, slice_str(in->req.account)) &&
		    slice_z(name, in->copies[put->n_copies].tunnel,
			sizeof(in->copies[put->n_copies].tunnel)))
			in->copies[put->n_copies++].coalesce = coalesces(in, name);
		else
			log_event(LOG_WARN, "fan-out-gone", LOG_Z("tunnel", in->name),
			    LOG_S("to", name));
	}
}

/* One id with another body is another webhook. */
static struct slice
dedupe_key(struct intake *in)
{
	if (in->event.dedupe[0] == '\0')
		return S("");
	return slice_of(in->dedupe, (size_t)snprintf(in->dedupe, sizeof(in->dedupe), "%s %s",
					in->event.dedupe, in->event.print));
}

/*
 * From here on the webhook may be on the disk whatever becomes of the sender. So its shares
 * are held (nobody makes it go for others), and the intake outlives its exchange.
 */
void
intake_store(struct intake *in, const struct hook_request *req)
{
	struct inbox_put *put = &in->req.put;

	check(!in->storing && in->x->intake == in);
	add_length(in);
	vault_head(in->worker->edge->vault, buf_slice(&in->head), &in->stored);
	/* It goes into a stream later, which takes no longer one. */
	if (in->head.failed || in->stored.failed || in->head.n > LIMIT_HEAD_BYTES) {
		intake_refuse(in, in->head.failed ? CLOSE_OVERLOAD : CLOSE_HEAD_TOO_LARGE);
		return;
	}
	if (!intake_charge(in)) {
		intake_refuse(in, CLOSE_OVERLOAD);
		return;
	}
	in->req.op = INBOX_PUT;
	snprintf(in->req.tunnel, sizeof(in->req.tunnel), "%s", in->name);
	put->event = slice_str(in->event.key);
	put->provider_id = slice_str(in->event.delivery);
	put->order_key = slice_str(in->event.order);
	put->dedupe_key = dedupe_key(in);
	put->dedupe_ms = DEDUPE_MS;
	put->method = req->method;
	put->head = buf_slice(&in->stored);
	put->body = buf_slice(&in->body);
	put->account_bytes_max = (uint64_t)in->worker->settings->inbox.account_bytes;
	put->hold = in->policy->mode == PRESET_RELAY;
	put->push = in->event.branch_push;
	put->coalesce = in->policy->coalesce;
	add_copies(in);
	in->storing = true;
	share_hold(&in->share); /* what may be stored is waited for */
	share_hold(&in->x->share);
	exchange_move(in->x, EXCHANGE_STORE);
	errand_inbox(&in->errand, &in->worker->errands, in->worker->edge->store, &in->req,
	    on_stored);
}
