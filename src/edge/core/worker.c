/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's thread: its mail, its orders, its tick; what they mean is said by worker_calls. */
#include "edge/core/worker.h"

#include "base/rand.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Deadlines are looked at by a walk over all visitors that takes TICKS_PER_WALK ticks. */
#define TICK_US (250 * 1000)
#define TICKS_PER_WALK 4

/* --- deadlines --- */

/* Looks at the front part of a list and puts it behind the rest. */
void
worker_walk(struct list *l, uint64_t n_all, void (*look)(struct list *node, int64_t now_us),
    int64_t now_us)
{
	/*
	 * One more than a quarter: a list of three comes by, too. look() may close the
	 * one it gets.
	 */
	for (uint64_t n = n_all / TICKS_PER_WALK + 1; n > 0 && !list_empty(l); n--) {
		struct list *node = list_pop(l);

		list_push(l, node);
		look(node, now_us);
	}
}

static void
on_tick(struct loop_timer *t)
{
	struct worker *w = list_of(t, struct worker, tick);

	check(w->ticking);
	/* Before the call: somebody who comes in it may want the next tick. */
	w->ticking = false;
	if (w->calls->tick(w, loop_now_us(w->loop)))
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
on_arrival(struct loop *loop, struct loop_mail *m)
{
	struct arrival *a = list_of(m, struct arrival, mail);

	check(a->worker->loop == loop && a->conn.io.loop == NULL);
	a->worker->calls->arrived(a->worker, a);
	free(a);
}

int
worker_send(struct worker *w, struct conn *conn, const struct sockaddr_storage *ss,
    const char *peer, const char *local, enum arrival_kind kind, struct slice bytes)
{
	struct arrival *a = malloc(sizeof(*a) + bytes.n);

	check(conn->io.loop == NULL); /* it is detached: two loops would read one socket */
	if (a == NULL)
		return -1;
	a->mail.fn = on_arrival;
	a->worker = w;
	a->ss = *ss;
	a->kind = kind;
	a->n = bytes.n;
	snprintf(a->peer, sizeof(a->peer), "%s", peer);
	snprintf(a->local, sizeof(a->local), "%s", local);
	if (bytes.n > 0)
		memcpy(a->bytes, bytes.p, bytes.n);
	/*
	 * Last, when nothing can fail any more: until here the connection is the caller's.
	 */
	conn_move(&a->conn, conn, NULL);
	loop_post(w->loop, &a->mail);
	return 0;
}

/*
 * The counters are read as they are: two links that come at once may get the same worker.
 */
struct worker *
worker_for_link(struct edge *e)
{
	struct worker *best = edge_worker(e, 0);

	for (unsigned i = 1; i < e->n_workers; i++)
		if (atomic_load_explicit(&e->workers[i]->counters.links, memory_order_relaxed) <
		    atomic_load_explicit(&best->counters.links, memory_order_relaxed))
			best = e->workers[i];
	return best;
}

/* --- orders from other threads --- */

struct told_order {
	struct loop_mail mail;
	struct worker *worker;
	enum worker_order order;
	char text[DIRECTORY_KEY_BYTES];
};

static void
on_order(struct loop *loop, struct loop_mail *m)
{
	struct told_order *o = list_of(m, struct told_order, mail);

	check(o->worker->loop == loop);
	o->worker->calls->obey(o->worker, o->order, o->text);
	free(o);
}

/* Limits of what is there already are not set anew: a visitor keeps the deadline he has. */
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
on_orders(struct loop *loop, struct loop_mail *m)
{
	struct worker *w = list_of(m, struct worker, orders_mail);
	unsigned orders = atomic_exchange(&w->orders, 0);

	/* Only the first order posts, and nobody but this takes orders away. */
	check(w->loop == loop && orders != 0 && orders < 2 * WORKER_STOP);
	if (orders & WORKER_SETTINGS)
		use_settings(w);
	for (unsigned bit = WORKER_REVOKE; bit <= WORKER_STOP; bit <<= 1)
		if (orders & bit)
			w->calls->obey(w, (enum worker_order)bit, NULL);
}

/*
 * The bit is set before the mail is sent, and on_orders() takes all bits: no order is lost,
 * and a second mail is sent only when the first has been read.
 */
void
worker_order(struct worker *w, enum worker_order order)
{
	if (atomic_fetch_or(&w->orders, (unsigned)order) == 0)
		loop_post(w->loop, &w->orders_mail);
}

/* Without memory the order goes without its text, and means everybody (worker.h). */
static void
give(struct worker *w, enum worker_order order, const char *text)
{
	struct told_order *o = calloc(1, sizeof(*o));

	check(strlen(text) < sizeof(o->text)); /* what is cut would be about somebody else */
	if (o == NULL) {
		worker_order(w, order);
		return;
	}
	*o = (struct told_order){ .mail.fn = on_order, .worker = w, .order = order };
	snprintf(o->text, sizeof(o->text), "%s", text);
	loop_post(w->loop, &o->mail);
}

void
worker_disconnect(struct worker *w, const char *key)
{
	struct told_order *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return;
	*o = (struct told_order){ .mail.fn = on_order, .worker = w, .order = WORKER_DISCONNECT };
	check(slice_z(slice_str(key), o->text, sizeof(o->text)));
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
	give(w, WORKER_REVOKE, token_id);
}

void
worker_fence(struct worker *w, const char *key)
{
	give(w, WORKER_FENCE, key);
}

void
worker_kick_couriers(struct worker *w, const char *account)
{
	give(w, WORKER_KICK, account);
}

/*
 * A worker that stops ends with its last question: whoever was asked will still answer it.
 * One that drains tells once that nobody is left.  Links do not count: they stay to the end.
 */
void
worker_check_idle(struct worker *w)
{
	check(w->draining || (!w->stopping && !w->told_idle));
	if (w->stopping) {
		if (w->errands.n_pending == 0)
			loop_stop(w->loop);
		return;
	}
	if (!w->draining || w->told_idle || w->counters.visitors > 0 || w->counters.tcp > 0)
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
worker_new(struct edge *e, unsigned index, struct settings *s, const struct worker_calls *calls)
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
	w->calls = calls;
	w->index = index;
	w->settings = settings_ref(s);
	w->id_state = rand_u64();
	w->tick.fn = on_tick;
	w->errands = (struct errands){ .loop = w->loop, .came_home = on_came_home };
	w->orders_mail.fn = on_orders;
	map_init(&w->tunnels);
	sources_init(&w->sources, (size_t)s->limits.visitors_per_address, 2 * LIMIT_VISITORS);
	listener_init(&w->http);
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
	int error;

	check(!w->started);
	error = pthread_create(&w->thread, NULL, run, w);
	if (error != 0) {
		errno = error;
		return -1;
	}
	w->started = true;
	return 0;
}

/* Also where no thread was started: dispatch_free() obeys the order then. */
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
	/* Its rooms are empty, so no tunnel is up, and no question is under way. */
	check(!w->started && w->tunnels.n == 0 && w->errands.n_pending == 0);
	sources_fini(&w->sources);
	map_fini(&w->tunnels);
	carrier_shared_fini(&w->shared);
	settings_unref(w->settings);
	settings_unref(w->next_settings);
	loop_free(w->loop);
	free(w);
}
