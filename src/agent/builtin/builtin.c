/* SPDX-License-Identifier: Apache-2.0 */
/* The thread of origins that are in the agent, and their connections (builtin.h). */
#include "agent/builtin/builtin_private.h"

#include "agent/builtin/file_open.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* Of one file in one turn, in pieces: others have their turn, too. */
#define PIECE_BYTES (64 * 1024)
#define TURN_PIECES 16

struct builtin {
	struct loop *loop;
	pthread_t thread;
	struct list conns; /* of that thread alone */
	struct loop_mail stop;
};

struct builtin_arrival {
	struct loop_mail mail;
	struct builtin *builtin;
	struct builtin_site *site;
	int fd;
};

/* --- sites --- */

struct builtin_site *
builtin_site_new(const struct builtin_wish *w)
{
	struct builtin_site *s = calloc(1, sizeof(*s));

	check(w->kind != BUILTIN_NONE);
	if (s == NULL)
		return NULL;
	*s = (struct builtin_site){ .refs = 1,
		.kind = w->kind,
		.root = -1,
		.listing = w->listing,
		.hidden = w->hidden,
		.sink = w->sink };
	if (w->kind == BUILTIN_FILES && (s->root = file_root(w->folder)) < 0) {
		free(s);
		return NULL;
	}
	return s;
}

void
builtin_site_unref(struct builtin_site *s)
{
	if (s == NULL || atomic_fetch_sub(&s->refs, 1) > 1)
		return;
	if (s->root >= 0)
		close(s->root);
	free(s);
}

/* --- one connection --- */

static void
release(struct loop_grave *g)
{
	struct builtin_conn *c = list_of(g, struct builtin_conn, grave);

	buf_fini(&c->out);
	free(c->in);
	free(c);
}

/* What an answer holds, beside its head. */
static void
drop_answer(struct builtin_conn *c)
{
	if (c->file >= 0)
		close(c->file);
	c->file = -1;
	sink_rules_unref(c->rules);
	c->rules = NULL;
	buf_fini(&c->list);
	c->body = NULL;
	c->body_n = c->body_at = c->out_at = 0;
	c->file_left = 0;
	c->delay_ms = 0;
	buf_reset(&c->out);
}

static void
end(struct builtin_conn *c)
{
	if (c->state == BUILTIN_GONE)
		return;
	c->state = BUILTIN_GONE;
	loop_timer_stop(c->builtin->loop, &c->delay);
	conn_close(&c->conn);
	drop_answer(c);
	list_del(&c->node);
	builtin_site_unref(c->site);
	loop_bury(c->builtin->loop, &c->grave, release);
}

/* --- sending: each gives IO_OK when its part is out --- */

static enum io
send_bytes(struct builtin_conn *c, const char *p, size_t n, size_t *at)
{
	while (*at < n) {
		struct iovec iov = { (char *)(uintptr_t)p + *at, n - *at };
		size_t sent = 0;
		enum io io = conn_write(&c->conn, &iov, 1, &sent);

		if (io != IO_OK)
			return io;
		*at += sent;
	}
	return IO_OK;
}

/* A file that has become shorter cannot be sent as it was promised: the connection goes, and the
 * visitor sees that the answer is not whole. */
static enum io
send_file(struct builtin_conn *c)
{
	char *scratch = loop_scratch(c->builtin->loop);

	for (int i = 0; c->file_left > 0; i++) {
		size_t n = c->file_left < PIECE_BYTES ? (size_t)c->file_left : PIECE_BYTES, at = 0;
		ssize_t got;
		enum io io;

		if (i == TURN_PIECES) {
			conn_again(&c->conn, LOOP_OUT);
			return IO_WAIT;
		}
		if (!c->conn.writable)
			return IO_WAIT; /* nothing is read that cannot be sent */
		got = pread(c->file, scratch, n, (off_t)c->file_at);
		if (got <= 0)
			return IO_FAIL;
		io = send_bytes(c, scratch, (size_t)got, &at);
		c->file_at += at;
		c->file_left -= at;
		if (io != IO_OK)
			return io;
	}
	return IO_OK;
}

