/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the policies that a HELLO brings (login_policy.h). */
#include "edge/link/login_policy.h"

#include <stdio.h>

static void
refuse(struct hello_tunnel *h, const char *text)
{
	snprintf(h->error, sizeof(h->error), "bad-policy");
	snprintf(h->text, sizeof(h->text), "%s", text);
}

static bool
is_wanted(const struct hello *h, struct slice name)
{
	for (size_t i = 0; i < h->n_tunnels; i++)
		if (h->tunnels[i].kind == TUNNEL_HTTP &&
		    slice_eq(slice_str(h->tunnels[i].name), name))
			return true;
	return false;
}

/*
 * Looked at twice: when it is read, where other names of the HELLO may still be claimed,
 * and before the welcome, when the store has said whose they are.
 */
bool
login_fan_out(struct session *s, const struct hello *hello, struct hello_tunnel *h,
    const struct policy *p)
{
	char text[sizeof(h->text)];

	for (size_t i = 0; i < p->n_fan_out; i++) {
		struct slice to = p->fan_out[i];

		if (!slice_eq(to, slice_str(h->name)) &&
		    (directory_owns(s->worker->edge->directory, to, slice_str(s->account)) ||
			(hello != NULL && is_wanted(hello, to))))
			continue;
		snprintf(text, sizeof(text),
		    "fan_out: %.*s is not another HTTP tunnel of this account: start that one "
		    "first, or with this one",
		    PS(to));
		refuse(h, text);
		return false;
	}
	return true;
}

/* A reference, or NULL. */
static struct policy *
same(struct session *s, const struct hello_tunnel *h, const char *name)
{
	char account[64] = "";
	struct policy *p = directory_policy(s->worker->edge->directory, slice_str(name), account);

	if (p != NULL && strcmp(account, s->account) == 0 && strcmp(p->json, h->policy) == 0)
		return p;
	policy_unref(p);
	return NULL;
}

/* A protection that cannot be kept is no reason to go on without it. */
struct policy *
login_policy(struct session *s, const struct hello *hello, struct hello_tunnel *h, const char *name)
{
	struct policy *p = h->kind == TUNNEL_HTTP ? same(s, h, name) : NULL;
	char why[sizeof(h->text)];

	if (h->kind != TUNNEL_HTTP)
		snprintf(why, sizeof(why), "policies are for HTTP tunnels");
	else if (strlen(h->policy) > LIMIT_POLICY_BYTES)
		snprintf(why, sizeof(why), "the policy is too large");
	else if (p == NULL)
		p = policy_new(slice_str(h->policy), why, sizeof(why));
	if (p == NULL) {
		refuse(h, why);
	} else if (!login_fan_out(s, hello, h, p)) {
		policy_unref(p);
		return NULL;
	}
	return p;
}
