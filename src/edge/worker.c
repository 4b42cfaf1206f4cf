/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's thread: arrivals, orders, the tick, the stop. */
#include "edge/worker.h"

#include "base/log.h"
#include "base/rand.h"
#include "base/text.h"
#include "edge/courier.h"
#include "edge/crowd.h"
#include "edge/port.h"
#include "edge/session.h"
#include "edge/visitor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Deadlines are looked at by a walk over all visitors that takes TICKS_PER_WALK ticks. */
#define TICK_US (250 * 1000)
#define TICKS_PER_WALK 4
/* Those that made room are freed at the end of the turn. */
#define SLACK 1024

/* --- deadlines --- */

/* Looks at the front part of a list and puts it behind the rest. */
static void
walk(struct list *l, uint64_t n_all, void (*look)(struct list *node, int64_t now_us),
    int64_t now_us)
{
	for (uint64_t n = n_all / TICKS_PER_WALK + 1; n > 0 && !list_empty(l); n--) {
		struct list *node = list_pop(l);

		list_push(l, node);
		look(node, now_us);
	}
}

static void
look_at_visitor(struct list *node, int64_t now_us)
{
	visitor_tick(visitor_of(node), now_us);
}

static void
look_at_pipe(struct list *node, int64_t now_us)
{
	pipe_tick(pipe_of(node), now_us);
}

static void
on_tick(struct loop_timer *t)
{
	struct worker *w = list_of(t, struct worker, tick);
	int64_t now = loop_now_us(w->loop);

	w->ticking = false;
	walk(&w->visitor_list, w->counters.visitors, look_at_visitor, now);
	walk(&w->pipe_list, w->counters.pipes, look_at_pipe, now);
	if (!list_empty(&w->visitor_list) || !list_empty(&w->pipe_list))
		worker_tick(w);
}

void
worker_tick(struct worker *w)
{
	if (w->ticking)
		return;
	w->ticking = true;
	loop_timer_set(w->loop, &w->tick, TICK_US);
}

/* --- request ids: unique here and hard to guess, not secret (splitmix64) --- */

void
worker_request_id(struct worker *w, char dst[17])
{
	uint64_t z = w->id_state += 0x9E3779B97F4A7C15u;

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	z ^= z >> 31;
	text_hex(&z, sizeof(z), dst);
}

/* --- connections that come --- */

static void
arrive(struct worker *w, struct arrival *a)
{
	if (w->stopping || (w->draining && a->link))
		conn_close(&a->conn);
	else if (a->link)
		session_start(w, a);
	else
		visitor_start(w, a);
}

static void
on_arrival(struct loop *loop, struct loop_mail *m)
{
	struct arrival *a = list_of(m, struct arrival, mail);

	(void)loop;
	arrive(a->worker, a);
	free(a);
}

int
worker_send(struct worker *w, struct conn *conn, const struct sockaddr_storage *ss,
    const char *peer, const char *local, bool link, struct slice bytes)
{
	struct arrival *a = malloc(sizeof(*a) + bytes.n);

	if (a == NULL)
		return -1;
	a->mail.fn = on_arrival;
	a->worker = w;
	a->ss = *ss;
	a->link = link;
	a->n = bytes.n;
	snprintf(a->peer, sizeof(a->peer), "%s", peer);
	snprintf(a->local, sizeof(a->local), "%s", local);
	if (bytes.n > 0)
		memcpy(a->bytes, bytes.p, bytes.n);
	conn_move(&a->conn, conn, NULL);
	loop_post(w->loop, &a->mail);
	return 0;
}

static void
on_accepted(struct listener *l, int fd, const struct sockaddr_storage *ss, socklen_t len)
{
	struct worker *w = l->owner;
	struct arrival a = { .ss = *ss };

	conn_init(&a.conn, fd, NULL, NULL);
	addr_show(ss, len, a.peer, sizeof(a.peer));
	addr_local(fd, a.local, sizeof(a.local));
	arrive(w, &a);
}

struct worker *
worker_for_link(struct edge *e)
{
	struct worker *best = e->workers[0];

	for (unsigned i = 1; i < e->n_workers; i++)
		if (atomic_load_explicit(&e->workers[i]->counters.links, memory_order_relaxed) <
		    atomic_load_explicit(&best->counters.links, memory_order_relaxed))
			best = e->workers[i];
	return best;
}

