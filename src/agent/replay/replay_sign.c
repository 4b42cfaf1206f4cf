/* SPDX-License-Identifier: Apache-2.0 */
/* Signs a request with the secret that its tunnel was started with. The secret leaves in no form but that. */
#include "agent/replay/replay_private.h"

#include "base/clock.h"
#include "hook/policy.h"
#include "hook/sign.h"

/* The policy as the edge was told it; NULL: there is none. */
static struct policy *
policy_of(const struct agent_tunnel *t)
{
	char why[256];

	return t->policy.json == NULL ? NULL
				      : policy_new(slice_str(t->policy.json), why, sizeof(why));
}

enum replay_result
replay_can_sign(const struct agent_tunnel *t)
{
	struct policy *p = policy_of(t);
	enum replay_result result = REPLAY_OK;

	if (p == NULL || p->sign.scheme == NULL || p->sign.n_secrets == 0)
		result = REPLAY_NO_SECRET;
	else if (!p->sign.scheme->can_sign)
		result = REPLAY_CANNOT_SIGN;
	if (p != NULL)
		policy_unref(p);
	return result;
}

/* The head's fields of those names get the new values; what it has not comes behind them. */
static void
put_fields(const struct h1_head *h, struct slice head, const struct sign_output *made,
    struct buf *out)
{
	bool found[sizeof(made->fields) / sizeof(made->fields[0])] = { false };
	size_t at = 0;

	for (size_t i = 0; i < h->n_fields; i++) {
		const struct h1_field *f = &h->fields[i];

		for (size_t k = 0; k < made->n_fields; k++) {
			if (!slice_ieq(h1_text(head, f->name), made->fields[k].name))
				continue;
			buf_put(out, slice_head(slice_from(head, at), f->value.at - at));
			buf_put(out, made->fields[k].value);
			at = f->value.at + f->value.n;
			found[k] = true;
			break;
		}
	}
	buf_put(out, slice_head(slice_from(head, at), head.n - 2 - at));
	for (size_t k = 0; k < made->n_fields; k++)
		if (!found[k])
			buf_printf(out, "%.*s: %.*s\r\n", PS(made->fields[k].name),
			    PS(made->fields[k].value));
	buf_put(out, S("\r\n"));
}

/* A parsed head as signatures see it. fields: of all of it. */
static void
read_request(const struct h1_head *h, struct slice head, struct hook_field *fields,
    struct hook_request *ret)
{
	for (size_t i = 0; i < h->n_fields; i++)
		fields[i] = (struct hook_field){ h1_text(head, h->fields[i].name),
			h1_text(head, h->fields[i].value) };
	ret->fields = fields;
	ret->n_fields = h->n_fields;
	ret->method = h1_text(head, h->method);
	ret->path = h1_text(head, h->path);
	ret->query = h1_text(head, h->query);
	ret->now_ms = clock_wall_ms();
}

bool
replay_sign(const struct agent_tunnel *t, struct slice head, struct slice body, struct slice id,
    struct buf *out)
{
	struct hook_field fields[LIMIT_HEAD_FIELDS + H1_INSIDE_FIELDS];
	struct hook_request req = { .body = body };
	struct policy *p = policy_of(t);
	struct sign_output made;
	struct slice own;
	bool ok = false;
	struct buf url;
	struct h1 h1;

	h1_init(&h1, H1_REQUEST);
	h1.inside = true;
	buf_init(&url, REPLAY_HEAD_BYTES);
	if (p != NULL && p->sign.scheme != NULL && h1_head(&h1, head) == H1_DONE &&
	    h1.head.n_bytes == head.n) {
		read_request(&h1.head, head, fields, &req);
		buf_printf(&url, "%s%.*s", t->url, PS(h1_text(head, h1.head.target)));
		req.url = buf_slice(&url);
		own = hook_header(&req, S("webhook-id"));
		ok = !url.failed && hook_sign(&p->sign, &req, own.n > 0 ? own : id, &made);
	}
	if (ok)
		put_fields(&h1.head, head, &made, out);
	buf_fini(&url);
	if (p != NULL)
		policy_unref(p);
	return ok && !out->failed;
}
