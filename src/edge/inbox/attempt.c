/* SPDX-License-Identifier: Apache-2.0 */
/* One delivery on its way: the stream, and the origin's answer. */
#include "edge/inbox/attempt_private.h"

#include "base/clock.h"
#include "edge/core/vault.h"

#include <stdlib.h>

/*
 * What the judgement needs of the head, which is gone behind this call; all of it only for
 * a sender who waits for it.
 */
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
			attempt_conclude(r, RESULT_RETRY, "broke",
			    "The origin's answer ended in its head.", "");
		return 0;
	case H1_DATA:
	case H1_BAD:
		attempt_conclude(r, RESULT_RETRY, "bad-response",
		    "The local server has answered, but the head of its answer is no valid HTTP.",
		    "");
		return 0;
	}
	n = r->res.head.n_bytes;
	if (r->res.head.status >= 200) {
		take_fields(r, bytes);
		r->has_head = true;
	} else if (r->res.head.status == 101) {
		attempt_conclude(r, RESULT_PARK, "switched",
		    "The origin wants another protocol than HTTP.", "");
		return 0;
	} else {
		h1_reset(&r->res);
	}
	/*
	 * The answer ends with its head; else its body comes, or an end
	 * that on_head() sees.
	 */
	if (fin && n == bytes.n && r->has_head)
		attempt_answered(r);
	return n;
}

/* The flow has no connection: all bytes of the stream end here. */
static size_t
on_head(struct flow *f, struct slice bytes, bool fin)
{
	struct attempt *r = f->owner;
	size_t room = r->answer.max - r->answer.n;

	check(!r->settling); /* its settlement ends the flow */
	if (!r->has_head)
		return take_head(r, bytes, fin);
	r->cut = r->cut || bytes.n > room;
	buf_put(&r->answer, slice_head(bytes, room));
	if (fin)
		attempt_answered(r);
	return bytes.n;
}

/*
 * All of it is in the link's buffers now: on_look() waits until it is with
 * the agent's kernel.
 */
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
		attempt_answered(r);
		return;
	}
	/*
	 * It is the origin that did not answer: what else waits is tried when the agent
	 * says that it is back.
	 */
	if (code >= LINK_CODE_ORIGIN_REFUSED && code <= LINK_CODE_ORIGIN_TLS)
		courier_unanswered(r->courier);
	switch (code) {
	case LINK_CODE_ORIGIN_REFUSED:
		attempt_conclude(r, RESULT_RETRY, "refused",
		    "The local server did not accept the connection.", "");
		return;
	case LINK_CODE_ORIGIN_SILENT:
		attempt_conclude(r, RESULT_RETRY, "silent",
		    "The local server did not answer in time.", "");
		return;
	case LINK_CODE_ORIGIN_BROKE:
		attempt_conclude(r, RESULT_RETRY, "broke",
		    "The local server closed before its answer was whole.", "");
		return;
	case LINK_CODE_ORIGIN_BAD_HEAD:
		attempt_conclude(r, RESULT_RETRY, "bad-response",
		    "The local server has answered, but the head of its answer is no valid HTTP.",
		    "Check the port and the scheme (http, https) of the tunnel's address.");
		return;
	case LINK_CODE_ORIGIN_LARGE_HEAD:
		/* It has the webhook, and would answer the next attempt in the same way. */
		attempt_conclude(r, RESULT_PARK, "large-head",
		    "The local server has answered, but with more than 100 header fields or 32 "
		    "KiB of them.",
		    "Check on the server whether the webhook did its work, and let the "
		    "server send fewer fields.");
		return;
	case LINK_CODE_ORIGIN_TLS:
		attempt_conclude(r, RESULT_RETRY, "tls",
		    "The local server's certificate or handshake failed.", "");
		return;
	case LINK_CODE_TOO_MANY:
	case LINK_CODE_BUSY:
		attempt_conclude(r, RESULT_RETRY, "busy", "The agent is overloaded.", "");
		return;
	default:
		attempt_conclude(r, RESULT_AWAY, "away", "The agent went away before the answer.",
		    "");
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

	check(!r->settling); /* its settlement stops the timer, which is on_full()'s then */
	if (!r->arrived) {
		if (carrier == NULL ||
		    (r->sent_mark != 0 && carrier_has_arrived(carrier, r->sent_mark))) {
			attempt_arrived(r);
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
		attempt_answered(r);
	else
		attempt_conclude(r, RESULT_RETRY, "silent",
		    "The local server did not answer in time.", "");
}

/* On success the item, its bytes and its place are the attempt's, until courier_ended(). */
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
	c->attempt_bytes += r->item.bytes;
	r->waiter = waiter;
	if (waiter != NULL)
		waiter->attempt = r;
	c->n_attempts++;
	c->line_bytes += r->item.bytes;
	loop_timer_set(c->worker->loop, &r->timer, LINE_US);
	attempt_tell_begun(r);
	return 0;
}

/* Harmless where nobody waits, or where he was answered. */
void
courier_forget_waiter(struct courier_waiter *waiter)
{
	if (waiter->attempt != NULL)
		waiter->attempt->waiter = NULL;
	waiter->attempt = NULL;
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
	r->req.settle.unsent = r->item.unsent;
	r->arrived = true; /* it never was on the line */
	item->block = NULL;
	buf_init(&r->answer, 1);
	c->n_attempts++;
	c->attempt_bytes += r->item.bytes;
	if (c->tunnel == NULL) {
		attempt_settle(r, INBOX_QUEUED, 0, false, "away", "The agent went away.", "");
		return;
	}
	buf_init(&room, 2 * LIMIT_HEAD_BYTES);
	if (vault_clear_head(c->worker->edge->vault, r->item.head, &room).n == 0)
		attempt_settle(r, INBOX_PARKED, 0, false, "sealed",
		    "Its head was sealed with another key.",
		    "Put back the secret.key that sealed it, then replay it.");
	else
		attempt_settle(r, INBOX_QUEUED, 1000, false, "away", "No stream could be opened.",
		    "");
	buf_fini(&room);
}
