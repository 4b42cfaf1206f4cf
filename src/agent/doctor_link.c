/* SPDX-License-Identifier: Apache-2.0 */
/* One question to the edge over a link without tunnels, waited for. */
#include "agent/doctor_link.h"

#include "agent/edge_dial.h"
#include "base/clock.h"
#include "relay/carrier.h"
#include "tunnel/hello.h"

#include <stdio.h>
#include <stdlib.h>

struct asking {
	struct doctor_link *answer;
	struct loop *loop;
	struct edge_dial dial;
	struct carrier_shared shared;
	struct carrier carrier;
	bool carried, over;
	struct loop_timer deadline;
	struct loop_task end;
	const char *token, *member, *value;
	struct hello hello;
};

static void
fail(struct asking *a, const char *why)
{
	if (a->over)
		return;
	if (a->answer->why[0] == '\0')
		snprintf(a->answer->why, sizeof(a->answer->why), "%s", why);
	loop_at_end(a->loop, &a->end);
}

static void
on_end(struct loop_task *t)
{
	struct asking *a = list_of(t, struct asking, end);

	a->over = true;
	edge_dial_cancel(&a->dial);
	loop_timer_stop(a->loop, &a->deadline);
	if (a->carried)
		carrier_close(&a->carrier, LINK_CODE_OK, "asked");
	loop_stop(a->loop);
}

static void
on_deadline(struct loop_timer *t)
{
	struct asking *a = list_of(t, struct asking, deadline);

	if (!a->answer->reached)
		fail(a, "the edge does not answer");
	else if (!a->answer->welcomed)
		fail(a, "the edge did not answer the HELLO");
	else
		fail(a, "the edge did not answer the question: it may be older than this program");
}

static void
ask(struct asking *a)
{
	struct buf b;

	buf_init(&b, 2048);
	buf_printf(&b, "{\"type\":\"probe\",\"%s\":", a->member);
	buf_json(&b, slice_str(a->value));
	buf_putc(&b, '}');
	a->answer->asked_ms = clock_wall_ms();
	carrier_control(&a->carrier, buf_slice(&b));
	buf_fini(&b);
}

static void
take_probe(struct asking *a, struct slice json)
{
	json_t *o = json_loadb(json.p, json.n, 0, NULL);
	const char *type = json_string_value(json_object_get(o, "type"));

	if (type == NULL || strcmp(type, "probe") != 0) {
		json_decref(o);
		return;
	}
	a->answer->probe = o;
	a->answer->answered_ms = clock_wall_ms();
	loop_at_end(a->loop, &a->end);
}

static void
on_control(struct carrier *c, struct slice json)
{
	struct asking *a = c->owner;
	const char *why;

	if (a->answer->probe != NULL)
		return;
	if (!hello_decode(json, &a->hello, &why)) {
		fail(a, "the edge sent a malformed message");
		return;
	}
	switch (a->hello.type) {
	case HELLO_WELCOME:
		a->answer->welcomed = true;
		ask(a);
		break;
	case HELLO_REFUSED:
		snprintf(a->answer->code, sizeof(a->answer->code), "%s", a->hello.code);
		fail(a, a->hello.text[0] != '\0' ? a->hello.text : a->hello.code);
		break;
	case HELLO_OTHER:
		take_probe(a, json);
		break;
	case HELLO_HELLO:
	case HELLO_REPLACED:
	case HELLO_PROBED:
		break;
	}
	hello_wipe(&a->hello);
}

static void
on_goaway(struct carrier *c, uint32_t code, uint32_t retry_ms)
{
	struct asking *a = c->owner;

	(void)retry_ms;
	if (code == LINK_CODE_REVOKED)
		snprintf(a->answer->code, sizeof(a->answer->code), "token-revoked");
	fail(a, code == LINK_CODE_REVOKED ? "the token was revoked" : "the edge says goodbye");
}

static void
on_closed(struct carrier *c, uint32_t code, const char *why)
{
	struct asking *a = c->owner;

	(void)code;
	a->carried = false;
	if (a->answer->probe == NULL)
		fail(a, why);
}

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
	if (b.p != NULL)
		explicit_bzero(b.p, b.cap);
	buf_fini(&b);
}

static void
on_dialled(struct edge_dial *d, struct conn *conn, const char *why)
{
	struct asking *a = list_of(d, struct asking, dial);

	if (conn == NULL) {
		fail(a, why);
		return;
	}
	a->answer->reached = true;
	if (carrier_init(&a->carrier, a->loop, &a->shared, conn, LINK_AGENT, &ops, a) != 0) {
		conn_close(conn);
		fail(a, "out of memory");
		return;
	}
	a->carried = true;
	say_hello(a);
}

static void
run(struct asking *a, struct resolver *r, const char *edge, const char *ca, int64_t timeout_ms)
{
	char *error = edge_dial_init(&a->dial, a->loop, r, edge, ca);

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
	d->probe = NULL;
}
