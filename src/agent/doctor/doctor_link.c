/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One question to the edge over a link without tunnels, waited for.
 *
 *	DIAL -> HELLO -> PROBE -> INBOX (up to three lists) -> OVER
 *
 * Each step may fail, and the deadline of all ends it; what was learnt until then
 * stands in the answer.
 */
#include "agent/doctor/doctor_link.h"

#include "agent/link/edge_dial.h"
#include "base/clock.h"
#include "relay/carrier.h"
#include "tunnel/hello.h"

#include <stdio.h>
#include <stdlib.h>

/* Of each list: the newest say what is wrong now. */
#define INBOX_ROWS 20

/* Any of them may be left for OVER: by a failure, the end of the link, or the deadline. */
enum asking_state {
	/* The edge is dialled.  Its connection leaves it. */
	ASKING_DIAL,
	/* HELLO is sent.  The edge's welcome leaves it. */
	ASKING_HELLO,
	/* The question is sent.  Its answer leaves it. */
	ASKING_PROBE,
	/* Lists of the inbox are asked for, one after the other.  The last answer leaves it. */
	ASKING_INBOX,
	/* Nothing is asked or listened to any more; all is closed at the end of the turn. */
	ASKING_OVER,
};

/* Lives for one question, on a loop of its own. */
struct asking {
	enum asking_state state;
	struct doctor_link *answer;
	size_t n_asked; /* lists of the inbox: the answer to the last has this number as its seq */
	struct loop *loop;
	struct edge_dial dial;
	struct carrier_shared shared;
	struct carrier carrier;
	bool carried; /* the carrier lives, and has not called on_closed() */
	struct loop_timer deadline;
	struct loop_task end;
	const char *token, *member, *value;
	struct hello hello;
};

/* clang-format off */
static const unsigned predecessors[] = {
	[ASKING_DIAL] = 0, /* born in it */
	[ASKING_HELLO] = 1 << ASKING_DIAL,
	[ASKING_PROBE] = 1 << ASKING_HELLO,
	[ASKING_INBOX] = 1 << ASKING_PROBE,
	[ASKING_OVER] = 1 << ASKING_DIAL | 1 << ASKING_HELLO | 1 << ASKING_PROBE |
	    1 << ASKING_INBOX,
};
/* clang-format on */

/* The only writer of the state. */
static void
move(struct asking *a, enum asking_state to)
{
	check(predecessors[to] & 1u << a->state);
	check(a->carried || to == ASKING_HELLO || to == ASKING_OVER);
	a->state = to;
}

/* The carrier is closed at the end of the turn, where it is not in the middle of its work. */
static void
finish(struct asking *a)
{
	if (a->state == ASKING_OVER)
		return;
	move(a, ASKING_OVER);
	edge_dial_cancel(&a->dial);
	loop_timer_stop(a->loop, &a->deadline);
	loop_at_end(a->loop, &a->end);
}

/* The first reason is told: those that follow are its consequences. */
static void
fail(struct asking *a, const char *why)
{
	if (a->state == ASKING_OVER)
		return;
	snprintf(a->answer->why, sizeof(a->answer->why), "%s", why);
	finish(a);
}

static void
on_end(struct loop_task *t)
{
	struct asking *a = list_of(t, struct asking, end);

	check(a->state == ASKING_OVER);
	if (a->carried)
		carrier_close(&a->carrier, LINK_CODE_OK, "asked");
	check(!a->carried); /* on_closed() came */
	loop_stop(a->loop);
}

/* Says how far it came: people read another cause from each. */
static void
on_deadline(struct loop_timer *t)
{
	struct asking *a = list_of(t, struct asking, deadline);

	check(a->state != ASKING_OVER); /* finish() has stopped the timer */
	switch (a->state) {
	case ASKING_DIAL:
		fail(a, "the edge does not answer");
		break;
	case ASKING_HELLO:
		fail(a, "the edge did not answer the HELLO");
		break;
	case ASKING_PROBE:
		fail(a, "the edge did not answer the question: it may be older than this program");
		break;
	case ASKING_INBOX:
		finish(a); /* what the edge says of the tunnel is known: enough without its inbox */
		break;
	case ASKING_OVER:
		break;
	}
}

/* The answer has what the edge knows of the tunnel, and a ticket for requests through it
 * (edge/link/status_message.h). asked_ms: for the clock of the edge against ours. */
static void
ask(struct asking *a)
{
	struct buf b;

	check(a->carried && a->state == ASKING_PROBE);
	buf_init(&b, 2048);
	buf_printf(&b, "{\"type\":\"probe\",\"%s\":", a->member);
	buf_json(&b, slice_str(a->value));
	buf_putc(&b, '}');
	a->answer->asked_ms = clock_wall_ms();
	carrier_control(&a->carrier, buf_slice(&b));
	buf_fini(&b);
}

