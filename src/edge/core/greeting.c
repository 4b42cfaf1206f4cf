/* SPDX-License-Identifier: Apache-2.0 */
/* Takes PROXY headers off new connections. */
#include "edge/core/greeting.h"

#include "base/limits.h"
#include "base/log.h"
#include "net/addr.h"
#include "net/proxyproto.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#define REFUSED_US 1000000

struct greeting {
	struct loop_io io;
	struct listener *listener;
	struct list node; /* in listener->greetings */
	struct loop_timer deadline;
	struct loop_grave grave;
	struct sockaddr_storage ss; /* the proxy's */
};

static void
on_grave(struct loop_grave *g)
{
	free(list_of(g, struct greeting, grave));
}

/* The connection itself goes on, or was closed. */
static void
finish(struct greeting *g)
{
	struct loop *loop = g->io.loop;

	check(loop != NULL && g->listener->n_greetings > 0);
	loop_timer_stop(loop, &g->deadline);
	loop_unwatch(&g->io);
	list_del(&g->node);
	g->listener->n_greetings--;
	loop_bury(loop, &g->grave, on_grave);
}

/* Anybody may do it as often as he likes, so an operator is told once a second. */
static void
refuse(struct listener *l, const struct sockaddr_storage *ss, const char *why)
{
	int64_t now = loop_now_us(l->io.loop);
	bool told = l->refused_us != 0 && now - l->refused_us < REFUSED_US;
	char peer[64];

	if (!told)
		l->refused_us = now;
	addr_show(ss, sizeof(*ss), peer, sizeof(peer));
	log_event(told ? LOG_DEBUG : LOG_WARN, "proxy-refused", LOG_Z("peer", peer),
	    LOG_Z("why", why));
}

static void
cut(struct greeting *g, const char *why)
{
	int fd = g->io.fd;

	refuse(g->listener, &g->ss, why);
	finish(g);
	loop_close(fd);
}

/* The header is here whole: its bytes are taken off, and no other. */
static void
go_on(struct greeting *g, const struct proxyproto *said)
{
	char header[PROXYPROTO_BYTES_MAX];
	struct iovec iov = { header, said->n_bytes };
	struct listener *l = g->listener;
	struct sockaddr_storage ss = said->local ? g->ss : said->from;
	int fd = g->io.fd;
	size_t n = 0;

	check(said->n_bytes <= sizeof(header));
	if (loop_recv(fd, &iov, 1, &n) != IO_OK || n != said->n_bytes) {
		cut(g, "the connection broke");
		return;
	}
	finish(g);
	l->accepted(l, fd, &ss,
	    ss.ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
}

/* What has come is looked at and left in the kernel, until all of the header is there. */
static void
on_io(struct loop_io *io, unsigned events)
{
	struct greeting *g = list_of(io, struct greeting, io);
	char bytes[PROXYPROTO_BYTES_MAX];
	struct proxyproto said;
	const char *why = "";
	ssize_t n;

	if ((events & LOOP_IN) == 0)
		return;
	do
		n = recv(io->fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		cut(g, "the connection has ended without a PROXY header");
		return;
	}
	switch (proxyproto_read(slice_of(bytes, (size_t)n), &said, &why)) {
	case PROXYPROTO_DONE:
		go_on(g, &said);
		return;
	case PROXYPROTO_BAD:
		cut(g, why);
		return;
	case PROXYPROTO_MORE:
		if (io->ended)
			cut(g, "the connection has ended within its PROXY header");
		return;
	}
}

static void
on_deadline(struct loop_timer *t)
{
	cut(list_of(t, struct greeting, deadline), "the PROXY header did not come in time");
}

void
greeting_start(struct listener *l, int fd, const struct sockaddr_storage *ss)
{
	const char *why = NULL;
	struct greeting *g = NULL;

	if (!cidr_set_has(l->proxies, ss))
		why = "not one of the proxies that proxy_protocol names";
	else if (l->n_greetings >= LIMIT_PROXY_GREETINGS)
		why = "too many connections wait for their PROXY header";
	else if ((g = calloc(1, sizeof(*g))) == NULL)
		why = "out of memory";
	if (g == NULL) {
		refuse(l, ss, why);
		loop_close(fd);
		return;
	}
	g->io = (struct loop_io){ .fd = fd, .fn = on_io };
	g->listener = l;
	g->ss = *ss;
	g->deadline.fn = on_deadline;
	if (loop_watch(l->io.loop, &g->io) != 0) {
		loop_close(fd);
		free(g);
		return;
	}
	list_push(&l->greetings, &g->node);
	l->n_greetings++;
	loop_timer_set(l->io.loop, &g->deadline, (int64_t)LIMIT_PROXY_GREETING_MS * 1000);
}

void
greetings_end(struct listener *l)
{
	while (!list_empty(&l->greetings)) {
		struct greeting *g = list_of(l->greetings.next, struct greeting, node);
		int fd = g->io.fd;

		finish(g);
		loop_close(fd);
	}
	check(l->n_greetings == 0);
}
