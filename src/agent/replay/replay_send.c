/* SPDX-License-Identifier: Apache-2.0 */
/* One request on its way to the origin: a stream of a link whose two ends are both here. */
#include "agent/replay/replay_private.h"

#include "base/rand.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- the link --- */

static void
on_opened(struct carrier *c, struct stream *stream, struct slice opening)
{
	struct replay *r = c->owner;

	serve_our_stream(r->client->serve, c, stream, opening);
}

/* Neither side says anything by control frames. */
static void
on_control(struct carrier *c, struct slice json)
{
	(void)c;
	(void)json;
}

static const struct carrier_ops near_ops = { .control = on_control };
static const struct carrier_ops far_ops = { .opened = on_opened, .control = on_control };

static void
close_link(struct replay *r)
{
	if (!r->is_open)
		return;
	r->is_open = false;
	carrier_close(&r->near, LINK_CODE_SHUTDOWN, "");
	carrier_close(&r->far, LINK_CODE_SHUTDOWN, "");
	carrier_shared_fini(&r->carriers);
}

static int
open_ends(struct replay *r, int fds[2])
{
	struct loop *l = r->client->loop;
	struct conn near, far;

	conn_init(&near, fds[0], NULL, NULL);
	conn_init(&far, fds[1], NULL, NULL);
	if (carrier_init(&r->near, l, &r->carriers, &near, LINK_EDGE, &near_ops, r) != 0) {
		conn_close(&near);
		conn_close(&far);
		return -1;
	}
	if (carrier_init(&r->far, l, &r->carriers, &far, LINK_AGENT, &far_ops, r) != 0) {
		conn_close(&far);
		carrier_close(&r->near, LINK_CODE_INTERNAL, "");
		return -1;
	}
	r->near.trailers = r->far.trailers = true;
	return 0;
}

/* Once, with the first request. -1 without memory or descriptors. */
static int
open_link(struct replay *r)
{
	int fds[2];

	/* It has no reason to end, and a new one takes its place. */
	if (r->is_open && (r->near.dead || r->far.dead))
		close_link(r);
	if (r->is_open)
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
		return -1;
	if (carrier_shared_init(&r->carriers, 2) != 0) {
		close(fds[0]);
		close(fds[1]);
		return -1;
	}
	if (open_ends(r, fds) != 0) {
		carrier_shared_fini(&r->carriers);
		return -1;
	}
	r->is_open = true;
	return 0;
}

/* --- the body --- */

/* As conn_ops.read: what the flow asks for is read from the disk. */
static enum io
read_body(struct conn *c, const struct iovec *iov, int n_iov, size_t *ret_n)
{
	struct replay_sending *s = list_of(c, struct replay_sending, conn);
	struct slice body = s->batch->message.body;

	check(n_iov > 0);
	if (s->at == s->total)
		return IO_EOF;
	if (s->source != NULL) {
		*ret_n =
		    exchange_read(s->source, TAP_REQUEST, s->at, iov[0].iov_base, iov[0].iov_len);
	} else {
		body = slice_head(slice_from(body, (size_t)s->at), iov[0].iov_len);
		memcpy(iov[0].iov_base, body.p, body.n);
		*ret_n = body.n;
	}
	s->at += *ret_n;
	/* The file is gone meanwhile. */
	return *ret_n == 0 ? IO_FAIL : IO_OK;
}

static enum io
write_nothing(struct conn *c, const struct iovec *iov, int n_iov, size_t *ret_n)
{
	(void)c;
	(void)iov;
	(void)n_iov;
	*ret_n = 0;
	return IO_FAIL;
}

static enum io
nothing_waits(struct conn *c)
{
	(void)c;
	return IO_OK;
}

static void
no_shut(struct conn *c)
{
	(void)c;
}

static const struct conn_ops body_ops = {
	.handshake = nothing_waits,
	.read = read_body,
	.write = write_nothing,
	.flush = nothing_waits,
	.shut = no_shut,
};

static void
on_body_event(struct conn *c, unsigned events)
{
	(void)c;
	(void)events;
}

/* --- the end --- */

static void
release(struct loop_grave *g)
{
	free(list_of(g, struct replay_sending, grave));
}

/* code: of its row, where its tap has not said how it ended; "ok": it has. */
static void
end(struct replay_sending *s, struct slice code)
{
	struct replay *r = s->replay;

	if (s->over)
		return;
	s->over = true;
	flow_end(&s->flow, LINK_CODE_CANCELLED);
	conn_leave(&s->conn);
	exchange_close(s->source);
	list_del(&s->node);
	r->n_sending--;
	if (!slice_eq(code, S("ok")))
		capture_unsent(r->client->serve->capture, s->row, code);
	loop_at_end(r->client->loop, &r->kick);
	loop_bury(r->client->loop, &s->grave, release);
	replay_next(s->batch);
}

/* The answer is the tap's: here it is only waited for. */
static size_t
on_head(struct flow *f, struct slice bytes, bool fin)
{
	if (fin)
		end(f->owner, S("ok"));
	return bytes.n;
}

static void
on_half_done(struct flow *f)
{
	(void)f;
}

static void
on_reset(struct flow *f, uint32_t code)
{
	end(f->owner, slice_str(link_code_name(code)));
}

/* What is kept of it could not be read to its end. */
static void
on_broken(struct flow *f, enum close_code bad)
{
	(void)bad;
	end(f->owner, S("not-kept"));
}

static const struct flow_ops flow_ops = {
	.head = on_head,
	.inlet_done = on_half_done,
	.outlet_done = on_half_done,
	.reset = on_reset,
	.conn_broken = on_broken,
};

