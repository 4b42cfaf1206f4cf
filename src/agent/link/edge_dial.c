/* SPDX-License-Identifier: Apache-2.0 */
/* Dials the edge, through a proxy where the environment names one. */
#include "agent/link/edge_dial.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define EDGE_PORT 443

/* clang-format off */
static const unsigned predecessors[] = {
	/* born in it */
	[EDGE_DIAL_OFF] = 1 << EDGE_DIAL_CONNECT | 1 << EDGE_DIAL_PROXY | 1 << EDGE_DIAL_TLS,
	[EDGE_DIAL_CONNECT] = 1 << EDGE_DIAL_OFF,
	[EDGE_DIAL_PROXY] = 1 << EDGE_DIAL_CONNECT,
	[EDGE_DIAL_TLS] = 1 << EDGE_DIAL_CONNECT | 1 << EDGE_DIAL_PROXY,
};
/* clang-format on */

/* The only writer of the state. */
static void
move(struct edge_dial *d, enum edge_dial_state to)
{
	check(predecessors[to] & 1u << d->state);
	d->state = to;
}

/* --- the edge's address --- */

/* What people write for an edge, more leniently than an origin: https:// and the port may be
 * missing. NULL, or a static sentence. */
static const char *
parse_edge(struct slice s, struct addr *ret)
{
	struct slice host = s;
	char z[300];
	const char *why;

	if (slice_ends(host, S("/")) && !slice_starts(host, S("unix:")))
		host = slice_head(host, host.n - 1);
	if (slice_starts(host, S("http://")))
		return "the edge is reached by https:// only";
	if (host.n == 0 || host.n >= sizeof(z) - 8)
		return "no host";
	/* A name alone: "edge.example.org". */
	if (slice_find(host, ':') == SIZE_MAX && slice_find(host, '.') != SIZE_MAX) {
		snprintf(z, sizeof(z), "%.*s:%d", PS(host), EDGE_PORT);
		host = slice_str(z);
	}
	why = addr_parse(host, ret);
	if (why == NULL && ret->kind == ADDR_TCP && ret->port == 0)
		ret->port = EDGE_PORT;
	return why;
}

static const char *
from_environment(const char *name)
{
	return getenv(name);
}

/* Read once: what is wrong with a variable is told at the start, and not tried for ever. */
static char *
find_proxy(struct edge_dial *d)
{
	const char *why = NULL, *name = NULL;
	char *error;

	if (d->edge.kind == ADDR_TCP)
		why =
		    proxy_from_env(from_environment, d->edge.host, d->edge.port, &d->proxy, &name);
	if (why == NULL)
		return NULL;
	return asprintf(&error, "%s in the environment: %s", name, why) < 0
		   ? strdup("out of memory")
		   : error;
}

char *
edge_dial_init(struct edge_dial *d, struct loop *l, struct resolver *r, const char *edge,
    const char *ca_path, bool link)
{
	struct tls_client_params p = { .ca_path = ca_path, .verify = true, .link = link };
	const char *why, *name;
	char *error = NULL;

	*d = (struct edge_dial){ .loop = l, .resolver = r };
	d->conn.io.fd = -1;
	why = parse_edge(slice_str(edge), &d->edge);
	if (why != NULL)
		return asprintf(&error, "edge %s: %s", edge, why) < 0 ? strdup("out of memory")
								      : error;
	name = d->edge.kind == ADDR_UNIX || d->edge.host[0] == '\0' ? "localhost" : d->edge.host;
	snprintf(d->tls_name, sizeof(d->tls_name), "%s", name);
	error = find_proxy(d);
	if (error != NULL)
		return error;
	d->tls = tls_client_new(&p, &error);
	return d->tls == NULL ? error : NULL;
}

void
edge_dial_fini(struct edge_dial *d)
{
	edge_dial_cancel(d);
	tls_client_unref(d->tls);
	d->tls = NULL;
	OPENSSL_cleanse(&d->proxy, sizeof(d->proxy));
}

/* --- the steps --- */

/* Whatever is under way ends; nobody is told. */
static void
stop(struct edge_dial *d)
{
	dial_cancel(&d->dial);
	loop_timer_stop(d->loop, &d->deadline);
	conn_close(&d->conn);
	move(d, EDGE_DIAL_OFF);
}

void
edge_dial_cancel(struct edge_dial *d)
{
	if (d->state != EDGE_DIAL_OFF)
		stop(d);
}

static void printf_like(2, 3) fail(struct edge_dial *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->why, sizeof(d->why), fmt, ap);
	va_end(ap);
	stop(d);
	d->done(d, NULL, d->why);
}

static void
shake_hands(struct edge_dial *d)
{
	switch (conn_handshake(&d->conn)) {
	case IO_OK:
		loop_timer_stop(d->loop, &d->deadline);
		/* OFF before the call: whoever gets the connection may dial again from within. */
		conn_detach(&d->conn);
		move(d, EDGE_DIAL_OFF);
		d->done(d, &d->conn, NULL);
		break;
	case IO_WAIT:
		break;
	case IO_EOF:
	case IO_FAIL:
		fail(d, "TLS: %s", conn_error(&d->conn));
		break;
	}
}

