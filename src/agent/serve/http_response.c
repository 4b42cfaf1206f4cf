/* SPDX-License-Identifier: Apache-2.0 */
/* The origin's answer: its head is read and judged, its body is passed on to the edge. */
#include "agent/serve/http_response.h"

#include "agent/serve/http_request.h"
#include "http/rewrite.h"

/* Read at first: a head and a small body come with one call, a large body goes
 * straight into frames later. */
#define FIRST_READ_BYTES LIMIT_DATA_FRAME_BYTES
_Static_assert(FIRST_READ_BYTES <= SERVE_HEAD_BYTES, "serve->in takes both");

/* Passes a head on, from `buf` that begins with it. -1: it is too long once it is written anew,
 * or there is no memory. */
static int
pass_head(struct http_stream *x, struct slice buf)
{
	char *dst = flow_head_scratch(&x->flow);
	size_t n = rewrite_response(&x->h1.head, buf, dst, FLOW_HEAD_SCRATCH_BYTES);

	if (n == 0)
		return -1;
	http_stream_tap(x, TAP_RESPONSE, TAP_RECEIVED, &x->h1.head, buf);
	http_stream_tap(x, TAP_RESPONSE, TAP_SENT, NULL, slice_of(dst, n));
	return flow_send_head(&x->flow, S(""), slice_of(dst, n));
}

/* 101: from here on the two talk as they like. */
static void
switch_protocol(struct http_stream *x, struct slice buf)
{
	size_t n = x->h1.head.n_bytes;

	x->keep_alive = false;
	http_stream_move(x, HTTP_STREAM_SWITCHED);
	if (pass_head(x, buf) != 0 ||
	    flow_inlet(&x->flow, FLOW_RAW, NULL, slice_from(buf, n)) != 0) {
		http_stream_end(x, LINK_CODE_INTERNAL);
		return;
	}
	flow_outlet(&x->flow, FLOW_RAW, 0, S(""));
}

/* What the head says of the body on the connection; on the stream it has none. */
static enum flow_framing
framing_of(const struct h1_head *h)
{
	switch (h->framing) {
	case H1_NO_BODY:
		return FLOW_NONE;
	case H1_LENGTH:
		return FLOW_LENGTH;
	case H1_CHUNKED:
		return FLOW_CHUNKED;
	case H1_UNTIL_CLOSE:
		return FLOW_RAW;
	}
	return FLOW_NONE;
}

/* The answer's own head, and its body behind it. The connection may be used again only where the
 * body's end is known and the request went out whole. */
static void
pass_final(struct http_stream *x, struct slice buf)
{
	const struct h1_head *h = &x->h1.head;
	enum flow_framing framing = framing_of(h);

	x->keep_alive = (h->flags & H1_KEEP_ALIVE) != 0 && framing != FLOW_RAW && !x->upgrade &&
			!x->write_broken;
	http_stream_move(x, HTTP_STREAM_BODY);
	if (pass_head(x, buf) != 0 ||
	    flow_inlet(&x->flow, framing, &x->h1, slice_from(buf, h->n_bytes)) != 0)
		http_stream_end(x, LINK_CODE_INTERNAL);
}

/*
 * A server that speaks TLS on this port, and was sent plain HTTP: it answers with an alert record,
 * or understands and says so in clear (nginx, Go, Apache).
 */
static bool
speaks_tls(struct slice buf)
{
	static const char *const words[] = {
		"plain HTTP request was sent to HTTPS port",
		"HTTP request to an HTTPS server",
		"speaking plain HTTP to an SSL-enabled",
	};

	if (buf.n >= 2 && buf.p[0] == 0x15 && buf.p[1] == 3)
		return true;
	if (buf.n < 12 || memcmp(buf.p + 8, " 400", 4) != 0)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (memmem(buf.p, buf.n, words[i], strlen(words[i])) != NULL)
			return true;
	return false;
}

/* People are told once that the address should say https://. An origin that answers otherwise,
 * or is asked in TLS already, has not to be looked at. */
