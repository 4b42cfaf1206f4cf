/* SPDX-License-Identifier: Apache-2.0 */
/* Carries an agent's questions about own domains to the main loop, and answers back. */
#include "edge/link/domain_message.h"

#include "edge/domain/ask.h"

#include <stdlib.h>

static void
say(struct session *s, json_t *answer, const char *op, const char *name)
{
	char *text;

	json_object_set_new(answer, "type", json_string("domain"));
	json_object_set_new(answer, "op", json_string(op));
	json_object_set_new(answer, "name", json_string(name));
	text = json_dumps(answer, JSON_COMPACT);
	json_decref(answer);
	if (text != NULL && strlen(text) <= LIMIT_CONTROL_BYTES)
		carrier_control(&s->carrier, slice_str(text));
	free(text);
}

static const char *
text_at(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text != NULL ? text : "";
}

static void
on_answer(void *owner, json_t *answer)
{
	struct session *s = owner;
	json_t *request = s->domain_request;

	check(s->state != SESSION_OVER); /* its end abandons the ask */
	s->domain = NULL;
	s->domain_request = NULL;
	say(s, answer, text_at(request, "op"), text_at(request, "name"));
	json_decref(request);
}

/* One at a time: whoever has several waits for each answer. */
void
domain_message(struct session *s, const json_t *request)
{
	if (s->domain_request != NULL) {
		say(s,
		    json_pack("{s:b, s:s, s:s}", "ok", 0, "code", "busy", "text",
			"one question about own domains at a time"),
		    text_at(request, "op"), text_at(request, "name"));
		return;
	}
	s->domain_request =
	    json_pack("{s:s, s:s}", "op", text_at(request, "op"), "name", text_at(request, "name"));
	if (s->domain_request == NULL)
		return; /* no memory, or a name that is no UTF-8: whoever asks gives up after a while */
	s->domain = domain_ask(s->worker->edge, &s->worker->errands, s->account,
	    text_at(request, "op"), request, on_answer, s);
}

void
domain_message_abandon(struct session *s)
{
	domain_abandon(s->domain);
	s->domain = NULL;
	json_decref(s->domain_request);
	s->domain_request = NULL;
}
