/* SPDX-License-Identifier: Apache-2.0 */
/* Heads and bodies of webhooks are put together from records, and read once. */
#include "agent/capture/webhooks.h"

#include "base/clock.h"
#include "hook/event.h"
#include "http/h1.h"

static const char *const senders[] = {
#define X(symbol, word) word,
	EVENT_SENDERS(X)
#undef X
};

void
webhooks_init(struct webhooks *w)
{
	w->n = 0;
	for (size_t i = 0; i < LIMIT_CAPTURE_WEBHOOKS; i++) {
		w->list[i].id = 0;
		buf_init(&w->list[i].head, LIMIT_HEAD_BYTES + H1_INSIDE_BYTES);
		buf_init(&w->list[i].body, LIMIT_CAPTURE_WEBHOOK_BYTES);
	}
}

static void
let_go(struct webhooks *w, struct webhooks_one *one)
{
	one->id = 0;
	w->n--;
	buf_fini(&one->head);
	buf_fini(&one->body);
	buf_init(&one->head, LIMIT_HEAD_BYTES + H1_INSIDE_BYTES);
	buf_init(&one->body, LIMIT_CAPTURE_WEBHOOK_BYTES);
}

void
webhooks_fini(struct webhooks *w)
{
	for (size_t i = 0; i < LIMIT_CAPTURE_WEBHOOKS; i++)
		if (w->list[i].id != 0)
			let_go(w, &w->list[i]);
}

/* 0: a free one. */
static struct webhooks_one *
find(struct webhooks *w, uint64_t id)
{
	for (size_t i = 0; i < LIMIT_CAPTURE_WEBHOOKS; i++)
		if (w->list[i].id == id)
			return &w->list[i];
	return NULL;
}

/* False where the head is none, or says nothing. */
static bool
read_event(struct slice head, struct slice body, struct webhook *ret)
{
	struct hook_field fields[LIMIT_HEAD_FIELDS + H1_INSIDE_FIELDS];
	struct hook_request req = { .fields = fields, .body = body, .now_ms = clock_wall_ms() };
	struct event e;
	struct h1 h;

	h1_init(&h, H1_REQUEST);
	h.inside = true;
	if (h1_head(&h, head) != H1_DONE)
		return false;
	for (size_t i = 0; i < h.head.n_fields; i++)
		fields[i] = (struct hook_field){ h1_text(head, h.head.fields[i].name),
			h1_text(head, h.head.fields[i].value) };
	req.n_fields = h.head.n_fields;
	req.method = h1_text(head, h.head.method);
	req.path = h1_text(head, h.head.path);
	req.query = h1_text(head, h.head.query);
	event_read(&req, event_guess(&req), &e);
	*ret = (struct webhook){ 0 };
	slice_copy(slice_str(senders[e.sender]), ret->provider, sizeof(ret->provider));
	slice_copy(slice_str(e.key), ret->event, sizeof(ret->event));
	slice_copy(slice_str(e.repository), ret->repository, sizeof(ret->repository));
	slice_copy(slice_str(e.branch), ret->branch, sizeof(ret->branch));
	return e.key[0] != '\0' || e.repository[0] != '\0';
}

/* As much of the body as is read; what is longer is cut, and read all the same. */
static void
take_body(struct webhooks_one *one, struct slice payload)
{
	buf_put(&one->body, slice_head(payload, LIMIT_CAPTURE_WEBHOOK_BYTES - one->body.n));
}

bool
webhooks_see(struct webhooks *w, const struct segment_record *r, struct slice payload,
    struct webhook *ret)
{
	struct webhooks_one *one;
	bool found;

	if (r->type == SEGMENT_HEAD && (r->side & SEGMENT_WEBHOOK) != 0) {
		one = find(w, r->id) == NULL ? find(w, 0) : NULL;
		if (one != NULL) {
			one->id = r->id;
			w->n++;
			buf_put(&one->head, payload);
		}
		return false;
	}
	if (w->n == 0 || r->id == 0 || (r->type != SEGMENT_BODY && r->type != SEGMENT_END))
		return false;
	one = find(w, r->id);
	if (one == NULL)
		return false;
	if (r->type == SEGMENT_BODY) {
		if ((r->side & SEGMENT_RESPONSE) == 0)
			take_body(one, payload);
		return false;
	}
	found = read_event(buf_slice(&one->head), buf_slice(&one->body), ret);
	let_go(w, one);
	return found;
}
