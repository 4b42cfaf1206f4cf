/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of a client: its request, its answer as text, its end (h2_client.h). */
#include "h2/h2_client_private.h"
#include "h2/h2_lines.h"

#include <stdlib.h>

/* Heads of an answer that were not read yet: one, and interim ones before it. */
#define TEXT_BYTES_MAX (4 * H2_CLIENT_HEAD_BYTES)

static struct h2_client_stream *
new_stream(struct h2_client *c, void *owner)
{
	struct h2_client_stream *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->client = c;
	s->owner = owner;
	list_init(&s->news_node);
	bufq_init(&s->in, c->chunks, LIMIT_ORIGIN_H2_RX_BYTES);
	bufq_init(&s->out, c->chunks, LIMIT_ORIGIN_H2_TX_BYTES);
	buf_init(&s->text, TEXT_BYTES_MAX);
	buf_init(&s->trailers, LIMIT_TRAILER_BYTES);
	buf_init(&s->request_trailers, LIMIT_TRAILER_BYTES);
	list_push(&c->streams, &s->node);
	c->n_open++;
	return s;
}

void
h2_client_stream_free(struct h2_client_stream *s)
{
	struct h2_client *c = s->client;

	/* What nobody has read is credit of the connection all the same. */
	if (c->ng != NULL && s->in.n > 0 && !c->broken &&
	    nghttp2_session_consume_connection(c->ng, s->in.n) != 0)
		c->broken = true;
	list_del(&s->node);
	list_del(&s->news_node);
	bufq_reset(&s->in);
	bufq_reset(&s->out);
	buf_fini(&s->text);
	buf_fini(&s->trailers);
	buf_fini(&s->request_trailers);
	free(s);
}

void
h2_client_tell(struct h2_client_stream *s, enum h2_client_event event)
{
	if (s->left)
		return;
	if (list_empty(&s->news_node))
		list_push(&s->client->news, &s->news_node);
	s->news |= 1u << event;
}

void
h2_client_reset(struct h2_client_stream *s, uint32_t error)
{
	if (s->closed || s->client->broken)
		return;
	if (nghttp2_submit_rst_stream(s->client->ng, NGHTTP2_FLAG_NONE, s->id, error) != 0)
		s->client->broken = true;
}

/* --- the request --- */

/* The value of a field in a head's text; the first of that name. */
static struct slice
find_field(struct slice fields, struct slice name)
{
	while (fields.n > 0) {
		struct slice line = slice_cut(&fields, '\n');

		if (line.n > name.n && line.p[name.n] == ':' &&
		    slice_ieq(slice_head(line, name.n), name)) {
			if (line.p[line.n - 1] == '\r')
				line.n--;
			return slice_trim(slice_from(line, name.n + 1));
		}
	}
	return (struct slice){ 0 };
}

/* Host has become :authority.  nghttp2 copies what it is given. */
static void
settle(struct h2_lines *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		const nghttp2_nv *nv = &l->nv[i];

		if (slice_eq(slice_of(nv->name, nv->namelen), S("host")))
			continue;
		l->nv[n] = *nv;
		l->nv[n++].flags = NGHTTP2_NV_FLAG_NONE;
	}
	l->n = n;
}

static int
submit(struct h2_client_stream *s, char *text, size_t n, bool ends)
{
	nghttp2_data_provider body = { .source.ptr = s, .read_callback = h2_client_read_request };
	struct slice fields = slice_of(text, n), line = slice_cut(&fields, '\n');
	struct slice method = slice_cut(&line, ' '), target = slice_cut(&line, ' ');
	struct h2_lines lines UNCLEARED;

	if (fields.p == NULL || method.n == 0 || target.n == 0)
		return -1;
	lines.n = 0;
	h2_lines_put(&lines, S(":method"), method);
	h2_lines_put(&lines, S(":scheme"), s->client->https ? S("https") : S("http"));
	h2_lines_put(&lines, S(":authority"), find_field(fields, S("host")));
	h2_lines_put(&lines, S(":path"), target);
	h2_lines_fields(&lines, text + n - fields.n, fields.n);
	if (lines.n == H2_LINES_MAX)
		return -1;
	settle(&lines);
	s->id =
	    nghttp2_submit_request(s->client->ng, NULL, lines.nv, lines.n, ends ? NULL : &body, s);
	return s->id > 0 ? 0 : -1;
}

