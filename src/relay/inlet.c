/* SPDX-License-Identifier: Apache-2.0 */
/* Connection -> stream. Bytes are read only into space that the link has granted. */
#include "relay/flow_private.h"

/* Bytes read at once where the chunked coding must be taken off first. */
#define CHUNKED_READ_BYTES LIMIT_DATA_FRAME_BYTES
/* Frames that one read may fill. */
#define FILL_PIECES 8

/*
 * Asks for a turn. The link may be gone while the last bytes of the other direction drain: then
 * nothing is sent any more.
 */
static void
want(struct flow *f)
{
	if (f->stream == NULL || f->carrier == NULL)
		return;
	stream_want(f->stream);
	carrier_kick(f->carrier);
}

static int
queue_early(struct flow *f, struct slice s)
{
	return bufq_put(&f->in_early, s) == s.n ? 0 : -1;
}

int
flow_send_head(struct flow *f, struct slice opening, struct slice head)
{
	check(opening.n == 0 || f->in_early.n == 0); /* a stream begins with its opening */
	if (queue_early(f, opening) != 0 || queue_early(f, head) != 0)
		return -1;
	f->opening_n += opening.n;
	want(f);
	return 0;
}

/* The next request of a visitor that does not wait for answers. */
static int
keep_rest(struct flow *f, struct slice rest)
{
	return bufq_put(&f->in_rest, rest) == rest.n ? 0 : -1;
}

void
inlet_drop_trailers(struct flow *f)
{
	if (f->in_h1 != NULL && f->in_h1->trailers == &f->in_trailers)
		f->in_h1->trailers = NULL;
	buf_fini(&f->in_trailers);
}

/* The message's end was read: what may pass of its trailers stays, a fault in them is its own. */
static void
end_chunked(struct flow *f)
{
	char passed[LIMIT_TRAILER_BYTES] UNCLEARED;
	size_t n = 0;

	if (f->in_trailers.n > 0) {
		flow_tee(f, FLOW_TEE_IN_TRAILERS, buf_slice(&f->in_trailers));
		f->in_bad = trailer_pass(buf_slice(&f->in_trailers), f->in_drop, passed, &n);
		buf_reset(&f->in_trailers);
		buf_put(&f->in_trailers, slice_of(passed, n));
		if (f->in_trailers.failed)
			f->in_bad = CLOSE_OVERLOAD;
	}
	f->in_end = f->in_bad == CLOSE_OK;
}

/* The part of the body that was read with its head, its coding removed. */
static int
take_early(struct flow *f, struct slice early)
{
	struct slice data;

	for (;;) {
		switch (h1_body(f->in_h1, &early, &data)) {
		case H1_MORE:
			return 0;
		case H1_DATA:
			if (queue_early(f, data) != 0)
				return -1;
			flow_tee(f, FLOW_TEE_IN, data);
			f->rx_bytes += data.n;
			break;
		case H1_DONE:
			end_chunked(f);
			return keep_rest(f, early);
		case H1_BAD:
			f->in_bad = f->in_h1->error;
			return 0;
		}
	}
}

/*
 * RAW and CLOSE pass on what comes until the connection ends; the others know their end
 * from the parser.
 */
int
flow_inlet(struct flow *f, enum flow_framing framing, struct h1 *h1, struct slice early)
{
	int rc = 0;

	check(f->in_framing == FLOW_IDLE && !f->in_over); /* one message a direction */
	f->in_framing = framing;
	f->in_h1 = h1;
	switch (framing) {
	case FLOW_IDLE:
		check(framing != FLOW_IDLE);
		break;
	case FLOW_NONE:
		f->in_end = true;
		rc = keep_rest(f, early);
		break;
	case FLOW_CHUNKED:
		if (f->carrier != NULL && f->carrier->trailers)
			h1->trailers = &f->in_trailers;
		rc = take_early(f, early);
		break;
	case FLOW_LENGTH:
		rc = take_early(f, early);
		break;
	case FLOW_RAW:
	case FLOW_CLOSE:
		rc = queue_early(f, early);
		flow_tee(f, FLOW_TEE_IN, early);
		f->rx_bytes += early.n;
		break;
	}
	want(f);
	return rc;
}

int
flow_inlet_trailers(struct flow *f, struct slice lines)
{
	check(f->in_framing != FLOW_IDLE && f->in_h1 == NULL && !f->in_end);
	buf_put(&f->in_trailers, lines);
	return f->in_trailers.failed ? -1 : 0;
}

/* Nothing is read here: the stream must have its turn and credit first. */
void
inlet_readable(struct flow *f)
{
	if (f->in_framing == FLOW_IDLE) {
		if (f->ops->conn_readable != NULL)
			f->ops->conn_readable(f);
		return;
	}
	if (!f->in_end)
		want(f);
}

/* --- filling a grant --- */

/* Cuts a list of pieces to n bytes. */
static int
cut(struct iovec *iov, int n_iov, uint64_t n)
{
	for (int i = 0; i < n_iov; i++) {
		if (iov[i].iov_len >= n) {
			iov[i].iov_len = (size_t)n;
			return i + 1;
		}
		n -= iov[i].iov_len;
	}
	return n_iov;
}

