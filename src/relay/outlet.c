/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stream -> connection.  Consecutive DATA of one turn is gathered and written
 * with one call together with the head; what the connection does not take waits
 * in `out`, bounded by the window, and only what it took gives credit back.
 */
#include "relay/flow_private.h"

#include <stdio.h>
#include <stdlib.h>

#define PIECES (int)(sizeof(((struct flow *)0)->pieces) / sizeof(struct slice))
#define JOIN_BYTES 8192
#define DRAIN_BYTES_PER_EVENT (512 * 1024)

/* n bytes of the stream's data are with the connection: the other side may send as many more. */
static void
eaten(struct flow *f, size_t n)
{
	if (n == 0)
		return;
	f->active_us = loop_now_us(f->loop);
	if (f->stream != NULL)
		stream_eaten(f->stream, n, f->active_us);
	if (f->carrier != NULL)
		carrier_kick(f->carrier);
}

/* All bytes of the message are with the connection. */
static void
finish(struct flow *f)
{
	enum flow_framing framing = f->out_framing;

	if (f->out_over || !f->out_fin || f->out.n > 0)
		return;
	check(f->n_pieces == 0); /* the piece with the FIN was written at once */
	f->out_framing = FLOW_IDLE;
	f->out_over = true;
	if (framing == FLOW_RAW)
		conn_shut(f->conn);
	flow_retire(f);
	f->ops->outlet_done(f);
}

/* Tells the windows whether the reader keeps up; a window shrinks while he does not. */
static void
set_blocked(struct flow *f, bool blocked)
{
	if (f->stream != NULL)
		stream_reader_blocked(f->stream, blocked);
}

/*
 * Writes iov as far as the connection takes it; the rest waits. -1: the
 * connection is broken (or too much waits) and the owner has been told.
 * A short write is not the end: only IO_WAIT promises an edge.
 */
static int
write_or_queue(struct flow *f, struct iovec *iov, int n_iov)
{
	bool was_empty = f->out.n == 0;
	enum io io = was_empty && f->conn != NULL ? IO_OK : IO_WAIT;
	size_t n;

	while (n_iov > 0 && io == IO_OK) {
		io = conn_write(f->conn, iov, n_iov, &n);
		flow_advance(&iov, &n_iov, n);
	}
	if (io == IO_FAIL) {
		flow_fail_conn(f, CLOSE_OK);
		return -1;
	}
	for (int i = 0; i < n_iov; i++) {
		struct slice s = slice_of(iov[i].iov_base, iov[i].iov_len);

		if (bufq_put(&f->out, s) != s.n) {
			flow_fail_conn(f, CLOSE_OVERLOAD);
			return -1;
		}
	}
	if (was_empty && f->out.n > 0)
		set_blocked(f, true);
	return 0;
}

/* Behind what was gathered: bytes leave in the order in which they were given. */
int
flow_write(struct flow *f, struct slice bytes)
{
	struct iovec iov = { (void *)(uintptr_t)bytes.p, bytes.n };

	if (f->n_pieces > 0 || f->literal.n > 0)
		flow_flush(f);
	return f->ended ? -1 : write_or_queue(f, &iov, 1);
}

/* Adds n body bytes to what the message may still have; false when it promised fewer. */
static bool
count_body(struct flow *f, size_t n)
{
	f->tx_bytes += n;
	if (f->out_framing == FLOW_LENGTH) {
		if (n > f->out_left)
			return false;
		f->out_left -= n;
		return !f->out_fin || f->out_left == 0;
	}
	return f->out_framing != FLOW_NONE || n == 0;
}

/* One short message, head and body, as one piece: a plain send() is cheaper than a list. */
static int
join(struct flow *f, struct iovec *iov, int n)
{
	char *head = f->carrier == NULL ? NULL : f->carrier->shared->head;
	size_t total = 0;

	for (int i = 0; i < n; i++)
		total += iov[i].iov_len;
	if (n < 2 || total > JOIN_BYTES || iov[0].iov_base != head)
		return n;
	total = iov[0].iov_len;
	for (int i = 1; i < n; i++) {
		memcpy(head + total, iov[i].iov_base, iov[i].iov_len);
		total += iov[i].iov_len;
	}
	iov[0].iov_len = total;
	return 1;
}

