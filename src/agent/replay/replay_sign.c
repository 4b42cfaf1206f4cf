/* SPDX-License-Identifier: Apache-2.0 */
/* Signs a request with the secret that its tunnel was started with. The secret leaves in no form but that. */
#include "agent/replay/replay_private.h"

#include "base/clock.h"
#include "hook/policy.h"
#include "hook/sign.h"
#include "relay/head_fields.h"

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

/* A parsed head as signatures see it. fields: of all of it. */
static void
read_request(const struct h1_head *h, struct slice head, struct hook_field *fields,
    struct hook_request *ret)
{
	ret->fields = fields;
	ret->n_fields = head_fields(h, head, fields);
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

	made.n_fields = 0;
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
		head_with(&h1.head, head, made.fields, made.n_fields, true, out);
	buf_fini(&url);
	if (p != NULL)
		policy_unref(p);
	return ok && !out->failed;
}
