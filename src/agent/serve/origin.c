/* SPDX-License-Identifier: Apache-2.0 */
/* The pool of connections to one local server. */
#include "agent/serve/origin.h"

#include "agent/serve/origin_h2.h"
#include "net/proxyproto.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Connections to all origins at once: one per stream, and full pools. */
#define CONNS_MAX (2 * LIMIT_LINK_STREAMS + LIMIT_TUNNELS_PER_LINK * LIMIT_ORIGIN_POOL)

void
origin_shared_init(struct origin_shared *s, struct loop *l, struct resolver *r)
{
	s->loop = l;
	s->resolver = r;
	slab_init(&s->conns, sizeof(struct origin_conn), CONNS_MAX);
	s->builtin = NULL;
	sink_init(&s->sink);
}

void
origin_shared_fini(struct origin_shared *s)
{
	slab_fini(&s->conns);
	builtin_free(s->builtin);
	s->builtin = NULL;
	sink_fini(&s->sink);
}

/* --- one connection --- */

static void
release(struct loop_grave *g)
{
	struct origin_conn *c = list_of(g, struct origin_conn, grave);

	check(c->state == ORIGIN_GONE && !conn_is_open(&c->conn));
	free(c->header);
	origin_h2_free_stream(c->via);
	slab_put(&c->origin->shared->conns, c);
}

/* clang-format off */
static const unsigned predecessors[] = {
	[ORIGIN_DIALLING] = 0, /* born in it, see origin_connect() */
	[ORIGIN_HANDSHAKE] = 1 << ORIGIN_DIALLING,
	[ORIGIN_BUSY] = 1 << ORIGIN_DIALLING | 1 << ORIGIN_HANDSHAKE | 1 << ORIGIN_IDLE,
	[ORIGIN_IDLE] = 1 << ORIGIN_BUSY,
	[ORIGIN_GONE] = 1 << ORIGIN_DIALLING | 1 << ORIGIN_HANDSHAKE | 1 << ORIGIN_BUSY |
	    1 << ORIGIN_IDLE,
};
/* clang-format on */

void
origin_move(struct origin_conn *c, enum origin_state to)
{
	struct origin *o = c->origin;

	check(predecessors[to] & 1u << c->state);
	/* In the list of its origin exactly while it is IDLE. */
	check(c->via != NULL || (c->state == ORIGIN_IDLE) == !list_empty(&c->node));
	if (c->state == ORIGIN_IDLE) {
		check(o->n_idle > 0);
		list_del(&c->node);
		o->n_idle--;
	}
	c->state = to;
	if (to == ORIGIN_IDLE) {
		list_push_front(&o->idle, &c->node);
		o->n_idle++;
		check(o->n_idle <= LIMIT_ORIGIN_POOL);
	}
}

static void
leave_pair(struct origin_conn *c)
{
	if (c->pair_fd >= 0)
		close(c->pair_fd);
	c->pair_fd = -1;
}

void
origin_drop(struct origin_conn *c)
{
	if (c->state == ORIGIN_GONE)
		return;
	if (c->via != NULL)
		origin_h2_leave(c);
	else if (c->state == ORIGIN_DIALLING && c->origin->site != NULL)
		leave_pair(c);
	else if (c->state == ORIGIN_DIALLING)
		dial_cancel(&c->dial);
	else
		conn_close(&c->conn);
	loop_timer_stop(c->origin->shared->loop, &c->deadline);
	origin_move(c, ORIGIN_GONE);
	loop_bury(c->origin->shared->loop, &c->grave, release);
}

void
origin_abort(struct origin_conn *c)
{
	if (c->state == ORIGIN_BUSY)
		conn_will_reset(&c->conn);
	origin_drop(c);
}

void
origin_fail(struct origin_conn *c, enum link_code code, const char *why)
{
	const struct origin_ops *ops = c->ops;
	char text[256];

	/* The text may be the connection's own. */
	snprintf(text, sizeof(text), "%s", why);
	origin_drop(c);
	ops->failed(c, code, text);
}

