/* SPDX-License-Identifier: Apache-2.0 */
/* Accepts connections and drives TLS handshakes on a thread of its own. */
#include "edge/gate.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "edge/listener.h"
#include "edge/visitor.h"
#include "edge/worker.h"
#include "http/page.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct gate {
	struct edge *edge;
	pthread_t thread;
	bool started, stopping;
	struct loop *loop;
	struct listener listener;
	struct tls_server *server;
	struct tls_server *_Atomic next_server; /* the one that it is told to use */
	_Atomic unsigned orders;                /* from the main thread, not done yet */
	struct loop_mail orders_mail;
	struct sources sources;
	struct slab handshakes;
	struct list list;
	_Atomic uint64_t begun, failed;
};

struct handshake {
	struct conn conn;
	struct gate *gate;
	struct list node;
	struct loop_timer deadline;
	struct loop_grave grave;
	struct source *source;
	struct sockaddr_storage ss;
	char peer[PEER_TEXT_BYTES];
};

static void
on_grave(struct loop_grave *g)
{
	struct handshake *h = list_of(g, struct handshake, grave);

	slab_put(&h->gate->handshakes, h);
}

/* The connection has gone on, or is closed here. */
static void
finish(struct handshake *h)
{
	struct gate *g = h->gate;

	conn_close(&h->conn);
	loop_timer_stop(g->loop, &h->deadline);
	sources_put(&g->sources, h->source);
	list_del(&h->node);
	loop_bury(g->loop, &h->grave, on_grave);
}

/* --- where a finished connection goes --- */

static struct worker *
worker_for_visitor(struct edge *e, const char *sni)
{
	struct slice name = edge_name_of(e, slice_str(sni));
	unsigned at = 0;

	if (name.n > 0 && directory_find(e->directory, name, &at) == DIRECTORY_UP)
		return e->workers[at];
	return e->workers[atomic_fetch_add_explicit(&e->next_worker, 1, memory_order_relaxed) %
			  e->n_workers];
}

static void
go_on(struct handshake *h)
{
	struct edge *e = h->gate->edge;
	bool link = slice_eq(tls_alpn(h->conn.tls), S(TLS_ALPN_LINK));
	struct worker *w = link ? worker_for_link(e) : worker_for_visitor(e, tls_sni(h->conn.tls));
	char local[PEER_TEXT_BYTES];

	visitor_local_text(h->conn.io.fd, local);
	conn_detach(&h->conn);
	if (worker_send(w, &h->conn, &h->ss, h->peer, local, link, S("")) != 0)
		log_event(LOG_ERROR, "no-memory", LOG_Z("peer", h->peer));
	finish(h);
}

/* Somebody wrote http:// where https:// is spoken: an answer that can be read beats a broken
 * connection. */
static void
answer_plain(struct handshake *h)
{
	struct page page = {
		.code = CLOSE_PLAIN_HTTP_ON_TLS,
		.request_id = S("-"),
		.wall_ms = clock_wall_ms(),
	};
	struct buf out;
	char request[4096];
	struct iovec iov = { request, sizeof(request) };
	size_t n;

	counter_add(&h->gate->failed, 1);
	(void)loop_recv(h->conn.io.fd, &iov, 1, &n); /* or close() would reset */
	buf_init(&out, LIMIT_HEAD_BYTES);
	page_write(&out, &page);
	iov = (struct iovec){ out.p, out.n };
	if (!out.failed)
		(void)loop_send(h->conn.io.fd, &iov, 1, &n);
	loop_shutdown(h->conn.io.fd);
	buf_fini(&out);
}

/*
 * The first byte is looked at before OpenSSL eats it: a letter begins a method of HTTP, 22 a
 * handshake. The TLS state is made only now, so that who connects and says nothing costs little.
 * False: the connection is over, or nothing has come yet.
 */
static bool
begin(struct handshake *h)
{
	struct gate *g = h->gate;
	char first = 0;
	ssize_t n;

	do
		n = recv(h->conn.io.fd, &first, 1, MSG_PEEK | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n > 0 && first >= 'A' && first <= 'Z') {
		answer_plain(h);
		finish(h);
		return false;
	}
	if (n > 0)
		h->conn.tls = tls_accept(g->server);
	if (h->conn.tls != NULL)
		return true;
	counter_add(&g->failed, 1);
	finish(h);
	return false;
}

static void
on_conn(struct conn *c, unsigned events)
{
	struct handshake *h = list_of(c, struct handshake, conn);

	(void)events;
	if (c->tls == NULL && !begin(h))
		return;
	switch (conn_handshake(c)) {
	case IO_OK:
		go_on(h);
		return;
	case IO_WAIT:
		return;
	case IO_EOF:
	case IO_FAIL:
		break;
	}
	counter_add(&h->gate->failed, 1);
	log_event(LOG_DEBUG, "handshake-failed", LOG_Z("peer", h->peer),
	    LOG_Z("why", conn_error(c)));
	finish(h);
}