/* What stands behind the body in pieces of the chunked coding: the last chunk, the trailers. */
static int
put_tail(struct flow *f, struct iovec *iov, size_t body)
{
	struct slice tail = f->out_fin ? S("\r\n0\r\n") : S("\r\n"), end = S("\r\n");
	int n = 0;

	if (body == 0)
		tail = slice_from(tail, 2);
	iov[n++] = (struct iovec){ (void *)(uintptr_t)tail.p, tail.n };
	if (f->out_fin && flow_has_trailers(f))
		iov[n++] =
		    (struct iovec){ (void *)(uintptr_t)f->out_trailers.p, f->out_trailers.n };
	if (f->out_fin)
		iov[n++] = (struct iovec){ (void *)(uintptr_t)end.p, end.n };
	return n;
}

/* Writes the literal head and the gathered pieces with the framing of the connection. */
void
flow_flush(struct flow *f)
{
	struct iovec iov[PIECES + 5];
	char chunk[24];
	size_t body = 0;
	int n = 0, n_pieces = f->n_pieces;
	bool chunked = f->out_framing == FLOW_CHUNKED;

	list_del(&f->gathered);
	if (f->carrier != NULL && f->carrier->headed == f)
		f->carrier->headed = NULL;
	for (int i = 0; i < n_pieces; i++)
		body += f->pieces[i].n;
	if (f->literal.n > 0)
		iov[n++] = (struct iovec){ (void *)(uintptr_t)f->literal.p, f->literal.n };
	if (chunked && body > 0)
		iov[n++] = (struct iovec){ chunk,
			(size_t)snprintf(chunk, sizeof(chunk), "%zx\r\n", body) };
	for (int i = 0; i < n_pieces; i++)
		iov[n++] = (struct iovec){ (void *)(uintptr_t)f->pieces[i].p, f->pieces[i].n };
	if (chunked && (body > 0 || f->out_fin))
		n += put_tail(f, iov + n, body);
	f->n_pieces = 0;
	f->literal = (struct slice){ 0 };
	if (!count_body(f, body)) {
		flow_fail_stream(f, LINK_CODE_ORIGIN_BROKE);
		return;
	}
	for (int i = 0; i < n_pieces; i++)
		flow_tee(f, FLOW_TEE_OUT, f->pieces[i]);
	n = join(f, iov, n);
	f->out_uneaten += body;
	if (n > 0 && write_or_queue(f, iov, n) != 0)
		return;
	if (f->out.n == 0) {
		body = f->out_uneaten;
		f->out_uneaten = 0;
		eaten(f, body);
	}
	finish(f);
}

/* Takes stream bytes that are part of the body. */
static void
put_body(struct flow *f, struct slice bytes, bool fin)
{
	check(f->n_pieces < PIECES); /* a full list is written at once, below */
	f->out_fin = fin;
	if (bytes.n > 0)
		f->pieces[f->n_pieces++] = bytes;
	if (f->carrier == NULL || !f->carrier->feeding || fin || f->n_pieces == PIECES) {
		flow_flush(f);
		return;
	}
	if (list_empty(&f->gathered))
		list_push(&f->carrier->gathered, &f->gathered);
	if (f->literal.n > 0)
		f->carrier->headed = f;
}

/* Before flow_outlet(), with the head used: bytes wait as they are. */
static void
hold_body(struct flow *f, struct slice bytes, bool fin)
{
	f->out_fin = fin;
	if (bufq_put(&f->out, bytes) != bytes.n)
		flow_fail_stream(f, LINK_CODE_INTERNAL);
}

/* Shows the owner the bytes of the head; what is left over is the beginning of the body. */
static void
rx_head(struct flow *f, struct slice bytes, bool fin)
{
	bool kept = f->head_part.n > 0;
	size_t used, total = 0;

	if (kept) {
		buf_put(&f->head_part, bytes);
		if (f->head_part.failed) {
			flow_fail_stream(f, LINK_CODE_INTERNAL);
			return;
		}
		bytes = buf_slice(&f->head_part);
	}
	do {
		used = f->ops->head(f, bytes, fin);
		if (f->ended)
			return;
		check(used <= bytes.n);
		bytes = slice_from(bytes, used);
		total += used;
	} while (used > 0 && f->out_framing == FLOW_IDLE && !f->held && bytes.n > 0);
	if (f->out_framing != FLOW_IDLE || f->held) {
		if (f->held)
			hold_body(f, bytes, fin);
		else
			put_body(f, bytes, fin);
		if (kept && !f->ended) {
			if (f->n_pieces > 0 || f->literal.n > 0)
				flow_flush(f); /* the pieces lie in keep */
			buf_fini(&f->head_part);
		}
	} else if (kept) {
		buf_skip(&f->head_part, total);
	} else {
		buf_put(&f->head_part, bytes);
		if (f->head_part.failed) { /* the owner's parser would miss what it has seen */
			flow_fail_stream(f, LINK_CODE_INTERNAL);
			return;
		}
	}
	if (!f->ended)
		eaten(f, total);
}

