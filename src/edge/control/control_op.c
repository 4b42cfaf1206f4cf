/* SPDX-License-Identifier: Apache-2.0 */
/* The requests of the control socket, a row each. */
#include "edge/control/control_private.h"

#include "base/limits.h"
#include "edge/control/audit.h"
#include "edge/domain/ask.h"
#include "edge/inbox/query.h"
#include "edge/core/worker.h"

#include <stdio.h>
#include <stdlib.h>

#define WAIT_MS_DEFAULT 30000
#define WAIT_MS_MAX (24 * 3600 * 1000LL)

/* --- what changes the edge, or waits for it --- */

/* The waiter is entered first, then looks: what comes up in between is told by
 * the main loop's mail. */
static void
wait_up(struct asker *c, json_t *request)
{
	int64_t ms = WAIT_MS_DEFAULT;
	unsigned at;

	if (!query_text(request, "up", c->wait_key, sizeof(c->wait_key)) ||
	    c->wait_key[0] == '\0' || !control_number(request, "timeout_ms", WAIT_MS_MAX, &ms)) {
		c->wait_key[0] = '\0';
		control_refuse(c, "bad-request", "\"up\" names the tunnel");
		return;
	}
	loop_timer_set(c->control->edge->main_loop, &c->wait_timer, ms * 1000);
	if (directory_find(c->control->edge->directory, slice_str(c->wait_key), &at) ==
	    DIRECTORY_UP)
		control_wait_over(c, true);
}

static void
reload(struct asker *c, json_t *request)
{
	char why[512] = "";

	(void)request;
	if (c->control->ops->reload(c->control->owner, why, sizeof(why)))
		control_answer(c, json_pack("{s:b, s:s}", "ok", 1, "text", why));
	else
		control_refuse(c, "not-reloaded", why);
}

/* The answer first: what follows closes the socket. */
static void
stop(struct asker *c, json_t *request)
{
	struct control *ctl = c->control;

	(void)request;
	control_answer(c, json_pack("{s:b}", "ok", 1));
	ctl->ops->stop(ctl->owner);
}

static void
dashboard(struct asker *c, json_t *request)
{
	control_answer(c, c->control->ops->dashboard(c->control->owner, request));
}

/* Who may ask besides the operator. */
#define AUDITOR (1 << ASKER_AUDITOR)
#define ACCOUNT (1 << ASKER_ACCOUNT)

static const struct {
	const char *op;
	void (*fn)(struct asker *c, json_t *request); /* NULL: the store knows */
	enum store_op store;
	unsigned who;
	bool quiet; /* changes nothing, though an auditor may not ask it */
} rows[] = {
	{ "token.add", control_token_add, .who = ACCOUNT },
	{ "token.list", NULL, STORE_TOKEN_LIST, AUDITOR | ACCOUNT },
	{ "token.revoke", NULL, STORE_TOKEN_REVOKE },
	{ "name.reserve", control_name_reserve },
	{ "name.release", NULL, STORE_NAME_RELEASE },
	{ "name.disable", NULL, STORE_NAME_DISABLE },
	{ "name.enable", NULL, STORE_NAME_ENABLE },
	{ "name.list", NULL, STORE_NAME_LIST, AUDITOR | ACCOUNT },
	{ "port.release", NULL, STORE_PORT_RELEASE },
	{ "tunnel.list", control_tunnel_list, .who = AUDITOR | ACCOUNT },
	{ "tunnel.disconnect", control_tunnel_disconnect },
	{ "overview", control_overview, .who = AUDITOR },
	{ "refused", control_refused, .who = AUDITOR },
	{ "status", control_status, .who = AUDITOR },
	{ "metrics", control_metrics, .who = AUDITOR },
	{ "limits", control_limits, .who = AUDITOR | ACCOUNT },
	{ "audit", control_audit, .who = AUDITOR },
	{ "log", control_log, .who = AUDITOR },
	{ "config", control_config, .who = AUDITOR },
	{ "wait", wait_up, .quiet = true },
	{ "dashboard.link", dashboard },
	{ "dashboard.sessions", dashboard, .quiet = true },
	{ "dashboard.end", dashboard },
	{ "reload", reload },
	{ "stop", stop },
};

