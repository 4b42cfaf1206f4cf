/* SPDX-License-Identifier: Apache-2.0 */
/* TCP tunnels: the listeners on the edge's ports. */
#include "edge/tcp/tcp_port.h"

#include "edge/tcp/tcp_pipe.h"

#include <stdio.h>
#include <stdlib.h>

struct tcp_port {
	struct listener listener;
	struct tunnel *tunnel;
	struct loop_grave grave;
};

/* Too many of one address: closed without a word, as there is no protocol to say it in. */
static void
on_accepted(struct listener *l, int fd, const struct sockaddr_storage *ss, socklen_t len)
{
	struct tcp_port *port = l->owner;
	struct tunnel *t = port->tunnel;
	struct worker *w = t->worker;
	struct source_key key;
	struct source *source = NULL;
	char peer[PEER_TEXT_BYTES], local[PEER_TEXT_BYTES];

	check(t->port == port); /* a port that is closed accepts nothing */
	if (source_key(ss, &key) && (source = sources_take(&w->sources, &key)) == NULL) {
		loop_close(fd);
		return;
	}
	addr_show(ss, len, peer, sizeof(peer));
	addr_local(fd, local, sizeof(local));
	tcp_pipe_start(w, t,
	    &(struct tcp_visitor){ .fd = fd, .source = source, .peer = peer, .local = local });
}

/*
 * The older link's own socket where there is one: connections that wait in its backlog are
 * not lost in a takeover.
 */
int
tcp_port_listen(struct worker *w, uint16_t number)
{
	struct addr a = { .kind = ADDR_TCP, .port = number };
	char key[DIRECTORY_KEY_BYTES];
	int fd;

	snprintf(key, sizeof(key), "tcp:%u", number);
	fd = directory_listener(w->edge->directory, slice_str(key));
	if (fd >= 0)
		return fd;
	memcpy(a.host, w->settings->host, sizeof(a.host));
	return addr_listen(&a, false, NULL);
}

int
tcp_port_open(struct tunnel *t, int fd)
{
	struct worker *w = t->worker;
	struct tcp_port *port = calloc(1, sizeof(*port));

	check(t->up && t->port == NULL);
	if (port == NULL) {
		loop_close(fd);
		return -1;
	}
	port->tunnel = t;
	directory_hold_fd(w->edge->directory, t->route, fd);
	if (listener_open(&port->listener, w->loop, fd, on_accepted, port) != 0) {
		free(port);
		return -1;
	}
	listener_expect_proxies(&port->listener, &w->edge->started->proxies.tcp);
	t->port = port;
	return 0;
}

static void
on_port_grave(struct loop_grave *g)
{
	free(list_of(g, struct tcp_port, grave));
}

void
tcp_port_close(struct tunnel *t)
{
	struct tcp_port *port = t->port;

	if (port == NULL)
		return;
	check(port->tunnel == t);
	t->port = NULL;
	listener_close(&port->listener);
	loop_bury(t->worker->loop, &port->grave, on_port_grave);
}
