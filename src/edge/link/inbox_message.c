/* SPDX-License-Identifier: Apache-2.0 */
/* Answers an agent's questions about the inbox of its account. */
#include "edge/link/inbox_message.h"

#include "edge/inbox/query.h"

#include <stdlib.h>

/* Pages of lists: one at a time, each with a bounded work. */
static bool
is_page(json_t *request)
{
	const char *op = json_string_value(json_object_get(request, "op"));

	return op != NULL && (strcmp(op, "list") == 0 || strcmp(op, "export") == 0);
}

static bool
is_stat(json_t *request)
{
	const char *op = json_string_value(json_object_get(request, "op"));

	return op != NULL && strcmp(op, "stat") == 0;
}

static void
answer_view(struct session *s, json_t *answer)
{
	char *text;

	check(s->state != SESSION_OVER); /* its end abandons the query */
	json_object_set_new(answer, "type", json_string("inbox"));
	json_object_set_new(answer, "seq", json_integer((json_int_t)s->query_seq));
	if (s->view_stat) {
		const struct settings *set = s->worker->settings;

		json_object_set_new(answer, "keep_days", json_integer(set->inbox.keep_days));
		json_object_set_new(answer, "keep_failed_days",
		    json_integer(set->inbox.keep_failed_days));
	}
	/*
	 * A page was worth the work, and the next may be asked for at once: what it cost is
	 * not held against the link.
	 */
	if (s->view_page) {
		json_object_set_new(answer, "at_once", json_true());
		link_forgive(&s->carrier.link);
	}
	text = json_dumps(answer, JSON_COMPACT);
	if (text != NULL && strlen(text) <= LIMIT_CONTROL_BYTES)
		carrier_control(&s->carrier, slice_str(text));
	else
		session_close(s, LINK_CODE_INTERNAL, "an answer of the inbox is too large");
	free(text);
	json_decref(answer);
}

static void
on_view(void *owner, json_t *answer)
{
	struct session *s = owner;

	s->query = NULL;
	answer_view(s, answer);
}

/*
 * The account is the session's: what the request says of it does not count (query_read()).
 */
void
inbox_message(struct session *s, json_t *request)
{
	if (s->query != NULL) {
		session_close(s, LINK_CODE_PROTOCOL, "one request of the inbox at a time");
		return;
	}
	s->query_seq = (uint64_t)json_integer_value(json_object_get(request, "seq"));
	s->view_page = is_page(request);
	s->view_stat = is_stat(request);
	s->query = query_ask(s->worker->edge, &s->worker->errands, s->account,
	    json_string_value(json_object_get(request, "op")), request, on_view, s);
}
