/* SPDX-License-Identifier: Apache-2.0 */
/* Fields that the parser itself needs, and what follows from them when the head is whole. */
#include "http/h1_private.h"

#include "http/token.h"

enum head_mark {
	HAS_HOST = 1 << 0,
	HAS_LENGTH = 1 << 1,
	HAS_CODING = 1 << 2,
	HAS_EXPECT = 1 << 3,
	HAS_AUTHORIZATION = 1 << 4,
	HAS_UPGRADE = 1 << 5,
	NO_UPGRADE = 1 << 6, /* its Upgrade field names something that is never passed on */
	SAYS_CLOSE = 1 << 7,
	SAYS_KEEP_ALIVE = 1 << 8,
	SAYS_UPGRADE = 1 << 9,
};

/* --- fields that the parser itself needs; each gives CLOSE_OK or the fault --- */

static bool
mark(struct h1 *h, enum head_mark m)
{
	bool was = (h->marks & m) != 0;

	h->marks = (uint16_t)(h->marks | m);
	return was;
}

/* One Host and no more (RFC 9112 3.2); of an absolute target it is checked and does not count. */
static enum close_code
field_host(struct h1 *h, struct h1_span at, struct slice value)
{
	if (mark(h, HAS_HOST))
		return CLOSE_TWO_HOSTS;
	if (!h1_host_is_valid(value))
		return CLOSE_BAD_HOST;
	if ((h->head.flags & H1_ABSOLUTE) == 0)
		h->head.authority = at;
	return CLOSE_OK;
}

/* 1*DIGIT up to 2^63-1, once: not even the same number twice (RFC 9112 6.3 allows refusing it). */
static enum close_code
field_length(struct h1 *h, struct slice value)
{
	if (h->marks & HAS_CODING)
		return CLOSE_BOTH_LENGTHS;
	if (mark(h, HAS_LENGTH) || value.n > 19 || !slice_u64(value, &h->head.length) ||
	    h->head.length > INT64_MAX)
		return CLOSE_BAD_LENGTH;
	return CLOSE_OK;
}

/*
 * "chunked" once, alone and in HTTP/1.1: every other coding, or a length besides, is where
 * request smuggling begins (RFC 9112 6.1, 11.2).
 */
static enum close_code
field_coding(struct h1 *h, struct slice value)
{
	if (h->marks & HAS_LENGTH)
		return CLOSE_BOTH_LENGTHS;
	if (mark(h, HAS_CODING) || h->head.minor == 0 || !token_is(value, S("chunked")))
		return CLOSE_BAD_TRANSFER_ENCODING;
	return CLOSE_OK;
}

/* Names that frame or route a message must not be taken away by whoever sends it. */
static enum close_code
field_connection(struct h1 *h, struct slice value)
{
	struct slice token;

	while (token_next(&value, &token)) {
		if (token_is(token, S("close"))) {
			mark(h, SAYS_CLOSE);
		} else if (token_is(token, S("keep-alive"))) {
			mark(h, SAYS_KEEP_ALIVE);
		} else if (token_is(token, S("upgrade"))) {
			mark(h, SAYS_UPGRADE);
		} else if (h->listed == H1_LISTED_MAX || token_is(token, S("host")) ||
			   token_is(token, S("content-length"))) {
			return CLOSE_BAD_CONNECTION;
		} else {
			h->listed++;
			h->head.flags |= H1_LISTED;
		}
	}
	return CLOSE_OK;
}

/* h2c must never reach an origin (it would open a second parser of our bytes), nor any
 * HTTP by another name. */
static enum close_code
field_upgrade(struct h1 *h, struct slice value)
{
	struct slice token;

	while (token_next(&value, &token)) {
		mark(h, HAS_UPGRADE);
		if (token_is(token, S("h2c")) || token_is(token, S("h2")) ||
		    token_is(slice_head(token, 5), S("http/")))
			mark(h, NO_UPGRADE);
	}
	return CLOSE_OK;
}

static enum close_code
field_expect(struct h1 *h, struct slice value)
{
	if (h->head.minor == 0) /* RFC 9110 10.1.1 */
		return CLOSE_OK;
	if (mark(h, HAS_EXPECT) || !token_is(value, S("100-continue")))
		return CLOSE_BAD_EXPECT;
	return CLOSE_OK;
}

