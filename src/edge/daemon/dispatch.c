/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker's rooms do with arrivals, ticks and orders. */
#include "edge/daemon/dispatch.h"

#include "edge/inbox/courier.h"
#include "edge/link/links.h"
#include "edge/tcp/passthrough.h"
#include "edge/tcp/tcp.h"
#include "edge/visit/visit.h"

static void
arrived(struct worker *w, struct arrival *a)
{
	/*
	 * An agent tries again and finds the next edge. A visitor is let in while the edge
	 * drains: he may have been accepted before, and is told 503.
	 */
	if (w->stopping || (w->draining && a->kind == ARRIVAL_LINK)) {
		conn_close(&a->conn);
		return;
	}
	switch (a->kind) {
	case ARRIVAL_VISITOR:
		visit_arrived(w, a);
		return;
	case ARRIVAL_LINK:
		links_arrived(w, a);
		return;
	case ARRIVAL_TLS:
		passthrough_arrived(w, a);
		return;
	}
}

static bool
tick(struct worker *w, int64_t now_us)
{
	bool visitors = visit_tick(w, now_us), pipes = tcp_tick(w, now_us);

	return visitors || pipes;
}

/* --- orders --- */

/*
 * Visitors who are idle go now, others with their answer. TCP streams have no such moment:
 * the deadline ends them.
 */
static void
drain(struct worker *w)
{
	w->draining = true;
	listener_close(&w->http);
	links_leave(w);
	visit_drain(w);
	worker_check_idle(w);
}

/*
 * Links last: whatever goes through them is cut at its own end first, and is
 * logged as that.
 */
static void
stop(struct worker *w)
{
	w->draining = w->stopping = true;
	listener_close(&w->http);
	visit_cut(w);
	tcp_cut(w);
	links_cut(w);
	loop_timer_stop(w->loop, &w->tick);
	check(w->counters.visitors == 0 && w->counters.tcp == 0 && w->counters.links == 0);
	worker_check_idle(w);
}

static void
obey(struct worker *w, enum worker_order order, const char *text)
{
	switch (order) {
	case WORKER_SETTINGS:
		return; /* the worker's own */
	case WORKER_REVOKE:
		links_revoke(w, text);
		return;
	case WORKER_FENCE:
		links_fence(w, text);
		return;
	case WORKER_DISCONNECT:
		links_disconnect(w, text);
		return;
	case WORKER_KICK:
		couriers_kick(w, text);
		return;
	case WORKER_SHED:
		visit_shed(w);
		return;
	case WORKER_DRAIN:
		drain(w);
		return;
	case WORKER_STOP:
		stop(w);
		return;
	}
}

static const struct worker_calls calls = { .arrived = arrived, .tick = tick, .obey = obey };

/* --- plain HTTP --- */

/* It has come to its worker already, so it takes no mail. */
static void
on_accepted(struct listener *l, int fd, const struct sockaddr_storage *ss, socklen_t len)
{
	struct arrival a = { .ss = *ss };

	conn_init(&a.conn, fd, NULL, NULL);
	addr_show(ss, len, a.peer, sizeof(a.peer));
	addr_local(fd, a.local, sizeof(a.local));
	arrived(l->owner, &a);
}

static void
on_shortage(struct listener *l)
{
	visit_shed(l->owner);
}

/* --- life --- */

struct worker *
dispatch_new(struct edge *e, unsigned index, struct settings *s, int http_fd)
{
	struct worker *w = worker_new(e, index, s, &calls);

	if (w == NULL)
		return NULL;
	w->visit = visit_new(s);
	w->tcp = tcp_new(s);
	w->links = links_new();
	if (w->visit == NULL || w->tcp == NULL || w->links == NULL ||
	    (http_fd >= 0 && listener_open(&w->http, w->loop, http_fd, on_accepted, w) != 0)) {
		dispatch_free(w);
		return NULL;
	}
	w->http.shortage = on_shortage;
	listener_expect_proxies(&w->http, &e->started->proxies.http);
	return w;
}

void
dispatch_free(struct worker *w)
{
	if (w == NULL)
		return;
	/* Mail that came after the end of the thread: connections are closed, orders forgotten. */
	worker_order(w, WORKER_STOP);
	loop_run(w->loop);
	check(w->stopping && w->counters.visitors == 0 && w->counters.links == 0);
	visit_free(w->visit);
	tcp_free(w->tcp);
	links_free(w->links);
	worker_free(w);
}
