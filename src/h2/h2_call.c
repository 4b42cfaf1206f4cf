/* SPDX-License-Identifier: Apache-2.0 */
/* What nghttp2 calls. It is noted, and told later: nothing of nghttp2's is freed in here. */
#include "h2/h2_private.h"

static struct slice
bytes_of(const uint8_t *p, size_t n)
{
	return slice_of(p, n);
}

static struct h2_stream *
stream_of(nghttp2_session *ng, int32_t id)
{
	return nghttp2_session_get_stream_user_data(ng, id);
}

/* --- header blocks --- */

static bool
is_request(const nghttp2_frame *f)
{
	return f->hd.type == NGHTTP2_HEADERS && f->headers.cat == NGHTTP2_HCAT_REQUEST;
}

static int
on_begin_headers(nghttp2_session *ng, const nghttp2_frame *f, void *user)
{
	struct h2 *h = user;
	struct h2_stream *s;

	h->block_us = h->now_us;
	if (!is_request(f))
		return 0;
	h2_head_begin(&h->block, H2_REQUEST);
	s = h2_stream_new(h, f->hd.stream_id);
	if (s == NULL)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	h2_guard_open(h);
	return nghttp2_session_set_stream_user_data(ng, f->hd.stream_id, s) == 0
		   ? 0
		   : NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* Lines of HTTP/1.1, so that whoever passes them on need not know of this version. */
static void
put_trailer(struct h2_stream *s, struct slice name, struct slice value)
{
	if (!h2_name_ok(name) || !h2_value_ok(value)) {
		s->trailers.failed = true;
		return;
	}
	buf_put(&s->trailers, name);
	buf_put(&s->trailers, S(": "));
	buf_put(&s->trailers, value);
	buf_put(&s->trailers, S("\r\n"));
}

static int
on_header(nghttp2_session *ng, const nghttp2_frame *f, const uint8_t *name, size_t name_n,
    const uint8_t *value, size_t value_n, uint8_t flags, void *user)
{
	struct h2 *h = user;
	struct h2_stream *s;

	(void)flags;
	if (is_request(f))
		h2_head_field(&h->block, bytes_of(name, name_n), bytes_of(value, value_n));
	else if ((s = stream_of(ng, f->hd.stream_id)) != NULL)
		put_trailer(s, bytes_of(name, name_n), bytes_of(value, value_n));
	return 0;
}

/* nghttp2 would leave such a field out; a head that two readers could read differently is no head. */
static int
on_invalid_header(nghttp2_session *ng, const nghttp2_frame *f, const uint8_t *name, size_t name_n,
    const uint8_t *value, size_t value_n, uint8_t flags, void *user)
{
	struct h2 *h = user;
	struct h2_stream *s = stream_of(ng, f->hd.stream_id);

	(void)name, (void)name_n, (void)value, (void)value_n, (void)flags;
	if (is_request(f))
		h->block.fault = H2_MALFORMED;
	else if (s != NULL)
		s->trailers.failed = true;
	return 0;
}

static void
head_is_whole(struct h2 *h, struct h2_stream *s, const nghttp2_frame *f)
{
	s->in_ended = (f->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
	h2_head_end(&h->block, !s->in_ended);
	s->fault = h->block.fault;
	switch (s->fault) {
	case H2_MALFORMED:
		h2_stream_kill(s, NGHTTP2_PROTOCOL_ERROR);
		return;
	case H2_TOO_LARGE:
		h2_guard_large(h);
		break;
	case H2_FINE:
	case H2_BAD_SCHEME:
		h2_head_take(&h->block, &s->head);
		break;
	}
	if (!s->in_ended)
		h2_stream_lend(s);
	h2_stream_tell(s, H2_HEAD);
}

static void
trailers_are_whole(struct h2_stream *s)
{
	if (s->trailers.failed) {
		h2_stream_kill(s, NGHTTP2_PROTOCOL_ERROR);
		return;
	}
	h2_stream_in_ended(s);
}

/* --- frames --- */

/* Streams that began before it have the window now that all begin with. */
static void
on_acknowledged(struct h2 *h)
{
	h->acknowledged = true;
	LIST_EACH(it, &h->streams) {
		struct h2_stream *s = list_of(it, struct h2_stream, node);

		if (!s->in_ended && s->life != H2_LEFT && s->loan == 0)
			h2_stream_lend(s);
	}
}

static int
on_frame(nghttp2_session *ng, const nghttp2_frame *f, void *user)
{
	struct h2 *h = user;
	struct h2_stream *s = f->hd.stream_id == 0 ? NULL : stream_of(ng, f->hd.stream_id);

	switch (f->hd.type) {
	case NGHTTP2_HEADERS:
		h->block_us = 0;
		if (s == NULL)
			break;
		if (is_request(f))
			head_is_whole(h, s, f);
		else
			trailers_are_whole(s);
		break;
	case NGHTTP2_DATA:
		if (s != NULL && (f->hd.flags & NGHTTP2_FLAG_END_STREAM))
			h2_stream_in_ended(s);
		break;
	case NGHTTP2_RST_STREAM:
		if (s != NULL)
			s->theirs = true;
		break;
	case NGHTTP2_SETTINGS:
		if (f->hd.flags & NGHTTP2_FLAG_ACK)
			on_acknowledged(h);
		else
			h->settled = true;
		break;
	case NGHTTP2_PING:
		if (f->hd.flags & NGHTTP2_FLAG_ACK)
			h->pinging = false;
		break;
	default:
		break;
	}
	return 0;
}

/* Refused by nghttp2: a stream too many, or what a stream may not send. */
static int
on_invalid_frame(nghttp2_session *ng, const nghttp2_frame *f, int error, void *user)
{
	struct h2 *h = user;

	(void)ng, (void)error;
	if (f->hd.type == NGHTTP2_HEADERS)
		h->block_us = 0;
	h2_charge(h, &h->closes);
	return 0;
}

static int
on_data(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *p, size_t n, void *user)
{
	struct h2_stream *s = stream_of(ng, id);

	(void)flags, (void)user;
	if (s != NULL && s->life != H2_LEFT && bufq_put(&s->in, bytes_of(p, n)) == n) {
		h2_stream_tell(s, H2_BODY);
		return 0;
	}
	/* Nobody wants it, or there is no memory for it: its credit goes back at once. */
	if (nghttp2_session_consume(ng, id, n) != 0)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	if (s != NULL && s->life != H2_LEFT) {
		s->ours = true;
		h2_stream_kill(s, NGHTTP2_INTERNAL_ERROR);
	}
	return 0;
}

/*
 * Every end that is not clean counts, whoever has said it, for one side can make the other say it
 * (CVE-2023-44487, CVE-2025-8671); but for those that we have decided on by ourselves.
 */
static int
on_stream_close(nghttp2_session *ng, int32_t id, uint32_t error, void *user)
{
	struct h2_stream *s = stream_of(ng, id);
	struct h2 *h = user;

	if (error != NGHTTP2_NO_ERROR && (s == NULL || !s->ours))
		h2_charge(h, &h->closes);
	if (s != NULL && (s->theirs || (error == NGHTTP2_NO_ERROR && s->in_ended)))
		h2_guard_over(h, id);
	if (s != NULL)
		h2_stream_closed(s);
	return 0;
}

/* --- answers --- */

static ssize_t
read_answer(nghttp2_session *ng, int32_t id, uint8_t *buf, size_t cap, uint32_t *flags,
    nghttp2_data_source *source, void *user)
{
	struct h2_stream *s = source->ptr;
	ssize_t n = h2_pump_next(&s->out, s->whole, s->answer_trailers.n > 0, cap, flags);

	(void)ng, (void)id, (void)buf, (void)user;
	if (n == NGHTTP2_ERR_DEFERRED)
		s->deferred = true;
	if ((*flags & NGHTTP2_DATA_FLAG_NO_END_STREAM) && h2_stream_trailers(s) != 0)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	return n;
}

const nghttp2_data_source_read_callback h2_read_answer = read_answer;

/* A DATA frame writes itself where h2_drain() gathers, which is asked again behind each. */
static int
on_send_data(nghttp2_session *ng, nghttp2_frame *f, const uint8_t *head, size_t n,
    nghttp2_data_source *source, void *user)
{
	struct h2_stream *s = source->ptr;
	struct h2 *h = user;

	(void)ng;
	check(f->data.padlen == 0);
	h2_pump_data(&h->pump, head, &s->out, n);
	h2_stream_sent(s, n);
	return NGHTTP2_ERR_PAUSE;
}

/* An answer that was whole before its request ends it (RFC 9113 8.1). */
static int
on_sent(nghttp2_session *ng, const nghttp2_frame *f, void *user)
{
	struct h2_stream *s;

	(void)user;
	if ((f->hd.type != NGHTTP2_DATA && f->hd.type != NGHTTP2_HEADERS) ||
	    !(f->hd.flags & NGHTTP2_FLAG_END_STREAM))
		return 0;
	s = stream_of(ng, f->hd.stream_id);
	if (s != NULL && !s->in_ended)
		h2_stream_kill(s, NGHTTP2_NO_ERROR);
	return 0;
}

/* NULL without memory. */
nghttp2_session_callbacks *
h2_callbacks(void)
{
	nghttp2_session_callbacks *c;

	if (nghttp2_session_callbacks_new(&c) != 0)
		return NULL;
	nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(c, on_header);
	nghttp2_session_callbacks_set_on_invalid_header_callback(c, on_invalid_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(c, on_invalid_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
	nghttp2_session_callbacks_set_send_data_callback(c, on_send_data);
	nghttp2_session_callbacks_set_on_frame_send_callback(c, on_sent);
	return c;
}
