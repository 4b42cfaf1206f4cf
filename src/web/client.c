/* SPDX-License-Identifier: Apache-2.0 */
/* One connection: reads heads and bodies, sends what answers have put, and keeps its times. */
#include "web/web_private.h"

#include "http/close.h"
#include "web/peer.h"

#include <stdlib.h>

/* Where a step may come from. */
static const unsigned before[] = {
	[WEB_HEAD] = 1 << WEB_BUSY,
	[WEB_BODY] = 1 << WEB_HEAD,
	[WEB_BUSY] = 1 << WEB_HEAD | 1 << WEB_BODY,
	[WEB_LINGER] = 1 << WEB_BUSY,
	[WEB_DEAD] = 1 << WEB_HEAD | 1 << WEB_BODY | 1 << WEB_BUSY | 1 << WEB_LINGER,
};

static void
client_move(struct web_client *c, enum web_step to)
{
	check(before[to] & 1u << c->step);
	c->step = to;
}

/* --- times --- */

/*
 * sent: bytes have left since.  Who takes nothing has one such time, whatever is put for him meanwhile; a
 * handler that thinks has no time of ours.
 */
static void
arm(struct web_client *c, bool sent)
{
	struct loop *l = c->server->config.loop;
	int64_t ms = 0;

	switch (c->step) {
	case WEB_HEAD:
		/* From the first byte on (read_some()): who sends one a second is not heard for ever. */
		ms = c->in.n > 0 ? LIMIT_WEB_HEAD_MS : LIMIT_WEB_IDLE_MS;
		break;
	case WEB_BODY:
		ms = LIMIT_WEB_STALL_MS;
		break;
	case WEB_BUSY:
		if (web_client_waiting(c) > 0 && c->stalling && !sent)
			return;
		c->stalling = web_client_waiting(c) > 0;
		if (c->stalling)
			ms = LIMIT_WEB_STALL_MS;
		else if (c->answer == WEB_EVENTS)
			ms = LIMIT_WEB_HEARTBEAT_MS;
		break;
	case WEB_LINGER:
		ms = LIMIT_LINGER_MS;
		break;
	case WEB_DEAD:
		break;
	}
	if (ms == 0)
		loop_timer_stop(l, &c->timer);
	else
		loop_timer_set(l, &c->timer, ms * 1000);
}

static void
on_timer(struct loop_timer *t)
{
	struct web_client *c = list_of(t, struct web_client, timer);

	if (c->step == WEB_BUSY && c->answer == WEB_EVENTS && web_client_waiting(c) == 0) {
		struct slice beat = c->chunked ? S("3\r\n:\n\n\r\n") : S(":\n\n");

		buf_put(&c->out, beat);
		web_client_changed(c);
	} else if (c->step == WEB_HEAD && c->in.n > 0) {
		web_serve_fault(c, CLOSE_SLOW_HEAD);
	} else if (c->step == WEB_BODY) {
		web_serve_fault(c, CLOSE_SLOW_BODY);
	} else {
		web_client_close(c);
	}
}

/* --- coming and going --- */

static void
on_grave(struct loop_grave *g)
{
	struct web_client *c = list_of(g, struct web_client, grave);

	buf_fini(&c->in);
	buf_fini(&c->out);
	buf_fini(&c->fields);
	free(c);
}

/* What belongs to one request, apart from its head. */
static void
forget_request(struct web_client *c)
{
	check(c->server->body_bytes >= c->body.n);
	c->server->body_bytes -= c->body.n;
	buf_fini(&c->body);
	buf_init(&c->body, SIZE_MAX);
	json_decref(c->request.json);
	free(c->text);
	free(c->tail_text);
	c->text = c->tail_text = NULL;
	c->tail = S("");
	c->n_pairs = 0;
	c->request = (struct web_request){ .owner = c->server->config.owner, .peer = &c->peer };
	c->handled = c->stalling = c->complete = c->chunked = c->broken = c->untrusted =
	    c->caught_up = false;
	c->answer = WEB_NONE;
	c->left = c->lost = 0;
	buf_reset(&c->fields);
}

void
web_client_close(struct web_client *c)
{
	struct web_server *s = c->server;

	if (c->step == WEB_DEAD)
		return;
	check(s->n_clients > 0);
	client_move(c, WEB_DEAD);
	if (c->handled && !c->complete)
		c->request.gone(&c->request);
	loop_timer_stop(s->config.loop, &c->timer);
	loop_task_cancel(&c->push);
	conn_close(&c->conn);
	forget_request(c);
	list_del(&c->node);
	s->n_clients--;
	loop_bury(s->config.loop, &c->grave, on_grave);
}

bool
web_client_is_idle(const struct web_client *c)
{
	return c->step == WEB_LINGER ||
	       (c->step == WEB_HEAD && (c->in.n == 0 || web_guard_is_foreign(c)));
}

void
web_client_stop(struct web_client *c)
{
	c->keep_alive = false;
	if (web_client_is_idle(c))
		web_client_close(c);
	else if (c->answer == WEB_EVENTS && !c->complete)
		web_client_changed(c);
}

