/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/2 (RFC 9113), server side, without I/O: one nghttp2 session behind feed, next and drain.
 * Bytes are fed, events are taken, bytes are drained; time is a parameter.  Nobody is called: what
 * happens inside of nghttp2's callbacks is noted, and h2_next() tells of it.
 *
 *	COMING --> OWNED --> LEFT      a stream: its head is gathered; its owner works on it; he has
 *	                               let go, and what he has given is still on its way
 *
 * A head comes as the text of HTTP/1.1 (h2_head.h), and goes as such a text (h2_lines.h).  Bodies are
 * bytes.  What was received gives credit to the sender only when its owner takes it, so who does not
 * take stops one stream; what is sent waits here up to LIMIT_H2_STREAM_TX_BYTES a stream.
 *
 * How the bytes are cut into calls of h2_feed() never changes what is told of a stream, but that one
 * which was over before anybody was told of it is not told of.
 */
#ifndef ADIT_H2_H2_H
#define ADIT_H2_H2_H

#include "base/bufq.h"
#include "base/list.h"
#include "h2/h2_head.h"

struct h2;

/* Ceilings of one connection; what is looked at by time is in ms. */
struct h2_limits {
	uint32_t streams;                 /* at one time */
	uint32_t streams_total;           /* then an orderly GOAWAY */
	uint32_t closes, closes_rate;     /* streams that end badly: at once, a second */
	uint32_t glitches, glitches_rate; /* frames that move nothing: at once, a second */
	uint32_t fields, head_bytes;      /* of a head */
	int64_t settings_ms;              /* to the first SETTINGS */
	int64_t block_ms;                 /* from the first to the last frame of a header block */
	int64_t stall_ms;                 /* without a byte taken of what waits */
	int64_t rate_ms;                  /* and so long below rate_bytes a second */
	uint32_t rate_bytes;
};
/* Those of base/limits.h. */
void h2_limits_default(struct h2_limits *ret);

enum h2_event {
	H2_NOTHING,
	H2_HEAD, /* s->head, or why there is none: s->fault. The stream has an owner from here on. */
	H2_BODY,  /* more bytes, or their end, can be taken */
	H2_ROOM,  /* of an answer that did not fit: more may be given */
	H2_RESET, /* the stream is over before its answer was whole; the owner lets go: h2_leave() */
};

enum h2_life { H2_COMING, H2_OWNED, H2_LEFT };

/* Where the answer is. */
enum h2_answer_state {
	H2_ANSWER_AWAITED, /* interim heads may go */
	H2_ANSWER_GIVEN,   /* the final head waits for the next drain */
	H2_ANSWER_SENT,    /* it is with nghttp2; the body follows */
};

struct h2_stream {
	void *owner; /* for whoever took H2_HEAD */
	struct buf head,
	    trailers; /* of the request; trailers: lines, whole when the body is over */
	enum h2_fault fault;
	int32_t id;
	/* private */
	struct h2 *h2;
	struct list node, news_node, given_node;
	enum h2_life life;
	enum h2_answer_state answer;
	struct bufq in, out;
	struct buf answer_head, answer_trailers;
	uint64_t sent_bytes, stall_bytes, rate_bytes; /* of the body; when they were looked at */
	int64_t stall_us, rate_us;
	size_t loan;   /* of credit to the sender, while the body comes */
	unsigned news; /* a bit for each event that was not told yet */
	bool in_ended; /* its last byte has come */
	bool whole;    /* of the answer nothing more is given */
	bool deferred; /* nghttp2 waits for bytes of it */
	bool refused;  /* bytes were given that found no room */
	bool closed;   /* nghttp2 knows it no more */
	bool ours;     /* we have reset it */
	bool theirs;   /* the other side has */
};

/* chunks: of the caller's thread, outlives it. origin: "https://name:port" that this connection is
 * for (RFC 8336), empty: not told. NULL without memory. */
struct h2 *h2_new(const struct h2_limits *limits, struct pool *chunks, struct slice origin,
    int64_t now_us) must_use;
/* All streams must have been let go. */
void h2_free(struct h2 *h);

/* --- bytes in, events out, bytes out --- */

/* Any number of bytes; all are used. What is wrong with them is told to the other side by h2_drain(). */
void h2_feed(struct h2 *h, struct slice bytes, int64_t now_us);
/* Call it until H2_NOTHING. */
enum h2_event h2_next(struct h2 *h, struct h2_stream **ret_stream) must_use;
/* Writes what is to be sent next. cap is at least H2_DRAIN_BYTES_MIN; 0: nothing now. */
size_t h2_drain(struct h2 *h, char *dst, size_t cap) must_use;
/* About once a second. */
void h2_tick(struct h2 *h, int64_t now_us);

/* --- a stream, by its owner --- */

/* Takes up to cap bytes of the request's body, and gives the sender credit for them. */
size_t h2_take(struct h2_stream *s, char *dst, size_t cap);
static inline size_t
h2_waiting_in(const struct h2_stream *s)
{
	return s->in.n;
}
/* Nothing comes behind what waits. */
static inline bool
h2_in_ended(const struct h2_stream *s)
{
	return s->in_ended;
}
/* An interim head (1xx) goes at once. -1 without memory. */
int h2_interim(struct h2_stream *s, struct slice head) must_use;
/* The final head; once. -1 without memory. */
int h2_answer(struct h2_stream *s, struct slice head) must_use;
/* Bytes of the answer's body, behind its head. How many were taken; when it is less, H2_ROOM follows. */
size_t h2_put(struct h2_stream *s, struct slice bytes) must_use;
static inline size_t
h2_waiting_out(const struct h2_stream *s)
{
	return s->out.n;
}
/* The answer is whole, trailers are lines "name: value\r\n" or empty. The stream is let go. -1 without
 * memory: then it is reset. */
int h2_finish(struct h2_stream *s, struct slice trailers);
/* RST_STREAM with a code of nghttp2_error_code. The stream is let go. */
void h2_reset(struct h2_stream *s, uint32_t code);
/* After H2_RESET. */
void h2_leave(struct h2_stream *s);

/* --- the connection --- */

/* GOAWAY in order: what is under way ends, nothing new is taken after a round trip; harmless twice. */
void h2_goaway(struct h2 *h);
/* GOAWAY with a code of nghttp2_error_code, and nothing behind it. */
void h2_terminate(struct h2 *h, uint32_t code);
/* Nothing is to be read or written any more. */
bool h2_is_over(const struct h2 *h);
/* Streams that are not over. */
size_t h2_streams(const struct h2 *h);
/* Bytes that are held: of bodies in both directions, in whole chunks, and of heads. */
size_t h2_held(const struct h2 *h);
/* False: memory is short, so new bodies are granted no more than LIMIT_H2_STREAM_RX_BYTES at a time. */
void h2_lend(struct h2 *h, bool lends);
/* Asks whether the other side is there: h2_pinged() is true until it says so. */
void h2_ping(struct h2 *h);
bool h2_pinged(const struct h2 *h);

#endif
