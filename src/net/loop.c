/* SPDX-License-Identifier: Apache-2.0 */
/* What both loops share: timers, mail, the graveyard. */
#include "net/loop_private.h"

#include "base/limits.h"

#include <stdlib.h>

#define CHUNK_BYTES (16 * 1024)

static void look_at_doubted(struct loop_timer *t);

int
loop_core_init(struct loop *l)
{
	*l = (struct loop){ 0 };
	list_init(&l->again);
	list_init(&l->doubted);
	l->doubt.fn = look_at_doubted;
	list_init(&l->tasks);
	atomic_init(&l->mail, NULL);
	pool_init(&l->chunks, CHUNK_BYTES, LIMIT_LOOP_CHUNKS_KEPT, LIMIT_LOOP_CHUNKS);
	l->scratch = malloc(LOOP_SCRATCH_BYTES);
	return l->scratch == NULL ? -1 : 0;
}

void
loop_core_fini(struct loop *l)
{
	check(l->n_watched == 0);
	check(list_empty(&l->doubted));
	loop_timer_stop(l, &l->doubt);
	check(l->n_timers == 0);
	check(list_empty(&l->again));
	check(list_empty(&l->tasks));
	check(l->graves == NULL);
	pool_fini(&l->chunks);
	free(l->scratch);
	free(l->heap);
}

int64_t
loop_now_us(const struct loop *l)
{
	return l->now_us;
}

void
loop_stop(struct loop *l)
{
	l->stopped = true;
}

char *
loop_scratch(struct loop *l)
{
	return l->scratch;
}

struct pool *
loop_chunks(struct loop *l)
{
	return &l->chunks;
}

/* --- watched descriptors --- */

void
loop_core_watch(struct loop *l, struct loop_io *io)
{
	check(io->loop == NULL);
	io->loop = l;
	io->ended = false;
	io->again_events = 0;
	list_init(&io->again);
	list_init(&io->doubted);
	l->n_watched++;
}

void
loop_core_unwatch(struct loop_io *io)
{
	list_del(&io->again);
	list_del(&io->doubted);
	io->again_events = 0;
	check(io->loop->n_watched > 0);
	io->loop->n_watched--;
	io->loop = NULL;
}

/* What was noted by loop_again() goes along, so that an io is called once a turn. */
void
loop_core_dispatch(struct loop_io *io, unsigned events)
{
	check(io->loop != NULL); /* what is not watched any more was taken out of every list */
	events |= io->again_events;
	io->again_events = 0;
	list_del(&io->again);
	if (events & LOOP_OUT)
		list_del(&io->doubted);
	io->fn(io, events);
}

/* Harmless for what is not watched any more: its owner was about to close it. */
void
loop_again(struct loop_io *io, unsigned events)
{
	if (io->loop == NULL)
		return;
	io->again_events |= events;
	if (list_empty(&io->again))
		list_push(&io->loop->again, &io->again);
}

/* --- refused sends --- */

/*
 * One look is enough: a socket without room tells of it by an edge.  So a refused send costs no
 * system call while its reader keeps up, and one in REFUSED_SEND_MS at most when it does not.
 */
static void
look_at_doubted(struct loop_timer *t)
{
	struct loop *l = list_of(t, struct loop, doubt);
	struct list *node;

	while ((node = list_pop(&l->doubted)) != NULL) {
		struct loop_io *io = list_of(node, struct loop_io, doubted);

		check(io->loop == l);
		if (loop_can_send(io->fd))
			loop_again(io, LOOP_OUT);
	}
}

void
loop_refused(struct loop_io *io)
{
	struct loop *l = io->loop;

	if (l == NULL)
		return;
	if (list_empty(&io->doubted))
		list_push(&l->doubted, &io->doubted);
	if (l->doubt.slot == 0)
		loop_timer_set(l, &l->doubt, (int64_t)LIMIT_REFUSED_SEND_MS * 1000);
}

/* --- timers: a binary heap whose entries know their slot --- */

static void
heap_place(struct loop *l, size_t slot, struct loop_timer *t)
{
	l->heap[slot] = t;
	t->slot = slot;
}

/* Slots count from 1: parent is slot / 2. t moves into the hole that the larger ones leave. */
static void
heap_up(struct loop *l, size_t slot, struct loop_timer *t)
{
	while (slot > 1 && t->at_us < l->heap[slot / 2]->at_us) {
		heap_place(l, slot, l->heap[slot / 2]);
		slot /= 2;
	}
	heap_place(l, slot, t);
}

static void
heap_down(struct loop *l, size_t slot, struct loop_timer *t)
{
	size_t child;

	while ((child = 2 * slot) <= l->n_timers) {
		if (child < l->n_timers && l->heap[child + 1]->at_us < l->heap[child]->at_us)
			child++;
		if (t->at_us <= l->heap[child]->at_us)
			break;
		heap_place(l, slot, l->heap[child]);
		slot = child;
	}
	heap_place(l, slot, t);
}

/* Its time may have moved either way. */
static void
heap_sift(struct loop *l, size_t slot, struct loop_timer *t)
{
	if (slot > 1 && t->at_us < l->heap[slot / 2]->at_us)
		heap_up(l, slot, t);
	else
		heap_down(l, slot, t);
}

