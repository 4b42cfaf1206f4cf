/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 messages (RFC 9112), strict: one parser for requests and responses,
 * incremental, without allocation and without I/O.  Whatever two readers could
 * read differently is refused with a row of the close table, never repaired.
 *
 * A message is a head and a body.  The head must lie in one piece: feed h1_head()
 * the same growing buffer until it is whole; it resumes where it stopped, so no
 * byte is scanned twice.  Slices of struct h1_head are offsets into that buffer
 * and stay good when it moves.  The body is then taken from any pieces by
 * h1_body(), which removes the chunked coding and never copies.
 *
 * How the bytes are cut into calls never changes the outcome, faults included.
 */
#ifndef ADIT_HTTP_H1_H
#define ADIT_HTTP_H1_H

#include "base/buf.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/slice.h"
#include "http/close.h"

enum h1_kind { H1_REQUEST, H1_RESPONSE };

/* How the end of a body is known (RFC 9112 section 6.3). */
enum h1_framing {
	H1_NO_BODY,
	H1_LENGTH,
	H1_CHUNKED,
	H1_UNTIL_CLOSE, /* responses only */
};

/*
 * What rewrite_*() may add to a head.  The limits for what comes from outside are LIMIT_HEAD_BYTES
 * and LIMIT_HEAD_FIELDS; a head that comes out of a stream (h1.inside) may be larger by this.
 */
#define H1_INSIDE_BYTES 2048
#define H1_INSIDE_FIELDS 12

/* A piece of the head by offset; n may be 0. */
struct h1_span {
	uint16_t at, n;
};

struct h1_field {
	struct h1_span name, value; /* value without OWS at both ends */
};

enum h1_flag {
	H1_KEEP_ALIVE = 1 << 0, /* the connection persists after this message (9.3) */
	H1_EXPECT_100 = 1 << 1, /* Expect: 100-continue */
	/*
	 * Connection: upgrade and an Upgrade field, HTTP/1.1, not h2c, body not chunked.  A
	 * request or 101 that may not switch lacks it and is treated as if it had not asked (RFC
	 * 9110 7.8 lets us).
	 */
	H1_UPGRADE = 1 << 2,
	H1_ABSOLUTE = 1 << 3, /* absolute-form: its authority has replaced Host */
	H1_LISTED = 1 << 4,   /* Connection names fields besides close, keep-alive, upgrade */
	H1_GRPC = 1 << 5,     /* a request of the type application/grpc; see grpc.h */
};

struct h1_head {
	/*
	 * Requests.  authority is the canonical Host: the one of an absolute target where there is
	 * one.  query is without '?'; path is "*" for asterisk-form; it is empty for an absolute
	 * target without one, and means "/" then ("*" for OPTIONS without a query).
	 */
	struct h1_span method, target, path, query;
	struct h1_span authority; /* host[:port] as sent, validated */
	/* responses */
	struct h1_span reason;
	uint16_t status;
	/* both */
	uint8_t minor; /* HTTP/1.minor: 0 or 1 */
	uint8_t flags; /* enum h1_flag */
	enum h1_framing framing;
	uint64_t length; /* with H1_LENGTH */
	uint16_t n_fields;
	uint32_t n_bytes; /* of the head, its empty line included */
	struct h1_field fields[LIMIT_HEAD_FIELDS + H1_INSIDE_FIELDS];
};

struct h1 {
	enum h1_kind kind;
	bool inside;       /* the message comes out of a stream; set after h1_init() */
	bool head_request; /* the response to be parsed answers a HEAD: it has no body */
	uint64_t body_max; /* of a chunked body, 0: any; set before the first h1_body() */
	/*
	 * Where the lines of a chunked body's trailer section are put, without the empty line; NULL:
	 * they are only judged.  Set before the first h1_body(), while the buffer lives.
	 */
	struct buf *trailers;
	enum close_code error; /* what to answer */
	enum close_code fault; /* what exactly was wrong, for the log; differs for responses */
	/* private: position of the scan, where the line began, what was seen so far */
	uint16_t scanned, line, marks;
	uint8_t state, body, listed;
	/* private: the body; bytes to come, digits or extension bytes of a chunk, trailer bytes;
	 * sum of the chunks */
	uint64_t left, body_bytes;
	uint32_t seen, trailer;
	struct h1_head head;
};

enum h1_result {
	H1_MORE, /* all input was looked at; feed more */
	H1_DONE, /* head whole, or message ended */
	H1_DATA, /* h1_body(): *ret_data has body bytes */
	H1_BAD,  /* answer the status of h1->error (a response: ORIGIN_BAD_RESPONSE) and close */
};

void h1_init(struct h1 *h, enum h1_kind kind);
/* For the next message of the same connection; head_request becomes false: set it anew. */
void h1_reset(struct h1 *h);

/*
 * buf: everything from the first byte of the message on, so far.  H1_DONE when the head
 * is whole: h->head is filled and the body begins at buf + head.n_bytes.
 * One empty line (CRLF) before a request line is skipped (RFC 9112 2.2); it counts into n_bytes.
 */
enum h1_result h1_head(struct h1 *h, struct slice buf) must_use;

/*
 * Takes body bytes from the front of *in.  H1_DATA: *ret_data is a part of the input.
 * H1_DONE: the message ended, *in begins with what follows it.  H1_UNTIL_CLOSE never ends
 * here: the caller sees EOF.
 */
enum h1_result h1_body(struct h1 *h, struct slice *in, struct slice *ret_data) must_use;
/* EOF came: true when the message may end here (H1_UNTIL_CLOSE, or it had ended). */
bool h1_eof_ok(const struct h1 *h);
/*
 * For a body that is read straight into a frame: with H1_LENGTH, how many bytes are still to come,
 * with H1_UNTIL_CLOSE SIZE_MAX, else 0 (must go through h1_body). h1_took() counts them down.
 */
uint64_t h1_left(const struct h1 *h);
void h1_took(struct h1 *h, uint64_t n);

static inline struct slice
h1_text(struct slice buf, struct h1_span s)
{
	check((size_t)s.at + s.n <= buf.n); /* the buffer that the head was read from */
	return (struct slice){ buf.p + s.at, s.n };
}

/* The first field of that name from index *at on (case ignored); *at moves past it. NULL: none. */
const struct h1_field *h1_find(const struct h1_head *h, struct slice buf, struct slice name,
    size_t *at);

#endif
