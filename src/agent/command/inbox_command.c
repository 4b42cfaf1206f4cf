/* SPDX-License-Identifier: Apache-2.0 */
/* `adit inbox`: carries the talk of hook/inboxtalk over a link of its own. */
#include "agent/command/inbox_command.h"

#include "agent/link/agent.h"
#include "agent/core/exit_code.h"
#include "agent/core/login.h"
#include "agent/link/uplink.h"
#include "base/clock.h"
#include "base/tell.h"
#include "hook/inboxtalk.h"

#include <stdlib.h>

/* `tail` asks this often where nothing has come: it is for people who watch. */
#define TAIL_US 1000000
/* The longest answer is one delivery whole, whose bytes may be printed as four each. */
#define OUT_BYTES (4 * LIMIT_INBOX_BODY_BYTES)
/*
 * A link takes 64 control frames at once and 16 a second (doc/protocol.txt, section 8).  Pages of
 * lists weigh less, as the edge says with its answer.  Of what else there is, and of an older edge,
 * the first ones are asked for at once and the others at a pace that leaves room for other frames.
 */
#define ASK_AT_ONCE 32
#define PACE_US 80000

struct inbox_link {
	struct inboxtalk talk;
	struct client *client;   /* NULL until the first call of on_talk() */
	json_int_t seq, n_paced; /* of the last request; how many had no leave to go at once */
	bool at_once;            /* the last answer said that the next may be asked for */
	struct buf out;          /* what is printed of one answer */
};

/* Sends the talk's request in its envelope: a type, and a number by which its answer is known. */
static void
ask(struct inbox_link *l)
{
	json_t *request = json_deep_copy(l->talk.request);
	char *text;

	check(json_is_object(l->talk.request)); /* ASK promises one */
	json_object_set_new(request, "type", json_string("inbox"));
	json_object_set_new(request, "seq", json_integer(++l->seq));
	text = json_dumps(request, JSON_COMPACT);
	json_decref(request);
	if (text == NULL)
		client_finish(l->client, EXIT_BROKE);
	else
		client_say(l->client, slice_str(text));
	free(text);
}

/* What one answer was good for has been put into l->out; step says what follows. Where nobody
 * reads it any more (head), the talk ends, too. */
static void
go_on(struct inbox_link *l, enum inboxtalk_step step)
{
	bool good = tell_answer(&l->out);

	check(l->seq > 0); /* it was an answer to something */
	switch (good ? step : INBOXTALK_DONE) {
	case INBOXTALK_ASK:
		if (l->at_once || l->n_paced++ < ASK_AT_ONCE)
			ask(l);
		else
			client_later(l->client, PACE_US);
		return;
	case INBOXTALK_WAIT:
		client_later(l->client, TAIL_US);
		return;
	case INBOXTALK_DONE:
		client_finish(l->client, good ? EXIT_STOPPED : EXIT_BROKE);
		return;
	case INBOXTALK_FAILED:
		tell_error(l->talk.code, "%s", l->talk.why);
		l->client->why[0] = '\0'; /* agent_run() would say it once more */
		client_finish(l->client, EXIT_BROKE);
		return;
	}
}

/*
 * As struct client.talk: json is a message of the edge, or empty at the welcome and when
 * the time of client_later() is over. An answer to another request than the last is too
 * late and is passed over.
 */
static void
on_talk(struct client *c, struct slice json, void *owner)
{
	struct inbox_link *l = owner;
	json_error_t error;
	json_t *answer;

	check(l->client == NULL || l->client == c);
	l->client = c;
	if (json.n == 0) {
		ask(l);
		return;
	}
	answer = json_loadb(json.p, json.n, 0, &error);
	if (json_integer_value(json_object_get(answer, "seq")) == l->seq) {
		const char *type = json_string_value(json_object_get(answer, "type"));

		l->at_once = json_is_true(json_object_get(answer, "at_once"));
		/* Its answers are CONTROL frames that count against the edge here, as
		 * our questions do there. */
		if (l->at_once && c->session != NULL)
			link_forgive(&c->session->carrier.link);
		/* The talk knows answers without their envelope. */
		json_object_del(answer, "seq");
		json_object_del(answer, "at_once");
		if (type != NULL && strcmp(type, "inbox") == 0 &&
		    json_object_del(answer, "type") == 0)
			go_on(l, inboxtalk_next(&l->talk, answer, &l->out));
	}
	json_decref(answer);
}

/* Finds edge and token, and talks until the talk is over. An exit code. */
static int
run(struct inbox_link *l, const struct options *o)
{
	struct login e;
	int rc = login_open(&e, o);

	if (rc != 0)
		return rc;
	rc = agent_talk(&e, on_talk, l);
	login_close(&e);
	return rc;
}

int
inbox_command(const struct options *o)
{
	const struct inboxtalk_options options = {
		.tunnel = o->tunnel,
		.event = o->event,
		.repository = o->repository,
		.states = o->state,
		.since = o->since,
		.until = o->until,
		.limit = o->limit,
		.to = o->to,
		.json = o->json,
		.raw = o->raw,
	};
	struct inbox_link l = { 0 };
	int rc;

	buf_init(&l.out, OUT_BYTES);
	if (inboxtalk_start(&l.talk, &options, o->n_args, o->args, clock_wall_ms()) ==
	    INBOXTALK_FAILED)
		rc = usage_error("%s", l.talk.why);
	else
		rc = run(&l, o);
	inboxtalk_fini(&l.talk);
	buf_fini(&l.out);
	return rc;
}
