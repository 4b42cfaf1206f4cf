/* SPDX-License-Identifier: Apache-2.0 */
/* The byte stream of a TCP or TLS tunnel's visitor, from accept() to both its ends. */
#include "edge/tcp/tcp_pipe.h"

#include "base/log.h"
#include "edge/tcp/passthrough.h"
#include "edge/tcp/tcp.h"

#include <stdio.h>

static void
on_pipe_grave(struct loop_grave *g)
{
	struct tcp_pipe *p = list_of(g, struct tcp_pipe, grave);

	check(p->dead && p->flow.stream == NULL && !share_takes(&p->share));
	slab_put(&p->worker->tcp->pipes, p);
}

/* The one end of a pipe. Harmless twice: both sides may break in one turn. */
static void
finish(struct tcp_pipe *p, const char *how)
{
	struct worker *w = p->worker;

	if (p->dead)
		return;
	p->dead = true;
	log_event(LOG_INFO, "stream", LOG_Z("id", p->id), LOG_Z("tunnel", p->tunnel),
	    LOG_Z("peer", p->peer), LOG_Z("end", how), LOG_U("rx", p->flow.rx_bytes),
	    LOG_U("tx", p->flow.tx_bytes),
	    LOG_U("ms", (loop_now_us(w->loop) - p->start_us) / 1000));
	counter_add(&w->counters.rx_bytes, p->flow.rx_bytes);
	counter_add(&w->counters.tx_bytes, p->flow.tx_bytes);
	gauge_down(&w->counters.tcp);
	flow_end(&p->flow, LINK_CODE_CANCELLED);
	conn_close(&p->conn);
	sources_put(&w->sources, p->source);
	shares_leave(&w->tcp->shares, &p->share);
	list_del(&p->node);
	loop_bury(w->loop, &p->grave, on_pipe_grave);
	worker_check_idle(w);
}

/*
 * The visitor sees a reset rather than an end in order, since the stream did not end in order. Where
 * TLS was not answered yet, it can still be said in its own words.
 */
static void
abort_pipe(struct tcp_pipe *p, const char *how)
{
	if (!p->dead && p->tls && p->flow.tx_bytes == 0) {
		int fd = p->conn.io.fd;

		conn_detach(&p->conn);
		conn_init(&p->conn, -1, NULL, NULL);
		passthrough_refuse(fd);
	} else if (!p->dead) {
		conn_will_reset(&p->conn);
	}
	finish(p, how);
}

void
tcp_pipe_close(struct tcp_pipe *p)
{
	abort_pipe(p, "stopped");
}

/* There is no head: the first bytes are body already. */
static size_t
on_head(struct flow *f, struct slice bytes, bool fin)
{
	(void)bytes;
	(void)fin;
	flow_outlet(f, FLOW_RAW, 0, S(""));
	return 0;
}

static void
on_inlet_done(struct flow *f)
{
	struct tcp_pipe *p = f->owner;

	check(!p->dead && !p->in_over); /* each direction ends once */
	p->in_over = true;
	if (p->out_over)
		finish(p, "ok");
}

static void
on_outlet_done(struct flow *f)
{
	struct tcp_pipe *p = f->owner;

	check(!p->dead && !p->out_over);
	p->out_over = true;
	if (p->in_over)
		finish(p, "ok");
}

/* The agent that has sent all, and wants to hear no more, says so with code 0 (doc/protocol.txt). */
static void
on_reset(struct flow *f, uint32_t code)
{
	if (code == LINK_CODE_OK && f->carrier != NULL && f->out_fin)
		finish(f->owner, "ok");
	else
		abort_pipe(f->owner, f->carrier == NULL ? "link-lost" : link_code_name(code));
}

/*
 * An end in order that came too early, or a reset by the visitor: the log does not
 * tell them apart.
 */
static void
on_broken(struct flow *f, enum close_code bad)
{
	(void)bad;
	finish(f->owner, "visitor-gone");
}

static const struct flow_ops ops = {
	.head = on_head,
	.inlet_done = on_inlet_done,
	.outlet_done = on_outlet_done,
	.reset = on_reset,
	.conn_broken = on_broken,
};

static void
on_conn(struct conn *c, unsigned events)
{
	struct tcp_pipe *p = list_of(c, struct tcp_pipe, conn);

	if (!p->dead)
		flow_conn_event(&p->flow, events);
}

void
tcp_pipe_tick(struct tcp_pipe *p, int64_t now_us)
{
	int64_t idle_ms = p->worker->settings->limits.stream_idle_ms;

	check(!p->dead); /* the dead are not in the list */
	if (idle_ms != 0 && now_us - p->flow.active_us > idle_ms * 1000)
		abort_pipe(p, "idle");
}

/* Couples the visitor with a new stream. False: the pipe is over. */
static bool
start(struct tcp_pipe *p, struct tunnel *t, const struct tcp_visitor *v)
{
	struct opening o = {
		.kind = OPENING_BYTES,
		.request_id = slice_str(p->id),
		.visitor = slice_str(p->peer),
		.local = slice_str(v->local),
		.sni = v->sni,
		.alpn = v->alpn,
	};

	return tunnel_begin(t, &p->flow, &p->conn, &ops, p) == CLOSE_OK &&
	       tunnel_send_head(t, &p->flow, &o, S("")) == 0 &&
	       flow_inlet(&p->flow, FLOW_RAW, NULL, S("")) == 0;
}

/* False: there is no room. */
static bool
let_in(struct worker *w, struct tcp_pipe *p, const struct tunnel *t)
{
	struct shares *s = &w->tcp->shares;
	struct share *victim = NULL;
	enum lobby_room room;

	share_of(&p->share, t->account, p->source == NULL ? NULL : &p->source->key);
	while ((room = shares_room(s, &p->share, 1, &victim)) == LOBBY_VICTIM)
		abort_pipe(list_of(victim, struct tcp_pipe, share), "crowded-out");
	return room == LOBBY_ROOM && shares_take(s, &p->share, 1);
}

/*
 * A pipe that was let in is closed as every other, also when its stream cannot begin: the
 * visitor sees a reset and may try again.
 */
void
tcp_pipe_start(struct worker *w, struct tunnel *t, const struct tcp_visitor *v)
{
	struct tcp_pipe *p = slab_get(&w->tcp->pipes);

	if (p != NULL)
		p->source = v->source;
	if (p == NULL || !let_in(w, p, t)) {
		if (p != NULL)
			slab_put(&w->tcp->pipes, p);
		sources_put(&w->sources, v->source);
		if (t->kind == TUNNEL_TLS)
			passthrough_refuse(v->fd);
		else
			loop_close(v->fd);
		return;
	}
	p->worker = w;
	p->start_us = loop_now_us(w->loop);
	worker_request_id(w, p->id);
	snprintf(p->tunnel, sizeof(p->tunnel), "%s", t->route->key);
	snprintf(p->peer, sizeof(p->peer), "%s", v->peer);
	p->tls = t->kind == TUNNEL_TLS;
	conn_init(&p->conn, v->fd, NULL, on_conn);
	conn_tune(&p->conn, 0, LIMIT_NOTSENT_BYTES);
	list_push(&w->tcp->list, &p->node);
	worker_tick(w);
	counter_add(&w->counters.tcp, 1);
	counter_add(&w->counters.tcp_total, 1);
	if (!start(p, t, v))
		abort_pipe(p, "no-stream");
	else if (conn_attach(&p->conn, w->loop) != 0)
		abort_pipe(p, "no-memory");
}