/* "application/grpc", alone or with "+proto" or ";..." behind it. */
static enum close_code
field_type(struct h1 *h, struct slice value)
{
	struct slice type = slice_head(value, 16);

	if (token_is(type, S("application/grpc")) &&
	    (value.n == 16 || value.p[16] == '+' || value.p[16] == ';'))
		h->head.flags |= H1_GRPC;
	return CLOSE_OK;
}

enum close_code
h1_judge_field(struct h1 *h, const char *buf, const struct h1_field *f)
{
	const char *name = buf + f->name.at;
	struct slice value = { buf + f->value.at, f->value.n };
	bool request = h->kind == H1_REQUEST;

	/* one comparison tree for the many fields that are none of these */
	switch (f->name.n << 8 | (name[0] | 0x20)) {
	case 4 << 8 | 'h':
		if (request && token_is_n(name, "host", 4))
			return field_host(h, f->value, value);
		break;
	case 6 << 8 | 'e':
		if (request && token_is_n(name, "expect", 6))
			return field_expect(h, value);
		break;
	case 7 << 8 | 'u':
		if (token_is_n(name, "upgrade", 7))
			return field_upgrade(h, value);
		break;
	case 10 << 8 | 'c':
		if (token_is_n(name, "connection", 10))
			return field_connection(h, value);
		break;
	case 12 << 8 | 'c':
		if (request && token_is_n(name, "content-type", 12))
			return field_type(h, value);
		break;
	case 13 << 8 | 'a':
		if (request && token_is_n(name, "authorization", 13) && mark(h, HAS_AUTHORIZATION))
			return CLOSE_DUPLICATE_AUTHORIZATION;
		break;
	case 14 << 8 | 'c':
		if (token_is_n(name, "content-length", 14))
			return field_length(h, value);
		break;
	case 17 << 8 | 't':
		if (token_is_n(name, "transfer-encoding", 17))
			return field_coding(h, value);
		break;
	}
	return CLOSE_OK;
}

/* --- the end of the head --- */

/* RFC 9112 6.3, in its order. */
static enum h1_framing
framing(const struct h1 *h)
{
	uint16_t status = h->head.status;

	if (h->kind == H1_RESPONSE &&
	    (h->head_request || status < 200 || status == 204 || status == 304))
		return H1_NO_BODY;
	if (h->marks & HAS_CODING)
		return H1_CHUNKED;
	if (h->marks & HAS_LENGTH)
		return H1_LENGTH;
	return h->kind == H1_REQUEST ? H1_NO_BODY : H1_UNTIL_CLOSE;
}

/* RFC 9112 9.3. */
static bool
keeps_alive(const struct h1 *h)
{
	if (h->head.framing == H1_UNTIL_CLOSE || (h->marks & SAYS_CLOSE) != 0)
		return false;
	return h->head.minor == 1 || (h->marks & SAYS_KEEP_ALIVE) != 0;
}

/*
 * RFC 9110 7.8. A chunked body would have to be read to its end before the protocol can change:
 * such a request is passed on as if it had not asked.
 */
static bool
may_upgrade(const struct h1 *h)
{
	uint16_t both = HAS_UPGRADE | SAYS_UPGRADE;

	if ((h->marks & both) != both || (h->marks & NO_UPGRADE) != 0 || h->head.minor == 0)
		return false;
	if (h->kind == H1_RESPONSE)
		return h->head.status == 101;
	return h->head.framing != H1_CHUNKED;
}

/* HTTP/1.0 has no Host; an absolute target names the host by itself (RFC 9112 3.2.2). */
static bool
needs_no_host(const struct h1_head *head)
{
	return head->minor == 0 && (head->flags & H1_ABSOLUTE) != 0;
}

void
h1_finish(struct h1 *h, uint32_t n_bytes)
{
	struct h1_head *head = &h->head;

	check(n_bytes <= LIMIT_HEAD_BYTES + H1_INSIDE_BYTES);
	head->n_bytes = n_bytes;
	head->framing = framing(h);
	if (keeps_alive(h))
		head->flags |= H1_KEEP_ALIVE;
	if (may_upgrade(h))
		head->flags |= H1_UPGRADE;
	if ((h->marks & HAS_EXPECT) != 0 && (head->framing == H1_CHUNKED || head->length > 0))
		head->flags |= H1_EXPECT_100;
	h1_body_begin(h);
	if (h->kind == H1_REQUEST && (h->marks & HAS_HOST) == 0 && !needs_no_host(head))
		h1_fail(h, CLOSE_HOST_MISSING);
	else if (head->status == 101 && (head->flags & H1_UPGRADE) == 0)
		h1_fail(h, CLOSE_BAD_SWITCH);
}