/* Behind the end of the message, or of the flow, nothing is of interest any more. */
void
flow_rx(struct flow *f, struct slice bytes, bool fin)
{
	if (f->ended || f->out_over || f->out_fin)
		return;
	if (f->held)
		hold_body(f, bytes, fin);
	else if (f->out_framing == FLOW_IDLE)
		rx_head(f, bytes, fin);
	else
		put_body(f, bytes, fin);
}

void
outlet_drop_trailers(struct flow *f)
{
	free((char *)(uintptr_t)f->out_trailers.p);
	f->out_trailers = (struct slice){ 0 };
}

/*
 * The other side has judged them, too, and is not believed. They count as data until they are
 * written, so that what a stream may hold stays within its window.
 */
void
flow_rx_trailers(struct flow *f, struct slice lines)
{
	char passed[LIMIT_TRAILER_BYTES] UNCLEARED, *copy;
	size_t n;

	if (f->ended || f->out_over || f->out_fin)
		return;
	if (trailer_pass(lines, f->out_drop, passed, &n) != CLOSE_OK) {
		flow_fail_stream(f, LINK_CODE_PROTOCOL);
		return;
	}
	flow_tee(f, FLOW_TEE_OUT_TRAILERS, lines);
	if (n > 0) {
		copy = malloc(n);
		if (copy == NULL) {
			flow_fail_stream(f, LINK_CODE_INTERNAL);
			return;
		}
		memcpy(copy, passed, n);
		f->out_trailers = slice_of(copy, n);
	}
	f->out_uneaten += lines.n;
	flow_rx(f, S(""), true);
}

void
flow_hold(struct flow *f)
{
	check(f->out_framing == FLOW_IDLE);
	f->held = true;
}

/* Frames what was held, now that its framing is known. */
static void
release_held(struct flow *f)
{
	struct bufq held = f->out;
	struct iovec iov[1];
	bool fin = f->out_fin;

	check(f->n_pieces == 0); /* what is held was never gathered */
	bufq_init(&f->out, held.pool, held.max);
	f->held = false;
	f->out_fin = false;
	while (!f->ended && bufq_peek(&held, iov, 1) > 0) {
		size_t n = iov[0].iov_len;

		f->pieces[f->n_pieces++] = slice_of(iov[0].iov_base, n);
		f->out_fin = fin && n == held.n;
		flow_flush(f);
		bufq_skip(&held, n);
	}
	if (!f->ended && !f->out_over && (f->literal.n > 0 || (fin && !f->out_fin))) {
		f->out_fin = fin;
		flow_flush(f);
	}
	bufq_reset(&held);
}

void
flow_outlet(struct flow *f, enum flow_framing framing, uint64_t length, struct slice head)
{
	check(framing != FLOW_IDLE && f->out_framing == FLOW_IDLE);
	f->out_framing = framing;
	f->out_left = length;
	f->literal = head;
	if (f->held)
		release_held(f);
	/* Else: called from within ops->head(); the body, or nothing, follows
	 * at once in put_body(). */
}

void
outlet_writable(struct flow *f)
{
	struct iovec iov[16];
	size_t total = 0, n, credit;

	if (f->held || f->conn == NULL)
		return;
	while (f->out.n > 0 && total < DRAIN_BYTES_PER_EVENT) {
		int n_iov = bufq_peek(&f->out, iov, 16);
		enum io io = conn_write(f->conn, iov, n_iov, &n);

		if (io == IO_FAIL || io == IO_EOF) {
			flow_fail_conn(f, CLOSE_OK);
			return;
		}
		bufq_skip(&f->out, n);
		total += n;
		/*
		 * What waits is framed and may begin with a head, so it is longer than the data
		 * in it: bytes count as data as long as there is some, and at the end all
		 * credit has gone back.
		 */
		credit = f->out.n == 0 || n > f->out_uneaten ? f->out_uneaten : n;
		f->out_uneaten -= credit;
		eaten(f, credit);
		if (io == IO_WAIT)
			return;
	}
	if (f->out.n > 0) {
		conn_again(f->conn, LOOP_OUT);
		return;
	}
	if (total > 0)
		set_blocked(f, false);
	finish(f);
}
