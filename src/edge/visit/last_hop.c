/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to a TRACE or OPTIONS that may go no further (last_hop.h). */
#include "edge/visit/last_hop.h"

#include "edge/visit/local_reply.h"
#include "http/rewrite.h"

#include <stdio.h>

/* What TRACE sends back must hold no credential (RFC 9110 9.3.8): these never do. */
static bool
is_harmless(struct slice name)
{
	static const char *const names[] = { "Host", "Via", "Max-Forwards", "User-Agent", "Accept",
		"Accept-Encoding", "Accept-Language", "Connection" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (slice_ieq(name, slice_str(names[i])))
			return true;
	return false;
}

static void
answer_trace(struct exchange *x, struct slice bytes)
{
	const struct h1_head *h = &x->req.head;
	struct buf b;

	buf_init(&b, LIMIT_HEAD_BYTES);
	buf_printf(&b, "TRACE %.*s HTTP/1.%d\r\n", PS(h1_text(bytes, h->target)), h->minor);
	for (size_t i = 0; i < h->n_fields; i++)
		if (is_harmless(h1_text(bytes, h->fields[i].name)))
			buf_printf(&b, "%.*s: %.*s\r\n", PS(h1_text(bytes, h->fields[i].name)),
			    PS(h1_text(bytes, h->fields[i].value)));
	buf_put(&b, S("\r\n"));
	if (b.failed)
		local_reply_error(x, CLOSE_OVERLOAD, slice_from(bytes, h->n_bytes));
	else
		local_reply_own(x, 200, "", S("message/http"), buf_slice(&b),
		    slice_from(bytes, h->n_bytes));
	buf_fini(&b);
}

bool
last_hop_answer(struct exchange *x, struct slice bytes)
{
	const struct h1_head *h = &x->req.head;
	struct policy any = { 0 };
	char methods[256], fields[sizeof(methods) + 16];
	size_t n;

	if (!rewrite_ends_here(h, bytes))
		return false;
	if (slice_eq(h1_text(bytes, h->method), S("TRACE"))) {
		answer_trace(x, bytes);
		return true;
	}
	n = policy_methods(x->policy == NULL ? &any : x->policy, methods, sizeof(methods));
	snprintf(fields, sizeof(fields), "Allow: %.*s\r\n", (int)n, methods);
	local_reply_own(x, 200, fields, S(""), S(""), slice_from(bytes, h->n_bytes));
	return true;
}