struct h2_client_stream *
h2_client_open(struct h2_client *c, struct slice head, bool ends, void *owner)
{
	struct h2_client_stream *s;
	char *text;
	int rc = -1;

	check(h2_client_slots(c) > 0);
	s = new_stream(c, owner);
	text = malloc(head.n + 1);
	if (s != NULL && text != NULL && head.n > 0) {
		memcpy(text, head.p, head.n); /* names are put into lower case in it */
		rc = submit(s, text, head.n, ends);
	}
	free(text);
	if (rc == 0) {
		s->whole = ends;
		return s;
	}
	if (s != NULL) {
		c->n_open--;
		h2_client_stream_free(s);
	}
	return NULL;
}

static void
resume(struct h2_client_stream *s)
{
	if (!s->deferred || s->closed || s->client->broken)
		return;
	s->deferred = false;
	if (nghttp2_session_resume_data(s->client->ng, s->id) != 0)
		s->client->broken = true;
}

size_t
h2_client_room(struct h2_client_stream *s)
{
	size_t room = bufq_room(&s->out);

	s->full = room == 0;
	return room;
}

/* Where memory is short the stream ends: bytes of a body are never left out. */
void
h2_client_put(struct h2_client_stream *s, struct slice bytes)
{
	check(!s->whole && bytes.n <= bufq_room(&s->out));
	if (s->closed)
		return;
	if (bufq_put(&s->out, bytes) != bytes.n)
		h2_client_reset(s, NGHTTP2_INTERNAL_ERROR);
	resume(s);
}

int
h2_client_finish(struct h2_client_stream *s, struct slice trailers)
{
	check(!s->whole);
	buf_put(&s->request_trailers, trailers);
	if (s->request_trailers.failed)
		return -1;
	s->whole = true;
	resume(s);
	return 0;
}

/* At half, so that many small frames do not call for one each. */
void
h2_client_sent(struct h2_client_stream *s)
{
	if (!s->full || s->out.n > LIMIT_ORIGIN_H2_TX_BYTES / 2)
		return;
	s->full = false;
	h2_client_tell(s, H2_CLIENT_ROOM);
}

int
h2_client_trailers(struct h2_client_stream *s)
{
	struct h2_lines lines UNCLEARED;

	lines.n = 0;
	h2_lines_fields(&lines, s->request_trailers.p, s->request_trailers.n);
	settle(&lines);
	return nghttp2_submit_trailer(s->client->ng, s->id, lines.nv, lines.n);
}

/* --- the answer comes --- */

static bool
is_interim(const struct buf *head)
{
	return head->n > 9 && head->p[9] == '1'; /* behind "HTTP/1.1 " */
}

/*
 * HTTP/1.1 has trailers behind chunks alone: an answer that has a length and announces some is told
 * in chunks.  True when its length was taken out of the text.
 */
static bool
make_room_for_trailers(struct buf *text)
{
	struct slice all = buf_slice(text), value = find_field(all, S("content-length"));
	size_t from, to;

	if (find_field(all, S("trailer")).p == NULL || value.p == NULL)
		return false;
	from = (size_t)(value.p - text->p) - strlen("content-length: ");
	to = (size_t)(value.p - text->p) + value.n + 2;
	memmove(text->p + from, text->p + to, text->n - to);
	text->n -= to - from;
	return true;
}

void
h2_client_head_is_whole(struct h2_client_stream *s, bool ends)
{
	struct h2_head *block = &s->client->block;

	h2_head_end(block, false);
	if (block->fault == H2_TOO_LARGE || block->fault == H2_MALFORMED) {
		s->large = block->fault == H2_TOO_LARGE;
		h2_client_reset(s, NGHTTP2_PROTOCOL_ERROR);
		return;
	}
	if (!is_interim(&block->text)) {
		s->answer = H2_CLIENT_BODY;
		s->chunked = !block->has_length || (!ends && make_room_for_trailers(&block->text));
	}
	/* Behind the fields, before the empty line: how the body's end is known in the text. */
	buf_put(&s->text, slice_of(block->text.p, block->text.n - 2));
	if (s->chunked)
		buf_put(&s->text, S("Transfer-Encoding: chunked\r\n"));
	buf_put(&s->text, S("\r\n"));
	if (s->text.failed) {
		h2_client_reset(s, NGHTTP2_INTERNAL_ERROR);
		return;
	}
	h2_client_tell(s, H2_CLIENT_IN);
	if (ends)
		h2_client_is_whole(s);
}

void
h2_client_is_whole(struct h2_client_stream *s)
{
	if (s->answer != H2_CLIENT_BODY)
		return;
	s->answer = H2_CLIENT_WHOLE;
	h2_client_tell(s, H2_CLIENT_IN);
}