static enum io
send_answer(struct builtin_conn *c)
{
	enum io io = send_bytes(c, c->out.p, c->out.n, &c->out_at);

	if (io == IO_OK)
		io = send_bytes(c, c->body, c->body_n, &c->body_at);
	return io == IO_OK ? send_file(c) : io;
}

/* --- reading --- */

static void
answer_sink(struct builtin_conn *c)
{
	struct slice in = slice_of(c->in, c->in_n);
	const struct sink_rule *rule = sink_hit(c->site->sink, h1_text(in, c->h1.head.method),
	    h1_text(in, c->h1.head.path), &c->rules);
	int status = rule != NULL ? rule->status : 200;
	bool bodiless = status == 204 || status == 304;

	buf_printf(&c->out, "HTTP/1.1 %d %s\r\n", status, builtin_reason(status));
	if (rule != NULL)
		buf_put(&c->out, slice_of(rule->head, rule->head_n));
	if (!bodiless)
		buf_printf(&c->out, "Content-Length: %zu\r\n", rule != NULL ? rule->body_n : 0);
	buf_printf(&c->out, "%s\r\n", c->keep_alive ? "" : "Connection: close\r\n");
	if (rule == NULL)
		return;
	c->delay_ms = rule->delay_ms;
	c->body = rule->body;
	c->body_n = c->head_only || bodiless ? 0 : rule->body_n;
}

/* The head is whole: what is answered is known, whatever body follows. */
static void
decide(struct builtin_conn *c)
{
	const struct h1_head *h = &c->h1.head;
	struct slice in = slice_of(c->in, c->in_n);

	c->keep_alive = (h->flags & H1_KEEP_ALIVE) != 0;
	c->head_only = slice_eq(h1_text(in, h->method), S("HEAD"));
	if (c->site->kind == BUILTIN_SINK)
		answer_sink(c);
	else
		builtin_files(c);
	/* Whoever waits before he sends his body is told to go on. */
	if ((h->flags & H1_EXPECT_100) && h->framing != H1_NO_BODY)
		(void)conn_write(&c->conn,
		    &(struct iovec){ (char *)(uintptr_t) "HTTP/1.1 100 Continue\r\n\r\n", 25 }, 1,
		    &(size_t){ 0 });
	memmove(c->in, c->in + h->n_bytes, c->in_n - h->n_bytes);
	c->in_n -= h->n_bytes;
	c->state = BUILTIN_DISCARDING;
}

/* One head or a piece of it. IO_OK: go on. */
static enum io
read_head(struct builtin_conn *c)
{
	enum h1_result r = c->in_n == 0 ? H1_MORE : h1_head(&c->h1, slice_of(c->in, c->in_n));
	size_t n = 0;
	enum io io;

	switch (r) {
	case H1_DONE:
		decide(c);
		return c->out.failed ? IO_FAIL : IO_OK;
	case H1_BAD:
		c->keep_alive = false;
		builtin_say(c, 400, "", "This is no request.\n");
		c->state = BUILTIN_SENDING;
		return IO_OK;
	case H1_DATA:
	case H1_MORE:
		break;
	}
	if (c->in_n == BUILTIN_IN_BYTES)
		return IO_FAIL;
	io = conn_read(&c->conn, c->in + c->in_n, BUILTIN_IN_BYTES - c->in_n, &n);
	c->in_n += io == IO_OK ? n : 0;
	return io;
}

static enum io
discard(struct builtin_conn *c)
{
	struct slice in = slice_of(c->in, c->in_n), data;
	enum h1_result r;
	size_t n = 0;
	enum io io;

	do
		r = h1_body(&c->h1, &in, &data);
	while (r == H1_DATA);
	memmove(c->in, in.p, in.n);
	c->in_n = in.n;
	if (r == H1_BAD)
		return IO_FAIL;
	if (r == H1_DONE) {
		c->state = c->delay_ms > 0 ? BUILTIN_WAITING : BUILTIN_SENDING;
		if (c->delay_ms > 0)
			loop_timer_set(c->builtin->loop, &c->delay, (int64_t)c->delay_ms * 1000);
		return IO_OK;
	}
	io = conn_read(&c->conn, c->in + c->in_n, BUILTIN_IN_BYTES - c->in_n, &n);
	c->in_n += io == IO_OK ? n : 0;
	return io;
}

