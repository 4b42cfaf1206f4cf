/* SPDX-License-Identifier: Apache-2.0 */
/* Accepts connections and drives TLS handshakes on a thread of its own. */
#include "edge/accept/acceptor.h"

#include "base/limits.h"
#include "base/log.h"
#include "edge/accept/first.h"
#include "edge/core/listener.h"
#include "edge/core/lobby.h"
#include "edge/core/own_domain.h"
#include "edge/core/worker.h"
#include "hook/policy.h"
#include "edge/tcp/passthrough.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

/* Those that were shown out are freed at the end of the turn. */
#define SLACK 1024
#define SHED 64

struct acceptor {
	struct edge *edge;
	pthread_t thread;
	bool started, stopping;
	struct loop *loop;
	struct listener listener;
	struct tls_server *server;
	struct tls_server *_Atomic next_server; /* the one that it is told to use */
	_Atomic unsigned orders;                /* from the main thread, not done yet */
	struct loop_mail orders_mail;
	struct lobby silent, visitors, links;
	struct slab handshakes;
	struct list list;
	_Atomic uint64_t begun, failed;
};

struct accept_handshake {
	struct conn conn;
	struct acceptor *acceptor;
	struct list node;
	struct loop_timer deadline;
	struct loop_grave grave;
	struct lobby *lobby; /* that it waits in */
	struct lobby_guest guest;
	struct sockaddr_storage ss;
	int64_t since_us;
	char peer[PEER_TEXT_BYTES];
};

static void
on_grave(struct loop_grave *g)
{
	struct accept_handshake *h = list_of(g, struct accept_handshake, grave);

	check(!lobby_has(&h->guest) && !conn_is_open(&h->conn));
	slab_put(&h->acceptor->handshakes, h);
}

/* The connection has gone on, or is closed here. */
static void
finish(struct accept_handshake *h)
{
	struct acceptor *g = h->acceptor;

	check(!list_empty(&h->node)); /* once: the second time it would be in no list */
	conn_close(&h->conn);
	loop_timer_stop(g->loop, &h->deadline);
	lobby_leave(h->lobby, &h->guest);
	list_del(&h->node);
	loop_bury(g->loop, &h->grave, on_grave);
}

/* --- lobbies --- */

/* Without an answer: no TLS is through yet in which one could be given. */
static void
show_out(struct accept_handshake *h)
{
	counter_add(&h->acceptor->failed, 1);
	log_event(LOG_DEBUG, "handshake-crowded-out", LOG_Z("peer", h->peer));
	finish(h);
}

/* False: it cannot be let in. */
static bool
enter(struct lobby *l, struct accept_handshake *h)
{
	struct source_key at, *key = source_key(&h->ss, &at) ? &at : NULL;
	struct lobby_guest *victim = NULL;
	enum lobby_room room;

	while ((room = lobby_room(l, key, &victim)) == LOBBY_VICTIM)
		show_out(list_of(victim, struct accept_handshake, guest));
	if (room != LOBBY_ROOM || !lobby_enter(l, &h->guest, key))
		return false;
	h->lobby = l;
	return true;
}

/* Descriptors are short: those who cost one and have done nothing for it go first. */
static void
on_shortage(struct listener *listener)
{
	struct acceptor *g = listener->owner;
	struct lobby *const all[] = { &g->silent, &g->visitors, &g->links };

	for (int i = 0, n = SHED; i < 3; i++) {
		struct lobby_guest *victim;

		while (n > 0 && (victim = lobby_victim(all[i])) != NULL) {
			struct accept_handshake *h =
			    list_of(victim, struct accept_handshake, guest);

			if (loop_now_us(g->loop) - h->since_us < LISTENER_FRESH_US)
				break;
			show_out(h);
			n--;
		}
	}
	for (unsigned i = 0; i < g->edge->n_workers; i++)
		worker_order(g->edge->workers[i], WORKER_SHED);
}

/* --- where a finished connection goes --- */

/*
 * Where the tunnel of the SNI is, so that he need not be moved; anybody else goes in turn.
 */
static struct worker *
worker_for_visitor(struct edge *e, const char *sni)
{
	char key[DIRECTORY_KEY_BYTES];
	struct slice name = own_domain_tunnel(e, slice_str(sni), key);
	unsigned at = 0;

	if (name.n > 0 && directory_find(e->directory, name, &at) == DIRECTORY_UP)
		return edge_worker(e, at);
	return e->workers[atomic_fetch_add_explicit(&e->next_worker, 1, memory_order_relaxed) %
			  e->n_workers];
}

/* Without memory the connection is closed here: finish() ends what was not moved. */
static void
go_on(struct accept_handshake *h)
{
	struct edge *e = h->acceptor->edge;
	bool link = slice_eq(tls_alpn(h->conn.tls), S(TLS_ALPN_LINK));
	struct worker *w = link ? worker_for_link(e) : worker_for_visitor(e, tls_sni(h->conn.tls));
	char local[PEER_TEXT_BYTES];

	addr_local(h->conn.io.fd, local, sizeof(local));
	conn_detach(&h->conn);
	if (worker_send(w, &h->conn, &h->ss, h->peer, local, link ? ARRIVAL_LINK : ARRIVAL_VISITOR,
		S("")) != 0)
		log_event(LOG_ERROR, "no-memory", LOG_Z("peer", h->peer));
	finish(h);
}