static void
on_handshake(struct origin_conn *c)
{
	switch (conn_handshake(&c->conn)) {
	case IO_OK:
		loop_timer_stop(c->origin->shared->loop, &c->deadline);
		origin_move(c, ORIGIN_BUSY);
		c->ops->ready(c);
		break;
	case IO_WAIT:
		break;
	case IO_EOF:
	case IO_FAIL:
		origin_fail(c, LINK_CODE_ORIGIN_TLS, conn_error(&c->conn));
		break;
	}
}

static void
on_event(struct conn *conn, unsigned events)
{
	struct origin_conn *c = list_of(conn, struct origin_conn, conn);

	/* Its socket is watched neither before it is connected nor after its end. */
	check(c->state != ORIGIN_DIALLING && c->state != ORIGIN_GONE);
	switch (c->state) {
	case ORIGIN_HANDSHAKE:
		on_handshake(c);
		break;
	case ORIGIN_BUSY:
		c->ops->event(c, events);
		break;
	case ORIGIN_IDLE:
		if (events & LOOP_IN)
			origin_drop(c);
		break;
	case ORIGIN_DIALLING:
	case ORIGIN_GONE:
		break;
	}
}

static void
on_deadline(struct loop_timer *t)
{
	struct origin_conn *c = list_of(t, struct origin_conn, deadline);

	check(c->state == ORIGIN_HANDSHAKE);
	origin_fail(c, LINK_CODE_ORIGIN_SILENT, "the TLS handshake took too long");
}

/* errno-like of dialling: what is our own lack is not blamed on the origin. */
static enum link_code
dial_code(int code)
{
	switch (code) {
	case ETIMEDOUT:
		return LINK_CODE_ORIGIN_SILENT;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
		return LINK_CODE_INTERNAL;
	default:
		return LINK_CODE_ORIGIN_REFUSED;
	}
}

static void dial_next(struct origin_conn *c);

/* A new socket takes so little at once. */
static bool
send_header(struct origin_conn *c, int fd)
{
	struct iovec iov = { c->header, c->header_n };
	size_t n = 0;

	return c->header_n == 0 || (loop_send(fd, &iov, 1, &n) == IO_OK && n == c->header_n);
}

/* fd: connected, ours. With TLS the handshake begins at once; it may even end here. */
static void
on_connected(struct origin_conn *c, int fd)
{
	struct origin *o = c->origin;
	struct tls *tls = NULL;

	if (!send_header(c, fd)) {
		loop_close(fd);
		c->conn.io.fd = -1;
		origin_fail(c, LINK_CODE_INTERNAL, "the PROXY header could not be sent");
		return;
	}
	if (o->tls != NULL) {
		tls = tls_connect(o->tls, o->tls_name);
		if (tls == NULL) {
			loop_close(fd);
			c->conn.io.fd = -1;
			origin_fail(c, LINK_CODE_INTERNAL, "out of memory");
			return;
		}
	}
	conn_init(&c->conn, fd, tls, on_event);
	conn_tune(&c->conn, 0, LIMIT_NOTSENT_BYTES);
	origin_move(c, tls != NULL ? ORIGIN_HANDSHAKE : ORIGIN_BUSY);
	if (conn_attach(&c->conn, o->shared->loop) != 0) {
		origin_fail(c, LINK_CODE_INTERNAL, strerror(errno));
		return;
	}
	if (tls != NULL) {
		loop_timer_set(o->shared->loop, &c->deadline,
		    (int64_t)LIMIT_TLS_HANDSHAKE_MS * 1000);
		on_handshake(c);
	} else {
		c->ops->ready(c);
	}
}

/* The address that answered is tried first from now on: who listens on [::1] alone
 * costs one refusal, once. */