/* --- orders from other threads --- */

struct order {
	struct loop_mail mail;
	struct worker *worker;
	void (*fn)(struct worker *w, const char *text); /* NULL: any text */
	char text[DIRECTORY_KEY_BYTES];
};

static void
on_order(struct loop *loop, struct loop_mail *m)
{
	struct order *o = list_of(m, struct order, mail);

	(void)loop;
	o->fn(o->worker, o->text);
	free(o);
}

static void
drain(struct worker *w)
{
	w->draining = true;
	listener_close(&w->http);
	LIST_EACH(it, &w->session_list)
		session_leave(list_of(it, struct session, node), LINK_CODE_SHUTDOWN,
		    "the edge is stopping");
	LIST_EACH(it, &w->visitor_list)
		visitor_close_idle(visitor_of(it));
	worker_check_idle(w);
}

static void
stop(struct worker *w)
{
	struct list *node;

	w->draining = w->stopping = true;
	listener_close(&w->http);
	while ((node = w->visitor_list.next) != &w->visitor_list)
		visitor_close(visitor_of(node));
	while ((node = w->pipe_list.next) != &w->pipe_list)
		pipe_close(pipe_of(node));
	while ((node = w->session_list.next) != &w->session_list)
		session_close(list_of(node, struct session, node), LINK_CODE_SHUTDOWN,
		    "the edge is stopping");
	loop_timer_stop(w->loop, &w->tick);
	worker_check_idle(w);
}

static void
use_settings(struct worker *w)
{
	struct settings *next = atomic_exchange(&w->next_settings, NULL);

	if (next == NULL)
		return; /* taken already: the order came between */
	settings_unref(w->settings);
	w->settings = next;
	w->sources.n_max = (size_t)w->settings->limits.visitors_per_address;
}

static void
revoke(struct worker *w, const char *token_id)
{
	LIST_EACH(it, &w->session_list) {
		struct session *s = list_of(it, struct session, node);

		if (token_id == NULL)
			session_close(s, LINK_CODE_BUSY, "the edge is out of memory");
		else if (strcmp(s->token_id, token_id) == 0)
			session_close(s, LINK_CODE_REVOKED, "the token was revoked");
	}
}

static struct tunnel *
fenced(struct worker *w)
{
	struct map_node *node = NULL;

	while ((node = map_walk(&w->tunnels, node)) != NULL) {
		struct tunnel *t = map_of(node, struct tunnel, by_key);

		if (!tunnel_serves(t))
			return t;
	}
	return NULL;
}

static void
fence(struct worker *w, const char *key)
{
	struct tunnel *t;

	if (key != NULL)
		session_fence(w, slice_str(key));
	while (key == NULL && (t = fenced(w)) != NULL)
		session_drop(t->session, t, "a newer link has the name, or it was released");
}

static void
kick_couriers(struct worker *w, const char *account)
{
	struct map_node *node = NULL;

	while ((node = map_walk(&w->tunnels, node)) != NULL) {
		struct tunnel *t = map_of(node, struct tunnel, by_key);

		if (t->courier != NULL &&
		    (account == NULL || account[0] == '\0' || strcmp(account, t->account) == 0))
			courier_kick(t->courier);
	}
}

static void
on_shortage(struct listener *l)
{
	crowd_shed(l->owner);
}

static void
on_orders(struct loop *loop, struct loop_mail *m)
{
	struct worker *w = list_of(m, struct worker, orders_mail);
	unsigned orders = atomic_exchange(&w->orders, 0);

	(void)loop;
	if (orders & WORKER_SETTINGS)
		use_settings(w);
	if (orders & WORKER_REVOKE)
		revoke(w, NULL);
	if (orders & WORKER_FENCE)
		fence(w, NULL);
	if (orders & WORKER_KICK)
		kick_couriers(w, NULL);
	if (orders & WORKER_SHED)
		crowd_shed(w);
	if (orders & WORKER_DRAIN)
		drain(w);
	if (orders & WORKER_STOP)
		stop(w);
}

void
worker_order(struct worker *w, enum worker_order order)
{
	if (atomic_fetch_or(&w->orders, (unsigned)order) == 0)
		loop_post(w->loop, &w->orders_mail);
}

