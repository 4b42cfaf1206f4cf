/* SPDX-License-Identifier: Apache-2.0 */
/* An HTTP/2 client made of nghttp2, and a session of ours across from it: bytes go over in pieces
 * of a size that a test chooses, and what happens is written down. */
#ifndef ADIT_TEST_H2_LAB_H
#define ADIT_TEST_H2_LAB_H

#include "h2/h2.h"
#include "unit.h"

#include <nghttp2/nghttp2.h>

#define LAB_STREAMS 4096

struct lab_answer {
	int status, n_interim;
	uint32_t error; /* of its end */
	bool headed, closed;
	size_t n_body;
	char body[256], fields[512], trailers[256];
};

struct lab {
	struct pool chunks;
	struct h2 *h2;
	nghttp2_session *client;
	int64_t now_us;
	size_t piece;    /* bytes of one h2_feed(), 0: all */
	bool reads;      /* the client gives credit */
	bool dead;       /* it has got a GOAWAY with a fault, or can go on no more */
	uint32_t goaway; /* its code + 1 */
	int32_t last_id; /* of the last GOAWAY */
	struct lab_answer answers[LAB_STREAMS];
	struct h2_stream *open[LAB_STREAMS];
	char log[8192]; /* of ours: what h2_next() said */
	size_t log_n;
	size_t body_n, body_at[LAB_STREAMS];
	const char *body; /* of the requests */
	int32_t next_id;  /* of a client without nghttp2 */
};

static struct lab *
lab_of(void *user)
{
	return user;
}

static struct lab_answer *
lab_answer(struct lab *l, int32_t id)
{
	return &l->answers[(size_t)(id / 2) % LAB_STREAMS];
}

static int
lab_on_header(nghttp2_session *ng, const nghttp2_frame *f, const uint8_t *name, size_t name_n,
    const uint8_t *value, size_t value_n, uint8_t flags, void *user)
{
	struct lab_answer *a = lab_answer(lab_of(user), f->hd.stream_id);
	bool trailer = a->headed;
	char *to = trailer ? a->trailers : a->fields;
	size_t cap = trailer ? sizeof(a->trailers) : sizeof(a->fields), at = strlen(to);

	(void)ng, (void)flags;
	if (name_n == 7 && memcmp(name, ":status", 7) == 0)
		a->status = atoi((const char *)value);
	else
		snprintf(to + at, cap - at, "%.*s=%.*s;", (int)name_n, (const char *)name,
		    (int)value_n, (const char *)value);
	a->n_interim += !trailer && a->status < 200 && name_n == 7;
	return 0;
}

static int
lab_on_data(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *p, size_t n, void *user)
{
	struct lab *l = user;
	struct lab_answer *a = lab_answer(l, id);

	(void)flags;
	for (size_t i = 0; i < n && a->n_body + i < sizeof(a->body); i++)
		a->body[a->n_body + i] = (char)p[i];
	a->n_body += n;
	if (l->reads)
		nghttp2_session_consume(ng, id, n);
	return 0;
}

static int
lab_on_close(nghttp2_session *ng, int32_t id, uint32_t error, void *user)
{
	struct lab_answer *a = lab_answer(lab_of(user), id);

	(void)ng;
	a->closed = true;
	a->error = error;
	return 0;
}

static int
lab_on_frame(nghttp2_session *ng, const nghttp2_frame *f, void *user)
{
	struct lab *l = user;
	struct lab_answer *a = lab_answer(l, f->hd.stream_id);

	(void)ng;
	if (f->hd.type == NGHTTP2_HEADERS)
		a->headed |= a->status >= 200;
	if (f->hd.type == NGHTTP2_GOAWAY) {
		l->goaway = f->goaway.error_code + 1;
		l->last_id = f->goaway.last_stream_id;
	}
	return 0;
}

