/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the edge for the address that it sees. */
#include "agent/link/edge_seen.h"

#include "base/limits.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
finish(struct edge_seen *s, const char *address, const char *ticket)
{
	edge_seen_stop(s);
	s->done(s, address, ticket);
}

static void
fail(struct edge_seen *s)
{
	finish(s, "", "");
}

/* Our own edge's answer: a field and one line; what is anything else says nothing. */
static void
read_answer(struct edge_seen *s)
{
	char *body, *field, address[INET6_ADDRSTRLEN] = "", ticket[64] = "";
	unsigned char bytes[16];

	s->got[s->n] = '\0';
	body = strstr(s->got, "\r\n\r\n");
	if (body == NULL || strncmp(s->got, "HTTP/1.1 200 ", 13) != 0) {
		fail(s);
		return;
	}
	*body = '\0';
	body += 4;
	field = strcasestr(s->got, "\r\nadit-seen: ");
	if (field != NULL)
		snprintf(ticket, sizeof(ticket), "%.*s", (int)strcspn(field + 13, "\r"),
		    field + 13);
	snprintf(address, sizeof(address), "%.*s", (int)strcspn(body, "\r\n"), body);
	if (inet_pton(s->family, address, bytes) != 1)
		address[0] = '\0';
	finish(s, address, ticket);
}

static void
on_conn(struct conn *c, unsigned events)
{
	struct edge_seen *s = list_of(c, struct edge_seen, conn);

	(void)events;
	for (;;) {
		size_t n = 0;

		switch (conn_read(c, s->got + s->n, sizeof(s->got) - 1 - s->n, &n)) {
		case IO_OK:
			s->n += n;
			if (s->n < sizeof(s->got) - 1)
				continue;
			fail(s);
			return;
		case IO_WAIT:
			return;
		case IO_EOF:
		case IO_FAIL:
			read_answer(s);
			return;
		}
	}
}

static void
on_dialled(struct edge_dial *d, struct conn *conn, const char *why)
{
	struct edge_seen *s = list_of(d, struct edge_seen, dial);
	char ask[400];
	struct iovec iov = { ask, 0 };
	size_t n = 0;

	(void)why;
	if (conn == NULL) {
		fail(s);
		return;
	}
	iov.iov_len = (size_t)snprintf(ask, sizeof(ask),
	    strchr(d->tls_name, ':') == NULL ? "GET /checkip HTTP/1.1\r\nHost: %s\r\nConnection: "
					       "close\r\n\r\n"
					     : "GET /checkip HTTP/1.1\r\nHost: [%s]\r\nConnection: "
					       "close\r\n\r\n",
	    d->tls_name);
	conn_move(&s->conn, conn, on_conn);
	if (conn_attach(&s->conn, s->loop) != 0 || conn_write(&s->conn, &iov, 1, &n) != IO_OK ||
	    n != iov.iov_len) {
		fail(s);
		return;
	}
	conn_again(&s->conn, LOOP_IN);
}

static void
on_timer(struct loop_timer *t)
{
	fail(list_of(t, struct edge_seen, timer));
}

void
edge_seen_start(struct edge_seen *s, struct loop *l, struct resolver *r, const char *edge,
    const char *ca)
{
	char *error;

	if (s->inited)
		return;
	s->loop = l;
	s->n = 0;
	s->conn.io.fd = -1;
	s->timer.fn = on_timer;
	error = edge_dial_init(&s->dial, l, r, edge, ca, false);
	s->inited = true;
	/* A proxy of a company shows its own address, and a Unix socket none. */
	if (error != NULL || s->dial.proxy.kind != PROXY_NONE || s->dial.edge.kind != ADDR_TCP) {
		free(error);
		loop_timer_set(l, &s->timer, 0);
		return;
	}
	s->dial.done = on_dialled;
	s->dial.family = s->family;
	loop_timer_set(l, &s->timer, (int64_t)LIMIT_SEEN_MS * 1000);
	edge_dial_start(&s->dial);
}

void
edge_seen_stop(struct edge_seen *s)
{
	if (!s->inited)
		return;
	s->inited = false;
	loop_timer_stop(s->loop, &s->timer);
	conn_close(&s->conn);
	edge_dial_fini(&s->dial);
}