/* --- the machine --- */

static void
run(struct builtin_conn *c)
{
	enum io io = IO_OK;

	while (io == IO_OK) {
		switch (c->state) {
		case BUILTIN_READING:
			io = read_head(c);
			break;
		case BUILTIN_DISCARDING:
			io = discard(c);
			break;
		case BUILTIN_SENDING:
			io = send_answer(c);
			if (io == IO_OK && !c->keep_alive)
				io = IO_EOF;
			if (io == IO_OK) {
				drop_answer(c);
				h1_reset(&c->h1);
				c->state = BUILTIN_READING;
			}
			break;
		case BUILTIN_WAITING:
		case BUILTIN_GONE:
			return;
		}
	}
	if (io != IO_WAIT)
		end(c);
}

static void
on_event(struct conn *conn, unsigned events)
{
	(void)events;
	run(list_of(conn, struct builtin_conn, conn));
}

static void
on_delay(struct loop_timer *t)
{
	struct builtin_conn *c = list_of(t, struct builtin_conn, delay);

	check(c->state == BUILTIN_WAITING);
	c->state = BUILTIN_SENDING;
	run(c);
}

/* --- the thread --- */

static void
on_arrival(struct loop *l, struct loop_mail *m)
{
	struct builtin_arrival *a = list_of(m, struct builtin_arrival, mail);
	struct builtin_conn *c = calloc(1, sizeof(*c));

	if (c != NULL)
		c->in = malloc(BUILTIN_IN_BYTES);
	if (c == NULL || c->in == NULL) {
		free(c);
		close(a->fd);
		builtin_site_unref(a->site);
		free(a);
		return;
	}
	c->builtin = a->builtin;
	c->site = a->site;
	c->file = -1;
	c->delay.fn = on_delay;
	buf_init(&c->out, BUILTIN_OUT_BYTES);
	h1_init(&c->h1, H1_REQUEST);
	conn_init(&c->conn, a->fd, NULL, on_event);
	list_push(&c->builtin->conns, &c->node);
	free(a);
	if (conn_attach(&c->conn, l) != 0)
		end(c);
}

static void
on_stop(struct loop *l, struct loop_mail *m)
{
	struct builtin *b = list_of(m, struct builtin, stop);

	while (!list_empty(&b->conns))
		end(list_of(b->conns.next, struct builtin_conn, node));
	loop_stop(l);
}

static void *
thread(void *arg)
{
	loop_run(((struct builtin *)arg)->loop);
	return NULL;
}

struct builtin *
builtin_new(void)
{
	struct builtin *b = calloc(1, sizeof(*b));
	sigset_t all, before;
	int error;

	if (b == NULL || (b->loop = loop_new()) == NULL) {
		free(b);
		return NULL;
	}
	list_init(&b->conns);
	b->stop.fn = on_stop;
	/* The thread inherits it: signals are the agent's loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	error = pthread_create(&b->thread, NULL, thread, b);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error == 0)
		return b;
	loop_free(b->loop);
	free(b);
	errno = error;
	return NULL;
}

void
builtin_free(struct builtin *b)
{
	if (b == NULL)
		return;
	loop_post(b->loop, &b->stop);
	check(pthread_join(b->thread, NULL) == 0);
	loop_free(b->loop);
	free(b);
}

int
builtin_connect(struct builtin *b, struct builtin_site *s)
{
	struct builtin_arrival *a = calloc(1, sizeof(*a));
	int fds[2];

	if (a == NULL ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) {
		free(a);
		return -1;
	}
	atomic_fetch_add(&s->refs, 1);
	*a = (struct builtin_arrival){
		.mail.fn = on_arrival, .builtin = b, .site = s, .fd = fds[1]
	};
	loop_post(b->loop, &a->mail);
	return fds[0];
}
