/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of an answer to a visitor, whoever has made it: an origin (rewrite.h), the inbox, or we
 * ourselves (page.h).  It is gathered as slices; answer_common() adds what every answer has, and one
 * function writes it for the visitor's version of HTTP.
 */
#ifndef ADIT_HTTP_ANSWER_H
#define ADIT_HTTP_ANSWER_H

#include "http/h1.h"

/* Of an origin's answer, of ours, and of a route's rules. */
#define ANSWER_FIELDS_MAX (LIMIT_HEAD_FIELDS + H1_INSIDE_FIELDS + 64)
/* Of values that are made here. */
#define ANSWER_TEXT_BYTES 256

struct answer_field {
	struct slice name, value;
};

/* Large: one on the stack, UNCLEARED. */
struct answer {
	uint16_t status;
	struct slice reason;
	/* How the body is framed in HTTP/1.1; H1_UNTIL_CLOSE: its end is that of the connection. */
	enum h1_framing framing;
	bool switches;     /* 101: Connection: Upgrade in place of what it says else */
	bool may_switch;   /* 426: that besides */
	uint8_t via_minor; /* a relayed one: HTTP/1.minor in which it came; see answer_to.via */
	bool relayed;
	bool failed; /* there was no room for all of it */
	uint16_t n_fields;
	size_t n_text; /* private */
	struct answer_field fields[ANSWER_FIELDS_MAX];
	char text[ANSWER_TEXT_BYTES];
};

/* To whom, whatever it says.  Texts are ours, or were checked by h1_head(). */
struct answer_to {
	uint8_t visitor_minor; /* HTTP/1.minor of the request */
	bool keep_alive;       /* the connection is kept behind it */
	bool head_request;     /* the request was a HEAD: no body follows */
	struct slice request_id;
	struct slice via; /* our name in Via, a token; empty: no Via */
	int64_t wall_ms;  /* since 1970, for Date */
};

/* reason: as an origin wrote it; empty: the usual one of the status. */
void answer_begin(struct answer *a, int status, struct slice reason);
/* Both must live until the answer is written. */
void answer_put(struct answer *a, struct slice name, struct slice value);
void answer_put_number(struct answer *a, struct slice name, uint64_t value);
/* A value that may hold any byte: left out unless it is short and all of it is printable ASCII. */
#define ANSWER_VALUE_BYTES 512
void answer_put_text(struct answer *a, struct slice name, struct slice value);
/* Whole lines "Name: value\r\n". */
void answer_put_lines(struct answer *a, struct slice lines);
/* Fields of these names go, in any case. */
void answer_drop(struct answer *a, const struct slice *names, size_t n_names);
/* The first value of a field, case ignored; .p NULL: there is none. */
struct slice answer_find(const struct answer *a, struct slice name);

/*
 * What all answers have.  A final one: Date where it has none (RFC 9110 6.6.1), and
 * adit-request-id; Via, where it was relayed (7.6.3).  101 has the last two, other interim ones
 * nothing.  A header that every answer is to have stands here, and nowhere else.
 */
void answer_common(struct answer *a, const struct answer_to *to);

/*
 * Writes it as HTTP/1.1 text, with what HTTP/1 alone says: Transfer-Encoding by the framing, and
 * Connection (RFC 9112 9.3: 1.1 persists unless it says close, 1.0 only where both have said
 * keep-alive).  The size; 0: it does not fit.
 */
size_t answer_write(const struct answer *a, const struct answer_to *to, char *dst,
    size_t cap) must_use;

/* The reason phrase of a status that we send, "" for another. */
const char *answer_reason(int status);

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7) and a NUL, whatever the locale. */
#define ANSWER_DATE_BYTES 30
void answer_date(int64_t wall_ms, char dst[ANSWER_DATE_BYTES]);

#endif