/* NO_ERROR behind a whole answer: the other side wants no more of the request (RFC 9113 8.1). */
void
h2_client_closed(struct h2_client_stream *s, uint32_t error)
{
	if (s->closed)
		return;
	check(s->client->n_open > 0);
	s->client->n_open--;
	s->closed = s->unwanted = true;
	(void)nghttp2_session_set_stream_user_data(s->client->ng, s->id, NULL);
	bufq_reset(&s->out);
	if (s->answer != H2_CLIENT_WHOLE) {
		s->refused = error == NGHTTP2_REFUSED_STREAM && s->answer == H2_CLIENT_AWAITED;
		s->crowded = s->refused || error == NGHTTP2_ENHANCE_YOUR_CALM;
		s->answer = H2_CLIENT_LOST;
	}
	if (s->left) {
		h2_client_stream_free(s);
		return;
	}
	h2_client_tell(s, H2_CLIENT_IN);
	if (!s->whole)
		h2_client_tell(s, H2_CLIENT_ROOM);
}

/*
 * --- the answer is read ---
 *
 * Text and bytes of the body alternate: `text` holds what stands before the next bytes of `in` (a
 * head, the size of a chunk, the end of one), of which chunk_left belong together.  A chunk is what
 * has come when its size is written, so nothing waits to fill one: each message of a stream of
 * messages goes on at once.
 */

/* What stands behind the body, once: of a chunked one the last chunk and the trailers. */
static void
put_tail(struct h2_client_stream *s)
{
	s->tail = true;
	if (!s->chunked)
		return;
	buf_put(&s->text, S("0\r\n"));
	buf_put(&s->text, buf_slice(&s->trailers));
	buf_put(&s->text, S("\r\n"));
}

/* The next piece of text between bytes of the body; false: there is none now. */
static bool
next_text(struct h2_client_stream *s)
{
	buf_reset(&s->text);
	s->text_read = 0;
	if (s->in_chunk) {
		s->in_chunk = false;
		buf_put(&s->text, S("\r\n"));
		return true;
	}
	if (s->in.n > 0) {
		s->chunk_left = s->in.n;
		s->in_chunk = s->chunked;
		if (s->chunked)
			buf_printf(&s->text, "%zx\r\n", s->in.n);
		return true;
	}
	if (s->answer != H2_CLIENT_WHOLE || s->tail)
		return false;
	put_tail(s);
	return s->text.n > 0;
}

static size_t
take_body(struct h2_client_stream *s, char *dst, size_t cap)
{
	nghttp2_session *ng = s->client->ng;
	size_t n = bufq_take(&s->in, dst, cap < s->chunk_left ? cap : s->chunk_left);
	int rc = 0;

	check(n > 0);
	s->chunk_left -= n;
	if (!s->client->broken)
		rc = s->closed ? nghttp2_session_consume_connection(ng, n)
			       : nghttp2_session_consume(ng, s->id, n);
	if (rc != 0)
		s->client->broken = true;
	return n;
}

size_t
h2_client_read(struct h2_client_stream *s, char *dst, size_t cap)
{
	size_t n = 0, part;

	while (n < cap) {
		if (s->text_read < s->text.n) {
			part = s->text.n - s->text_read;
			if (part > cap - n)
				part = cap - n;
			memcpy(dst + n, s->text.p + s->text_read, part);
			s->text_read += part;
			n += part;
		} else if (s->chunk_left > 0) {
			n += take_body(s, dst + n, cap - n);
		} else if (!next_text(s)) {
			break;
		}
	}
	return n;
}

bool
h2_client_readable(const struct h2_client_stream *s)
{
	return s->text_read < s->text.n || s->in.n > 0 || s->in_chunk ||
	       (s->answer == H2_CLIENT_WHOLE && !s->tail && s->chunked);
}

/* --- its end --- */

void
h2_client_leave(struct h2_client_stream *s)
{
	char scratch[4096];

	check(!s->left);
	s->left = true;
	s->owner = NULL;
	s->news = 0;
	list_del(&s->news_node);
	if (s->closed) {
		h2_client_stream_free(s);
		return;
	}
	/* Nobody reads it any more; its credit is the connection's. */
	while ((s->chunk_left = s->in.n) > 0)
		(void)take_body(s, scratch, sizeof(scratch));
	if (!s->whole || s->answer != H2_CLIENT_WHOLE)
		h2_client_reset(s, NGHTTP2_CANCEL);
}
