/* SPDX-License-Identifier: Apache-2.0 */
/* The server as its owner sees it: where it listens, who has come, and its end. */
#include "web/server.h"

#include "web/web_private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

/* Then whoever is connected has his turn, though more wait. */
#define ACCEPTS_PER_EVENT 16
#define RETRY_US (100 * 1000)

struct web_server *
web_server_new(const struct web_config *config)
{
	struct web_server *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->config = *config;
	list_init(&s->listeners);
	list_init(&s->clients);
	if (web_guard_init(s) == 0)
		return s;
	web_guard_fini(s);
	free(s);
	return NULL;
}

/* --- coming --- */

/*
 * Room for one more: of those who wait for nothing, the one that has waited longest goes.  False:
 * each of them is at work.
 */
static bool
make_room(struct web_server *s)
{
	if (s->n_clients < LIMIT_WEB_CONNECTIONS)
		return true;
	LIST_EACH(it, &s->clients) {
		struct web_client *c = list_of(it, struct web_client, node);

		if (web_client_is_idle(c)) {
			web_client_close(c);
			return true;
		}
	}
	return false;
}

/* Said without having read anything; whoever does not take it at once does without. */
static void
refuse(int fd)
{
	static char full[] =
	    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\n"
	    "Connection: close\r\n\r\n";
	struct iovec iov = { full, sizeof(full) - 1 };
	size_t n;

	(void)loop_send(fd, &iov, 1, &n);
	loop_close(fd);
}

static void
accept_some(struct web_listener *l)
{
	for (int i = 0; i < ACCEPTS_PER_EVENT; i++) {
		struct sockaddr_storage ss = { 0 };
		socklen_t len = sizeof(ss);
		int fd = loop_accept(l->io.fd, &ss, &len);

		if (fd < 0 &&
		    (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
			loop_timer_set(l->io.loop, &l->retry, RETRY_US);
			return;
		}
		if (fd < 0 && errno == EAGAIN)
			return;
		if (fd < 0)
			continue;
		if (make_room(l->server))
			(void)web_client_new(l->server, fd, &ss, len, l->port);
		else
			refuse(fd);
	}
	loop_again(&l->io, LOOP_IN);
}

static void
on_listener(struct loop_io *io, unsigned events)
{
	if (events & LOOP_IN)
		accept_some(list_of(io, struct web_listener, io));
}

static void
on_retry(struct loop_timer *t)
{
	accept_some(list_of(t, struct web_listener, retry));
}

int
web_server_take(struct web_server *s, int fd, uint16_t port)
{
	struct web_listener *l = calloc(1, sizeof(*l));

	check(!s->stopped);
	if (l == NULL) {
		loop_close(fd);
		return -1;
	}
	l->io = (struct loop_io){ .fd = fd, .fn = on_listener };
	l->retry.fn = on_retry;
	l->server = s;
	l->port = port;
	if (loop_watch(s->config.loop, &l->io) != 0) {
		int error = errno;

		loop_close(fd);
		free(l);
		errno = error;
		return -1;
	}
	list_push(&s->listeners, &l->node);
	return 0;
}

int
web_server_listen(struct web_server *s, const struct addr *a, struct addr *ret_bound)
{
	struct addr bound;
	int fd = addr_listen(a, false, &bound);

	if (fd >= 0 && a->kind == ADDR_UNIX && chmod(a->path, 0600) != 0) {
		loop_close(fd);
		return -1;
	}
	if (fd < 0 || web_server_take(s, fd, a->kind == ADDR_TCP ? bound.port : 0) != 0)
		return -1;
	if (ret_bound != NULL)
		*ret_bound = bound;
	return 0;
}

/* --- the end --- */

static void
on_listener_grave(struct loop_grave *g)
{
	free(list_of(g, struct web_listener, grave));
}

static void
close_listeners(struct web_server *s)
{
	struct list *it;

	while ((it = list_pop(&s->listeners)) != NULL) {
		struct web_listener *l = list_of(it, struct web_listener, node);

		loop_timer_stop(s->config.loop, &l->retry);
		loop_unwatch(&l->io);
		loop_close(l->io.fd);
		loop_bury(s->config.loop, &l->grave, on_listener_grave);
	}
}

void
web_server_stop(struct web_server *s)
{
	if (s->stopped)
		return;
	s->stopped = true;
	close_listeners(s);
	LIST_EACH(it, &s->clients)
		web_client_stop(list_of(it, struct web_client, node));
}

bool
web_server_is_idle(const struct web_server *s)
{
	return s->n_clients == 0;
}

static void
on_server_grave(struct loop_grave *g)
{
	struct web_server *s = list_of(g, struct web_server, grave);

	web_guard_fini(s);
	free(s);
}

void
web_server_free(struct web_server *s)
{
	if (s == NULL)
		return;
	s->stopped = true;
	close_listeners(s);
	while (!list_empty(&s->clients))
		web_client_close(list_of(s->clients.next, struct web_client, node));
	check(s->n_clients == 0 && s->body_bytes == 0);
	loop_bury(s->config.loop, &s->grave, on_server_grave);
}

uint64_t
web_server_csp_reports(const struct web_server *s)
{
	return s->csp_reports;
}