/* LENGTH, RAW, CLOSE: the kernel's bytes go straight into the frames. */
static enum io
read_plain(struct flow *f, struct iovec *iov, int n_iov, size_t *ret_n)
{
	enum io io;

	if (f->in_framing == FLOW_LENGTH)
		n_iov = cut(iov, n_iov, h1_left(f->in_h1));
	io = conn_readv(f->conn, iov, n_iov, ret_n);
	if (io == IO_OK && f->in_framing == FLOW_LENGTH) {
		h1_took(f->in_h1, *ret_n);
		f->in_end = h1_left(f->in_h1) == 0;
	} else if (io == IO_EOF && f->in_framing != FLOW_LENGTH) {
		f->in_end = true;
		io = IO_OK;
	}
	return io;
}

/* CHUNKED: through scratch memory, the coding taken off. The body is never
 * longer than its coding. */
static enum io
read_chunked(struct flow *f, char *p, size_t cap, size_t *ret_n)
{
	char *scratch = loop_scratch(f->loop);
	struct slice in, data;
	size_t got;
	enum io io;

	if (cap > CHUNKED_READ_BYTES)
		cap = CHUNKED_READ_BYTES;
	io = conn_read(f->conn, scratch, cap, &got);
	if (io != IO_OK)
		return io;
	in = slice_of(scratch, got);
	for (;;) {
		switch (h1_body(f->in_h1, &in, &data)) {
		case H1_MORE:
			return IO_OK;
		case H1_DATA:
			check(data.n <= cap - *ret_n);
			memcpy(p + *ret_n, data.p, data.n);
			*ret_n += data.n;
			break;
		case H1_DONE:
			end_chunked(f);
			return keep_rest(f, in) == 0 ? IO_OK : IO_FAIL;
		case H1_BAD:
			f->in_bad = f->in_h1->error;
			return IO_OK;
		}
	}
}

/* The first n bytes of a list of pieces. */
static void
tee_pieces(struct flow *f, const struct iovec *iov, size_t n)
{
	for (; n > 0; iov++) {
		size_t part = n < iov->iov_len ? n : iov->iov_len;

		flow_tee(f, FLOW_TEE_IN, slice_of(iov->iov_base, part));
		n -= part;
	}
}

/* Until the pieces are full, the connection is dry, or the message ends; *n grows. */
static enum io
read_conn(struct flow *f, struct iovec *iov, int n_iov, size_t *n)
{
	enum io io = IO_OK;

	while (n_iov > 0 && io == IO_OK && !f->in_end && f->in_bad == CLOSE_OK) {
		size_t more = 0;

		io = f->in_framing == FLOW_CHUNKED
			 ? read_chunked(f, iov->iov_base, iov->iov_len, &more)
			 : read_plain(f, iov, n_iov, &more);
		if (__builtin_expect(f->tee != NULL, 0))
			tee_pieces(f, iov, more);
		f->rx_bytes += more;
		*n += more;
		flow_advance(&iov, &n_iov, more);
		if (!f->conn->readable)
			break;
	}
	return io;
}

/* The connection's edges are the owner's again from here on. */
static void
done(struct flow *f)
{
	inlet_drop_trailers(f);
	f->in_framing = FLOW_IDLE;
	f->in_over = true;
	flow_retire(f);
	f->ops->inlet_done(f);
}

/* True when they have left, in a frame of their own behind the body's last. */
static bool
send_trailers(struct flow *f)
{
	size_t n = f->in_trailers.n, cap;
	char *p;

	cap = stream_grant(f->stream, &p);
	if (cap < n) {
		/* Without room in this turn, or without credit for all of it. */
		if (cap == 0)
			stream_want(f->stream);
		else
			stream_want_credit(f->stream);
		return false;
	}
	memcpy(p, f->in_trailers.p, n);
	stream_commit_trailers(f->stream, n);
	return true;
}

/* One grant: first what waits, then the connection. */
void
flow_fill(struct flow *f)
{
	struct iovec iov[FILL_PIECES];
	size_t cap, opening, n;
	enum io io = IO_OK;
	char *p;
	int more;
	bool end;

	if (f->in_over)
		return;
	cap = stream_grant(f->stream, &p);
	if (cap == 0) {
		stream_want(f->stream); /* the link remembers it until there is credit */
		return;
	}
	opening = f->opening_n;
	n = bufq_take(&f->in_early, p, cap);
	check(n >= opening); /* the first grant has room for a whole opening */
	if (n > 0)
		f->opening_n = 0;
	if (f->in_framing != FLOW_IDLE && !f->in_end && f->in_early.n == 0 && f->conn != NULL &&
	    n < cap) {
		iov[0] = (struct iovec){ p + n, cap - n };
		more = stream_grant_more(f->stream, iov + 1, FILL_PIECES - 1);
		io = read_conn(f, iov, 1 + more, &n);
	}
	if (n > opening)
		f->active_us = loop_now_us(f->loop);
	end = f->in_end && f->in_early.n == 0;
	stream_commit(f->stream, opening, n - opening, end && f->in_trailers.n == 0);
	if (f->in_bad != CLOSE_OK)
		flow_fail_conn(f, f->in_bad);
	else if (io == IO_EOF || io == IO_FAIL)
		flow_fail_conn(f, CLOSE_OK);
	else if (end && (f->in_trailers.n == 0 || send_trailers(f)))
		done(f);
	else if (end)
		return;
	else if (f->in_early.n > 0 || (f->in_framing != FLOW_IDLE && io == IO_OK &&
					  f->conn != NULL && f->conn->readable))
		stream_want(f->stream);
}
