/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of a session: its life (h2.c), what nghttp2 calls (h2_call.c), its streams
 * (h2_stream.c), what is wrong with the other side (h2_guard.c). */
#ifndef ADIT_H2_H2_PRIVATE_H
#define ADIT_H2_H2_PRIVATE_H

#include "h2/h2.h"
#include "h2/h2_bucket.h"
#include "h2/h2_pump.h"

#include <nghttp2/nghttp2.h>

/* RFC 9113 6.9.2: what a stream may send before it is granted more. */
#define H2_STREAM_WINDOW LIMIT_H2_STREAM_RX_BYTES

struct h2 {
	nghttp2_session *ng;
	struct h2_limits limits;
	struct pool *chunks;
	struct h2_head block; /* of the header block that is coming */
	struct list streams;  /* all */
	struct list news;     /* of streams of which something is to be told */
	struct list given;    /* of streams whose answer is to be submitted */
	struct h2_bucket closes, glitches;
	struct h2_pump pump;
	size_t uncredited;      /* bytes that were taken and not yet told */
	size_t n_streams, lent; /* the second: bytes of credit beyond H2_STREAM_WINDOW */
	uint64_t n_total;
	uint32_t n_large;      /* heads that were too large */
	uint32_t updates_free; /* WINDOW_UPDATE and PING that our own DATA explains */
	int64_t now_us, born_us;
	int64_t block_us; /* since when a header block is coming, 0: none is */
	int64_t ping_us;  /* of the last PING that was free */
	int64_t going_us; /* when the first GOAWAY went, 0: it did not */
	uint32_t payload; /* bytes to come before the next frame's head; at first the preface */
	unsigned char frame[9]; /* the head, of which frame_n bytes have come */
	uint8_t frame_n;
	int32_t id_max;   /* of the frames so far */
	int32_t over[16]; /* streams that the other side has ended, the last ones */
	unsigned n_over;
	bool lends;         /* more than every stream is granted; see h2_lend() */
	bool acknowledged;  /* our SETTINGS */
	bool settled;       /* the other side's SETTINGS have come */
	bool pinging;       /* ours is not answered */
	bool gone;          /* the last GOAWAY is queued */
	bool looking;       /* h2_guard_bytes() does: an end waits for what came before it */
	uint32_t last_code; /* of the end */
	bool terminated;    /* nothing more is read */
	bool broken;        /* nghttp2 cannot go on */
};

/* --- h2_call.c --- */

nghttp2_session_callbacks *h2_callbacks(void) must_use;
/* Gives nghttp2 the body of an answer. */
extern const nghttp2_data_source_read_callback h2_read_answer;

/* --- h2_stream.c --- */

/* NULL without memory. */
struct h2_stream *h2_stream_new(struct h2 *h, int32_t id) must_use;
/* Frees it as soon as neither nghttp2 nor an owner knows it. */
void h2_stream_closed(struct h2_stream *s);
void h2_stream_free(struct h2_stream *s);
void h2_stream_tell(struct h2_stream *s, enum h2_event event);
/* A body comes: the sender is granted more than what every stream is. */
void h2_stream_lend(struct h2_stream *s);
/* Its last byte has come. */
void h2_stream_in_ended(struct h2_stream *s);
/* Queues an RST_STREAM; whoever owns the stream hears of it by H2_RESET. */
void h2_stream_kill(struct h2_stream *s, uint32_t code);
/* The final head goes to nghttp2. */
void h2_stream_submit(struct h2_stream *s);
/* Queues the trailers; nghttp2 has asked for the last bytes before them. Not 0 without memory. */
int h2_stream_trailers(struct h2_stream *s) must_use;
/* Bytes for a DATA frame were taken from `out`. */
void h2_stream_sent(struct h2_stream *s, size_t n);

/* --- h2_guard.c --- */

/* A frame that moves nothing, or a stream that ended badly. */
void h2_charge(struct h2 *h, struct h2_bucket *b);
/*
 * Looks at the heads of frames in bytes that are about to be read.  How many of them nghttp2 may have
 * before it is to be asked again: a frame whose head is judged by what came before it is behind them.
 */
size_t h2_guard_bytes(struct h2 *h, struct slice bytes) must_use;
/* The other side has said all that it may of this stream. */
void h2_guard_over(struct h2 *h, int32_t id);
/* A stream was opened. */
void h2_guard_open(struct h2 *h);
/* A head was too large. */
void h2_guard_large(struct h2 *h);
/* A frame of DATA was sent. */
void h2_guard_sent(struct h2 *h);
void h2_guard_tick(struct h2 *h);

#endif
