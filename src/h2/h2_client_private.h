/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of a client's session: its life (h2_client.c), what nghttp2 calls
 * (h2_client_call.c), its streams (h2_client_stream.c). */
#ifndef ADIT_H2_H2_CLIENT_PRIVATE_H
#define ADIT_H2_H2_CLIENT_PRIVATE_H

#include "h2/h2_client.h"
#include "h2/h2_pump.h"

#include <nghttp2/nghttp2.h>

/* A head of the other side may be so much larger than we take: whoever parses it says what is wrong. */
#define H2_CLIENT_FIELDS_MAX (LIMIT_HEAD_FIELDS + 28)
#define H2_CLIENT_HEAD_BYTES (LIMIT_HEAD_BYTES + 32 * H2_CLIENT_FIELDS_MAX)

struct h2_client {
	nghttp2_session *ng;
	struct pool *chunks;
	struct h2_head block; /* of the header block that is coming */
	struct list streams;  /* all */
	struct list news;     /* of streams of which something is to be told */
	struct h2_pump pump;
	size_t n_open; /* streams that nghttp2 knows */
	bool https;
	bool settled; /* the other side's SETTINGS have come */
	bool going;   /* GOAWAY came or went */
	bool pinging; /* ours is not answered */
	bool broken;  /* nghttp2 cannot go on */
};

/* --- h2_client_call.c --- */

/* NULL without memory. */
nghttp2_session_callbacks *h2_client_callbacks(void) must_use;
/* Gives nghttp2 the body of a request. */
extern const nghttp2_data_source_read_callback h2_client_read_request;

/* --- h2_client_stream.c --- */

void h2_client_tell(struct h2_client_stream *s, enum h2_client_event event);
/* A header block of it is whole, in c->block. */
void h2_client_head_is_whole(struct h2_client_stream *s, bool ends);
/* Its last byte has come. */
void h2_client_is_whole(struct h2_client_stream *s);
/* nghttp2 knows it no more. */
void h2_client_closed(struct h2_client_stream *s, uint32_t error);
/* Bytes of the request went into a frame. */
void h2_client_sent(struct h2_client_stream *s);
/* Queues the trailers; nghttp2 has asked for the last bytes before them.  Not 0 without memory. */
int h2_client_trailers(struct h2_client_stream *s) must_use;
void h2_client_reset(struct h2_client_stream *s, uint32_t error);
void h2_client_stream_free(struct h2_client_stream *s);

#endif