/* --- what lies in the inbox --- */

/* States that are told together, and the member of the answer that gets the list. */
static const struct {
	const char *states[4];
	size_t at;
} lists[] = {
	{ { "parked", "dead" }, offsetof(struct doctor_link, stuck) },
	{ { "received", "queued", "leased" }, offsetof(struct doctor_link, waiting) },
	{ { "delivered" }, offsetof(struct doctor_link, delivered) },
};
#define N_LISTS (sizeof(lists) / sizeof(*lists))

/* How many the edge has counted in the states of a list. */
static json_int_t
counted(const struct asking *a, size_t list)
{
	const json_t *counts = json_object_get(a->answer->probe, "inbox");
	json_int_t n = 0;

	for (size_t i = 0; i < 4 && lists[list].states[i] != NULL; i++)
		n += json_integer_value(json_object_get(counts, lists[list].states[i]));
	return n;
}

/* Asks for the next list that has something in it, or ends. */
static void
ask_inbox(struct asking *a)
{
	json_t *states, *question;
	char *text;

	while (a->n_asked < N_LISTS && counted(a, a->n_asked) == 0)
		a->n_asked++;
	if (a->n_asked == N_LISTS) {
		finish(a);
		return;
	}
	states = json_array();
	for (size_t i = 0; i < 4 && lists[a->n_asked].states[i] != NULL; i++)
		json_array_append_new(states, json_string(lists[a->n_asked].states[i]));
	question = json_pack("{s:s, s:i, s:s, s:i, s:O, s:o}", "type", "inbox", "seq",
	    (int)++a->n_asked, "op", "list", "limit", INBOX_ROWS, "tunnel",
	    json_object_get(a->answer->probe, "name"), "states", states);
	text = question == NULL ? NULL : json_dumps(question, JSON_COMPACT);
	if (text != NULL)
		carrier_control(&a->carrier, slice_str(text));
	else
		finish(a);
	free(text);
	json_decref(question);
}

/* What is not a list is an answer, too: the next one is asked for. */
static void
take_list(struct asking *a, json_t *answer)
{
	json_t *rows = json_object_get(answer, "rows"),
	       **dst = (json_t **)(void *)((char *)a->answer + lists[a->n_asked - 1].at);

	check(a->n_asked >= 1 && a->n_asked <= N_LISTS && *dst == NULL);
	if (json_is_array(rows))
		*dst = json_incref(rows);
	ask_inbox(a);
}

/* A message of a type that is no part of HELLO. Others than those that were asked for are passed
 * over: the edge may be newer. */
static void
take_answer(struct asking *a, struct slice json)
{
	json_t *o = json_loadb(json.p, json.n, 0, NULL);
	const char *type = json_string_value(json_object_get(o, "type"));

	if (type == NULL) {
		json_decref(o);
		return;
	}
	if (a->state == ASKING_PROBE && strcmp(type, "probe") == 0) {
		move(a, ASKING_INBOX);
		a->answer->probe = json_incref(o);
		a->answer->answered_ms = clock_wall_ms();
		ask_inbox(a);
	} else if (a->state == ASKING_INBOX && strcmp(type, "inbox") == 0 &&
		   json_integer_value(json_object_get(o, "seq")) == (json_int_t)a->n_asked) {
		take_list(a, o);
	}
	json_decref(o);
}

static void
on_control(struct carrier *c, struct slice json)
{
	struct asking *a = c->owner;
	const char *why;

	check(c == &a->carrier && a->carried && a->state != ASKING_DIAL);
	if (a->state == ASKING_OVER)
		return;
	if (!hello_decode(json, &a->hello, &why)) {
		fail(a, "the edge sent a malformed message");
		return;
	}
	switch (a->hello.type) {
	case HELLO_WELCOME:
		if (a->hello.protocol > LINK_PROTOCOL) {
			fail(a, "the edge chose a later protocol than this program speaks");
			break;
		}
		if (a->state != ASKING_HELLO)
			break; /* one is enough */
		a->answer->welcomed = true;
		move(a, ASKING_PROBE);
		ask(a);
		break;
	case HELLO_REFUSED:
		snprintf(a->answer->code, sizeof(a->answer->code), "%s", a->hello.code);
		fail(a, a->hello.text[0] != '\0' ? a->hello.text : a->hello.code);
		break;
	case HELLO_OTHER:
		take_answer(a, json);
		break;
	/* These are about tunnels, or an agent's own: nothing here could be meant. */
	case HELLO_HELLO:
	case HELLO_REPLACED:
	case HELLO_PROBED:
	case HELLO_WAITING:
	case HELLO_BIND:
	case HELLO_BOUND:
	case HELLO_UNBIND:
	case HELLO_ACTIVITY:
		break;
	}
	hello_wipe(&a->hello);
}

