/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP request of our own, stage by stage. */
#include "relay/fetch.h"

#include "net/conn.h"
#include "net/resolve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define HEAD_MAX LIMIT_HEAD_BYTES

struct fetch {
	const struct fetch_request *req;
	struct fetch_answer *answer;
	struct loop *loop;
	struct resolver *resolver;
	struct tls_client *tls;
	struct dial dial;
	struct conn conn;
	struct loop_timer deadline;
	struct buf out;
	size_t sent;
	int64_t since_us;
	bool has_head, connected, over;
	void (*done)(void *owner);
	void *owner;
};

/* Nothing is called after this but done(). */
static void
finish(struct fetch *f)
{
	if (f->over)
		return;
	f->over = true;
	loop_timer_stop(f->loop, &f->deadline);
	f->done(f->owner);
}

static void
fail(struct fetch *f, enum fetch_stage stage, int code, const char *why)
{
	f->answer->stage = stage;
	f->answer->code = code;
	snprintf(f->answer->why, sizeof(f->answer->why), "%s", why);
	finish(f);
}

static void
succeed(struct fetch *f)
{
	f->answer->stage = FETCH_DONE;
	f->answer->answer_us = loop_now_us(f->loop) - f->since_us;
	finish(f);
}

/* What the socket does not take now goes on with its next edge. */
static void
send_request(struct fetch *f)
{
	size_t n;

	while (f->sent < f->out.n) {
		struct iovec iov = { f->out.p + f->sent, f->out.n - f->sent };

		switch (conn_write(&f->conn, &iov, 1, &n)) {
		case IO_OK:
			f->sent += n;
			break;
		case IO_WAIT:
			return;
		case IO_EOF:
		case IO_FAIL:
			/* an answer may have come before: reading tells */
			f->sent = f->out.n;
			return;
		}
	}
}

static void
take_body(struct fetch *f, struct slice in)
{
	struct fetch_answer *a = f->answer;
	struct slice data;

	for (;;) {
		switch (h1_body(&a->h1, &in, &data)) {
		case H1_MORE:
			return;
		case H1_DATA:
			buf_put(&a->body, slice_head(data, a->body.max - a->body.n));
			if (a->body.n < a->body.max)
				break;
			succeed(f); /* more is not wanted */
			return;
		case H1_DONE:
			succeed(f);
			return;
		case H1_BAD:
			fail(f, FETCH_HTTP, EPROTO, close_row(a->h1.fault)->what);
			return;
		}
	}
}

/*
 * Answers of 1xx are read away until a final one comes (RFC 9110 15.2). 101 counts as final:
 * what follows it is not HTTP.
 */
static void
take(struct fetch *f, struct slice in)
{
	struct fetch_answer *a = f->answer;
	struct slice rest;

	if (f->has_head) {
		take_body(f, in);
		return;
	}
	buf_put(&a->head, in);
	for (;;) {
		switch (h1_head(&a->h1, buf_slice(&a->head))) {
		case H1_MORE:
			return;
		case H1_DONE:
			break;
		default:
			fail(f, FETCH_HTTP, EPROTO, close_row(a->h1.fault)->what);
			return;
		}
		if (a->h1.head.status >= 200 || a->h1.head.status == 101)
			break;
		buf_skip(&a->head, a->h1.head.n_bytes);
		h1_reset(&a->h1);
	}
	f->has_head = true;
	a->status = a->h1.head.status;
	rest = slice_from(buf_slice(&a->head), a->h1.head.n_bytes);
	if (a->status == 101)
		succeed(f);
	else
		take_body(f, rest);
}

/* A connection that ends is the end of the answer only where the answer's framing says so. */
static void
on_end(struct fetch *f, bool in_order)
{
	if (f->has_head && in_order && h1_eof_ok(&f->answer->h1))
		succeed(f);
	else
		fail(f, FETCH_HTTP, ECONNRESET,
		    in_order ? "the server closed the connection without a whole answer"
			     : conn_error(&f->conn));
}

static void
receive(struct fetch *f)
{
	char *scratch = loop_scratch(f->loop);
	size_t n;

	while (!f->over) {
		switch (conn_read(&f->conn, scratch, LIMIT_DATA_FRAME_BYTES, &n)) {
		case IO_OK:
			take(f, slice_of(scratch, n));
			break;
		case IO_WAIT:
			return;
		case IO_EOF:
			on_end(f, true);
			return;
		case IO_FAIL:
			on_end(f, false);
			return;
		}
	}
}