/* Requests that other rooms answer. A prefix that ends with a dot stands for all that begin with it. */
static const struct {
	const char *op;
	unsigned who;
} elsewhere[] = {
	{ "inbox.list", AUDITOR | ACCOUNT },
	{ "inbox.show", AUDITOR | ACCOUNT },
	{ "inbox.stat", AUDITOR | ACCOUNT },
	{ "inbox.", ACCOUNT },
	{ "cert.list", AUDITOR },
	{ "cert.show", AUDITOR },
	{ "cert.", 0 },
	{ "domain.list", AUDITOR | ACCOUNT },
	{ "domain.", ACCOUNT },
};

static void
on_view(void *owner, json_t *answer)
{
	struct asker *c = owner;

	c->query = NULL;
	control_answer(c, answer);
}

static void
on_domain(void *owner, json_t *answer)
{
	struct asker *c = owner;

	c->domain = NULL;
	control_answer(c, answer);
}

/* The row that answers the request; the number of rows: other rooms do, or nobody. */
static size_t
find_row(const char *op)
{
	size_t i = 0;

	while (i < sizeof(rows) / sizeof(*rows) && strcmp(op, rows[i].op) != 0)
		i++;
	return i;
}

static bool
may_ask(const struct asker *a, const char *op, const json_t *request)
{
	size_t at = find_row(op);

	if (a->role == ASKER_OPERATOR)
		return true;
	if (at < sizeof(rows) / sizeof(*rows))
		return (rows[at].who & 1u << a->role) != 0;
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(*elsewhere); i++) {
		struct slice row = slice_str(elsewhere[i].op);

		if (!(slice_ends(row, S(".")) ? slice_starts(slice_str(op), row)
					      : slice_eq(slice_str(op), row)))
			continue;
		/* In clear only for whom it belongs to. */
		if (a->role == ASKER_AUDITOR && json_is_true(json_object_get(request, "raw")))
			return false;
		return (elsewhere[i].who & 1u << a->role) != 0;
	}
	return false;
}

/* True: a room answers, or has answered. */
static bool
ask_room(struct asker *a, const char *op, json_t *request)
{
	struct control *ctl = a->control;
	const char *account = a->role == ASKER_ACCOUNT ? a->account : NULL;

	if (strncmp(op, "inbox.", 6) == 0) {
		a->query =
		    query_ask(ctl->edge, &ctl->errands, account, op + 6, request, on_view, a);
		return true;
	}
	if (strncmp(op, "domain.", 7) == 0) {
		a->domain =
		    domain_ask(ctl->edge, &ctl->errands, account, op + 7, request, on_domain, a);
		return true;
	}
	return strncmp(op, "cert.", 5) == 0 && control_cert(a, op + 5, request);
}

bool
asker_changes(const char *op)
{
	static const struct asker auditor = { .role = ASKER_AUDITOR };
	size_t at = find_row(op);

	return !may_ask(&auditor, op, NULL) &&
	       !(at < sizeof(rows) / sizeof(*rows) && rows[at].quiet);
}

/* What was asked, for the line that is written with the answer. */
static void
begin_note(struct asker *a, const char *op, const json_t *request)
{
	bool opens = json_is_true(json_object_get(request, "raw"));

	a->op[0] = '\0';
	if (!asker_changes(op) && !opens)
		return;
	slice_copy(slice_str(op), a->op, sizeof(a->op));
	audit_about(request, a->about, sizeof(a->about));
}

void
asker_ask(struct asker *a, json_t *request)
{
	const char *op = json_string_value(json_object_get(request, "op"));
	size_t at;

	check(!asker_is_busy(a));
	if (op == NULL)
		op = "";
	begin_note(a, op, request);
	if (!may_ask(a, op, request)) {
		control_refuse(a, "forbidden",
		    "this is for the operator; ask for a link of that role");
		return;
	}
	if (a->role == ASKER_ACCOUNT &&
	    json_object_set_new(request, "account", json_string(a->account)) != 0) {
		control_refuse(a, "memory", "out of memory");
		return;
	}
	if (ask_room(a, op, request))
		return;
	at = find_row(op);
	if (at == sizeof(rows) / sizeof(*rows))
		control_refuse(a, "unknown-op", "there is no such request");
	else if (rows[at].fn != NULL)
		rows[at].fn(a, request);
	else
		control_store(a, request, rows[at].store);
}
