/* SPDX-License-Identifier: Apache-2.0 */
/* What passes through becomes a row. */
#include "agent/capture/tap.h"

#include "agent/capture/capture_private.h"
#include "base/clock.h"
#include "http/grpc.h"

/* Address without the port. */
static struct slice
client_of(struct slice visitor)
{
	const char *colon = visitor.n == 0 ? NULL : memrchr(visitor.p, ':', visitor.n);

	if (colon == NULL || slice_starts(visitor, S("unix:")))
		return S("");
	visitor = slice_head(visitor, (size_t)(colon - visitor.p));
	if (visitor.n > 2 && visitor.p[0] == '[')
		return slice_of(visitor.p + 1, visitor.n - 2);
	return visitor;
}

static void
put_row(struct tap *t, struct capture_row *r)
{
	struct capture *c = t->capture;

	if (t->id == 0)
		t->id = capture_next_id(c);
	r->id = t->id;
	r->begun_ms = t->begun_ms;
	r->took_us = -1;
	r->tunnel = (uint8_t)t->tunnel;
	r->kind = (uint8_t)t->kind;
	r->flags |= ROW_UNKEPT;
	r->parent = t->parent;
	r->name = slice_str(c->tunnels[t->tunnel].name);
	r->request_id = slice_str(t->request_id);
	r->client = slice_str(t->client);
	(void)rows_put(c->rows, r);
}

struct tap *
tap_begin(struct capture *c, const struct tap_opening *o)
{
	struct tap *t;

	check(o->tunnel < LIMIT_AGENT_TUNNELS);
	t = slab_get(&c->taps);
	rows_begun(c->rows, o->tunnel, t != NULL);
	if (t == NULL)
		return NULL;
	t->capture = c;
	t->tunnel = o->tunnel;
	t->kind = o->kind;
	t->parent = o->parent;
	t->begun_ms = clock_wall_ms();
	slice_copy(o->request_id, t->request_id, sizeof(t->request_id));
	slice_copy(client_of(o->visitor), t->client, sizeof(t->client));
	if (o->kind == ROW_KIND_BYTES)
		put_row(t, &(struct capture_row){ .state = ROW_OPEN });
	return t;
}

uint64_t
tap_id(const struct tap *t)
{
	return t->id;
}

static uint64_t
number(const struct h1_head *h, struct slice bytes, struct slice name)
{
	size_t at = 0;
	const struct h1_field *f = h1_find(h, bytes, name, &at);
	uint64_t v;

	return f != NULL && slice_u64(h1_text(bytes, f->value), &v) ? v : 0;
}

/* The request's head came: the exchange gets its row. One of a delivery whose row is there, and
 * that was never sent, takes that over. */
static void
on_request(struct tap *t, const struct h1_head *h, struct slice bytes)
{
	uint64_t delivery = number(h, bytes, S("adit-delivery"));
	struct capture_row r;

	if (t->id != 0)
		return;
	if (grpc_is(h))
		t->kind = ROW_KIND_GRPC;
	if (rows_of_delivery(t->capture->rows, delivery, &r) && r.attempt == 0)
		t->id = r.id;
	else
		r = (struct capture_row){ .delivery = delivery };
	r.state = delivery != 0 ? ROW_SENDING : t->parent != 0 ? ROW_REPLAY : ROW_OPEN;
	r.attempt = delivery == 0 ? 0 : (uint32_t)number(h, bytes, S("adit-attempt"));
	r.method = h1_text(bytes, h->method);
	r.target = h1_text(bytes, h->target);
	r.host = h1_text(bytes, h->authority);
	put_row(t, &r);
}

static void
on_response(struct tap *t, const struct h1_head *h, struct slice bytes)
{
	size_t at = 0;
	const struct h1_field *f = h1_find(h, bytes, S("content-type"), &at);

	if (h->status == 101)
		t->kind = ROW_KIND_WEBSOCKET;
	else if (f != NULL && slice_starts(h1_text(bytes, f->value), S("text/event-stream")))
		t->kind = ROW_KIND_SSE;
}

void
tap_head(struct tap *t, enum tap_side side, enum tap_form form, const struct h1_head *h,
    struct slice bytes)
{
	if (form == TAP_RECEIVED && side == TAP_REQUEST)
		on_request(t, h, bytes);
	else if (form == TAP_RECEIVED)
		on_response(t, h, bytes);
}

void
tap_body(struct tap *t, enum tap_side side, struct slice bytes)
{
	(void)t;
	(void)side;
	(void)bytes;
}

void
tap_trailers(struct tap *t, enum tap_side side, struct slice lines)
{
	(void)t;
	(void)side;
	(void)lines;
}

/* What the outcome makes of the row, where the edge does not know better. */
static enum row_state
outcome(const struct capture_row *r, unsigned status, bool ok)
{
	if (r->state == ROW_SENDING)
		return ok && status >= 200 && status < 300 ? ROW_DELIVERED : ROW_RETRYING;
	if (r->state == ROW_OPEN)
		return status != 0 ? ROW_ANSWERED : ROW_FAILED;
	return (enum row_state)r->state;
}

void
tap_end(struct tap *t, unsigned status, struct slice code, int64_t took_us, uint64_t tx_bytes,
    uint64_t rx_bytes)
{
	struct capture *c = t->capture;
	bool ok = slice_eq(code, S("ok"));
	struct capture_row r;

	rows_ended(c->rows, t->tunnel, took_us, status == 0 && t->kind != ROW_KIND_BYTES);
	if (t->id != 0 && rows_find(c->rows, t->id, &r)) {
		r.state = (uint8_t)(t->kind == ROW_KIND_BYTES ? (ok ? ROW_ANSWERED : ROW_FAILED)
							      : outcome(&r, status, ok));
		r.kind = (uint8_t)t->kind;
		r.status = (uint16_t)status;
		r.took_us = took_us;
		r.tx_bytes = tx_bytes;
		r.rx_bytes = rx_bytes;
		r.code = ok ? S("") : code;
		(void)rows_put(c->rows, &r);
	}
	slab_put(&c->taps, t);
}

void
tap_uncounted(struct capture *c, size_t tunnel, int64_t took_us, bool failed)
{
	rows_ended(c->rows, tunnel, took_us, failed);
}