/* True once TLS is through. */
static bool
shake_hands(struct fetch *f)
{
	struct fetch_answer *a = f->answer;

	if (f->connected)
		return true;
	switch (conn_handshake(&f->conn)) {
	case IO_OK:
		break;
	case IO_WAIT:
		return false;
	default:
		fail(f, FETCH_TLS, EPROTO, conn_error(&f->conn));
		return false;
	}
	f->connected = true;
	if (f->req->challenge.p != NULL && !tls_peer_is(f->conn.tls, f->req->challenge)) {
		fail(f, FETCH_TLS, EPROTO, "the server shows another certificate");
		return false;
	}
	if (f->conn.tls != NULL)
		snprintf(a->tls_version, sizeof(a->tls_version), "%s", tls_version(f->conn.tls));
	a->tls_us = loop_now_us(f->loop) - f->since_us;
	f->since_us = loop_now_us(f->loop);
	if (f->req->no_http)
		succeed(f);
	return !f->req->no_http;
}

/* Edges are told once, so both directions are tried, whichever it was. */
static void
on_conn(struct conn *c, unsigned events)
{
	struct fetch *f = list_of(c, struct fetch, conn);

	if (f->over || !shake_hands(f))
		return;
	(void)events;
	send_request(f);
	receive(f);
}

/* The address that answered is kept: people want to know which of several it was. */
static void
on_dialled(struct dial *d, int fd, int code, const char *why)
{
	struct fetch *f = list_of(d, struct fetch, dial);
	struct fetch_answer *a = f->answer;
	struct iovec iov = { (void *)(uintptr_t)f->req->first.p, f->req->first.n };
	struct tls *tls = NULL;
	size_t n = 0;

	a->dns_tcp_us = loop_now_us(f->loop) - f->since_us;
	f->since_us = loop_now_us(f->loop);
	if (fd < 0) {
		fail(f, code == ENOENT ? FETCH_DNS : FETCH_TCP, code, why);
		return;
	}
	a->peer_len = sizeof(a->peer);
	if (getpeername(fd, (struct sockaddr *)&a->peer, &a->peer_len) != 0)
		a->peer_len = 0;
	if (iov.iov_len > 0 && (loop_send(fd, &iov, 1, &n) != IO_OK || n != iov.iov_len)) {
		loop_close(fd);
		fail(f, FETCH_TCP, EPIPE, "the PROXY header could not be sent");
		return;
	}
	if (f->tls != NULL) {
		tls = tls_connect(f->tls,
		    f->req->tls_name != NULL ? f->req->tls_name : f->req->addr.host);
		if (tls == NULL) {
			loop_close(fd);
			fail(f, FETCH_TLS, ENOMEM, "out of memory");
			return;
		}
	}
	conn_init(&f->conn, fd, tls, on_conn);
	if (conn_attach(&f->conn, f->loop) != 0)
		fail(f, FETCH_TCP, errno, strerror(errno));
}

/* How far it had come says who was slow. */
static void
on_deadline(struct loop_timer *t)
{
	struct fetch *f = list_of(t, struct fetch, deadline);

	dial_cancel(&f->dial);
	conn_will_reset(&f->conn); /* an end behind a request would not mean that we have gone */
	if (!conn_is_open(&f->conn))
		fail(f, FETCH_TCP, ETIMEDOUT, "no connection in time");
	else if (!f->connected)
		fail(f, FETCH_TLS, ETIMEDOUT, "the TLS handshake was not done in time");
	else
		fail(f, FETCH_HTTP, ETIMEDOUT, "no answer in time");
}

/* A length stands also before an empty body (RFC 9110 8.6), but for GET, which has none. */
static void
write_request(struct fetch *f)
{
	const struct fetch_request *r = f->req;

	buf_printf(&f->out, "%s %.*s HTTP/1.1\r\nHost: %s\r\n%.*sConnection: close\r\n", r->method,
	    PS(r->target), r->host, PS(r->fields));
	if (r->body.n > 0 || strcmp(r->method, "GET") != 0)
		buf_printf(&f->out, "Content-Length: %zu\r\n", r->body.n);
	buf_put(&f->out, S("\r\n"));
	buf_put(&f->out, r->body);
}