/* His TLS is nobody's affair here: the bytes are where they were, and he goes as he is. */
static void
pass_on(struct accept_handshake *h, unsigned at, const struct clienthello *hello)
{
	struct acceptor *g = h->acceptor;

	conn_detach(&h->conn);
	if (passthrough_send(edge_worker(g->edge, at), &h->conn, &h->ss, h->peer, hello) != 0)
		log_event(LOG_ERROR, "no-memory", LOG_Z("peer", h->peer));
	finish(h);
}

static void
refuse_away(struct accept_handshake *h, const struct clienthello *hello)
{
	int fd = h->conn.io.fd;

	counter_add(&h->acceptor->failed, 1);
	log_event(LOG_INFO, "tls-refused", LOG_Z("name", hello->sni), LOG_Z("peer", h->peer),
	    LOG_Z("why", "its agent is not connected"));
	conn_detach(&h->conn);
	conn_init(&h->conn, -1, NULL, NULL);
	passthrough_refuse(fd);
	finish(h);
}

/* What is left of the time for a whole handshake. */
static void
set_deadline(struct accept_handshake *h)
{
	struct loop *l = h->acceptor->loop;
	int64_t left = h->since_us + (int64_t)LIMIT_TLS_HANDSHAKE_MS * 1000 - loop_now_us(l);

	loop_timer_set(l, &h->deadline, left > 0 ? left : 0);
}

/* Decided by the name, before a request is seen: what is spoken cannot be changed later. */
static bool
speaks_h2(struct edge *e, const struct clienthello *hello)
{
	struct policy *p = NULL;
	char account[64];
	bool on = atomic_load_explicit(&e->http2, memory_order_relaxed);
	struct slice name = edge_name_of(e, slice_str(hello->sni));

	if (on && name.n > 0 && (p = directory_policy(e->directory, name, account)) != NULL)
		on = p->http2;
	policy_unref(p);
	return on;
}

/*
 * False: the connection is over, has gone on, or nothing whole has come yet.  The TLS state, 45 KiB, is
 * made when a ClientHello has come whole: until then its bytes lie in the kernel.
 */
static bool
begin(struct accept_handshake *h)
{
	struct acceptor *g = h->acceptor;
	struct clienthello hello UNCLEARED;
	unsigned at = 0;

	hello.sni[0] = '\0'; /* where it cannot be read */
	switch (first_look(g->edge, &h->conn, &hello, &at)) {
	case FIRST_WAITS:
		return false;
	case FIRST_IS_HTTP:
		counter_add(&g->failed, 1);
		first_answer_http(h->conn.io.fd);
		finish(h);
		return false;
	case FIRST_PASSES:
		pass_on(h, at, &hello);
		return false;
	case FIRST_IS_AWAY:
		refuse_away(h, &hello);
		return false;
	case FIRST_IS_OURS:
		set_deadline(h);
		conn_set_tls(&h->conn, tls_accept(g->server));
		if (h->conn.tls != NULL && speaks_h2(g->edge, &hello))
			tls_offer_h2(h->conn.tls);
		break;
	case FIRST_IS_OVER:
		break;
	}
	if (h->conn.tls != NULL)
		return true;
	counter_add(&g->failed, 1);
	finish(h);
	return false;
}

/* The ClientHello was answered, so it is known whether a visitor or an agent waits. */
static void
answered(struct accept_handshake *h)
{
	struct acceptor *g = h->acceptor;
	bool link = slice_eq(tls_alpn(h->conn.tls), S(TLS_ALPN_LINK));

	/* He has changed lobbies already: a handshake takes more than one round. */
	if (h->lobby != &g->silent)
		return;
	lobby_leave(&g->silent, &h->guest);
	check(!lobby_has(&h->guest));
	if (!enter(link ? &g->links : &g->visitors, h))
		show_out(h);
}

static void
on_conn(struct conn *c, unsigned events)
{
	struct accept_handshake *h = list_of(c, struct accept_handshake, conn);

	(void)events;
	if (c->tls == NULL && !begin(h))
		return;
	switch (conn_handshake(c)) {
	case IO_OK:
		/* A CA has seen its challenge: nothing else is said on such a connection (RFC 8737 3). */
		if (slice_eq(tls_alpn(c->tls), S(TLS_ALPN_CHALLENGE)))
			finish(h);
		else
			go_on(h);
		return;
	case IO_WAIT:
		answered(h);
		return;
	case IO_EOF:
	case IO_FAIL:
		break;
	}
	counter_add(&h->acceptor->failed, 1);
	log_event(LOG_DEBUG, "handshake-failed", LOG_Z("peer", h->peer),
	    LOG_Z("why", conn_error(c)));
	finish(h);
}

static void
on_deadline(struct loop_timer *t)
{
	struct accept_handshake *h = list_of(t, struct accept_handshake, deadline);

	counter_add(&h->acceptor->failed, 1);
	log_event(LOG_DEBUG, "handshake-slow", LOG_Z("peer", h->peer));
	finish(h);
}