/* --- sending --- */

size_t
web_client_waiting(const struct web_client *c)
{
	return c->out.n + c->tail.n;
}

void
web_client_changed(struct web_client *c)
{
	loop_at_end(c->server->config.loop, &c->push);
}

static void
took(struct web_client *c, size_t n)
{
	size_t n_out = n < c->out.n ? n : c->out.n;

	buf_skip(&c->out, n_out);
	c->tail = slice_from(c->tail, n - n_out);
}

/* False: the connection is closed. */
static bool
flush(struct web_client *c)
{
	while (web_client_waiting(c) > 0) {
		void *tail;
		struct iovec iov[2];
		int n_iov = 0;
		size_t n;

		memcpy(&tail, &c->tail.p, sizeof(tail));
		if (c->out.n > 0)
			iov[n_iov++] = (struct iovec){ c->out.p, c->out.n };
		if (c->tail.n > 0)
			iov[n_iov++] = (struct iovec){ tail, c->tail.n };
		switch (conn_write(&c->conn, iov, n_iov, &n)) {
		case IO_OK:
			took(c, n);
			break;
		case IO_WAIT:
			return true;
		case IO_EOF:
		case IO_FAIL:
			web_client_close(c);
			return false;
		}
	}
	return true;
}

/* All of the answer has left. */
static void
next_request(struct web_client *c)
{
	size_t head = c->h1.head.n_bytes;

	if (c->broken) {
		conn_will_reset(&c->conn);
		web_client_close(c);
		return;
	}
	if (!c->keep_alive || c->server->stopped) {
		client_move(c, WEB_LINGER);
		conn_shut(&c->conn);
		conn_again(&c->conn, LOOP_IN);
		arm(c, true);
		return;
	}
	forget_request(c);
	client_move(c, WEB_HEAD);
	buf_skip(&c->in, head);
	h1_reset(&c->h1);
	c->behind = c->in.n > 0;
	/* Who has waited longest stands first. */
	list_del(&c->node);
	list_push(&c->server->clients, &c->node);
	conn_again(&c->conn, LOOP_IN);
	arm(c, true);
}

/* The answer comes in pieces, or it will come later: whose turn is it? */
static void
ask_for_more(struct web_client *c)
{
	struct web_request *r = &c->request;
	bool idle = web_client_waiting(c) == 0;

	if (c->answer == WEB_NONE)
		return;
	/* Of an answer to HEAD nothing more is wanted, and a stopped server ends what has no end. */
	if (web_is_head(c) || (c->answer == WEB_EVENTS && c->server->stopped)) {
		r->gone(r);
		web_reply_end(c);
	} else if (c->answer == WEB_PIECES) {
		/* Where all was written its handler has only the end left to say. */
		if (web_body_room(r) > 0 || c->left == 0)
			r->more(r);
	} else if (idle && c->lost > 0) {
		web_stream_lost(c);
	} else if (idle && c->caught_up) {
		c->caught_up = false;
		if (r->more != NULL)
			r->more(r);
	}
}

/* Sends what goes, and does what follows from that. */
static void
client_push(struct web_client *c)
{
	size_t waited = web_client_waiting(c);

	if (c->step != WEB_BUSY || !flush(c))
		return;
	if (c->complete && web_client_waiting(c) == 0) {
		next_request(c);
		return;
	}
	arm(c, web_client_waiting(c) < waited);
	if (!c->complete)
		ask_for_more(c);
}
static void
on_push(struct loop_task *t)
{
	client_push(list_of(t, struct web_client, push));
}

/* --- reading --- */

void
web_client_busy(struct web_client *c)
{
	client_move(c, WEB_BUSY);
	arm(c, true);
}

static void
body_is_whole(struct web_client *c)
{
	web_client_busy(c);
	web_serve(c);
}

/* What came behind the head; what is left of it belongs to the next request. */
static void
take_body(struct web_client *c)
{
	struct slice in = slice_from(buf_slice(&c->in), c->h1.head.n_bytes), data;
	const struct web_route *route = c->request.route;
	size_t max = route->body_max > 0 ? route->body_max : LIMIT_WEB_BODY_BYTES;
	enum h1_result r;

	while ((r = h1_body(&c->h1, &in, &data)) == H1_DATA) {
		if (data.n > max - c->body.n) {
			web_serve_fault(c, CLOSE_BODY_TOO_LARGE);
			return;
		}
		/* All bodies that are coming, of all clients. */
		if (data.n <= LIMIT_WEB_BODIES_BYTES - c->server->body_bytes)
			buf_put(&c->body, data);
		else
			c->body.failed = true;
		if (c->body.failed) {
			web_serve_fault(c, CLOSE_OVERLOAD);
			return;
		}
		c->server->body_bytes += data.n;
	}
	if (r == H1_BAD) {
		web_serve_fault(c, c->h1.error);
		return;
	}
	memmove(c->in.p + c->h1.head.n_bytes, in.p, in.n);
	c->in.n = c->h1.head.n_bytes + in.n;
	if (r == H1_DONE)
		body_is_whole(c);
	else
		arm(c, true);
}

