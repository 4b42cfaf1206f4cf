/* SPDX-License-Identifier: Apache-2.0 */
/*
 * c-ares expects level-triggered readiness; the loop gives edges.  So a socket that still
 * holds bytes after c-ares has read, and one that c-ares newly wants to write to, is
 * told again (loop_again()).
 *
 * The channel is made anew when it is idle and some seconds old: c-ares reads
 * resolv.conf only once, and a laptop changes its network.
 */
#include "net/lookup.h"

#include "base/limits.h"

#include <ares.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* ASK_MS is the wait for one answer of one server; c-ares waits longer with each of the tries. */
#define CHANNEL_LIFE_US (5 * INT64_C(1000000))
#define ASK_MS 2000
#define ASK_TRIES 3

struct lookups {
	struct loop *loop;
	ares_channel channel;
	bool up;
	int64_t made_us;
	const char *servers; /* NULL: the system's */
	struct list sockets; /* of struct ares_io */
	struct list running; /* of struct lookup_private */
	size_t n_running;
	struct loop_timer tick;
};

/* A socket of c-ares. */
struct ares_io {
	struct loop_io io;
	struct lookups *ls;
	struct list node;
	bool want_out;
};

struct lookup_private {
	struct lookups *ls;
	struct lookup *q; /* NULL: cancelled */
	struct list node;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
init_once(void)
{
	check(ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS);
}

/* --- c-ares on the loop --- */

/* c-ares says when it wants to look at its own deadlines; without a question there is none. */
static void
set_tick(struct lookups *ls)
{
	struct timeval tv, *next;

	if (!ls->up || (next = ares_timeout(ls->channel, NULL, &tv)) == NULL)
		loop_timer_stop(ls->loop, &ls->tick);
	else
		loop_timer_set(ls->loop, &ls->tick,
		    next->tv_sec * INT64_C(1000000) + next->tv_usec);
}

static void
on_tick(struct loop_timer *t)
{
	struct lookups *ls = list_of(t, struct lookups, tick);

	ares_process_fd(ls->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	set_tick(ls);
}

/* A handful of them: about as many as there are name servers. */
static struct ares_io *
find_socket(struct lookups *ls, int fd)
{
	LIST_EACH(node, &ls->sockets) {
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
	struct lookups *ls = s->ls;
	int fd = io->fd;
	bool out = (events & LOOP_OUT) != 0 && s->want_out;
	char byte;

	/* May close the socket, which frees s. */
	ares_process_fd(ls->channel, events & LOOP_IN ? fd : ARES_SOCKET_BAD,
	    out ? fd : ARES_SOCKET_BAD);
	s = find_socket(ls, fd);
	if (s != NULL && events & LOOP_IN && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0)
		loop_again(&s->io, LOOP_IN);
	set_tick(ls);
}

/*
 * c-ares opens a socket, or wants to be told of other events, or closes it (neither). It closes
 * the descriptor itself.
 */
static void
on_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct lookups *ls = arg;
	struct ares_io *s = find_socket(ls, fd);

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
		s->ls = ls;
		if (loop_watch(ls->loop, &s->io) != 0) {
			free(s);
			return;
		}
		list_push(&ls->sockets, &s->node);
	}
	if (writable && !s->want_out)
		loop_again(&s->io, LOOP_OUT);
	s->want_out = writable != 0;
}

static void
channel_down(struct lookups *ls)
{
	if (ls->up)
		ares_destroy(ls->channel); /* ends what runs through on_answer(), closes sockets
					      through on_state() */
	ls->up = false;
	loop_timer_stop(ls->loop, &ls->tick);
}

static bool
channel_up(struct lookups *ls)
{
	struct ares_options options = {
		.timeout = ASK_MS,
		.tries = ASK_TRIES,
		.sock_state_cb = on_state,
		.sock_state_cb_data = ls,
	};

	/* A channel with questions under way is kept, however old: they would end with it. */
	if (ls->up && (ls->n_running > 0 || loop_now_us(ls->loop) - ls->made_us < CHANNEL_LIFE_US))
		return true;
	channel_down(ls);
	pthread_once(&once, init_once);
	ls->up = ares_init_options(&ls->channel, &options,
		     ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB) == ARES_SUCCESS;
	ls->made_us = loop_now_us(ls->loop);
	if (ls->up && ls->servers != NULL &&
	    ares_set_servers_ports_csv(ls->channel, ls->servers) != ARES_SUCCESS)
		channel_down(ls);
	return ls->up;
}

void
lookups_servers(struct lookups *ls, const char *csv)
{
	ls->servers = csv;
}

/* --- questions --- */

/*
 * What people have to know: there is no such name, nobody answers, or the server says that it
 * cannot. The numbers are those that connecting gives, too.
 */
static int
code_of(int status, const char **ret_why)
{
	switch (status) {
	case ARES_ENOTFOUND:
	case ARES_ENODATA:
		*ret_why = "there is no host of that name";
		return ENOENT;
	case ARES_EBADNAME:
		*ret_why = "this is not a legal host name";
		return ENOENT;
	case ARES_ETIMEOUT:
		*ret_why = "the name servers do not answer";
		return ETIMEDOUT;
	case ARES_ECONNREFUSED:
		*ret_why = "no name server can be reached";
		return ETIMEDOUT;
	case ARES_ENOMEM:
		*ret_why = "out of memory";
		return ENOMEM;
	default:
		*ret_why = "the name server has failed";
		return EAGAIN;
	}
}

/* Of a host with very many addresses the first are tried; the rest would outlive any patience. */
static size_t
collect(const struct ares_addrinfo *ai, struct sockaddr_storage *addrs)
{
	size_t n = 0;

	for (const struct ares_addrinfo_node *a = ai->nodes; a != NULL && n < LIMIT_DIAL_ADDRESSES;
	     a = a->ai_next) {
		if (a->ai_addrlen > sizeof(*addrs))
			continue;
		memset(&addrs[n], 0, sizeof(*addrs));
		memcpy(&addrs[n++], a->ai_addr, a->ai_addrlen);
	}
	return n;
}

/*
 * Also called for what lookups_free() and channel_down() end, and for what was cancelled (q
 * NULL). The private part is freed before the owner is called: he may ask anew at once.
 */
static void
on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *ai)
{
	struct lookup_private *p = arg;
	struct lookup *q = p->q;
	struct sockaddr_storage addrs[LIMIT_DIAL_ADDRESSES];
	const char *why = "";
	size_t n = 0;
	int code = 0;

	(void)timeouts;
	list_del(&p->node);
	check(p->ls->n_running > 0);
	p->ls->n_running--;
	free(p);
	if (status == ARES_SUCCESS && ai != NULL)
		n = collect(ai, addrs);
	if (n == 0)
		code = code_of(status == ARES_SUCCESS ? ARES_ENODATA : status, &why);
	if (ai != NULL)
		ares_freeaddrinfo(ai);
	check((n > 0) == (code == 0)); /* addresses, or why there are none */
	if (q == NULL)
		return;
	q->private = NULL;
	q->done(q, addrs, n, code, why);
}

