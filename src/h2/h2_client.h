/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/2 (RFC 9113), client side, without I/O: one nghttp2 session behind feed, next and drain.
 * Bytes are fed, events are taken, bytes are drained.  Nobody is called: what happens inside of
 * nghttp2's callbacks is noted, and h2_client_next() tells of it.
 *
 * A request is given as the text of an HTTP/1.1 head and bytes of a body; the answer is read as the
 * text of an HTTP/1.1 message: interim heads, the head, and the body with its length or in chunks,
 * with its trailers.  So whoever reads answers of HTTP/1.1 reads these, with the same strict parser.
 *
 * What was received gives credit to the other side only when it is read: who does not read stops
 * one stream.  What is sent waits here up to LIMIT_ORIGIN_H2_TX_BYTES a stream.
 */
#ifndef ADIT_H2_H2_CLIENT_H
#define ADIT_H2_H2_CLIENT_H

#include "base/bufq.h"
#include "base/list.h"
#include "h2/h2_head.h"

struct h2_client;

enum h2_client_event {
	H2_CLIENT_NOTHING,
	H2_CLIENT_IN,   /* more of the answer can be read, or its end, or that there is none */
	H2_CLIENT_ROOM, /* of a request that did not fit: more may be given, or will never be */
};

/* Where the answer is. */
enum h2_client_answer {
	H2_CLIENT_AWAITED, /* interim heads may come */
	H2_CLIENT_BODY,    /* the head has come */
	H2_CLIENT_WHOLE,   /* and its end */
	H2_CLIENT_LOST,    /* its end will never come */
};

struct h2_client_stream {
	void *owner;
	enum h2_client_answer answer;
	bool refused;  /* LOST: the other side has done nothing with it (RFC 9113 8.7) */
	bool large;    /* LOST: its head was too large */
	bool crowded;  /* LOST: the other side has too much to do (RFC 9113 7: REFUSED_STREAM or
			  ENHANCE_YOUR_CALM) */
	bool unwanted; /* nothing of the request is taken any more */
	/* private */
	struct h2_client *client;
	struct list node, news_node;
	int32_t id;
	unsigned news; /* a bit for each event that was not told yet */
	struct bufq in, out;
	struct buf
	    text; /* what stands before the bytes of `in`: heads, sizes of chunks, the tail */
	size_t text_read;
	size_t chunk_left; /* of `in`, before the chunk's end */
	struct buf trailers, request_trailers;
	bool chunked;  /* the head says so */
	bool in_chunk; /* its end is to be written */
	bool tail;     /* the last chunk was written */
	bool whole;    /* of the request nothing more is given */
	bool deferred; /* nghttp2 waits for bytes of it */
	bool full;     /* bytes were given that found no room */
	bool closed;   /* nghttp2 knows it no more */
	bool left;     /* its owner has let go */
};

/* chunks: of the caller's thread, outlives it.  NULL without memory. */
struct h2_client *h2_client_new(struct pool *chunks, bool https) must_use;
/* Streams whose owners have not let go must not be touched any more. */
void h2_client_free(struct h2_client *c);

/* --- bytes in, events out, bytes out --- */

/* Any number of bytes; all are used.  What is wrong with them is told to the other side by
 * h2_client_drain(), and then the session is over. */
void h2_client_feed(struct h2_client *c, struct slice bytes);
/* Call it until H2_CLIENT_NOTHING. */
enum h2_client_event h2_client_next(struct h2_client *c,
    struct h2_client_stream **ret_stream) must_use;
/* Writes what is to be sent next. cap is at least H2_DRAIN_BYTES_MIN; 0: nothing now. */
size_t h2_client_drain(struct h2_client *c, char *dst, size_t cap) must_use;

/* --- a stream, by its owner --- */

/*
 * A request: its head as text, whole; ends: no body follows.  There must be room.  NULL without
 * memory, or when the head has no first line.  Fields of the connection are left out.
 */
struct h2_client_stream *h2_client_open(struct h2_client *c, struct slice head, bool ends,
    void *owner) must_use;
/* How many more bytes of the body are taken now; 0: H2_CLIENT_ROOM follows. */
size_t h2_client_room(struct h2_client_stream *s) must_use;
/* At most so many. */
void h2_client_put(struct h2_client_stream *s, struct slice bytes);
/* The request is whole; trailers: lines, or empty.  -1 without memory. */
int h2_client_finish(struct h2_client_stream *s, struct slice trailers) must_use;
static inline size_t
h2_client_waiting(const struct h2_client_stream *s)
{
	return s->out.n;
}
/* Reads text of the answer: how many bytes; 0: nothing now, see s->answer. */
size_t h2_client_read(struct h2_client_stream *s, char *dst, size_t cap) must_use;
/* True when a read would give something. */
bool h2_client_readable(const struct h2_client_stream *s) must_use;
/* Lets go.  What has not ended both ways is reset. */
void h2_client_leave(struct h2_client_stream *s);

/* --- the connection --- */

/* How many more streams may be opened; 0 before the other side's SETTINGS, and when it goes. */
size_t h2_client_slots(const struct h2_client *c) must_use;
/* Its SETTINGS have come: it does speak HTTP/2. */
bool h2_client_is_up(const struct h2_client *c) must_use;
/* GOAWAY came, or the session has failed: no stream is opened any more. */
bool h2_client_is_going(const struct h2_client *c) must_use;
/* Streams that have not ended, whether their owners have let go or not. */
size_t h2_client_streams(const struct h2_client *c) must_use;
/* Nothing is to be read or written any more. */
bool h2_client_is_over(const struct h2_client *c) must_use;
/* Says GOAWAY: nothing is opened any more. */
void h2_client_goaway(struct h2_client *c);
/* Asks whether the other side is there: h2_client_pinged() is true until it says so. */
void h2_client_ping(struct h2_client *c);
bool h2_client_pinged(const struct h2_client *c) must_use;
/* The connection is lost: so are all streams that are not whole. h2_client_next() tells of it. */
void h2_client_lose(struct h2_client *c);

#endif