static void
heap_grow(struct loop *l)
{
	size_t cap = l->cap_timers == 0 ? 64 : 2 * l->cap_timers;
	struct loop_timer **heap = realloc(l->heap, cap * sizeof(struct loop_timer *));

	/* A deadline that is not kept would be worse than the end. */
	check(heap != NULL);
	l->heap = heap;
	l->cap_timers = cap;
}

/*
 * At least 1 us ahead: a timer that sets itself anew runs in the next turn and cannot hold
 * up this one.
 */
void
loop_timer_set(struct loop *l, struct loop_timer *t, int64_t delay_us)
{
	t->at_us = l->now_us + (delay_us < 1 ? 1 : delay_us);
	if (t->slot != 0) {
		check(t->slot <= l->n_timers && l->heap[t->slot] == t);
		heap_sift(l, t->slot, t);
		return;
	}
	if (l->n_timers + 1 >= l->cap_timers)
		heap_grow(l);
	heap_up(l, ++l->n_timers, t);
}

void
loop_timer_stop(struct loop *l, struct loop_timer *t)
{
	size_t slot = t->slot;
	struct loop_timer *last;

	if (slot == 0)
		return;
	check(slot <= l->n_timers && l->heap[slot] == t);
	t->slot = 0;
	last = l->heap[l->n_timers--];
	if (last != t)
		heap_sift(l, slot, last);
}

int64_t
loop_core_due_us(const struct loop *l)
{
	return l->n_timers == 0 ? INT64_MAX : l->heap[1]->at_us;
}

/*
 * Taken out before its call, so that it can set itself again, or free what it is part of
 * by the graveyard.
 */
static void
run_timers(struct loop *l)
{
	while (l->n_timers > 0 && l->heap[1]->at_us <= l->now_us) {
		struct loop_timer *t = l->heap[1];

		loop_timer_stop(l, t);
		t->fn(t);
	}
}

/* --- mail: a stack that any thread pushes to and the owner takes whole --- */

/* release here and acquire in run_mail(): what the sender wrote is there for the receiver. */
void
loop_post(struct loop *l, struct loop_mail *m)
{
	struct loop_mail *head = atomic_load_explicit(&l->mail, memory_order_relaxed);

	do {
		m->next = head;
	} while (!atomic_compare_exchange_weak_explicit(&l->mail, &head, m, memory_order_release,
	    memory_order_relaxed));
	/* Not the first: whoever put the first has woken the loop, or is about to. */
	if (head == NULL)
		loop_wake(l);
}

/*
 * The stack holds the newest first: it is turned round, so that mail of one sender arrives in
 * order. What is posted meanwhile waits for the next turn, of which it is told.
 */
static void
run_mail(struct loop *l)
{
	struct loop_mail *m, *oldest = NULL;

	if (atomic_load_explicit(&l->mail, memory_order_relaxed) == NULL)
		return;
	m = atomic_exchange_explicit(&l->mail, NULL, memory_order_acquire);
	while (m != NULL) {
		struct loop_mail *older = m->next;

		m->next = oldest;
		oldest = m;
		m = older;
	}
	while (oldest != NULL) {
		m = oldest;
		oldest = m->next;
		m->fn(l, m);
	}
}

/* --- the end of a turn --- */

void
loop_at_end(struct loop *l, struct loop_task *t)
{
	if (list_empty(&t->node))
		list_push(&l->tasks, &t->node);
}

void
loop_task_cancel(struct loop_task *t)
{
	list_del(&t->node);
}

/* Those that are queued now; what they queue themselves is for the end of the next turn. */
static void
run_tasks(struct loop *l)
{
	struct list now, *node;

	list_init(&now);
	list_splice(&now, &l->tasks);
	while ((node = list_pop(&now)) != NULL) {
		struct loop_task *t = list_of(node, struct loop_task, node);

		t->fn(t);
	}
}

void
loop_bury(struct loop *l, struct loop_grave *g, void (*fn)(struct loop_grave *))
{
	g->fn = fn;
	g->next = l->graves;
	l->graves = g;
}

static void
empty_graves(struct loop *l)
{
	struct loop_grave *g;

	/* What is freed may bury what it owned. */
	while ((g = l->graves) != NULL) {
		l->graves = g->next;
		g->fn(g);
	}
}

static void
run_again(struct list *again)
{
	struct list *node;

	while ((node = list_pop(again)) != NULL)
		loop_core_dispatch(list_of(node, struct loop_io, again), 0);
}

/* The next turn must not wait for the kernel. */
bool
loop_core_busy(const struct loop *l)
{
	return !list_empty(&l->again) || !list_empty(&l->tasks);
}

/*
 * Tasks run behind everything that could make frames, so a link is flushed once; graves come
 * last, when nobody on the stack can hold what is freed.
 */
void
loop_core_turn(struct loop *l, struct list *again)
{
	run_again(again);
	run_timers(l);
	run_mail(l);
	run_tasks(l);
	empty_graves(l);
	check(list_empty(again)); /* what came since is in l->again, for the next turn */
}