/*
 * done() may be called before this returns: c-ares answers from /etc/hosts, and we
 * refuse, at once.
 */
void
lookup_start(struct lookups *ls, struct lookup *q, const char *host, int family)
{
	struct ares_addrinfo_hints hints = { .ai_family = family, .ai_socktype = SOCK_STREAM };
	struct lookup_private *p = NULL;

	check(q->private == NULL);
	if (ls->n_running >= LIMIT_LOOKUPS) {
		q->done(q, NULL, 0, EAGAIN, "too many names are being looked up");
		return;
	}
	if (channel_up(ls))
		p = calloc(1, sizeof(*p));
	if (p == NULL) {
		q->done(q, NULL, 0, ENOMEM,
		    "names cannot be looked up: out of memory or descriptors");
		return;
	}
	*p = (struct lookup_private){ .ls = ls, .q = q };
	list_push(&ls->running, &p->node);
	ls->n_running++;
	q->private = p;
	ares_getaddrinfo(ls->channel, host, NULL, &hints, on_answer, p);
	set_tick(ls);
}

/* The question itself runs on to its end, which is near. */
void
lookup_cancel(struct lookup *q)
{
	if (q->private != NULL)
		q->private->q = NULL;
	q->private = NULL;
}

struct lookups *
lookups_new(struct loop *l)
{
	struct lookups *ls = calloc(1, sizeof(*ls));

	if (ls == NULL)
		return NULL;
	ls->loop = l;
	ls->tick.fn = on_tick;
	list_init(&ls->sockets);
	list_init(&ls->running);
	return ls;
}

void
lookups_free(struct lookups *ls)
{
	if (ls == NULL)
		return;
	LIST_EACH(node, &ls->running) {
		struct lookup *q = list_of(node, struct lookup_private, node)->q;

		if (q != NULL)
			lookup_cancel(q);
	}
	channel_down(ls);
	check(list_empty(&ls->running) && list_empty(&ls->sockets));
	check(ls->n_running == 0);
	free(ls);
}
