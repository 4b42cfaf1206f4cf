/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets and deadlines of a channel of c-ares, on a loop. */
#include "net/ares_loop.h"

#include <pthread.h>
#include <stdlib.h>

/* A socket of c-ares. */
struct ares_io {
	struct loop_io io;
	struct ares_loop *a;
	struct list node;
	bool want_out;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
init_once(void)
{
	check(ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS);
}

/* c-ares says when it wants to look at its own deadlines; without a question there is none. */
void
ares_loop_tick(struct ares_loop *a)
{
	struct timeval tv, *next;

	if (!a->up || (next = ares_timeout(a->channel, NULL, &tv)) == NULL)
		loop_timer_stop(a->loop, &a->tick);
	else
		loop_timer_set(a->loop, &a->tick, next->tv_sec * INT64_C(1000000) + next->tv_usec);
}

static void
on_tick(struct loop_timer *t)
{
	struct ares_loop *a = list_of(t, struct ares_loop, tick);

	ares_process_fd(a->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	ares_loop_tick(a);
}

/* A handful of them: about as many as there are name servers. */
static struct ares_io *
find_socket(struct ares_loop *a, int fd)
{
	LIST_EACH(node, &a->sockets) {
		struct ares_io *s = list_of(node, struct ares_io, node);

		if (s->io.fd == fd)
			return s;
	}
	return NULL;
}

static void
drop_socket(struct ares_io *s)
{
	loop_unwatch(&s->io);
	list_del(&s->node);
	free(s);
}

/*
 * An edge is used up by one call, but c-ares may leave bytes behind: a byte is peeked at, and
 * the edge told again where one is there.
 */
static void
on_socket(struct loop_io *io, unsigned events)
{
	struct ares_io *s = list_of(io, struct ares_io, io);
	struct ares_loop *a = s->a;
	int fd = io->fd;
	bool out = (events & LOOP_OUT) != 0 && s->want_out;
	char byte;

	/* May close the socket, which frees s. */
	ares_process_fd(a->channel, events & LOOP_IN ? fd : ARES_SOCKET_BAD,
	    out ? fd : ARES_SOCKET_BAD);
	s = find_socket(a, fd);
	if (s != NULL && events & LOOP_IN && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0)
		loop_again(&s->io, LOOP_IN);
	ares_loop_tick(a);
}

/*
 * c-ares opens a socket, or wants to be told of other events, or closes it (neither). It closes
 * the descriptor itself.
 */
static void
on_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct ares_loop *a = arg;
	struct ares_io *s = find_socket(a, fd);

	if (!readable && !writable) {
		if (s != NULL)
			drop_socket(s);
		return;
	}
	if (s == NULL) {
		s = calloc(1, sizeof(*s));
		if (s == NULL)
			return; /* c-ares will time out */
		s->io = (struct loop_io){ .fd = fd, .fn = on_socket };
		s->a = a;
		if (loop_watch(a->loop, &s->io) != 0) {
			free(s);
			return;
		}
		list_push(&a->sockets, &s->node);
	}
	if (writable && !s->want_out)
		loop_again(&s->io, LOOP_OUT);
	s->want_out = writable != 0;
}

bool
ares_loop_open(struct ares_loop *a, struct ares_options *options, int mask, const char *servers)
{
	check(!a->up);
	pthread_once(&once, init_once);
	options->sock_state_cb = on_state;
	options->sock_state_cb_data = a;
	a->up =
	    ares_init_options(&a->channel, options, mask | ARES_OPT_SOCK_STATE_CB) == ARES_SUCCESS;
	if (a->up && servers != NULL &&
	    ares_set_servers_ports_csv(a->channel, servers) != ARES_SUCCESS)
		ares_loop_close(a);
	return a->up;
}

/* ares_destroy() ends what runs through its callback, and closes sockets through on_state(). */
void
ares_loop_close(struct ares_loop *a)
{
	if (a->up)
		ares_destroy(a->channel);
	a->up = false;
	loop_timer_stop(a->loop, &a->tick);
	check(list_empty(&a->sockets));
}

void
ares_loop_init(struct ares_loop *a, struct loop *l)
{
	*a = (struct ares_loop){ .loop = l, .tick = { .fn = on_tick } };
	list_init(&a->sockets);
}
