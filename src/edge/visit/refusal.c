/* SPDX-License-Identifier: Apache-2.0 */
/* Makes rows of refusals for an agent that watches. */
#include "edge/visit/refusal.h"

#include "edge/core/activity.h"
#include "relay/head_fields.h"
#include "edge/visit/client.h"

/* Nothing of it is made for a link that does not watch, or that has been told enough. */
static struct tunnel *
watched(const struct exchange *x)
{
	struct tunnel *t;

	if (x->told || x->name[0] == '\0' || x->probe != EXCHANGE_NO_PROBE)
		return NULL;
	t = tunnel_find(x->worker, slice_str(x->name));
	return t != NULL && t->activity != NULL && activity_has_room(t->activity) ? t : NULL;
}

enum activity_verdict
refusal_verdict(enum sign_reason reason)
{
	switch (reason) {
	case SIGN_OK:
		return ACTIVITY_VERDICT_OK;
	case SIGN_PING:
		return ACTIVITY_VERDICT_NONE;
	case SIGN_MISSING:
		return ACTIVITY_VERDICT_MISSING;
	case SIGN_BODY_NEWLINE:
	case SIGN_BODY_ALTERED:
		return ACTIVITY_VERDICT_ALTERED;
	case SIGN_SKEW:
	case SIGN_EXPIRED:
		return ACTIVITY_VERDICT_CLOCK;
	case SIGN_NO_SECRET:
	case SIGN_MALFORMED:
	case SIGN_ALGORITHM:
	case SIGN_BAD_SECRET:
	case SIGN_WRONG:
	case SIGN_SECRET_TRIM:
	case SIGN_SECRET_FORM:
	case SIGN_OTHER_URL:
	case SIGN_TOO_BIG:
		break;
	}
	return ACTIVITY_VERDICT_WRONG;
}

void
refusal_fill(const struct exchange *x, struct slice head, struct activity_row *row)
{
	const struct h1_head *h = &x->req.head;
	char peer[PEER_TEXT_BYTES];

	client_text(x, peer);
	activity_text(row->peer, sizeof(row->peer), slice_str(peer));
	activity_text(row->request, sizeof(row->request), slice_str(x->id));
	activity_text(row->method, sizeof(row->method),
	    head.n > 0 ? h1_text(head, h->method) : slice_str(x->method));
	activity_text(row->path, sizeof(row->path),
	    head.n > 0 ? h1_text(head, h->path) : slice_str(x->path));
	row->took_us = loop_now_us(x->worker->loop) - x->start_us;
	row->bytes = x->flow.rx_bytes;
	if (row->bytes == 0 && h->framing == H1_LENGTH)
		row->bytes = h->length;
}

void
refusal_fill_event(const struct event *e, struct activity_row *row)
{
	if (e->sender != EVENT_GENERIC)
		activity_text(row->provider, sizeof(row->provider),
		    slice_str(event_sender_word(e->sender)));
	activity_text(row->event, sizeof(row->event), slice_str(e->key));
	activity_text(row->repository, sizeof(row->repository), slice_str(e->repository));
	activity_text(row->branch, sizeof(row->branch), slice_str(e->branch));
}

/* As the sender says: nothing of it was checked. */
static void
fill_claims(const struct exchange *x, const struct refusal *why, struct slice head,
    struct activity_row *row)
{
	const struct h1_head *h = &x->req.head;
	struct hook_field fields[LIMIT_HEAD_FIELDS];
	struct hook_request req = { .method = h1_text(head, h->method),
		.path = h1_text(head, h->path),
		.query = h1_text(head, h->query),
		.fields = fields,
		.body = why->body };
	struct event event;

	check(h->n_fields <= LIMIT_HEAD_FIELDS); /* h1 refuses more */
	req.n_fields = head_fields(h, head, fields);
	if (req.body.n == 0)
		req.body = S("");
	event_read(&req, event_guess(&req), &event);
	refusal_fill_event(&event, row);
}

static void
tell(struct exchange *x, struct tunnel *t, struct activity_row *row, const struct refusal *why)
{
	struct slice head = why->head;

	/* A head that came in pieces, or that waited for a password, is still there. */
	if (head.n == 0 && x->head.n >= x->req.head.n_bytes)
		head = slice_head(buf_slice(&x->head), x->req.head.n_bytes);
	refusal_fill(x, head, row);
	if (head.n > 0)
		fill_claims(x, why, head, row);
	row->what = ACTIVITY_REFUSED;
	row->verdict = why->verdict;
	if (why->policy != NULL)
		activity_text(row->policy, sizeof(row->policy), slice_str(why->policy));
	activity_take(t, row);
}

void
refusal_tell_as(struct exchange *x, unsigned status, const char *code, const struct refusal *why)
{
	struct tunnel *t = watched(x);
	struct activity_row row = { .status = (uint16_t)status };

	x->told = true;
	if (t == NULL)
		return;
	activity_text(row.code, sizeof(row.code), slice_str(code));
	activity_text(row.text, sizeof(row.text), slice_str(why->text));
	tell(x, t, &row, why);
}

void
refusal_tell(struct exchange *x, enum close_code code, const struct refusal *why)
{
	const struct refusal nothing = { 0 };
	const struct close_row *close = close_row(code);
	bool theirs = close->blame == BLAME_AGENT || close->blame == BLAME_ORIGIN;
	struct refusal known = why != NULL ? *why : nothing;

	/* The agent was there when its origin failed, and knows it better. */
	if (exchange_flows(x) && (theirs || x->status != 0))
		return;
	if (known.text == NULL)
		known.text = close->what;
	if (known.policy == NULL && code == CLOSE_BODY_TOO_LARGE && x->policy != NULL &&
	    x->policy->body_max != 0)
		known.policy = "body_max";
	refusal_tell_as(x, (unsigned)close->status, close->name, &known);
}