/* An edge that stops or is full says so before it welcomes anybody. */
static void
on_goaway(struct carrier *c, uint32_t code, uint32_t retry_ms)
{
	struct asking *a = c->owner;

	(void)retry_ms;
	check(c == &a->carrier && a->carried && a->state != ASKING_DIAL);
	/* Also behind a refusal: this says the same for programs. */
	if (code == LINK_CODE_REVOKED)
		snprintf(a->answer->code, sizeof(a->answer->code), "token-revoked");
	fail(a, code == LINK_CODE_REVOKED ? "the token was revoked" : "the edge ended the link");
}

/* The end of the link is the end of the talk; a failure only where nothing was learnt. */
static void
on_closed(struct carrier *c, uint32_t code, const char *why)
{
	struct asking *a = c->owner;

	(void)code;
	check(c == &a->carrier && a->carried);
	a->carried = false;
	if (a->answer->probe == NULL)
		fail(a, why);
	else
		finish(a);
}

/* The edge has no reason to: no tunnel was named. */
static void
on_opened(struct carrier *c, struct stream *s, struct slice opening)
{
	(void)c;
	(void)opening;
	stream_reset(s, LINK_CODE_NO_TUNNEL);
	stream_free(s);
}

static const struct carrier_ops ops = {
	.opened = on_opened,
	.control = on_control,
	.goaway = on_goaway,
	.closed = on_closed,
};

/* Without tunnels and without an instance: no other agent is replaced. */
static void
say_hello(struct asking *a)
{
	struct hello *h = &a->hello;
	struct buf b;

	*h = (struct hello){ .type = HELLO_HELLO, .protocol = LINK_PROTOCOL };
	snprintf(h->program, sizeof(h->program), "adit/%s", ADIT_VERSION);
	snprintf(h->token, sizeof(h->token), "%s", a->token);
	buf_init(&b, LIMIT_CONTROL_BYTES);
	hello_encode(h, &b);
	hello_wipe(h);
	carrier_control(&a->carrier, buf_slice(&b));
	/* The token was in it. */
	if (b.p != NULL)
		explicit_bzero(b.p, b.cap);
	buf_fini(&b);
}

static void
on_dialled(struct edge_dial *d, struct conn *conn, const char *why)
{
	struct asking *a = list_of(d, struct asking, dial);

	check(!a->carried && a->state == ASKING_DIAL && (conn == NULL) == (why != NULL));
	if (conn == NULL) {
		fail(a, why);
		return;
	}
	a->answer->reached = true; /* what fails from here on is no matter of the way there */
	if (carrier_init(&a->carrier, a->loop, &a->shared, conn, LINK_AGENT, &ops, a) != 0) {
		conn_close(conn);
		fail(a, "out of memory");
		return;
	}
	move(a, ASKING_HELLO);
	a->carried = true;
	say_hello(a);
}

static void
run(struct asking *a, struct resolver *r, const char *edge, const char *ca, int64_t timeout_ms)
{
	char *error = edge_dial_init(&a->dial, a->loop, r, edge, ca, true);

	if (error != NULL) {
		snprintf(a->answer->why, sizeof(a->answer->why), "%s", error);
		free(error);
		return;
	}
	a->dial.done = on_dialled;
	a->deadline.fn = on_deadline;
	loop_task_init(&a->end, on_end);
	loop_timer_set(a->loop, &a->deadline, timeout_ms * 1000);
	edge_dial_start(&a->dial);
	loop_run(a->loop);
	check(a->state == ASKING_OVER && !a->carried);
	edge_dial_fini(&a->dial);
}

void
doctor_link_ask(const char *edge, const char *ca, const char *token, const char *member,
    const char *value, int64_t timeout_ms, struct doctor_link *ret)
{
	struct asking *a = calloc(1, sizeof(*a));
	struct resolver *r = NULL;

	*ret = (struct doctor_link){ 0 };
	if (a == NULL)
		return;
	a->answer = ret;
	a->token = token;
	a->member = member;
	a->value = value;
	a->loop = loop_new();
	if (a->loop != NULL)
		r = resolver_new(a->loop);
	if (r != NULL && carrier_shared_init(&a->shared, 1) == 0) {
		run(a, r, edge, ca, timeout_ms);
		carrier_shared_fini(&a->shared);
	}
	if (r != NULL)
		resolver_free(r);
	if (a->loop != NULL)
		loop_free(a->loop);
	free(a);
}

void
doctor_link_fini(struct doctor_link *d)
{
	json_decref(d->probe);
	json_decref(d->stuck);
	json_decref(d->waiting);
	json_decref(d->delivered);
	d->probe = d->stuck = d->waiting = d->delivered = NULL;
}
