/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of questions, and the pace at which they go out (edge_ask.h). */
#include "agent/inspect/edge_ask.h"

#include "agent/link/uplink.h"

#include <stdlib.h>

/* Looked at while somebody waits: is it the same link, is it time for the next one? */
#define LOOK_US 50000
/* An edge that is older, or busy, may say nothing. */
#define SILENT_US 20000000
/*
 * A link takes 64 control frames at once and 16 a second (doc/protocol.txt, section 8); the agent itself needs some.
 * So 32 go at once, and each takes 80 ms to be forgiven.
 */
#define PACE_US 80000
#define AT_ONCE 32

static bool
is_sent(const struct edge_asks *l)
{
	return l->asked != NULL && !l->orphan;
}

static struct edge_ask *
first(struct edge_asks *l)
{
	return list_of(l->waiting.next, struct edge_ask, node);
}

static void
answer(struct edge_ask *a, json_t *with)
{
	list_del(&a->node);
	json_decref(a->request);
	a->request = NULL;
	a->answered(a, with);
}

static void
send_first(struct edge_asks *l)
{
	int64_t now = loop_now_us(l->client->loop);
	char *text;

	json_object_set_new(first(l)->request, "type", json_string("inbox"));
	json_object_set_new(first(l)->request, "seq", json_integer(++l->seq));
	text = json_dumps(first(l)->request, JSON_COMPACT);
	if (text == NULL)
		return; /* again a little later */
	if (l->credit_us < now - (int64_t)AT_ONCE * PACE_US)
		l->credit_us = now - (int64_t)AT_ONCE * PACE_US;
	l->credit_us += PACE_US;
	l->asked = l->client->session;
	l->asked_us = now;
	client_say(l->client, slice_str(text));
	free(text);
}

static void
on_timer(struct loop_timer *t)
{
	struct edge_asks *l = list_of(t, struct edge_asks, timer);
	bool up = l->client->state == CLIENT_UP && l->client->session != NULL;
	int64_t now = loop_now_us(l->client->loop);

	/* The answer went with its link. */
	if (l->asked != NULL && (!up || l->client->session != l->asked)) {
		bool sent = is_sent(l);

		l->asked = NULL;
		l->orphan = false;
		if (sent)
			answer(first(l), NULL);
	}
	/* It may come still: until then this link takes no other question. */
	if (is_sent(l) && now - l->asked_us > SILENT_US) {
		l->orphan = true;
		answer(first(l), NULL);
	}
	if (!up)
		while (!list_empty(&l->waiting))
			answer(first(l), NULL);
	if (l->asked == NULL && !list_empty(&l->waiting) && l->credit_us <= now)
		send_first(l);
	if (l->asked != NULL || !list_empty(&l->waiting))
		loop_timer_set(l->client->loop, &l->timer, LOOK_US);
}

/* As client_ear.heard. */
static void
on_heard(struct client_ear *e, struct client *c, struct slice json)
{
	struct edge_asks *l = list_of(e, struct edge_asks, ear);
	bool orphan = l->orphan;
	const char *type;
	json_t *o;

	if (l->asked == NULL || c->session != l->asked)
		return;
	o = json_loadb(json.p, json.n, 0, NULL);
	type = json_string_value(json_object_get(o, "type"));
	if (type != NULL && strcmp(type, "inbox") == 0 &&
	    json_integer_value(json_object_get(o, "seq")) == l->seq) {
		if (json_is_true(json_object_get(o, "at_once")))
			link_forgive(&c->session->carrier.link);
		l->asked = NULL;
		l->orphan = false;
		if (!orphan)
			answer(first(l), o);
		loop_timer_set(c->loop, &l->timer, 0);
	}
	json_decref(o);
}

void
edge_ask(struct edge_asks *l, struct edge_ask *a, json_t *request)
{
	a->request = request;
	list_push(&l->waiting, &a->node);
	loop_timer_set(l->client->loop, &l->timer, 0);
}

void
edge_ask_leave(struct edge_asks *l, struct edge_ask *a)
{
	if (is_sent(l) && first(l) == a)
		l->orphan = true;
	list_del(&a->node);
	json_decref(a->request);
	a->request = NULL;
}

void
edge_asks_begin(struct edge_asks *l, struct client *c)
{
	*l = (struct edge_asks){ .client = c, .ear.heard = on_heard, .timer.fn = on_timer };
	list_init(&l->waiting);
	client_listen(c, &l->ear);
}

void
edge_asks_end(struct edge_asks *l)
{
	check(list_empty(&l->waiting)); /* the server has gone before */
	client_unlisten(&l->ear);
	loop_timer_stop(l->client->loop, &l->timer);
}
