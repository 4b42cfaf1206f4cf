/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of HTTP/2 as a connection: puts the coding of HTTP/1.1 on, and takes it off. */
#include "edge/visit/h2_coding.h"

#include "edge/visit/h2_visitor.h"
#include "h2/h2_lines.h"

#include <stdio.h>

static struct h2_front *
front_of_conn(struct conn *c)
{
	return list_of(c, struct h2_front, conn);
}

/* --- reading: the request's body --- */

/* What stands before the next bytes of the body, or behind the last. False: nothing can be told yet. */
static bool
next_frame(struct h2_front *f)
{
	size_t n = h2_waiting_in(f->stream);
	const char *crlf = f->begun ? "\r\n" : "";

	if (n > 0)
		f->in_chunk = n;
	else if (!h2_in_ended(f->stream) || f->told_end)
		return false;
	f->frame_at = 0;
	f->frame_n = (uint8_t)snprintf(f->frame, sizeof(f->frame), "%s%zx\r\n", crlf, n);
	f->begun = true;
	f->told_end = n == 0;
	return true;
}

/* The lines between the last chunk and the empty line. */
static size_t
read_trailers(struct h2_front *f, char *dst, size_t cap)
{
	static const struct slice end = { "\r\n", 2 };
	struct slice lines = buf_slice(&f->stream->trailers);
	struct slice left = slice_from(lines, f->trailers_at);

	if (left.n == 0)
		left = slice_from(end, f->trailers_at - lines.n);
	left = slice_head(left, cap);
	if (left.n > 0)
		memcpy(dst, left.p, left.n);
	f->trailers_at += left.n;
	return left.n;
}

static size_t
read_chunked(struct h2_front *f, char *dst, size_t cap)
{
	size_t n = 0, more;

	while (n < cap) {
		if (f->frame_n > 0) {
			more = f->frame_n < cap - n ? f->frame_n : cap - n;
			memcpy(dst + n, f->frame + f->frame_at, more);
			f->frame_at = (uint8_t)(f->frame_at + more);
			f->frame_n = (uint8_t)(f->frame_n - more);
		} else if (f->in_chunk > 0) {
			more = f->in_chunk < cap - n ? f->in_chunk : cap - n;
			more = h2_take(f->stream, dst + n, more);
			f->in_chunk -= more;
		} else if (f->told_end) {
			more = read_trailers(f, dst + n, cap - n);
			if (more == 0)
				break;
		} else if (next_frame(f)) {
			continue;
		} else {
			break;
		}
		n += more;
	}
	return n;
}

/* Something can be read without more from the visitor; his end counts, too. */
static bool
has_more(const struct h2_front *f)
{
	return h2_waiting_in(f->stream) > 0 || f->frame_n > 0 || h2_in_ended(f->stream);
}

static enum io
stream_read(struct conn *c, const struct iovec *iov, int n_iov, size_t *ret_n)
{
	struct h2_front *f = front_of_conn(c);
	size_t n = 0;

	conn_dry(c, LOOP_IN);
	c->buffered = false;
	if (f->stream == NULL)
		return IO_FAIL;
	for (int i = 0; i < n_iov; i++) {
		size_t got = f->chunked ? read_chunked(f, iov[i].iov_base, iov[i].iov_len)
					: h2_take(f->stream, iov[i].iov_base, iov[i].iov_len);

		n += got;
		if (got < iov[i].iov_len)
			break;
	}
	c->buffered = has_more(f);
	if (n > 0) {
		h2_visitor_kick(f->visitor); /* it is credit */
		*ret_n = n;
		return IO_OK;
	}
	if (!h2_in_ended(f->stream))
		return IO_WAIT;
	c->buffered = false;
	return IO_EOF;
}

/* --- writing: the answer --- */

/* As answer_write() writes it. */
static bool
is_chunked(struct slice head)
{
	static const char line[] = "\r\nTransfer-Encoding: chunked\r\n";

	return memmem(head.p, head.n, line, sizeof(line) - 1) != NULL;
}

/* -1 without memory. */
static int
take_head(struct h2_front *f, struct slice head)
{
	check(slice_starts(head, S("HTTP/1.1 ")) && head.n > 12);
	if (head.p[9] == '1')
		return h2_interim(f->stream, head);
	f->coding = is_chunked(head) ? H2_CODING_SIZE : H2_CODING_BODY;
	return h2_answer(f->stream, head);
}