static void on_conn(struct conn *conn, unsigned events);

/* From CONNECT, or from PROXY with nothing read behind its answer: the same
 * socket, now with TLS. */
static void
start_tls(struct edge_dial *d)
{
	struct tls *tls = tls_connect(d->tls, d->tls_name);
	int fd = d->conn.io.fd;

	if (tls == NULL) {
		fail(d, "out of memory");
		return;
	}
	conn_detach(&d->conn);
	conn_init(&d->conn, fd, tls, on_conn);
	move(d, EDGE_DIAL_TLS);
	if (conn_attach(&d->conn, d->loop) != 0)
		fail(d, "%s", strerror(errno));
}

/*
 * Sends what the talk has to say and feeds it what came. What stands behind the proxy's answer
 * is the edge's TLS: the talk takes it for a fault, since an edge does not speak first, so
 * none is lost here.
 */
static void
talk_to_proxy(struct edge_dial *d)
{
	struct slice out;
	char bytes[1024];
	size_t n;
	enum io io = IO_OK;

	while ((out = proxy_talk_out(&d->talk)).n > 0 && io == IO_OK) {
		struct iovec iov = { (void *)(uintptr_t)out.p, out.n };

		io = conn_write(&d->conn, &iov, 1, &n);
		if (io == IO_FAIL) {
			fail(d, "proxy: %s", conn_error(&d->conn));
			return;
		}
		proxy_talk_out_done(&d->talk, n);
	}
	io = conn_read(&d->conn, bytes, sizeof(bytes), &n);
	if (io == IO_WAIT)
		return;
	if (io != IO_OK) {
		fail(d, "the proxy closed the connection");
		return;
	}
	switch (proxy_talk_feed(&d->talk, slice_of(bytes, n))) {
	case PROXY_TALK_MORE:
		conn_again(&d->conn, LOOP_IN | LOOP_OUT);
		break;
	case PROXY_TALK_DONE:
		start_tls(d);
		break;
	case PROXY_TALK_FAILED:
		fail(d, "%s", d->talk.error);
		break;
	}
}

static void
on_conn(struct conn *conn, unsigned events)
{
	struct edge_dial *d = list_of(conn, struct edge_dial, conn);

	(void)events;
	/* The connection is watched in these two alone. */
	check(d->state == EDGE_DIAL_PROXY || d->state == EDGE_DIAL_TLS);
	if (d->state == EDGE_DIAL_PROXY)
		talk_to_proxy(d);
	else
		shake_hands(d);
}

static void
on_deadline(struct loop_timer *t)
{
	struct edge_dial *d = list_of(t, struct edge_dial, deadline);

	check(d->state == EDGE_DIAL_PROXY || d->state == EDGE_DIAL_TLS);
	fail(d, d->state == EDGE_DIAL_PROXY ? "the proxy did not answer in time"
					    : "the edge did not finish the TLS handshake in time");
}

static void
on_dialled(struct dial *dial, int fd, int code, const char *why)
{
	struct edge_dial *d = list_of(dial, struct edge_dial, dial);
	char edge[ADDR_TEXT_BYTES];
	const char *where;

	check(d->state == EDGE_DIAL_CONNECT && !conn_is_open(&d->conn));
	/* The first mistake of all, a wrong port or an edge that is not started, has words of
	 * its own; the addresses that were tried stand in brackets. */
	if (fd < 0 && code == ECONNREFUSED && d->proxy.kind == PROXY_NONE) {
		where = strchr(why, '(');
		addr_text(&d->edge, edge, sizeof(edge));
		fail(d, "the edge %s%s does not take connections %s",
		    d->edge.kind == ADDR_TCP && !d->edge.tls ? "https://" : "", edge,
		    where != NULL ? where : "");
		return;
	}
	if (fd < 0) {
		fail(d, d->proxy.kind == PROXY_NONE ? "%s" : "proxy: %s", why);
		return;
	}
	loop_timer_set(d->loop, &d->deadline, (int64_t)LIMIT_TLS_HANDSHAKE_MS * 1000);
	conn_init(&d->conn, fd, NULL, on_conn);
	conn_tune(&d->conn, LIMIT_LINK_DEAD_MS, 0);
	if (d->proxy.kind == PROXY_NONE) {
		start_tls(d);
		return;
	}
	proxy_talk_init(&d->talk, &d->proxy, d->edge.host, d->edge.port);
	move(d, EDGE_DIAL_PROXY);
	if (conn_attach(&d->conn, d->loop) != 0)
		fail(d, "%s", strerror(errno));
}

void
edge_dial_start(struct edge_dial *d)
{
	/* done() took the last connection over, or closed it. */
	check(d->state == EDGE_DIAL_OFF && !conn_is_open(&d->conn));
	d->deadline.fn = on_deadline;
	d->dial = (struct dial){ .done = on_dialled, .family = d->family };
	move(d, EDGE_DIAL_CONNECT);
	dial_start(d->resolver, &d->dial, d->proxy.kind == PROXY_NONE ? &d->edge : &d->proxy.addr,
	    (int64_t)LIMIT_ORIGIN_CONNECT_MS * 1000);
}