/* Nothing that would be more than one line, or word, of the request. */
static bool
is_plain(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return false;
	return true;
}

/* All that can fail before a byte is sent; answer->why is set where it did. */
static bool
prepare(struct fetch *f)
{
	struct tls_client_params p = { .ca_path = f->req->ca_path,
		.verify = !f->req->insecure,
		.challenge = f->req->challenge.p != NULL };
	char *error = NULL;

	conn_init(&f->conn, -1, NULL, on_conn);
	if (!is_plain(slice_str(f->req->host)) || !is_plain(f->req->target)) {
		f->answer->stage = FETCH_HTTP;
		snprintf(f->answer->why, sizeof(f->answer->why),
		    "there is a space or a control character in the URL");
		return false;
	}
	f->resolver = f->loop == NULL ? NULL : resolver_new(f->loop);
	if (f->resolver == NULL) {
		snprintf(f->answer->why, sizeof(f->answer->why), "out of memory or descriptors");
		return false;
	}
	if (f->req->servers != NULL)
		resolver_servers(f->resolver, f->req->servers);
	if (!f->req->addr.tls)
		return true;
	f->tls = f->req->tls != NULL ? tls_client_ref(f->req->tls) : tls_client_new(&p, &error);
	if (f->tls == NULL)
		snprintf(f->answer->why, sizeof(f->answer->why), "%s", error);
	free(error);
	return f->tls != NULL;
}

/* A request that never began gives NULL, and done() is not called. */
struct fetch *
fetch_start(struct loop *l, const struct fetch_request *req, struct fetch_answer *ret,
    void (*done)(void *owner), void *owner)
{
	struct fetch *f = calloc(1, sizeof(*f));

	*ret = (struct fetch_answer){ .stage = FETCH_DNS };
	buf_init(&ret->head, 2 * HEAD_MAX);
	buf_init(&ret->body, req->body_max);
	h1_init(&ret->h1, H1_RESPONSE);
	ret->h1.head_request = strcmp(req->method, "HEAD") == 0;
	if (f == NULL) {
		snprintf(ret->why, sizeof(ret->why), "out of memory");
		return NULL;
	}
	f->conn.io.fd = -1; /* not standard input */
	f->req = req;
	f->answer = ret;
	f->loop = l;
	f->done = done;
	f->owner = owner;
	buf_init(&f->out, HEAD_MAX + req->body.n);
	write_request(f);
	if (!prepare(f)) {
		fetch_end(f);
		return NULL;
	}
	f->since_us = loop_now_us(l);
	f->deadline.fn = on_deadline;
	f->dial.done = on_dialled;
	loop_timer_set(l, &f->deadline, req->timeout_ms * 1000);
	dial_start(f->resolver, &f->dial, &req->addr, req->timeout_ms * 1000);
	return f;
}

void
fetch_end(struct fetch *f)
{
	if (f == NULL)
		return;
	if (f->loop != NULL)
		loop_timer_stop(f->loop, &f->deadline);
	dial_cancel(&f->dial);
	conn_close(&f->conn);
	if (f->resolver != NULL)
		resolver_free(f->resolver);
	tls_client_unref(f->tls);
	buf_fini(&f->out);
	free(f);
}

static void
stop(void *owner)
{
	loop_stop(owner);
}

/* On a loop of its own, for programs that do nothing else meanwhile. */
int
fetch(const struct fetch_request *req, struct fetch_answer *ret)
{
	struct loop *loop = loop_new();
	struct fetch *f = fetch_start(loop, req, ret, stop, loop);

	if (f != NULL)
		loop_run(loop);
	fetch_end(f);
	if (loop != NULL)
		loop_free(loop);
	return ret->stage == FETCH_DONE ? 0 : -1;
}

void
fetch_fini(struct fetch_answer *a)
{
	buf_fini(&a->head);
	buf_fini(&a->body);
}

struct slice
fetch_field(const struct fetch_answer *a, struct slice name)
{
	struct slice none = { 0 };
	size_t at = 0;
	const struct h1_field *f = h1_find(&a->h1.head, buf_slice(&a->head), name, &at);

	return f == NULL ? none : h1_text(buf_slice(&a->head), f->value);
}
