/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop on Linux.  A descriptor is registered once, for both directions and
 * edge-triggered; epoll_ctl() is not called again until it leaves.  The owner
 * remembers what it could not use up, so a turn costs one epoll_wait().
 */
#include "net/loop_private.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/*
 * Events of one epoll_wait(). More are told in the next turn; the kernel takes turns
 * among the ready.
 */
#define BATCH 256

struct loop_epoll {
	struct loop core;
	int epoll_fd, wake_fd;
	int batch_at, batch_n; /* events not yet dispatched */
	struct epoll_event batch[BATCH];
};

static struct loop_epoll *
epoll_of(struct loop *l)
{
	return list_of(l, struct loop_epoll, core);
}

/* The eventfd is edge-triggered, too: each write is an edge, nothing is ever read from it. */
static int
open_wake_fd(struct loop_epoll *e)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET, .data.ptr = NULL };

	e->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (e->wake_fd < 0)
		return -1;
	return epoll_ctl(e->epoll_fd, EPOLL_CTL_ADD, e->wake_fd, &ev);
}

/*
 * loop_core_fini() would check a loop that was never whole, so what there is is given
 * back by hand.
 */
struct loop *
loop_new(void)
{
	struct loop_epoll *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->wake_fd = -1;
	e->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (e->epoll_fd >= 0 && loop_core_init(&e->core) == 0 && open_wake_fd(e) == 0) {
		e->core.now_us = clock_mono_us();
		return &e->core;
	}
	free(e->core.scratch);
	if (e->wake_fd >= 0)
		close(e->wake_fd);
	if (e->epoll_fd >= 0)
		close(e->epoll_fd);
	free(e);
	return NULL;
}

void
loop_free(struct loop *l)
{
	struct loop_epoll *e;

	if (l == NULL)
		return;
	e = epoll_of(l);
	loop_core_fini(l);
	close(e->wake_fd);
	close(e->epoll_fd);
	free(e);
}

/* EPOLLRDHUP tells of the other side's FIN, which EPOLLIN alone would leave to the next read. */
int
loop_watch(struct loop *l, struct loop_io *io)
{
	struct epoll_event ev = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		.data.ptr = io,
	};

	if (epoll_ctl(epoll_of(l)->epoll_fd, EPOLL_CTL_ADD, io->fd, &ev) != 0)
		return -1;
	loop_core_watch(l, io);
	return 0;
}

/* Events that were fetched before and not yet dispatched must not reach whoever
 * has the memory next. */
static void
forget_events(struct loop_epoll *e, struct loop_io *io)
{
	for (int i = e->batch_at; i < e->batch_n; i++) {
		if (e->batch[i].data.ptr == io)
			e->batch[i].events = 0;
	}
}

void
loop_unwatch(struct loop_io *io)
{
	struct loop_epoll *e;

	if (io->loop == NULL)
		return;
	e = epoll_of(io->loop);
	epoll_ctl(e->epoll_fd, EPOLL_CTL_DEL, io->fd, NULL);
	forget_events(e, io);
	loop_core_unwatch(io);
}

void
loop_wake(struct loop *l)
{
	uint64_t one = 1;
	ssize_t n;

	do {
		n = write(epoll_of(l)->wake_fd, &one, sizeof(one));
	} while (n < 0 && errno == EINTR);
	/* EAGAIN would be a counter of 2^64 - 1, which wakes as well. */
	check(n == sizeof(one) || errno == EAGAIN);
}

/* Whole milliseconds, rounded up: a timer is never early. */
static int
wait_ms(const struct loop *l)
{
	int64_t due = loop_core_due_us(l), left;

	if (loop_core_busy(l))
		return 0;
	if (due == INT64_MAX)
		return -1;
	left = due - clock_mono_us();
	if (left <= 0)
		return 0;
	return left > 3600000000 ? 3600000 : (int)((left + 999) / 1000);
}

/* An error or an end wakes both directions: the owner learns which by reading or writing. */
static void
dispatch(struct loop_epoll *e)
{
	check(e->batch_at == 0 && e->batch_n <= BATCH); /* loops do not nest */
	while (e->batch_at < e->batch_n) {
		const struct epoll_event *ev = &e->batch[e->batch_at++];
		struct loop_io *io = ev->data.ptr;
		unsigned events = 0;

		if (io == NULL || ev->events == 0)
			continue;
		if (ev->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
			events |= LOOP_IN;
		if (ev->events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
			events |= LOOP_OUT;
		if (ev->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
			io->ended = true;
		loop_core_dispatch(io, events);
	}
	e->batch_at = e->batch_n = 0;
}

/*
 * What loop_again() has noted until now is for this turn, what it notes from here on for the
 * next. A signal (EINTR) is a turn without events.
 */
static void
turn(struct loop_epoll *e)
{
	int ms = wait_ms(&e->core), n;
	struct list again;

	list_init(&again);
	list_splice(&again, &e->core.again);
	n = epoll_wait(e->epoll_fd, e->batch, BATCH, ms);
	check(n >= 0 || errno == EINTR);
	e->core.now_us = clock_mono_us();
	e->batch_n = n < 0 ? 0 : n;
	dispatch(e);
	loop_core_turn(&e->core, &again);
}

void
loop_run(struct loop *l)
{
	struct loop_epoll *e = epoll_of(l);

	while (!l->stopped)
		turn(e);
	l->stopped = false;
}