static void
on_deadline(struct loop_timer *t)
{
	struct handshake *h = list_of(t, struct handshake, deadline);

	counter_add(&h->gate->failed, 1);
	log_event(LOG_DEBUG, "handshake-slow", LOG_Z("peer", h->peer));
	finish(h);
}

static void
on_accepted(struct listener *l, int fd, const struct sockaddr_storage *ss, socklen_t len)
{
	struct gate *g = l->owner;
	struct source *source = NULL;
	struct source_key key;
	struct handshake *h = NULL;

	counter_add(&g->begun, 1);
	if (!source_key(ss, &key) || (source = sources_take(&g->sources, &key)) != NULL)
		h = slab_get(&g->handshakes);
	if (h == NULL) {
		counter_add(&g->failed, 1);
		sources_put(&g->sources, source);
		loop_close(fd);
		return;
	}
	h->gate = g;
	h->source = source;
	h->ss = *ss;
	addr_show(ss, len, h->peer, sizeof(h->peer));
	h->deadline.fn = on_deadline;
	list_push(&g->list, &h->node);
	conn_init(&h->conn, fd, NULL, on_conn);
	conn_tune(&h->conn, 0, 0);
	loop_timer_set(g->loop, &h->deadline, (int64_t)LIMIT_TLS_HANDSHAKE_MS * 1000);
	if (conn_attach(&h->conn, g->loop) != 0)
		finish(h);
}

/* --- orders, a bit each: they need no memory --- */

enum { ORDER_SERVER = 1, ORDER_DRAIN = 2, ORDER_STOP = 4 };

static void
on_orders(struct loop *loop, struct loop_mail *m)
{
	struct gate *g = list_of(m, struct gate, orders_mail);
	unsigned orders = atomic_exchange(&g->orders, 0);
	struct tls_server *next = atomic_exchange(&g->next_server, NULL);

	if (next != NULL) {
		tls_server_unref(g->server);
		g->server = next;
	}
	if (orders & (ORDER_DRAIN | ORDER_STOP))
		listener_close(&g->listener);
	if (orders & ORDER_STOP) {
		while (!list_empty(&g->list))
			finish(list_of(g->list.next, struct handshake, node));
		loop_stop(loop);
	}
}

static void
give_order(struct gate *g, unsigned order)
{
	if (atomic_fetch_or(&g->orders, order) == 0)
		loop_post(g->loop, &g->orders_mail);
}

void
gate_use_server(struct gate *g, struct tls_server *server)
{
	tls_server_unref(atomic_exchange(&g->next_server, server));
	give_order(g, ORDER_SERVER);
}

void
gate_drain(struct gate *g)
{
	give_order(g, ORDER_DRAIN);
}

/* --- life --- */

struct gate *
gate_new(struct edge *e, int fd, struct tls_server *server)
{
	struct gate *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->loop = loop_new();
	if (g->loop == NULL) {
		free(g);
		return NULL;
	}
	g->edge = e;
	g->server = server;
	g->orders_mail.fn = on_orders;
	list_init(&g->list);
	listener_init(&g->listener);
	sources_init(&g->sources, LIMIT_HANDSHAKES_PER_ADDRESS, LIMIT_HANDSHAKES);
	slab_init(&g->handshakes, sizeof(struct handshake), LIMIT_HANDSHAKES);
	if (listener_open(&g->listener, g->loop, fd, on_accepted, g) != 0) {
		gate_free(g);
		return NULL;
	}
	return g;
}

static void *
run(void *arg)
{
	struct gate *g = arg;

	loop_run(g->loop);
	return NULL;
}

int
gate_start(struct gate *g)
{
	int error = pthread_create(&g->thread, NULL, run, g);

	if (error != 0) {
		errno = error;
		return -1;
	}
	g->started = true;
	return 0;
}

void
gate_stop(struct gate *g)
{
	if (!g->started)
		return;
	give_order(g, ORDER_STOP);
	pthread_join(g->thread, NULL);
	g->started = false;
}

void
gate_free(struct gate *g)
{
	if (g == NULL)
		return;
	listener_close(&g->listener);
	sources_fini(&g->sources);
	slab_fini(&g->handshakes);
	tls_server_unref(g->server);
	tls_server_unref(g->next_server);
	loop_free(g->loop);
	free(g);
}

void
gate_counters(const struct gate *g, uint64_t *ret_begun, uint64_t *ret_failed)
{
	*ret_begun = atomic_load_explicit(&g->begun, memory_order_relaxed);
	*ret_failed = atomic_load_explicit(&g->failed, memory_order_relaxed);
}
