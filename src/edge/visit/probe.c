/* SPDX-License-Identifier: Apache-2.0 */
/* Knows the doctor's requests by their ticket, and answers those that end at the edge. */
#include "edge/visit/probe.h"

#include "edge/core/ticket.h"
#include "edge/visit/local_reply.h"

/*
 * "TICKET" or "TICKET edge". Without a good ticket it is a field as any other, so that
 * nobody can pass the inbox or the counters by guessing its name.
 */
enum exchange_probe
probe_read(const struct exchange *x, struct slice bytes)
{
	size_t at = 0;
	const struct h1_field *f = h1_find(&x->req.head, bytes, S("adit-probe"), &at);
	struct slice value, ticket;

	if (f == NULL || x->name[0] == '\0')
		return EXCHANGE_NO_PROBE;
	value = h1_text(bytes, f->value);
	ticket = slice_cut(&value, ' ');
	if (!ticket_is_good(x->worker->edge, x->name, ticket))
		return EXCHANGE_NO_PROBE;
	return slice_eq(value, S("edge")) ? EXCHANGE_PROBE_EDGE : EXCHANGE_PROBE_THROUGH;
}

void
probe_answer(struct exchange *x, const char *signature, const char *text, struct slice read_ahead)
{
	struct buf b;

	buf_init(&b, 4096);
	buf_printf(&b,
	    "{\"probe\":\"edge\",\"edge\":\"aditd/"
	    "%s\",\"name\":\"%s\",\"mode\":\"%s\",\"id\":\"%s\","
	    "\"signature\":\"%s\",\"text\":",
	    ADIT_VERSION, x->name,
	    preset_mode_text(x->policy == NULL ? PRESET_PASS : x->policy->mode), x->id, signature);
	buf_json(&b, slice_str(text));
	buf_put(&b, S("}\n"));
	local_reply_own(x, 200, "Cache-Control: no-store\r\n", S("application/json"), buf_slice(&b),
	    read_ahead);
	buf_fini(&b);
}