static void
on_accepted(struct listener *l, int fd, const struct sockaddr_storage *ss, socklen_t len)
{
	struct acceptor *g = l->owner;
	struct accept_handshake *h = slab_get(&g->handshakes);

	counter_add(&g->begun, 1);
	if (h != NULL)
		h->ss = *ss;
	if (h == NULL || !enter(&g->silent, h)) {
		counter_add(&g->failed, 1);
		if (h != NULL)
			slab_put(&g->handshakes, h);
		loop_close(fd);
		return;
	}
	h->acceptor = g;
	addr_show(ss, len, h->peer, sizeof(h->peer));
	h->since_us = loop_now_us(g->loop);
	h->deadline.fn = on_deadline;
	list_push(&g->list, &h->node);
	conn_init(&h->conn, fd, NULL, on_conn);
	conn_tune(&h->conn, 0, 0);
	loop_timer_set(g->loop, &h->deadline, (int64_t)LIMIT_CLIENTHELLO_MS * 1000);
	if (conn_attach(&h->conn, g->loop) != 0)
		finish(h);
}

/* --- orders, a bit each: they need no memory --- */

enum { ORDER_SERVER = 1, ORDER_DRAIN = 2, ORDER_STOP = 4 };

/*
 * Handshakes under way keep the certificates they began with; a stop ends them all,
 * a drain none.
 */
static void
on_orders(struct loop *loop, struct loop_mail *m)
{
	struct acceptor *g = list_of(m, struct acceptor, orders_mail);
	unsigned orders = atomic_exchange(&g->orders, 0);
	struct tls_server *next = atomic_exchange(&g->next_server, NULL);

	check(g->loop == loop && orders != 0); /* only the first of some orders posts */
	if (next != NULL) {
		tls_server_unref(g->server);
		g->server = next;
	}
	if (orders & (ORDER_DRAIN | ORDER_STOP))
		listener_close(&g->listener);
	if (orders & ORDER_STOP) {
		while (!list_empty(&g->list))
			finish(list_of(g->list.next, struct accept_handshake, node));
		loop_stop(loop);
	}
}

static void
give_order(struct acceptor *g, unsigned order)
{
	if (atomic_fetch_or(&g->orders, order) == 0)
		loop_post(g->loop, &g->orders_mail);
}

void
acceptor_use_server(struct acceptor *g, struct tls_server *server)
{
	tls_server_unref(atomic_exchange(&g->next_server, server));
	give_order(g, ORDER_SERVER);
}

void
acceptor_drain(struct acceptor *g)
{
	give_order(g, ORDER_DRAIN);
}

/* --- life --- */

struct acceptor *
acceptor_new(struct edge *e, int fd, struct tls_server *server)
{
	struct acceptor *g = calloc(1, sizeof(*g));

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
	lobby_init(&g->silent, LIMIT_SILENT, LIMIT_SILENT_PER_ADDRESS, NULL);
	lobby_init(&g->visitors, LIMIT_HANDSHAKES, LIMIT_HANDSHAKES_PER_ADDRESS, NULL);
	lobby_init(&g->links, LIMIT_HANDSHAKES_LINKS, LIMIT_HANDSHAKES_PER_ADDRESS, NULL);
	slab_init(&g->handshakes, sizeof(struct accept_handshake),
	    LIMIT_SILENT + LIMIT_HANDSHAKES + LIMIT_HANDSHAKES_LINKS + SLACK);
	if (listener_open(&g->listener, g->loop, fd, on_accepted, g) != 0) {
		acceptor_free(g);
		return NULL;
	}
	g->listener.shortage = on_shortage;
	listener_expect_proxies(&g->listener, &e->started->proxies.https);
	return g;
}

static void *
run(void *arg)
{
	struct acceptor *g = arg;

	loop_run(g->loop);
	return NULL;
}

int
acceptor_start(struct acceptor *g)
{
	int error;

	check(!g->started);
	error = pthread_create(&g->thread, NULL, run, g);
	if (error != 0) {
		errno = error;
		return -1;
	}
	g->started = true;
	return 0;
}

void
acceptor_stop(struct acceptor *g)
{
	if (!g->started)
		return;
	give_order(g, ORDER_STOP);
	pthread_join(g->thread, NULL);
	g->started = false;
}

void
acceptor_free(struct acceptor *g)
{
	if (g == NULL)
		return;
	check(!g->started && list_empty(&g->list)); /* acceptor_stop() ended them */
	listener_close(&g->listener);
	lobby_fini(&g->silent);
	lobby_fini(&g->visitors);
	lobby_fini(&g->links);
	slab_fini(&g->handshakes);
	tls_server_unref(g->server);
	tls_server_unref(g->next_server);
	loop_free(g->loop);
	free(g);
}

void
acceptor_counters(const struct acceptor *g, uint64_t *ret_begun, uint64_t *ret_failed)
{
	*ret_begun = atomic_load_explicit(&g->begun, memory_order_relaxed);
	*ret_failed = atomic_load_explicit(&g->failed, memory_order_relaxed);
}
