/* SPDX-License-Identifier: Apache-2.0 */
/* Streams in which a CA looks for what it has asked for. */
#include "agent/serve/challenge_stream.h"

#include "net/tls_end.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHALLENGE_PATH "/.well-known/acme-challenge/"

struct challenge_stream {
	struct loop *loop;
	struct agent_tunnel *tunnel;
	struct flow flow;
	struct conn conn; /* TLS: behind it is nobody, which ends it after the handshake */
	struct loop_timer deadline;
	struct loop_grave grave;
	/* HTTP */
	struct tls_here *here; /* NULL: no TLS ends here, and nothing is known of any token */
	struct h1 h1;
	unsigned n_ended; /* directions */
	bool tls, answered, dead;
};

static void
release(struct loop_grave *g)
{
	struct challenge_stream *x = list_of(g, struct challenge_stream, grave);

	serve_stream_ended(x->tunnel);
	free(x);
}

static void
finish(struct challenge_stream *x, enum link_code code)
{
	if (x->dead)
		return;
	x->dead = true;
	loop_timer_stop(x->loop, &x->deadline);
	flow_end(&x->flow, code);
	if (x->tls)
		conn_close(&x->conn);
	loop_bury(x->loop, &x->grave, release);
}

/* The answer, or the alert, is whole: nobody waits for what a CA may still say. */
static void
on_inlet_done(struct flow *f)
{
	finish(f->owner, LINK_CODE_OK);
}

static void
on_outlet_done(struct flow *f)
{
	(void)f;
}

static void
on_reset(struct flow *f, uint32_t code)
{
	(void)code;
	finish(f->owner, LINK_CODE_CANCELLED);
}

static void
on_broken(struct flow *f, enum close_code bad)
{
	(void)bad;
	finish(f->owner, LINK_CODE_CANCELLED);
}

static void
on_deadline(struct loop_timer *t)
{
	finish(list_of(t, struct challenge_stream, deadline), LINK_CODE_CANCELLED);
}

/* --- HTTP --- */

static void
answer(struct challenge_stream *x, const char *status, const char *text)
{
	char out[1024];
	int n = snprintf(out, sizeof(out),
	    "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s", status,
	    strlen(text), text);

	check(n > 0 && (size_t)n < sizeof(out));
	x->answered = true;
	if (flow_send_head(&x->flow, S(""), slice_of(out, (size_t)n)) != 0 ||
	    flow_inlet(&x->flow, FLOW_NONE, NULL, S("")) != 0)
		finish(x, LINK_CODE_INTERNAL);
}

/* Each byte is used up: a body, if there is one, is nobody's. */
static size_t
on_head(struct flow *f, struct slice bytes, bool fin)
{
	struct challenge_stream *x = f->owner;
	struct slice path;

	if (x->tls) {
		flow_outlet(f, FLOW_RAW, 0, S(""));
		return 0;
	}
	if (x->answered)
		return bytes.n;
	switch (h1_head(&x->h1, bytes)) {
	case H1_DONE:
		break;
	case H1_MORE:
		if (fin)
			finish(x, LINK_CODE_PROTOCOL);
		return 0;
	case H1_DATA:
	case H1_BAD:
		finish(x, LINK_CODE_PROTOCOL);
		return 0;
	}
	path = h1_text(bytes, x->h1.head.path);
	if (x->here != NULL && x->here->token[0] != '\0' && slice_starts(path, S(CHALLENGE_PATH)) &&
	    slice_eq(slice_from(path, sizeof(CHALLENGE_PATH) - 1), slice_str(x->here->token)))
		answer(x, "200 OK", x->here->text);
	else
		answer(x, "404 Not Found",
		    "This agent has asked no CA for anything of this name.\n");
	return bytes.n;
}

static const struct flow_ops ops = {
	.head = on_head,
	.inlet_done = on_inlet_done,
	.outlet_done = on_outlet_done,
	.reset = on_reset,
	.conn_broken = on_broken,
};

static struct challenge_stream *
begin(struct serve *s, struct agent_tunnel *t)
{
	struct challenge_stream *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->loop = s->loop;
	x->tunnel = t;
	x->here = t->here;
	x->deadline.fn = on_deadline;
	return x;
}

static void
bind_stream(struct challenge_stream *x, struct carrier *c, struct stream *stream, struct conn *conn)
{
	flow_init(&x->flow, c, conn, &ops, x);
	flow_bind(&x->flow, stream);
	loop_timer_set(x->loop, &x->deadline, (int64_t)LIMIT_TLS_HANDSHAKE_MS * 1000);
}

int
challenge_http_open(struct serve *s, struct carrier *c, struct stream *stream,
    struct agent_tunnel *t)
{
	struct challenge_stream *x = begin(s, t);

	if (x == NULL)
		return -1;
	h1_init(&x->h1, H1_REQUEST);
	x->h1.inside = true;
	bind_stream(x, c, stream, NULL);
	return 0;
}

/* --- TLS --- */

static void
on_conn(struct conn *conn, unsigned events)
{
	struct challenge_stream *x = list_of(conn, struct challenge_stream, conn);

	if (!x->dead)
		flow_conn_event(&x->flow, events);
}

/* A socket whose other end is closed: its end comes right behind the handshake, and nothing else. */
static int
open_nobody(struct challenge_stream *x, struct tls_server *server)
{
	struct tls *tls;
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) != 0)
		return -1;
	close(fd[1]);
	conn_init(&x->conn, fd[0], NULL, on_conn);
	tls = tls_accept(server);
	if (tls != NULL && tls_end_at(&x->conn, tls) == 0 && conn_attach(&x->conn, x->loop) == 0)
		return 0;
	conn_close(&x->conn);
	return -1;
}

int
challenge_tls_open(struct serve *s, struct carrier *c, struct stream *stream,
    struct agent_tunnel *t)
{
	struct challenge_stream *x = begin(s, t);

	check(t->here != NULL);
	if (x == NULL || open_nobody(x, t->here->server) != 0) {
		free(x);
		return -1;
	}
	x->tls = true;
	bind_stream(x, c, stream, &x->conn);
	if (flow_inlet(&x->flow, FLOW_RAW, NULL, S("")) != 0)
		finish(x, LINK_CODE_INTERNAL);
	return 0;
}