static ssize_t
lab_read_body(nghttp2_session *ng, int32_t id, uint8_t *buf, size_t cap, uint32_t *flags,
    nghttp2_data_source *source, void *user)
{
	struct lab *l = user;
	size_t *at = &l->body_at[(size_t)(id / 2) % LAB_STREAMS], n = l->body_n - *at;

	(void)ng, (void)source;
	n = n < cap ? n : cap;
	for (size_t i = 0; i < n; i++)
		buf[i] = (uint8_t)(l->body == NULL ? 'x' : l->body[*at + i]);
	*at += n;
	if (*at == l->body_n)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

static void
lab_open(struct lab *l, const struct h2_limits *limits)
{
	nghttp2_session_callbacks *c;
	nghttp2_option *o;
	struct h2_limits own;

	*l = (struct lab){ .reads = true, .now_us = 1000000 };
	h2_limits_default(&own);
	pool_init(&l->chunks, 16384, 16, 4096);
	l->h2 =
	    h2_new(limits == NULL ? &own : limits, &l->chunks, S("https://web.example"), l->now_us);
	nghttp2_session_callbacks_new(&c);
	nghttp2_option_new(&o);
	nghttp2_option_set_no_auto_window_update(o, 1);
	nghttp2_session_callbacks_set_on_header_callback(c, lab_on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, lab_on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(c, lab_on_close);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, lab_on_frame);
	nghttp2_session_client_new2(&l->client, c, l, o);
	nghttp2_session_callbacks_del(c);
	nghttp2_option_del(o);
	nghttp2_submit_settings(l->client, 0, NULL, 0);
}

static void
lab_forget(struct lab *l, struct h2_stream *s)
{
	l->open[(size_t)(s->id / 2) % LAB_STREAMS] = NULL;
}

/* Lets go of what is open, and frees all. */
static void
lab_close(struct lab *l)
{
	struct h2_stream *s;
	enum h2_event e;

	while ((e = h2_next(l->h2, &s)) != H2_NOTHING)
		if (e == H2_HEAD)
			l->open[(size_t)(s->id / 2) % LAB_STREAMS] = s;
	for (size_t i = 0; i < LAB_STREAMS; i++)
		if (l->open[i] != NULL)
			h2_reset(l->open[i], NGHTTP2_CANCEL);
	h2_free(l->h2);
	nghttp2_session_del(l->client);
	pool_fini(&l->chunks);
}

static void
lab_say(struct lab *l, const char *what, int32_t id, struct slice text)
{
	int n = snprintf(l->log + l->log_n, sizeof(l->log) - l->log_n, "%s %d %.*s\n", what, id,
	    PS(slice_head(text, 400)));

	if (n > 0 && (size_t)n < sizeof(l->log) - l->log_n)
		l->log_n += (size_t)n;
}

/* What an owner does with a stream; NULL: nothing, it stays open. */
typedef void (*lab_fn)(struct lab *l, struct h2_stream *s, enum h2_event e);

static void
lab_events(struct lab *l, lab_fn fn)
{
	struct h2_stream *s;
	enum h2_event e;

	while ((e = h2_next(l->h2, &s)) != H2_NOTHING) {
		if (e == H2_HEAD)
			l->open[(size_t)(s->id / 2) % LAB_STREAMS] = s;
		if (fn != NULL)
			fn(l, s, e);
		else if (e == H2_RESET) {
			lab_forget(l, s);
			h2_leave(s);
		}
	}
}

static void
lab_feed(struct lab *l, struct slice bytes, lab_fn fn)
{
	while (bytes.n > 0) {
		struct slice piece = slice_head(bytes, l->piece == 0 ? bytes.n : l->piece);

		h2_feed(l->h2, piece, l->now_us);
		lab_events(l, fn);
		bytes = slice_from(bytes, piece.n);
	}
}

/* Bytes go over in both directions until neither has more. */
static void
lab_turn(struct lab *l, lab_fn fn)
{
	static char room[65536];
	const uint8_t *p;
	bool more = true;

	while (more) {
		ssize_t n;
		size_t got;

		more = false;
		while (!l->dead && (n = nghttp2_session_mem_send(l->client, &p)) > 0) {
			lab_feed(l, slice_of(p, (size_t)n), fn);
			more = true;
		}
		while ((got = h2_drain(l->h2, room, sizeof(room))) > 0) {
			if (!l->dead &&
			    nghttp2_session_mem_recv(l->client, (uint8_t *)room, got) < 0)
				l->dead = true;
			lab_events(l, fn);
			more = true;
		}
	}
}

#define LAB_NV(n, v)                                                                               \
	{                                                                                          \
		(uint8_t *)(uintptr_t)(n), (uint8_t *)(uintptr_t)(v), strlen(n), strlen(v), 0      \
	}

/* A request; the id of its stream. */
static int32_t
lab_request(struct lab *l, const char *method, const char *path, bool body)
{
	nghttp2_nv nv[] = { LAB_NV(":method", method), LAB_NV(":scheme", "https"),
		LAB_NV(":path", path), LAB_NV(":authority", "web.example"), LAB_NV("x-a", "1") };
	nghttp2_data_provider p = { .read_callback = lab_read_body };

	return nghttp2_submit_request(l->client, NULL, nv, 5, body ? &p : NULL, NULL);
}

#endif