/* A head that lies whole in what was given is not copied first. -1: no memory. */
static int
write_head(struct h2_front *f, struct slice *in)
{
	size_t had = f->part.n, n;
	int rc;

	if (had == 0 && (n = h2_lines_whole(*in)) > 0) {
		rc = take_head(f, slice_head(*in, n));
		*in = slice_from(*in, n);
		return rc;
	}
	buf_put(&f->part, *in);
	if (f->part.failed)
		return -1;
	n = h2_lines_whole(buf_slice(&f->part));
	if (n == 0) {
		*in = slice_from(*in, in->n);
		return 0;
	}
	check(n > had); /* else it would have been whole before */
	*in = slice_from(*in, n - had);
	rc = take_head(f, slice_of(f->part.p, n));
	buf_reset(&f->part);
	return rc;
}

static void
write_size(struct h2_front *f, struct slice *in)
{
	while (in->n > 0 && f->coding == H2_CODING_SIZE) {
		char c = in->p[0];

		*in = slice_from(*in, 1);
		if (c >= '0' && c <= '9')
			f->chunk = f->chunk << 4 | (size_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			f->chunk = f->chunk << 4 | (size_t)(c - 'a' + 10);
		else if (c == '\n')
			f->coding = f->chunk > 0 ? H2_CODING_CHUNK : H2_CODING_TRAILER;
	}
}

/* False: there is no room for more. */
static bool
write_bytes(struct h2_front *f, struct slice *in, size_t n)
{
	size_t took = h2_put(f->stream, slice_head(*in, n));

	*in = slice_from(*in, took);
	if (f->coding == H2_CODING_CHUNK) {
		f->chunk -= took;
		if (f->chunk == 0) {
			f->coding = H2_CODING_CRLF;
			f->chunk = 2;
		}
	}
	return took == n;
}

static void
write_crlf(struct h2_front *f, struct slice *in)
{
	size_t n = f->chunk < in->n ? f->chunk : in->n;

	f->chunk -= n;
	*in = slice_from(*in, n);
	if (f->chunk == 0)
		f->coding = H2_CODING_SIZE;
}

/* Kept until the exchange says that the answer is whole. */
static int
write_trailer(struct h2_front *f, struct slice *in)
{
	struct slice lines;

	buf_put(&f->part, *in);
	*in = slice_from(*in, in->n);
	lines = buf_slice(&f->part);
	if (slice_eq(lines, S("\r\n")) || slice_ends(lines, S("\r\n\r\n"))) {
		f->part.n -= 2;
		f->coding = H2_CODING_OVER;
	}
	return f->part.failed ? -1 : 0;
}

/* One step; -1: no memory, 0: there is no room for more, 1: go on. */
static int
write_some(struct h2_front *f, struct slice *in)
{
	switch (f->coding) {
	case H2_CODING_HEAD:
		return write_head(f, in) == 0 ? 1 : -1;
	case H2_CODING_BODY:
		return write_bytes(f, in, in->n) ? 1 : 0;
	case H2_CODING_SIZE:
		write_size(f, in);
		return 1;
	case H2_CODING_CHUNK:
		return write_bytes(f, in, f->chunk < in->n ? f->chunk : in->n) ? 1 : 0;
	case H2_CODING_CRLF:
		write_crlf(f, in);
		return 1;
	case H2_CODING_TRAILER:
		return write_trailer(f, in) == 0 ? 1 : -1;
	case H2_CODING_OVER:
		break;
	}
	return -1; /* nothing follows an answer */
}

static enum io
stream_write(struct conn *c, const struct iovec *iov, int n_iov, size_t *ret_n)
{
	struct h2_front *f = front_of_conn(c);
	size_t n = 0;
	int rc = 1;

	if (f->stream == NULL)
		return IO_FAIL;
	for (int i = 0; i < n_iov && rc > 0; i++) {
		struct slice in = slice_of(iov[i].iov_base, iov[i].iov_len);

		while (in.n > 0 && (rc = write_some(f, &in)) > 0)
			;
		n += iov[i].iov_len - in.n;
	}
	h2_visitor_kick(f->visitor);
	c->waiting = h2_waiting_out(f->stream);
	if (rc < 0)
		return IO_FAIL;
	if (rc == 0)
		conn_dry(c, LOOP_OUT);
	*ret_n = n;
	return n > 0 || rc > 0 ? IO_OK : IO_WAIT;
}

static enum io
stream_flush(struct conn *c)
{
	struct h2_front *f = front_of_conn(c);

	c->waiting = f->stream == NULL ? 0 : h2_waiting_out(f->stream);
	return IO_OK; /* H2_ROOM has said that there is some */
}

static enum io
stream_handshake(struct conn *c)
{
	(void)c;
	return IO_OK;
}

/* An answer's end is said by the exchange; no stream is switched to another protocol. */
static void
stream_shut(struct conn *c)
{
	(void)c;
}

const struct conn_ops h2_coding_ops = {
	.handshake = stream_handshake,
	.read = stream_read,
	.write = stream_write,
	.flush = stream_flush,
	.shut = stream_shut,
};