static void
on_dialled(struct dial *d, int fd, int code, const char *why)
{
	struct origin_conn *c = list_of(d, struct origin_conn, dial);
	struct origin *o = c->origin;

	check(c->state == ORIGIN_DIALLING && c->n_tried >= 1 && c->n_tried <= o->n_tries);
	if (fd >= 0) {
		o->try_first = (o->try_first + c->n_tried - 1) % o->n_tries;
		on_connected(c, fd);
	} else if (c->n_tried < o->n_tries) {
		dial_next(c);
	} else {
		origin_fail(c, dial_code(code), why);
	}
}

/* One address after the other, not side by side: a local server that refuses does so at once. */
static void
dial_next(struct origin_conn *c)
{
	struct origin *o = c->origin;
	size_t i = (o->try_first + c->n_tried++) % o->n_tries;

	check(c->n_tried <= o->n_tries);
	c->dial = (struct dial){ .done = on_dialled };
	dial_start(o->shared->resolver, &c->dial, &o->tries[i],
	    (int64_t)LIMIT_ORIGIN_CONNECT_MS * 1000);
}

/* "192.0.2.1:4711" as the edge says it; AF_UNSPEC: none, as of a Unix socket. */
static void
read_address(struct slice text, struct sockaddr_storage *ret)
{
	struct addr a;
	socklen_t len;

	if (addr_parse(text, &a) != NULL || a.kind != ADDR_TCP ||
	    addr_sockaddr(&a, false, ret, &len) != 0)
		*ret = (struct sockaddr_storage){ .ss_family = AF_UNSPEC };
}

size_t
origin_header(const struct origin *o, const struct opening *visitor, char *dst)
{
	struct proxyproto_say say = { .version = o->proxy_protocol };

	if (o->proxy_protocol == 0)
		return 0;
	if (visitor != NULL) {
		read_address(visitor->visitor, &say.from);
		read_address(visitor->local, &say.to);
		say.authority = visitor->sni;
		/* Of a visitor whose TLS ends behind us several are told: those that he offers. */
		if (slice_find(visitor->alpn, ',') == SIZE_MAX)
			say.alpn = visitor->alpn;
		say.id = visitor->request_id;
		say.tls = visitor->tls_version.n > 0;
		say.tls_version = visitor->tls_version;
	}
	return proxyproto_write(&say, dst, PROXYPROTO_BYTES_MAX);
}

/* A pair of sockets is connected at once; its owner is told in the next turn. */
static void
on_paired(struct loop_timer *t)
{
	struct origin_conn *c = list_of(t, struct origin_conn, deadline);
	int fd = c->pair_fd;

	check(c->state == ORIGIN_DIALLING);
	c->deadline.fn = on_deadline;
	c->pair_fd = -1;
	if (fd >= 0)
		on_connected(c, fd);
	else
		origin_fail(c, LINK_CODE_INTERNAL, "out of descriptors or memory");
}

struct origin_conn *
origin_connect(struct origin *o, struct slice header, const struct origin_ops *ops, void *owner)
{
	check(o->h2 == NULL || header.n == 0); /* origin_init() has refused it */
	return o->h2 != NULL ? origin_h2_connect(o->h2, ops, owner)
			     : origin_dial(o, header, ops, owner);
}

enum link_code
origin_broke(const struct origin_conn *c)
{
	return c->via != NULL ? origin_h2_broke(c) : LINK_CODE_ORIGIN_BROKE;
}

bool
origin_is_gone(const struct origin_conn *c)
{
	return c->via == NULL || origin_h2_is_gone(c);
}

bool
origin_refused(const struct origin_conn *c)
{
	return c->via != NULL && origin_h2_refused(c);
}

