/* SPDX-License-Identifier: Apache-2.0 */
/* A client's session: its life, what comes in and goes out (h2_client.h). */
#include "h2/h2_client_private.h"

#include <stdlib.h>

/* --- birth and end --- */

static nghttp2_option *
new_options(void)
{
	nghttp2_option *o;

	if (nghttp2_option_new(&o) != 0)
		return NULL;
	nghttp2_option_set_no_auto_window_update(o, 1);
	nghttp2_option_set_no_closed_streams(o, 1);
	return o;
}

/* The connection's window has room for all streams, so one that is not read stops no other. */
static int
greet(struct h2_client *c)
{
	nghttp2_settings_entry all[] = {
		{ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, LIMIT_ORIGIN_H2_RX_BYTES },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, H2_CLIENT_HEAD_BYTES },
		{ NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
	};

	if (nghttp2_submit_settings(c->ng, NGHTTP2_FLAG_NONE, all, sizeof(all) / sizeof(*all)) != 0)
		return -1;
	return nghttp2_session_set_local_window_size(c->ng, NGHTTP2_FLAG_NONE, 0,
	    LIMIT_ORIGIN_H2_STREAMS * LIMIT_ORIGIN_H2_RX_BYTES);
}

static int
open_session(struct h2_client *c)
{
	nghttp2_option *options = new_options();
	nghttp2_session_callbacks *calls = h2_client_callbacks();
	int rc = -1;

	if (options != NULL && calls != NULL)
		rc = nghttp2_session_client_new2(&c->ng, calls, c, options);
	nghttp2_session_callbacks_del(calls);
	nghttp2_option_del(options);
	return rc == 0 ? greet(c) : -1;
}

struct h2_client *
h2_client_new(struct pool *chunks, bool https)
{
	struct h2_client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->chunks = chunks;
	c->https = https;
	list_init(&c->streams);
	list_init(&c->news);
	h2_head_init(&c->block, H2_CLIENT_FIELDS_MAX, H2_CLIENT_HEAD_BYTES);
	if (open_session(c) != 0) {
		h2_client_free(c);
		return NULL;
	}
	return c;
}

void
h2_client_free(struct h2_client *c)
{
	if (c == NULL)
		return;
	nghttp2_session_del(c->ng);
	c->ng = NULL;
	while (!list_empty(&c->streams))
		h2_client_stream_free(list_of(c->streams.next, struct h2_client_stream, node));
	h2_head_fini(&c->block);
	free(c);
}

/* --- bytes in --- */

void
h2_client_feed(struct h2_client *c, struct slice bytes)
{
	ssize_t n;

	if (c->broken || bytes.n == 0)
		return;
	n = nghttp2_session_mem_recv(c->ng, (const uint8_t *)bytes.p, bytes.n);
	if (n < 0)
		c->broken = true;
	else
		check((size_t)n == bytes.n); /* no callback of ours pauses it */
}

/* --- events out --- */

enum h2_client_event
h2_client_next(struct h2_client *c, struct h2_client_stream **ret_stream)
{
	struct h2_client_stream *s;
	enum h2_client_event e;

	if (list_empty(&c->news))
		return H2_CLIENT_NOTHING;
	s = list_of(c->news.next, struct h2_client_stream, news_node);
	check(s->news != 0 && !s->left); /* who has let go is told nothing */
	e = s->news & 1u << H2_CLIENT_IN ? H2_CLIENT_IN : H2_CLIENT_ROOM;
	s->news &= ~(1u << e);
	if (s->news == 0)
		list_del(&s->news_node);
	*ret_stream = s;
	return e;
}

/* --- bytes out --- */

size_t
h2_client_drain(struct h2_client *c, char *dst, size_t cap)
{
	size_t n = 0;

	if (!c->broken && !h2_pump_drain(&c->pump, c->ng, dst, cap, &n))
		c->broken = true;
	return n;
}

/* --- the connection --- */

size_t
h2_client_slots(const struct h2_client *c)
{
	size_t max = LIMIT_ORIGIN_H2_STREAMS;
	uint32_t theirs;

	if (!c->settled || c->going || c->broken || !nghttp2_session_check_request_allowed(c->ng))
		return 0;
	theirs =
	    nghttp2_session_get_remote_settings(c->ng, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
	if (theirs < max)
		max = theirs;
	return c->n_open < max ? max - c->n_open : 0;
}

bool
h2_client_is_up(const struct h2_client *c)
{
	return c->settled && !c->broken;
}

bool
h2_client_is_going(const struct h2_client *c)
{
	return c->going || c->broken;
}

bool
h2_client_is_over(const struct h2_client *c)
{
	return c->broken ||
	       (!nghttp2_session_want_read(c->ng) && !nghttp2_session_want_write(c->ng));
}

size_t
h2_client_streams(const struct h2_client *c)
{
	return c->n_open;
}

void
h2_client_goaway(struct h2_client *c)
{
	if (c->broken)
		return;
	c->going = true;
	if (nghttp2_submit_goaway(c->ng, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, NULL, 0) != 0)
		c->broken = true;
}

void
h2_client_ping(struct h2_client *c)
{
	if (c->pinging || c->broken)
		return;
	c->pinging = true;
	if (nghttp2_submit_ping(c->ng, NGHTTP2_FLAG_NONE, NULL) != 0)
		c->broken = true;
}

bool
h2_client_pinged(const struct h2_client *c)
{
	return c->pinging;
}

/*
 * nghttp2 is not asked any more: every stream is closed as it would be by a reset.  One whose owner
 * has let go is freed on the way.
 */
void
h2_client_lose(struct h2_client *c)
{
	c->broken = true;
	LIST_EACH(node, &c->streams)
		h2_client_closed(list_of(node, struct h2_client_stream, node),
		    NGHTTP2_INTERNAL_ERROR);
}
