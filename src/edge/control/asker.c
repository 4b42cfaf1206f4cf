/* SPDX-License-Identifier: Apache-2.0 */
/* What works for somebody who asks, and how the answer comes back to him. */
#include "edge/control/asker.h"

#include "edge/cert/cert.h"
#include "edge/control/audit.h"
#include "edge/control/control_private.h"
#include "edge/domain/ask.h"
#include "edge/inbox/query.h"

bool
asker_is_busy(const struct asker *a)
{
	return a->job != NULL || a->query != NULL || a->cert_job != NULL || a->domain != NULL ||
	       a->wait_key[0] != '\0';
}

void
control_answer(struct asker *a, json_t *answer)
{
	/* One request at a time: nothing else works for it now. */
	check(!asker_is_busy(a));
	if (a->op[0] != '\0') {
		const char *code = json_string_value(json_object_get(answer, "code"));

		audit_put(a->control->audit, a->who, a->op, a->about,
		    json_is_true(json_object_get(answer, "ok")) ? "ok"
		    : code == NULL                              ? "?"
								: code);
		a->op[0] = '\0';
	}
	a->answered(a, answer);
}

void
control_refuse(struct asker *a, const char *code, const char *text)
{
	control_answer(a, json_pack("{s:b, s:s, s:s}", "ok", 0, "code", code, "text", text));
}

/* up: the tunnel is served; else the time is over. */
void
control_wait_over(struct asker *a, bool up)
{
	check(a->wait_key[0] != '\0');
	loop_timer_stop(a->control->edge->main_loop, &a->wait_timer);
	a->wait_key[0] = '\0';
	if (up)
		control_answer(a, json_pack("{s:b}", "ok", 1));
	else
		control_refuse(a, "timeout", "the tunnel did not come up in time");
}

static void
on_wait_timer(struct loop_timer *t)
{
	control_wait_over(list_of(t, struct asker, wait_timer), false);
}

void
asker_init(struct asker *a, struct control *c, void (*answered)(struct asker *a, json_t *answer))
{
	*a = (struct asker){ .control = c, .answered = answered };
	a->wait_timer.fn = on_wait_timer;
}

void
asker_leave(struct asker *a)
{
	control_job_abandon(a);
	query_abandon(a->query);
	a->query = NULL;
	certs_abandon(a->cert_job);
	a->cert_job = NULL;
	if (a->op[0] != '\0') /* it is done all the same */
		audit_put(a->control->audit, a->who, a->op, a->about, "unknown");
	a->op[0] = '\0';
	domain_abandon(a->domain);
	a->domain = NULL;
	a->wait_key[0] = '\0';
	loop_timer_stop(a->control->edge->main_loop, &a->wait_timer);
}
