/* SPDX-License-Identifier: Apache-2.0 */
/* A stream: its body, its answer, its end (h2.h). */
#include "h2/h2_lines.h"
#include "h2/h2_private.h"

#include <stdlib.h>

/* Of an interim head, which is not kept. */
#define INTERIM_BYTES 4096

/* What was taken before the connection is credited for it. */
#define CREDIT_BYTES 32768

static void give_loan_back(struct h2_stream *s);
static void taken(struct h2_stream *s, size_t n);

struct h2_stream *
h2_stream_new(struct h2 *h, int32_t id)
{
	struct h2_stream *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->h2 = h;
	s->id = id;
	list_init(&s->news_node);
	list_init(&s->given_node);
	bufq_init(&s->in, h->chunks, LIMIT_H2_RX_BYTES);
	bufq_init(&s->out, h->chunks, LIMIT_H2_STREAM_TX_BYTES);
	buf_init(&s->trailers, LIMIT_TRAILER_BYTES);
	buf_init(&s->answer_head, 2 * LIMIT_HEAD_BYTES);
	buf_init(&s->answer_trailers, LIMIT_TRAILER_BYTES);
	s->stall_us = s->rate_us = h->now_us;
	list_push(&h->streams, &s->node);
	h->n_streams++;
	return s;
}

void
h2_stream_free(struct h2_stream *s)
{
	struct h2 *h = s->h2;

	check(h->n_streams > 0);
	h->n_streams--;
	give_loan_back(s);
	/* What nobody has read is credit of the connection all the same. */
	if (h->ng != NULL && s->in.n > 0)
		taken(s, s->in.n);
	list_del(&s->node);
	list_del(&s->news_node);
	list_del(&s->given_node);
	bufq_reset(&s->in);
	bufq_reset(&s->out);
	buf_fini(&s->head);
	buf_fini(&s->trailers);
	buf_fini(&s->answer_head);
	buf_fini(&s->answer_trailers);
	free(s);
}

/* The one writer of its life. */
static void
move(struct h2_stream *s, enum h2_life to)
{
	check(to == H2_LEFT && s->life != H2_LEFT); /* h2_next() makes it owned */
	s->life = to;
	s->owner = NULL;
	s->news = 0;
	list_del(&s->news_node);
	buf_fini(&s->head);
	if (s->closed)
		h2_stream_free(s);
}

void
h2_stream_closed(struct h2_stream *s)
{
	s->closed = true;
	list_del(&s->given_node);
	if (s->life == H2_OWNED)
		h2_stream_tell(s, H2_RESET);
	else
		h2_stream_free(s);
}

void
h2_stream_tell(struct h2_stream *s, enum h2_event event)
{
	/* Nor of one whose head was refused, whatever still comes for it. */
	if (s->life == H2_LEFT ||
	    (s->life == H2_COMING && event != H2_HEAD && !(s->news & 1u << H2_HEAD)))
		return;
	if (list_empty(&s->news_node))
		list_push(&s->h2->news, &s->news_node);
	s->news |= 1u << event;
}

void
h2_stream_kill(struct h2_stream *s, uint32_t code)
{
	if (s->closed)
		return;
	if (nghttp2_submit_rst_stream(s->h2->ng, NGHTTP2_FLAG_NONE, s->id, code) != 0)
		s->h2->broken = true;
}

/* --- the request's body --- */

/*
 * Each stream has H2_STREAM_WINDOW whatever the others do.  What the connection may hold beside that
 * is lent: who comes alone gets almost all of it, and an eighth stays for the next one.  Not before
 * our SETTINGS are known, or their window would be taken off once more.
 */
void
h2_stream_lend(struct h2_stream *s)
{
	struct h2 *h = s->h2;
	size_t pool = LIMIT_H2_RX_BYTES - (size_t)h->limits.streams * H2_STREAM_WINDOW;
	size_t loan = h->lent < pool ? (pool - h->lent) / 8 * 7 : 0;

	check(s->loan == 0);
	if (!h->lends || !h->acknowledged || loan < H2_STREAM_WINDOW)
		return;
	s->loan = loan;
	h->lent += loan;
	if (nghttp2_session_set_local_window_size(h->ng, NGHTTP2_FLAG_NONE, s->id,
		(int32_t)(H2_STREAM_WINDOW + loan)) != 0)
		h->broken = true;
}

static void
give_loan_back(struct h2_stream *s)
{
	check(s->h2->lent >= s->loan);
	s->h2->lent -= s->loan;
	s->loan = 0;
}

void
h2_stream_in_ended(struct h2_stream *s)
{
	s->in_ended = true;
	give_loan_back(s);
	h2_stream_tell(s, H2_BODY);
}

/*
 * Credit for the connection: nghttp2 gives it back when half of the window was taken, while the
 * other half may lie with streams that nobody reads.
 */
static int
credit_connection(struct h2 *h, size_t n)
{
	int rc = 0;

	h->uncredited += n;
	if (h->uncredited >= CREDIT_BYTES) {
		rc = nghttp2_submit_window_update(h->ng, NGHTTP2_FLAG_NONE, 0,
		    (int32_t)h->uncredited);
		h->uncredited = 0;
	}
	return rc;
}