struct origin_conn *
origin_dial(struct origin *o, struct slice header, const struct origin_ops *ops, void *owner)
{
	struct origin_conn *c = slab_get(&o->shared->conns);

	if (c == NULL)
		return NULL;
	if (header.n > 0) {
		c->header = malloc(header.n);
		if (c->header == NULL) {
			slab_put(&o->shared->conns, c);
			return NULL;
		}
		memcpy(c->header, header.p, header.n);
		c->header_n = header.n;
	}
	c->origin = o;
	c->ops = ops;
	c->owner = owner;
	c->state = ORIGIN_DIALLING;
	c->conn.io.fd = -1;
	c->deadline.fn = on_deadline;
	list_init(&c->node);
	if (o->site == NULL) {
		dial_next(c);
		return c;
	}
	c->pair_fd = builtin_connect(o->shared->builtin, o->site);
	c->deadline.fn = on_paired;
	loop_timer_set(o->shared->loop, &c->deadline, 0);
	return c;
}

/* --- the pool --- */

/* The oldest stands last, so the first one that may stay ends the search. */
static void
on_expire(struct loop_timer *t)
{
	struct origin *o = list_of(t, struct origin, expire);
	int64_t now = loop_now_us(o->shared->loop),
		idle_max = (int64_t)LIMIT_ORIGIN_POOL_IDLE_MS * 1000;

	while (!list_empty(&o->idle)) {
		struct origin_conn *oldest = list_of(o->idle.prev, struct origin_conn, node);
		int64_t left = oldest->idle_us + idle_max - now;

		if (left > 0) {
			loop_timer_set(o->shared->loop, &o->expire, left);
			return;
		}
		origin_drop(oldest);
	}
}

struct origin_conn *
origin_take(struct origin *o, bool safe, const struct origin_ops *ops, void *owner)
{
	struct origin_conn *c;

	if (o->h2 != NULL)
		return origin_h2_take(o->h2, ops, owner);
	/* The edge that tells of an end, or of bytes for nobody, may be on its way: what is taken
	 * here would be read as the answer of this request. */
	while (!list_empty(&o->idle) &&
	       !conn_is_quiet(&list_of(o->idle.next, struct origin_conn, node)->conn))
		origin_drop(list_of(o->idle.next, struct origin_conn, node));
	if (list_empty(&o->idle))
		return NULL;
	c = list_of(o->idle.next, struct origin_conn, node);
	check(c->owner == NULL);
	if (!safe && loop_now_us(o->shared->loop) - c->idle_us > ORIGIN_FRESH_US)
		return NULL; /* the others have been idle for longer still */
	origin_move(c, ORIGIN_BUSY);
	c->reused = true;
	c->ops = ops;
	c->owner = owner;
	return c;
}

void
origin_release(struct origin_conn *c)
{
	struct origin *o = c->origin;
	size_t n;
	char byte;

	check(c->state == ORIGIN_BUSY);
	if (c->via != NULL) {
		origin_drop(c); /* a stream serves once; what it ran on stays */
		return;
	}
	/* The edge that told of an end may have come with the answer and will not come again. */
	if (o->proxy_protocol != 0 || !conn_is_open(&c->conn) || c->conn.eof || c->conn.failed ||
	    conn_waiting(&c->conn) > 0 ||
	    (c->conn.readable && conn_read(&c->conn, &byte, 1, &n) != IO_WAIT)) {
		origin_drop(c);
		return;
	}
	if (o->n_idle >= LIMIT_ORIGIN_POOL)
		origin_drop(list_of(o->idle.prev, struct origin_conn, node));
	c->idle_us = loop_now_us(o->shared->loop);
	c->owner = NULL;
	origin_move(c, ORIGIN_IDLE);
	if (o->n_idle == 1) {
		o->expire.fn = on_expire;
		loop_timer_set(o->shared->loop, &o->expire,
		    (int64_t)LIMIT_ORIGIN_POOL_IDLE_MS * 1000);
	}
}

/* --- the end of an origin --- */

void
origin_fini(struct origin *o)
{
	while (!list_empty(&o->idle))
		origin_drop(list_of(o->idle.next, struct origin_conn, node));
	check(o->n_idle == 0);
	origin_h2_free(o->h2);
	o->h2 = NULL;
	builtin_site_unref(o->site);
	o->site = NULL;
	loop_timer_stop(o->shared->loop, &o->expire);
	tls_client_unref(o->tls);
	o->tls = NULL;
}
