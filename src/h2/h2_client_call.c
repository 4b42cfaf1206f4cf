/* SPDX-License-Identifier: Apache-2.0 */
/* What nghttp2 calls in a client. It is noted, and told later: nothing of nghttp2's is freed in here. */
#include "h2/h2_client_private.h"

static struct slice
bytes_of(const uint8_t *p, size_t n)
{
	return slice_of(p, n);
}

static struct h2_client_stream *
stream_of(nghttp2_session *ng, int32_t id)
{
	return id == 0 ? NULL : nghttp2_session_get_stream_user_data(ng, id);
}

/* --- header blocks --- */

static int
on_begin_headers(nghttp2_session *ng, const nghttp2_frame *f, void *user)
{
	struct h2_client *c = user;

	(void)ng, (void)f;
	h2_head_begin(&c->block, H2_RESPONSE);
	return 0;
}

/* Lines of HTTP/1.1, so that whoever passes them on need not know of this version. */
static void
put_trailer(struct h2_client *c, struct h2_client_stream *s, struct slice name, struct slice value)
{
	if (!h2_name_ok(name) || !h2_value_ok(value)) {
		c->block.fault = H2_MALFORMED;
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
	struct h2_client *c = user;
	struct h2_client_stream *s = stream_of(ng, f->hd.stream_id);

	(void)flags;
	if (s == NULL || s->answer == H2_CLIENT_AWAITED)
		h2_head_field(&c->block, bytes_of(name, name_n), bytes_of(value, value_n));
	else
		put_trailer(c, s, bytes_of(name, name_n), bytes_of(value, value_n));
	return 0;
}

/* nghttp2 would leave such a field out; a head that two readers could read differently is no head. */
static int
on_invalid_header(nghttp2_session *ng, const nghttp2_frame *f, const uint8_t *name, size_t name_n,
    const uint8_t *value, size_t value_n, uint8_t flags, void *user)
{
	struct h2_client *c = user;

	(void)ng, (void)f, (void)name, (void)name_n, (void)value, (void)value_n, (void)flags;
	c->block.fault = H2_MALFORMED;
	return 0;
}

/* --- frames --- */

static void
trailers_are_whole(struct h2_client *c, struct h2_client_stream *s)
{
	if (c->block.fault == H2_MALFORMED || s->trailers.failed)
		h2_client_reset(s, NGHTTP2_PROTOCOL_ERROR);
	else
		h2_client_is_whole(s);
}

static int
on_frame(nghttp2_session *ng, const nghttp2_frame *f, void *user)
{
	struct h2_client *c = user;
	struct h2_client_stream *s = stream_of(ng, f->hd.stream_id);
	bool ends = (f->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;

	switch (f->hd.type) {
	case NGHTTP2_HEADERS:
		if (s == NULL)
			break;
		if (s->answer == H2_CLIENT_AWAITED)
			h2_client_head_is_whole(s, ends);
		else
			trailers_are_whole(c, s);
		break;
	case NGHTTP2_DATA:
		if (s != NULL && ends)
			h2_client_is_whole(s);
		break;
	case NGHTTP2_SETTINGS:
		c->settled |= (f->hd.flags & NGHTTP2_FLAG_ACK) == 0;
		break;
	case NGHTTP2_PING:
		if (f->hd.flags & NGHTTP2_FLAG_ACK)
			c->pinging = false;
		break;
	case NGHTTP2_GOAWAY:
		c->going = true;
		break;
	default:
		break;
	}
	return 0;
}

static int
on_data(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *p, size_t n, void *user)
{
	struct h2_client_stream *s = stream_of(ng, id);

	(void)flags, (void)user;
	if (s != NULL && !s->left && bufq_put(&s->in, bytes_of(p, n)) == n) {
		h2_client_tell(s, H2_CLIENT_IN);
		return 0;
	}
	/* Nobody wants it, or there is no memory for it: its credit goes back at once. */
	if (nghttp2_session_consume(ng, id, n) != 0)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	if (s != NULL && !s->left)
		h2_client_reset(s, NGHTTP2_INTERNAL_ERROR);
	return 0;
}

static int
on_stream_close(nghttp2_session *ng, int32_t id, uint32_t error, void *user)
{
	struct h2_client_stream *s = stream_of(ng, id);

	(void)user;
	if (s != NULL)
		h2_client_closed(s, error);
	return 0;
}

/* By its number alone: nghttp2 does not know a stream before its request was sent. */
static struct h2_client_stream *
find(const struct h2_client *c, int32_t id)
{
	LIST_EACH(node, &c->streams) {
		struct h2_client_stream *s = list_of(node, struct h2_client_stream, node);

		if (s->id == id)
			return s;
	}
	return NULL;
}

/* A request that nghttp2 cannot send any more, since the other side goes. */
static int
on_not_sent(nghttp2_session *ng, const nghttp2_frame *f, int error, void *user)
{
	struct h2_client_stream *s =
	    f->hd.type == NGHTTP2_HEADERS ? find(user, f->hd.stream_id) : NULL;

	(void)ng, (void)error;
	if (s != NULL)
		h2_client_closed(s, NGHTTP2_REFUSED_STREAM);
	return 0;
}

/* --- requests --- */

static ssize_t
read_request(nghttp2_session *ng, int32_t id, uint8_t *buf, size_t cap, uint32_t *flags,
    nghttp2_data_source *source, void *user)
{
	struct h2_client_stream *s = source->ptr;
	ssize_t n = h2_pump_next(&s->out, s->whole, s->request_trailers.n > 0, cap, flags);

	(void)ng, (void)id, (void)buf, (void)user;
	if (n == NGHTTP2_ERR_DEFERRED)
		s->deferred = true;
	if ((*flags & NGHTTP2_DATA_FLAG_NO_END_STREAM) && h2_client_trailers(s) != 0)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	return n;
}

const nghttp2_data_source_read_callback h2_client_read_request = read_request;

/* A DATA frame writes itself where h2_client_drain() gathers, which is asked again behind each. */
static int
on_send_data(nghttp2_session *ng, nghttp2_frame *f, const uint8_t *head, size_t n,
    nghttp2_data_source *source, void *user)
{
	struct h2_client_stream *s = source->ptr;
	struct h2_client *c = user;

	(void)ng;
	check(f->data.padlen == 0);
	h2_pump_data(&c->pump, head, &s->out, n);
	h2_client_sent(s);
	return NGHTTP2_ERR_PAUSE;
}

nghttp2_session_callbacks *
h2_client_callbacks(void)
{
	nghttp2_session_callbacks *c;

	if (nghttp2_session_callbacks_new(&c) != 0)
		return NULL;
	nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(c, on_header);
	nghttp2_session_callbacks_set_on_invalid_header_callback(c, on_invalid_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
	nghttp2_session_callbacks_set_on_frame_not_send_callback(c, on_not_sent);
	nghttp2_session_callbacks_set_send_data_callback(c, on_send_data);
	return c;
}