static void
taken(struct h2_stream *s, size_t n)
{
	nghttp2_session *ng = s->h2->ng;

	if ((s->closed ? nghttp2_session_consume_connection(ng, n)
		       : nghttp2_session_consume(ng, s->id, n)) != 0 ||
	    credit_connection(s->h2, n) != 0)
		s->h2->broken = true;
}

size_t
h2_take(struct h2_stream *s, char *dst, size_t cap)
{
	size_t n = bufq_take(&s->in, dst, cap);

	if (n > 0)
		taken(s, n);
	return n;
}

/* --- the answer --- */

int
h2_interim(struct h2_stream *s, struct slice head)
{
	char text[INTERIM_BYTES];
	struct h2_lines lines UNCLEARED;

	check(s->life == H2_OWNED && s->answer == H2_ANSWER_AWAITED);
	if (s->closed || head.n > sizeof(text))
		return 0; /* nobody waits for it */
	memcpy(text, head.p, head.n);
	lines.n = 0;
	if (h2_lines_response(&lines, text, head.n) == 0)
		return 0;
	for (size_t i = 0; i < lines.n; i++)
		lines.nv[i].flags = NGHTTP2_NV_FLAG_NONE; /* text does not live on */
	return nghttp2_submit_headers(s->h2->ng, NGHTTP2_FLAG_NONE, s->id, NULL, lines.nv, lines.n,
		   NULL) == 0
		   ? 0
		   : -1;
}

int
h2_answer(struct h2_stream *s, struct slice head)
{
	check(s->life == H2_OWNED && s->answer == H2_ANSWER_AWAITED);
	buf_put(&s->answer_head, head);
	if (s->answer_head.failed)
		return -1;
	s->answer = H2_ANSWER_GIVEN;
	if (!s->closed)
		list_push(&s->h2->given, &s->given_node);
	return 0;
}

void
h2_stream_submit(struct h2_stream *s)
{
	nghttp2_data_provider body = { .source.ptr = s, .read_callback = h2_read_answer };
	bool has_body = !s->whole || s->out.n > 0 || s->answer_trailers.n > 0;
	struct h2_lines lines UNCLEARED;

	check(s->answer == H2_ANSWER_GIVEN && !s->closed);
	s->answer = H2_ANSWER_SENT;
	lines.n = 0;
	if (h2_lines_response(&lines, s->answer_head.p, s->answer_head.n) == 0 ||
	    nghttp2_submit_response(s->h2->ng, s->id, lines.nv, lines.n, has_body ? &body : NULL) !=
		0)
		h2_stream_kill(s, NGHTTP2_INTERNAL_ERROR);
}

int
h2_stream_trailers(struct h2_stream *s)
{
	struct h2_lines lines UNCLEARED;

	lines.n = 0;
	h2_lines_fields(&lines, s->answer_trailers.p, s->answer_trailers.n);
	return nghttp2_submit_trailer(s->h2->ng, s->id, lines.nv, lines.n);
}

static void
resume(struct h2_stream *s)
{
	if (!s->deferred || s->closed)
		return;
	s->deferred = false;
	if (nghttp2_session_resume_data(s->h2->ng, s->id) != 0)
		s->h2->broken = true;
}

size_t
h2_put(struct h2_stream *s, struct slice bytes)
{
	size_t n = bufq_put(&s->out, bytes);

	check(s->life == H2_OWNED && s->answer != H2_ANSWER_AWAITED);
	if (n < bytes.n)
		s->refused = true;
	if (n > 0)
		resume(s);
	return n;
}

/* At half, so that many small frames do not call for one each. */
void
h2_stream_sent(struct h2_stream *s, size_t n)
{
	s->sent_bytes += n;
	h2_guard_sent(s->h2);
	if (!s->refused || s->out.n > LIMIT_H2_STREAM_TX_BYTES / 2)
		return;
	s->refused = false;
	h2_stream_tell(s, H2_ROOM);
}

/* --- its end --- */

/* Nobody reads its body any more. */
static void
give_up_body(struct h2_stream *s)
{
	size_t n = s->in.n;

	bufq_reset(&s->in);
	if (n > 0)
		taken(s, n);
}

int
h2_finish(struct h2_stream *s, struct slice trailers)
{
	check(s->life == H2_OWNED && s->answer != H2_ANSWER_AWAITED);
	buf_put(&s->answer_trailers, trailers);
	if (s->answer_trailers.failed) {
		h2_reset(s, NGHTTP2_INTERNAL_ERROR);
		return -1;
	}
	s->whole = true;
	resume(s);
	give_up_body(s);
	move(s, H2_LEFT);
	return 0;
}

void
h2_reset(struct h2_stream *s, uint32_t code)
{
	s->ours = true;
	list_del(&s->given_node);
	h2_stream_kill(s, code);
	give_up_body(s);
	move(s, H2_LEFT);
}

void
h2_leave(struct h2_stream *s)
{
	check(s->closed);
	move(s, H2_LEFT);
}
