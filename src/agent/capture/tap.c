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

/* A record of it, which becomes its last one. False: there was no room for it. */
static bool
keep(struct tap *t, enum segment_type type, int side, struct slice payload, bool needed)
{
	struct capture *c = t->capture;
	struct segment_record r = { .type = (uint8_t)type,
		.side = (uint8_t)side,
		.tunnel = (uint16_t)t->tunnel,
		.id = t->id,
		.at_us = t->begun_ms * 1000 + (loop_now_us(c->loop) - t->begun_us),
		.back = t->last };
	uint64_t place;

	if (c->writer == NULL)
		return false;
	payload = slice_head(payload, SEGMENT_PAYLOAD_BYTES);
	place = writer_put(c->writer, &r, payload, needed);
	if (place == 0)
		return false;
	t->last = place;
	t->n_records++;
	governor_take(&c->governor, SEGMENT_RECORD_BYTES + payload.n);
	return true;
}

static void
keep_row(struct tap *t, enum segment_type type, const struct capture_row *r)
{
	char payload[SEGMENT_ROW_BYTES] UNCLEARED;

	if (t->kept != TAP_ROW &&
	    !keep(t, type, 0, slice_of(payload, segment_row_write(r, payload)), true))
		t->flags |= ROW_CUT_DISK;
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
	r->flags = t->flags | (r->flags & ROW_PINNED);
	r->parent = t->parent;
	r->name = slice_str(c->tunnels[t->tunnel].name);
	r->request_id = slice_str(t->request_id);
	r->client = slice_str(t->client);
	t->last = r->at;
	keep_row(t, SEGMENT_BEGIN, r);
	r->at = t->last;
	(void)rows_put(c->rows, r);
}

/* People have asked for it: however much passes, it is kept. */
static bool
is_ours(const struct tap_opening *o)
{
	return o->parent != 0 || o->id != 0 || o->imported;
}

/* False: it is counted, and that is all. */
static bool
decide(struct tap *t, const struct tap_opening *o, enum governor_verdict verdict)
{
	const struct capture *c = t->capture;

	t->kept = TAP_ALL;
	if (c->writer == NULL || c->tunnels[o->tunnel].level == CAPTURE_OFF) {
		t->kept = TAP_ROW;
		t->flags = ROW_UNKEPT;
	} else if (o->kind == ROW_KIND_BYTES) {
		t->kept = TAP_HEADS;
	} else if (c->tunnels[o->tunnel].level == CAPTURE_HEADS) {
		t->kept = TAP_HEADS;
		t->flags = ROW_HEADS_ONLY;
	}
	if (is_ours(o) || verdict == GOVERNOR_ALL)
		return true;
	if (verdict == GOVERNOR_COUNT)
		return false;
	if (t->kept == TAP_ALL) {
		t->kept = TAP_HEADS;
		t->flags |= ROW_CUT_RATE;
	}
	if (verdict == GOVERNOR_SAMPLE)
		t->flags |= ROW_SAMPLED;
	return true;
}