void
replay_close(struct replay *r)
{
	LIST_EACH(node, &r->sending)
		end(list_of(node, struct replay_sending, node), S("cancelled"));
	close_link(r);
}

void
replay_tell_tap(void *owner, struct tap_opening *o)
{
	struct replay *r = owner;

	LIST_EACH(node, &r->sending) {
		struct replay_sending *s = list_of(node, struct replay_sending, node);

		if (!slice_eq(o->request_id, slice_str(s->request_id)))
			continue;
		o->id = s->row;
		o->parent = s->parent;
	}
}

/* --- the beginning --- */

/* All of it in one piece, as long as it takes to sign it. False: it is not there, or no memory. */
static bool
sign_captured(struct replay_sending *s, const struct agent_tunnel *t, struct slice head,
    struct buf *out)
{
	char *body = malloc((size_t)s->total + 1);
	size_t n = 0, got = 1;
	bool ok;

	if (body == NULL)
		return false;
	while (n < s->total && got > 0) {
		got = exchange_read(s->source, TAP_REQUEST, n, body + n, (size_t)s->total - n);
		n += got;
	}
	ok =
	    n == s->total && replay_sign(t, head, slice_of(body, n), slice_str(s->request_id), out);
	free(body);
	return ok;
}

/* The head as it is to be sent. NULL, or why there is none. */
static const char *
make_head(struct replay_sending *s, struct buf *out)
{
	const struct replay_batch *b = s->batch;
	const struct agent_tunnel *t = &s->replay->client->serve->tunnels[b->tunnel];
	struct buf head;
	bool ok;

	if (s->source == NULL) {
		if (!b->sign)
			buf_put(out, b->message.head);
		else if (!replay_sign(t, b->message.head, b->message.body, slice_str(s->request_id),
			     out))
			return "no-secret";
		return out->failed ? "internal" : NULL;
	}
	if (!b->sign)
		return exchange_head(s->source, TAP_REQUEST, TAP_RECEIVED, out) && !out->failed
			   ? NULL
			   : "not-kept";
	buf_init(&head, REPLAY_HEAD_BYTES);
	ok = exchange_head(s->source, TAP_REQUEST, TAP_RECEIVED, &head) &&
	     sign_captured(s, t, buf_slice(&head), out);
	buf_fini(&head);
	return ok ? NULL : "no-secret";
}

/* NULL, or why not. */
static const char *
begin_stream(struct replay_sending *s, struct slice head)
{
	struct replay *r = s->replay;
	struct opening o = {
		.tunnel = r->client->serve->tunnels[s->batch->tunnel].ask.id,
		.kind = OPENING_HTTP,
		.request_id = slice_str(s->request_id),
		.visitor = S("replay"),
		.local = S("replay"),
	};
	char opening[LIMIT_OPENING_BYTES + 2];
	struct stream *stream = stream_open(&r->near.link, NULL);
	struct buf trailers;
	bool has_body, ok;
	size_t n;

	flow_init(&s->flow, &r->near, &s->conn, &flow_ops, s);
	if (stream == NULL)
		return "too-many";
	flow_bind(&s->flow, stream);
	buf_init(&trailers, LIMIT_TRAILER_BYTES);
	if (s->source != NULL)
		(void)exchange_trailers(s->source, TAP_REQUEST, &trailers);
	has_body = s->total > 0 || trailers.n > 0;
	o.body = has_body;
	n = opening_encode(&o, opening, sizeof(opening));
	ok = n > 0 && flow_send_head(&s->flow, slice_of(opening, n), head) == 0 &&
	     flow_inlet(&s->flow, has_body ? FLOW_RAW : FLOW_NONE, NULL, S("")) == 0 &&
	     (trailers.n == 0 || flow_inlet_trailers(&s->flow, buf_slice(&trailers)) == 0);
	buf_fini(&trailers);
	return ok ? NULL : "internal";
}

static void
open_source(struct replay_sending *s, const struct replay_job *job)
{
	struct capture *c = s->replay->client->serve->capture;

	if (s->batch->message.head.n > 0) {
		s->total = s->batch->message.body.n;
		return;
	}
	capture_flush(c);
	s->source = exchange_open(c, job->source);
	if (s->source != NULL)
		s->total = exchange_body_bytes(s->source, TAP_REQUEST);
}

const char *
replay_send(struct replay_batch *b, const struct replay_job *job)
{
	struct replay *r = b->replay;
	struct replay_sending *s = calloc(1, sizeof(*s));
	const char *why = NULL;
	struct buf head;

	if (s == NULL || open_link(r) != 0) {
		free(s);
		return "internal";
	}
	s->replay = r;
	s->batch = b;
	s->row = job->row;
	s->parent = job->source;
	rand_name(s->request_id, sizeof(s->request_id) - 1);
	conn_init_over(&s->conn, r->client->loop, &body_ops, NULL, on_body_event);
	list_init(&s->node);
	buf_init(&head, REPLAY_HEAD_BYTES);
	open_source(s, job);
	if (s->source == NULL && b->message.head.n == 0)
		why = "not-kept";
	if (why == NULL)
		why = make_head(s, &head);
	if (why == NULL) {
		why = begin_stream(s, buf_slice(&head));
		if (why != NULL)
			flow_end(&s->flow, LINK_CODE_INTERNAL);
	}
	buf_fini(&head);
	if (why != NULL) {
		conn_leave(&s->conn);
		exchange_close(s->source);
		loop_bury(r->client->loop, &s->grave, release);
		return why;
	}
	list_push(&r->sending, &s->node);
	r->n_sending++;
	return NULL;
}