static void
take_head(struct web_client *c)
{
	struct slice go_on = S("HTTP/1.1 100 Continue\r\n\r\n");

	switch (h1_head(&c->h1, buf_slice(&c->in))) {
	case H1_MORE:
		return;
	case H1_DONE:
		break;
	case H1_DATA:
	case H1_BAD:
		web_serve_fault(c, c->h1.error);
		return;
	}
	c->keep_alive = c->h1.head.flags & H1_KEEP_ALIVE;
	if (!web_serve_head(c))
		return;
	if (c->h1.head.framing == H1_NO_BODY) {
		body_is_whole(c);
		return;
	}
	client_move(c, WEB_BODY);
	if ((c->h1.head.flags & H1_EXPECT_100) && c->in.n == c->h1.head.n_bytes) {
		buf_put(&c->out, go_on);
		if (!flush(c))
			return;
	}
	take_body(c);
}

static void
take(struct web_client *c)
{
	c->behind = false;
	if (c->step == WEB_HEAD)
		take_head(c);
	else if (c->step == WEB_BODY)
		take_body(c);
	if (c->eof && (c->step == WEB_HEAD || c->step == WEB_BODY))
		web_client_close(c);
}

/* While a request is answered its head must stay where it is, and one head more is enough. */
static char *
room_to_read(struct web_client *c, size_t *ret_n)
{
	switch (c->step) {
	case WEB_HEAD:
	case WEB_BODY:
		*ret_n = WEB_READ_BYTES;
		return buf_room(&c->in, WEB_READ_BYTES);
	case WEB_BUSY:
		*ret_n = c->in.cap - c->in.n;
		return *ret_n > 0 && !c->eof ? c->in.p + c->in.n : NULL;
	case WEB_LINGER:
		*ret_n = LOOP_SCRATCH_BYTES;
		return loop_scratch(c->server->config.loop);
	case WEB_DEAD:
		break;
	}
	return NULL;
}

static void
on_eof(struct web_client *c)
{
	c->eof = true;
	/* A page that was closed; who ends his side of anything else may still wait for the answer. */
	if (c->step == WEB_LINGER || c->answer == WEB_EVENTS)
		web_client_close(c);
	else
		take(c);
}

static void
read_some(struct web_client *c)
{
	size_t cap, n;
	char *room = room_to_read(c, &cap);

	if (room == NULL)
		return;
	switch (conn_read(&c->conn, room, cap, &n)) {
	case IO_OK:
		if (c->step == WEB_LINGER)
			break;
		if (c->step == WEB_HEAD && c->in.n == 0)
			loop_timer_set(c->server->config.loop, &c->timer, LIMIT_WEB_HEAD_MS * 1000);
		c->in.n += n;
		if (c->step != WEB_BUSY)
			take(c);
		break;
	case IO_WAIT:
		return;
	case IO_EOF:
		on_eof(c);
		return;
	case IO_FAIL:
		web_client_close(c);
		return;
	}
	if (c->step != WEB_DEAD && c->conn.readable)
		conn_again(&c->conn, LOOP_IN);
}

static void
on_conn(struct conn *conn, unsigned events)
{
	struct web_client *c = list_of(conn, struct web_client, conn);

	if (events & LOOP_OUT)
		client_push(c);
	if (c->step == WEB_DEAD || (events & LOOP_IN) == 0)
		return;
	if (c->behind) {
		take(c);
		if (c->step != WEB_DEAD)
			conn_again(&c->conn, LOOP_IN);
	} else {
		read_some(c);
	}
}

struct web_client *
web_client_new(struct web_server *s, int fd, const struct sockaddr_storage *ss, socklen_t len,
    uint16_t port)
{
	struct web_client *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		loop_close(fd);
		return NULL;
	}
	c->server = s;
	c->port = port;
	c->timer.fn = on_timer;
	loop_task_init(&c->push, on_push);
	h1_init(&c->h1, H1_REQUEST);
	buf_init(&c->in, LIMIT_HEAD_BYTES + 2 * WEB_READ_BYTES);
	buf_init(&c->out, WEB_OUT_BYTES_MAX);
	buf_init(&c->fields, LIMIT_WEB_FIELDS_BYTES);
	web_peer_ask(fd, ss, len, &c->peer);
	conn_init(&c->conn, fd, NULL, on_conn);
	list_push(&s->clients, &c->node);
	s->n_clients++;
	forget_request(c);
	conn_tune(&c->conn, 0, LIMIT_WEB_STREAM_BYTES);
	if (conn_attach(&c->conn, s->config.loop) != 0) {
		web_client_close(c);
		return NULL;
	}
	/* The time for a first head runs from here on. */
	loop_timer_set(s->config.loop, &c->timer, LIMIT_WEB_HEAD_MS * 1000);
	return c;
}
