/* SPDX-License-Identifier: Apache-2.0 */
/* A HEAD request of the edge's own through a tunnel, for "online". */
#include "edge/link/health.h"

#include "edge/link/session.h"
#include "http/close.h"

#include <stdio.h>
#include <stdlib.h>

/* Behind the turn: finish() is called from within the flow. */
static void
release(struct loop_grave *g)
{
	free(list_of(g, struct health, grave));
}

/* The first outcome counts. */
static void
finish(struct health *t, const char *code)
{
	check(code != NULL); /* what stands for "not over yet" */
	if (t->code != NULL)
		return;
	t->code = code;
	t->us = loop_now_us(t->loop) - t->start_us;
	loop_timer_stop(t->loop, &t->timer);
	flow_end(&t->flow, LINK_CODE_CANCELLED);
	t->done(t);
	loop_bury(t->loop, &t->grave, release);
}

static void
on_timer(struct loop_timer *timer)
{
	finish(list_of(timer, struct health, timer), close_row(CLOSE_ORIGIN_SILENT)->name);
}

/* --- the stream; the flow has no connection: the answer ends here --- */

/* Any final status will do, 500 as well: somebody has answered. */
static size_t
on_head(struct flow *f, struct slice bytes, bool fin)
{
	struct health *t = f->owner;
	size_t n;

	check(t->code == NULL); /* the outcome ends the flow */
	switch (h1_head(&t->res, bytes)) {
	case H1_DONE:
		break;
	case H1_MORE:
		if (fin)
			finish(t, close_row(CLOSE_ORIGIN_BROKE)->name);
		return 0;
	case H1_DATA:
	case H1_BAD:
		finish(t, close_row(CLOSE_ORIGIN_BAD_RESPONSE)->name);
		return 0;
	}
	n = t->res.head.n_bytes;
	/* 101 to a HEAD that asked for nothing is an answer, too, if a strange one. */
	if (t->res.head.status < 200 && t->res.head.status != 101) {
		h1_reset(&t->res);
		return n;
	}
	t->status = t->res.head.status;
	finish(t, close_row(CLOSE_OK)->name);
	return n;
}

static void
on_reset(struct flow *f, uint32_t code)
{
	finish(f->owner, close_row(flow_close_code(f, code))->name);
}

static void
on_done(struct flow *f)
{
	(void)f;
}

static void
on_broken(struct flow *f, enum close_code bad)
{
	(void)f;
	(void)bad; /* there is no connection */
}

static const struct flow_ops ops = {
	.head = on_head,
	.inlet_done = on_done,
	.outlet_done = on_done,
	.reset = on_reset,
	.conn_broken = on_broken,
};

/* --- the request --- */

static int
send_request(struct health *t, struct tunnel *tunnel)
{
	char url[330], head[1024], id[17];
	const struct policy *p = tunnel->policy;
	struct slice context = p != NULL ? p->context : S(""), none = { 0 };
	struct worker *w = tunnel->worker;
	struct opening o = { .kind = OPENING_HTTP,
		.request_id = slice_of(id, 16),
		.visitor = S("probe"),
		.local = S("probe") };
	int len;

	worker_request_id(w, id);
	edge_url(w->edge, tunnel->route->key, url, sizeof(url));
	len = snprintf(head, sizeof(head),
	    "HEAD %.*s/ HTTP/1.1\r\nHost: %s\r\nUser-Agent: adit-probe/" ADIT_VERSION
	    "\r\nAccept: */*\r\nadit-request-id: %s\r\n\r\n",
	    PS(context), strstr(url, "://") + 3, id);
	if (len < 0 || (size_t)len >= sizeof(head) ||
	    tunnel_send_head(tunnel, &t->flow, &o, slice_of(head, (size_t)len)) != 0)
		return -1;
	return flow_inlet(&t->flow, FLOW_NONE, NULL, none);
}

bool
health_start(struct tunnel *tunnel, void (*done)(struct health *t), void *owner)
{
	struct health *t = calloc(1, sizeof(*t));

	check(tunnel->kind == TUNNEL_HTTP); /* no other is asked: what answers need not be HTTP */
	if (t == NULL)
		return false;
	if (tunnel_begin(tunnel, &t->flow, NULL, &ops, t) != CLOSE_OK) {
		free(t);
		return false;
	}
	t->done = done;
	t->owner = owner;
	t->loop = tunnel->worker->loop;
	t->start_us = loop_now_us(t->loop);
	t->timer.fn = on_timer;
	h1_init(&t->res, H1_RESPONSE);
	t->res.inside = true;
	t->res.head_request = true;
	if (send_request(t, tunnel) != 0) {
		flow_end(&t->flow, LINK_CODE_INTERNAL);
		free(t);
		return false;
	}
	loop_timer_set(t->loop, &t->timer, (int64_t)LIMIT_PROBE_MS * 1000);
	return true;
}

/* --- behind a welcome --- */

static void
tell(struct session *s, uint16_t id, const struct health *t)
{
	struct hello *h = calloc(1, sizeof(*h));
	struct buf out;

	if (h == NULL)
		return; /* the agent does not wait for ever */
	h->type = HELLO_PROBED;
	h->id = id;
	snprintf(h->code, sizeof(h->code), "%s", t->code);
	h->status = t->status;
	h->us = (uint64_t)t->us;
	buf_init(&out, 1024);
	hello_encode(h, &out);
	if (!out.failed)
		carrier_control(&s->carrier, buf_slice(&out));
	buf_fini(&out);
	free(h);
}

/* The link's end tells its flows before the session is over. The place is kept until then. */
static void
on_probed(struct health *t)
{
	struct tunnel *tunnel = t->owner;

	tunnel->probing = false;
	if (tunnel->session->state == SESSION_UP && tunnel->up)
		tell(tunnel->session, tunnel->id, t);
}

void
health_session(struct session *s)
{
	struct health failed = { .code = close_row(CLOSE_TOO_MANY_STREAMS)->name };

	for (size_t i = 0; i < s->n_tunnels; i++) {
		struct tunnel *t = session_tunnel(s, i);

		if (!t->up || t->kind != TUNNEL_HTTP || t->asked)
			continue;
		t->asked = true;
		t->probing = health_start(t, on_probed, t);
		if (!t->probing)
			tell(s, t->id, &failed);
	}
}