struct tap *
tap_begin(struct capture *c, const struct tap_opening *o)
{
	enum governor_verdict verdict = governor_ask(&c->governor, loop_now_us(c->loop));
	struct tap *t;

	check(o->tunnel < LIMIT_AGENT_TUNNELS);
	t = verdict == GOVERNOR_COUNT && !is_ours(o) ? NULL : slab_get(&c->taps);
	rows_begun(c->rows, o->tunnel, t != NULL);
	if (t == NULL)
		return NULL;
	t->capture = c;
	list_init(&t->node);
	list_push_front(&c->running, &t->node);
	decide(t, o, verdict);
	t->begun_us = loop_now_us(c->loop);
	t->tunnel = o->tunnel;
	t->kind = o->kind;
	t->parent = o->parent;
	t->promised = o->id;
	t->ours = is_ours(o);
	t->imported = o->imported;
	if (o->imported)
		t->flags |= ROW_IMPORTED;
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
 * that was never sent, takes that over; so does one that is sent from here, which is no attempt of the
 * delivery whose fields it repeats. */
static void
on_request(struct tap *t, const struct h1_head *h, struct slice bytes)
{
	uint64_t delivery = t->ours ? 0 : number(h, bytes, S("adit-delivery"));
	struct capture_row r;

	if (t->id != 0)
		return;
	if (grpc_is(h))
		t->kind = ROW_KIND_GRPC;
	if (t->promised != 0 && rows_find(t->capture->rows, t->promised, &r))
		t->id = r.id;
	else if (rows_of_delivery(t->capture->rows, delivery, &r) && r.attempt == 0)
		t->id = r.id;
	else
		r = (struct capture_row){ .delivery = delivery };
	r.state = delivery != 0 ? ROW_SENDING : t->ours && !t->imported ? ROW_REPLAY : ROW_OPEN;
	r.attempt = delivery == 0 ? 0 : (uint32_t)number(h, bytes, S("adit-attempt"));
	r.method = h1_text(bytes, h->method);
	r.target = h1_text(bytes, h->target);
	if (t->capture->tunnels[t->tunnel].level == CAPTURE_OFF)
		r.target = slice_head(r.target, slice_find(r.target, '?'));
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

/* A field that says that this is a webhook of a sender that is known. */
static bool
names_event(const struct h1_head *h, struct slice bytes)
{
	static const char *const names[] = { "x-event-key", "x-github-event", "x-gitlab-event",
		"x-gitea-event", "x-gogs-event", "x-forgejo-event", "stripe-signature",
		"x-slack-signature", "adit-delivery" };

	for (size_t i = 0; i < h->n_fields; i++) {
		struct slice name = h1_text(bytes, h->fields[i].name);

		/* Most fields are told apart by their length alone. */
		for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++)
			if (slice_ieq(name, slice_str(names[k])))
				return true;
	}
	return false;
}

static void
keep_head(struct tap *t, enum tap_side side, enum tap_form form, const struct h1_head *h,
    struct slice bytes)
{
	int flags =
	    (side == TAP_RESPONSE ? SEGMENT_RESPONSE : 0) | (form == TAP_SENT ? SEGMENT_SENT : 0);

	if (t->kept == TAP_ROW || t->id == 0)
		return;
	if (h != NULL && side == TAP_REQUEST && names_event(h, bytes))
		flags |= SEGMENT_WEBHOOK;
	if (!keep(t, SEGMENT_HEAD, flags, bytes, true))
		t->flags |= ROW_CUT_DISK;
}

void
tap_head(struct tap *t, enum tap_side side, enum tap_form form, const struct h1_head *h,
    struct slice bytes)
{
	if (h != NULL)
		bytes = slice_head(bytes, h->n_bytes);
	if (capture_blank(t->capture, &bytes, true))
		t->flags |= ROW_BLANKED;
	if (form == TAP_RECEIVED && side == TAP_REQUEST)
		on_request(t, h, bytes);
	else if (form == TAP_RECEIVED)
		on_response(t, h, bytes);
	keep_head(t, side, form, h, bytes);
}

/* Nothing more of this body is kept. */
static void
cut(struct tap *t, enum tap_side side, enum row_flag why)
{
	t->cut[side] = true;
	t->flags |= (uint16_t)why;
}

void
tap_body(struct tap *t, enum tap_side side, struct slice bytes)
{
	int flags = side == TAP_RESPONSE ? SEGMENT_RESPONSE : 0;

	if (t->kept != TAP_ALL || t->id == 0)
		return;
	while (bytes.n > 0 && !t->cut[side]) {
		struct slice part;

		if (t->capture->writer == NULL) {
			cut(t, side, ROW_CUT_DISK);
			return;
		}
		part = slice_head(bytes, writer_room(t->capture->writer));
		part = slice_head(part, LIMIT_CAPTURE_BODY_BYTES - (size_t)t->body[side]);
		if (!t->ours &&
		    !governor_allows(&t->capture->governor, loop_now_us(t->capture->loop))) {
			cut(t, side, ROW_CUT_RATE);
			return;
		}
		if (part.n == 0 || t->n_records >= LIMIT_CAPTURE_RECORDS) {
			cut(t, side, ROW_CUT_SIZE);
			return;
		}
		if (!keep(t, SEGMENT_BODY, flags, part, false)) {
			cut(t, side, ROW_CUT_DISK);
			return;
		}
		t->body[side] += part.n;
		bytes = slice_from(bytes, part.n);
	}
}

void
tap_trailers(struct tap *t, enum tap_side side, struct slice lines)
{
	if (capture_blank(t->capture, &lines, false))
		t->flags |= ROW_BLANKED;
	if (t->kept != TAP_ROW && t->id != 0 &&
	    !keep(t, SEGMENT_TRAILERS, side == TAP_RESPONSE ? SEGMENT_RESPONSE : 0, lines, true))
		t->flags |= ROW_CUT_DISK;
}

static void
count_cuts(struct capture_cuts *cuts, uint16_t flags)
{
	cuts->size += (flags & ROW_CUT_SIZE) != 0;
	cuts->disk += (flags & ROW_CUT_DISK) != 0;
	cuts->rate += (flags & (ROW_CUT_RATE | ROW_SAMPLED)) != 0;
}

/* What the outcome makes of the row, where the edge does not know better. */
static enum row_state
outcome(const struct capture_row *r, unsigned status, bool ok)
{
	if (r->state == ROW_SENDING)
		return ok && status >= 200 && status < 300 ? ROW_DELIVERED : ROW_RETRYING;
	if (r->state == ROW_OPEN)
		return status != 0 || (r->flags & ROW_IMPORTED) != 0 ? ROW_ANSWERED : ROW_FAILED;
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
		r.flags = t->flags;
		r.at = t->last;
		keep_row(t, SEGMENT_END, &r);
		r.flags = t->flags;
		r.at = t->last;
		(void)rows_put(c->rows, &r);
	}
	count_cuts(&c->cuts, t->flags);
	list_del(&t->node);
	slab_put(&c->taps, t);
}

void
tap_uncounted(struct capture *c, size_t tunnel, int64_t took_us, bool failed)
{
	rows_ended(c->rows, tunnel, took_us, failed);
}