static void
give(struct worker *w, enum worker_order order, void (*fn)(struct worker *, const char *),
    const char *text)
{
	struct order *o = calloc(1, sizeof(*o));

	if (o == NULL) {
		worker_order(w, order);
		return;
	}
	*o = (struct order){ .mail.fn = on_order, .worker = w, .fn = fn };
	snprintf(o->text, sizeof(o->text), "%s", text);
	loop_post(w->loop, &o->mail);
}

void
worker_use_settings(struct worker *w, struct settings *s)
{
	settings_unref(atomic_exchange(&w->next_settings, settings_ref(s)));
	worker_order(w, WORKER_SETTINGS);
}

void
worker_revoke(struct worker *w, const char *token_id)
{
	give(w, WORKER_REVOKE, revoke, token_id);
}

void
worker_fence(struct worker *w, const char *key)
{
	give(w, WORKER_FENCE, fence, key);
}

void
worker_kick_couriers(struct worker *w, const char *account)
{
	give(w, WORKER_KICK, kick_couriers, account);
}

void
worker_check_idle(struct worker *w)
{
	if (w->stopping) {
		if (w->errands.n_pending == 0)
			loop_stop(w->loop);
		return;
	}
	if (!w->draining || w->told_idle || !list_empty(&w->visitor_list) ||
	    !list_empty(&w->pipe_list))
		return;
	w->told_idle = true;
	edge_tell_idle(w->edge, w->index);
}

static void
on_came_home(struct errands *home)
{
	worker_check_idle(list_of(home, struct worker, errands));
}

/* --- life --- */

struct worker *
worker_new(struct edge *e, unsigned index, struct settings *s, int http_fd)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->loop = loop_new();
	if (w->loop == NULL || carrier_shared_init(&w->shared, LIMIT_LINKS) != 0) {
		if (w->loop != NULL)
			loop_free(w->loop);
		free(w);
		return NULL;
	}
	w->edge = e;
	w->index = index;
	w->settings = settings_ref(s);
	w->id_state = rand_u64();
	w->tick.fn = on_tick;
	w->errands = (struct errands){ .loop = w->loop, .came_home = on_came_home };
	w->orders_mail.fn = on_orders;
	map_init(&w->tunnels);
	sources_init(&w->sources, (size_t)s->limits.visitors_per_address, 2 * LIMIT_VISITORS);
	crowd_init(w);
	slab_init(&w->visitors, sizeof(struct visitor), (size_t)s->limits.visitors + SLACK);
	slab_init(&w->pipes, pipe_bytes, (size_t)s->limits.visitors + SLACK);
	slab_init(&w->exchanges, sizeof(struct exchange),
	    LIMIT_EXCHANGES + LIMIT_PARTIAL_HEADS + SLACK);
	slab_init(&w->sessions, sizeof(struct session), LIMIT_LINKS + SLACK);
	list_init(&w->visitor_list);
	list_init(&w->session_list);
	list_init(&w->pipe_list);
	buf_init(&w->page, WORKER_PAGE_BYTES);
	listener_init(&w->http);
	if (http_fd >= 0 && listener_open(&w->http, w->loop, http_fd, on_accepted, w) != 0) {
		worker_free(w);
		return NULL;
	}
	w->http.shortage = on_shortage;
	return w;
}

static void *
run(void *arg)
{
	struct worker *w = arg;

	loop_run(w->loop);
	return NULL;
}

int
worker_start(struct worker *w)
{
	int error = pthread_create(&w->thread, NULL, run, w);

	if (error != 0) {
		errno = error;
		return -1;
	}
	w->started = true;
	return 0;
}

void
worker_stop(struct worker *w)
{
	worker_order(w, WORKER_STOP);
	if (!w->started)
		return;
	pthread_join(w->thread, NULL);
	w->started = false;
}

void
worker_free(struct worker *w)
{
	if (w == NULL)
		return;
	/* Mail that came after the end of the thread: connections are closed, orders forgotten. */
	worker_order(w, WORKER_STOP);
	loop_run(w->loop);
	buf_fini(&w->page);
	slab_fini(&w->visitors);
	slab_fini(&w->pipes);
	slab_fini(&w->exchanges);
	slab_fini(&w->sessions);
	sources_fini(&w->sources);
	crowd_fini(w);
	map_fini(&w->tunnels);
	carrier_shared_fini(&w->shared);
	settings_unref(w->settings);
	settings_unref(w->next_settings);
	loop_free(w->loop);
	free(w);
}