static void
look_for_tls(struct http_stream *x, struct slice buf)
{
	struct agent_tunnel *t = x->tunnel;

	if (t->told_tls || t->origin.tls != NULL || t->origin.tries[0].kind != ADDR_TCP ||
	    !speaks_tls(buf))
		return;
	t->told_tls = true;
	screen_speaks_tls(x->serve->screen, t->label, t->origin.text);
}

/* A whole head stands at the front of *buf. True when it was an interim one: go on behind it. */
static bool
on_answer_head(struct http_stream *x, struct slice *buf)
{
	unsigned status = x->h1.head.status;

	x->status = status;
	x->tunnel->look.down = false;
	if (status == 101) {
		if (x->upgrade && x->head_sent == x->head_n && (x->h1.head.flags & H1_UPGRADE) != 0)
			switch_protocol(x, *buf);
		else
			http_stream_end(x, LINK_CODE_ORIGIN_BAD_HEAD);
		return false;
	}
	if (status >= 200) {
		look_for_tls(x, *buf);
		pass_final(x, *buf);
		return false;
	}
	/* 100 answers an Expect that the origin was never sent. */
	if (++x->n_interim > LIMIT_INTERIM_HEADS || (status != 100 && pass_head(x, *buf) != 0)) {
		http_stream_end(x, LINK_CODE_ORIGIN_BAD_HEAD);
		return false;
	}
	*buf = slice_from(*buf, x->h1.head.n_bytes);
	h1_reset(&x->h1);
	x->h1.head_request = x->head_request;
	return true;
}

/* Keeps what has come of a head until more does: the next read goes behind it. part may lie in
 * the block already, behind an interim head. */
static void
keep_part(struct http_stream *x, struct slice part)
{
	if (x->gather == NULL)
		x->gather = pool_get(&x->serve->heads);
	if (x->gather == NULL) {
		http_stream_end(x, LINK_CODE_INTERNAL);
		return;
	}
	/* The parser wants no more of what is longer than a head may be. */
	check(part.n < SERVE_HEAD_BYTES);
	memmove(x->gather, part.p, part.n);
	x->gather_n = part.n;
}

/* Which of three: it speaks TLS, its head is too long, or it is not HTTP. */
static enum link_code
bad_head_code(const struct http_stream *x, struct slice buf)
{
	if (speaks_tls(buf))
		return LINK_CODE_ORIGIN_TLS;
	return x->h1.fault == CLOSE_HEAD_TOO_LARGE ? LINK_CODE_ORIGIN_LARGE_HEAD
						   : LINK_CODE_ORIGIN_BAD_HEAD;
}

/* Looks at what has come so far. True: more is needed. */
static bool
judge(struct http_stream *x, struct slice buf)
{
	while (buf.n > 0) {
		switch (h1_head(&x->h1, buf)) {
		case H1_MORE:
			keep_part(x, buf);
			return x->state == HTTP_STREAM_SENT;
		case H1_DONE:
			if (!on_answer_head(x, &buf))
				return false;
			break;
		case H1_DATA:
		case H1_BAD:
			look_for_tls(x, buf);
			http_stream_end(x, bad_head_code(x, buf));
			return false;
		}
	}
	x->gather_n = 0;
	return true;
}

void
http_response_readable(struct http_stream *x)
{
	for (;;) {
		bool gathering = x->gather_n > 0;
		char *dst = gathering ? x->gather : x->serve->in;
		size_t n, have = gathering ? x->gather_n : 0;
		size_t cap = gathering ? SERVE_HEAD_BYTES - have : FIRST_READ_BYTES;

		check(x->state == HTTP_STREAM_SENT && x->conn != NULL);
		switch (conn_read(&x->conn->conn, dst + have, cap, &n)) {
		case IO_OK:
			/* An origin that sends something is not silent, be it half a head. */
			x->flow.active_us = loop_now_us(x->serve->loop);
			if (!judge(x, slice_of(dst, have + n)))
				return;
			break;
		case IO_WAIT:
			return;
		case IO_EOF:
		case IO_FAIL:
			http_request_broken(x);
			return;
		}
	}
}
