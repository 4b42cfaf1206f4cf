/* SPDX-License-Identifier: Apache-2.0 */
/* Asks through the tunnels, and takes what the edge says of it (through.h). */
#include "agent/link/through.h"

#include "base/clock.h"

#include <jansson.h>
#include <stdlib.h>

static bool
can_be_asked(const struct agent_tunnel *t, int64_t now_us)
{
	return t->state == TUNNEL_UP && t->ask.kind == TUNNEL_HTTP && !t->probing &&
	       (t->answer.at_us == 0 || now_us - t->answer.at_us >= LIMIT_SCREEN_ASK_MS * 1000LL);
}

static void
ask(struct client *c, const struct agent_tunnel *t)
{
	json_t *o = json_pack("{s:s, s:s, s:b}", "type", "probe", "name", t->label, "through", 1);
	char *text = o == NULL ? NULL : json_dumps(o, JSON_COMPACT);

	if (text != NULL)
		client_say(c, slice_str(text));
	free(text);
	json_decref(o);
}

void
through_ask(struct client *c)
{
	size_t n = c->serve->n_tunnels;
	int64_t now = loop_now_us(c->loop);

	if (c->state != CLIENT_UP ||
	    (c->through.asked_us != 0 && now - c->through.asked_us < LIMIT_PROBE_MS * 1000LL))
		return;
	for (size_t k = 0; k < n; k++) {
		size_t i = (c->through.next + k) % n;

		if (!can_be_asked(&c->serve->tunnels[i], now))
			continue;
		c->through.next = i + 1;
		c->through.asked_us = now;
		ask(c, &c->serve->tunnels[i]);
		return;
	}
}

void
through_told(struct client *c, struct agent_tunnel *t, const char *code, unsigned status,
    int64_t us)
{
	bool answered = strcmp(code, "ok") == 0;

	serve_answer(c->serve, t, answered ? status : 0, us);
	if (!answered)
		return;
	c->through.status = status;
	c->through.us = us;
	c->through.at_ms = clock_wall_ms();
}

static uint64_t
count_at(const json_t *o, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(o, key));

	return n < 0 ? 0 : (uint64_t)n;
}

static struct agent_tunnel *
find(struct client *c, const char *label)
{
	for (size_t i = 0; label != NULL && i < c->serve->n_tunnels; i++) {
		struct agent_tunnel *t = &c->serve->tunnels[i];

		if (t->state == TUNNEL_UP && strcmp(t->label, label) == 0)
			return t;
	}
	return NULL;
}

/* doc/protocol.txt: how the local server answered, and what waits for it. */
static void
take(struct client *c, struct agent_tunnel *t, const json_t *o)
{
	const json_t *origin = json_object_get(o, "origin"), *inbox = json_object_get(o, "inbox");
	const char *code = json_string_value(json_object_get(origin, "probe"));

	if (c->serve->capture != NULL)
		rows_inbox(capture_rows(c->serve->capture), serve_index(c->serve, t),
		    count_at(inbox, "queued") + count_at(inbox, "leased"),
		    count_at(inbox, "parked"), (int64_t)count_at(inbox, "oldest_ms"));
	if (code == NULL)
		return;
	through_told(c, t, code, (unsigned)count_at(origin, "status"),
	    (int64_t)count_at(origin, "us"));
	if (strcmp(code, "ok") == 0)
		serve_answered(c->serve, t);
	else if (strncmp(code, "origin-", 7) == 0 && !t->failing)
		serve_fails(c->serve, t, strcmp(code, "origin-refused") == 0);
}

void
through_take(struct client *c, struct slice json)
{
	json_t *o = json_loadb(json.p, json.n, 0, NULL);
	const char *type = json_string_value(json_object_get(o, "type"));
	struct agent_tunnel *t = NULL;

	if (type != NULL && strcmp(type, "probe") == 0)
		t = find(c, json_string_value(json_object_get(o, "name")));
	if (t != NULL)
		take(c, t, o);
	json_decref(o);
}
