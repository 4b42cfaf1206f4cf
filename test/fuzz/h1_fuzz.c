/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two bytes of choices, then what a connection brings: message after message.  Held to:
 *
 *	- split invariance: whole, byte by byte and cut at random, the same heads, bodies and faults
 *	- every slice lies in the input
 *	- a head that rewrite_*() wrote is a head again: same method, target, authority, status and
 *	  framing, one Host, and no CR or LF but at the ends of its lines
 */
#include "http/h1.h"
#include "http/rewrite.h"
#include "http/trailer.h"
#include "fuzz/must.h"

struct choices {
	enum h1_kind kind;
	bool head_request, inside, trusted, body_follows, keep_alive, replace_host;
	uint8_t visitor_minor;
	uint64_t seed;
};

static uint64_t
next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *seed >> 33;
}

static uint64_t
mix(uint64_t hash, const void *p, size_t n)
{
	const unsigned char *c = p;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ c[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/* --- reading a connection, cut somehow --- */

enum cutting { WHOLE, BYTES, RANDOM };

struct reader {
	struct slice all;
	size_t have;
	enum cutting cutting;
	uint64_t seed;
};

static bool
grow(struct reader *r)
{
	size_t more = 1;

	if (r->have == r->all.n)
		return false;
	if (r->cutting == WHOLE)
		more = r->all.n;
	else if (r->cutting == RANDOM)
		more = 1 + next_random(&r->seed) % 40;
	r->have = more < r->all.n - r->have ? r->have + more : r->all.n;
	return true;
}

/* All that can be seen of a message; compared as memory. */
struct seen {
	uint64_t head, body, body_bytes, trailers;
	enum h1_result result; /* H1_DONE, H1_BAD, or H1_MORE at the end of the input */
	enum close_code error, fault;
	bool eof_ok;
	size_t end;
};

static uint64_t
hash_head(const struct h1_head *h)
{
	uint64_t hash = mix(1, &h->method, sizeof(h->method));

	hash = mix(hash, &h->target, sizeof(h->target));
	hash = mix(hash, &h->path, sizeof(h->path));
	hash = mix(hash, &h->query, sizeof(h->query));
	hash = mix(hash, &h->authority, sizeof(h->authority));
	hash = mix(hash, &h->reason, sizeof(h->reason));
	hash = mix(hash, &h->status, sizeof(h->status));
	hash = mix(hash, &h->minor, sizeof(h->minor));
	hash = mix(hash, &h->flags, sizeof(h->flags));
	hash = mix(hash, &h->framing, sizeof(h->framing));
	hash = mix(hash, &h->length, sizeof(h->length));
	hash = mix(hash, &h->n_bytes, sizeof(h->n_bytes));
	return mix(hash, h->fields, h->n_fields * sizeof(h->fields[0]));
}

static void
check_span(const struct h1_head *h, struct h1_span s)
{
	MUST((size_t)s.at + s.n <= h->n_bytes);
}

static void
check_head(const struct h1_head *h)
{
	check_span(h, h->method);
	check_span(h, h->target);
	check_span(h, h->path);
	check_span(h, h->query);
	check_span(h, h->authority);
	check_span(h, h->reason);
	for (size_t i = 0; i < h->n_fields; i++) {
		MUST(h->fields[i].name.n > 0);
		check_span(h, h->fields[i].name);
		check_span(h, h->fields[i].value);
	}
}

static void
read_body(struct h1 *h, struct reader *r, size_t at, struct seen *seen)
{
	for (;;) {
		struct slice in = { r->all.p + at, r->have - at }, data = { NULL, 0 };
		enum h1_result result = h1_body(h, &in, &data);

		MUST(in.n <= r->have - at && in.p + in.n == r->all.p + r->have);
		at = r->have - in.n;
		seen->end = at;
		seen->result = result;
		if (result == H1_DATA) {
			MUST(data.n > 0 && data.p >= r->all.p && data.p + data.n <= r->all.p + at);
			seen->body = mix(seen->body, data.p, data.n);
			seen->body_bytes += data.n;
		} else if (result != H1_MORE || !grow(r)) {
			return;
		}
	}
}

/* Those of a whole message: what passes, passes again as it is, and names nothing of a head. */
static uint64_t
check_trailers(struct slice lines)
{
	static char once[LIMIT_TRAILER_BYTES], twice[LIMIT_TRAILER_BYTES];
	struct slice rest, name, value;
	enum close_code fault;
	size_t n, again;

	fault = trailer_pass(lines, (struct trailer_drop){ 0 }, once, &n);
	if (fault != CLOSE_OK) {
		MUST(fault == CLOSE_TRAILER_TOO_LARGE); /* all else the parser has judged */
		return 1;
	}
	MUST(trailer_pass(slice_of(once, n), (struct trailer_drop){ 0 }, twice, &again) ==
		 CLOSE_OK &&
	     again == n);
	MUST(memcmp(once, twice, n) == 0);
	rest = slice_of(once, n);
	while (trailer_next(&rest, &name, &value, &fault))
		MUST(trailer_may(name) && !slice_ieq(name, S("content-length")) &&
		     !slice_ieq(name, S("host")) && !slice_ieq(name, S("transfer-encoding")));
	return mix(2, once, n);
}

/* One message from `at` on. */
static struct seen
read_message(struct h1 *h, const struct choices *c, struct reader *r, size_t at)
{
	struct seen seen;
	struct buf trailers;

	memset(&seen, 0, sizeof(seen));
	buf_init(&trailers, LIMIT_TRAILER_BYTES);
	seen.end = at;
	h1_init(h, c->kind);
	h->inside = c->inside;
	h->head_request = c->head_request;
	do
		seen.result = h1_head(h, slice_of(r->all.p + at, r->have - at));
	while (seen.result == H1_MORE && grow(r));
	if (seen.result == H1_DONE) {
		MUST(h->head.n_bytes <= r->have - at);
		check_head(&h->head);
		seen.head = hash_head(&h->head);
		h->trailers = &trailers;
		read_body(h, r, at + h->head.n_bytes, &seen);
		if (seen.result == H1_DONE)
			seen.trailers = check_trailers(buf_slice(&trailers));
		h->trailers = NULL;
	}
	seen.error = h->error;
	seen.fault = h->fault;
	seen.eof_ok = h1_eof_ok(h);
	MUST((seen.result == H1_BAD) == (seen.error != CLOSE_OK));
	buf_fini(&trailers);
	return seen;
}

/* --- what rewriting may and may not change --- */

static void
check_lines(struct slice s)
{
	MUST(s.n >= 4 && slice_ends(s, S("\r\n\r\n")));
	for (size_t i = 0; i < s.n; i++) {
		MUST(s.p[i] != '\0');
		MUST(s.p[i] != '\r' || (i + 1 < s.n && s.p[i + 1] == '\n'));
		MUST(s.p[i] != '\n' || (i > 0 && s.p[i - 1] == '\r'));
		MUST(i + 4 >= s.n || memcmp(s.p + i, "\r\n\r\n", 4) != 0);
	}
}

static size_t
count(const struct h1_head *h, struct slice buf, struct slice name)
{
	size_t at = 0, n = 0;

	while (h1_find(h, buf, name, &at) != NULL)
		n++;
	return n;
}

static void
parse_again(struct h1 *h, enum h1_kind kind, bool head_request, struct slice head)
{
	check_lines(head);
	h1_init(h, kind);
	h->inside = true;
	h->head_request = head_request;
	MUST(h1_head(h, head) == H1_DONE);
	MUST(h->head.n_bytes == head.n);
}

static char room[2][LIMIT_HEAD_BYTES + 2 * H1_INSIDE_BYTES];

static void
check_request(const struct h1_head *h, struct slice buf, const struct choices *c)
{
	static struct h1 in_stream, at_origin;
	const struct h1_head *s = &in_stream.head, *o = &at_origin.head;
	struct rewrite_forward f = {
		.client_address = c->trusted ? S("2001:db8::1") : S("192.0.2.1"),
		.proto = S("https"),
		.host = h1_text(buf, h->authority),
		.port = 443,
		.request_id = S("abcdefgh"),
		.trailers = c->keep_alive,
		.trusted = c->trusted,
	};
	struct slice host = c->replace_host ? S("localhost:8080") : (struct slice){ NULL, 0 };
	struct slice one, two, path = h1_text(buf, h->path), method = h1_text(buf, h->method);
	size_t n, at = 0;

	n = rewrite_request(h, buf, &f, room[0], sizeof(room[0]));
	MUST(n > 0 && rewrite_request(h, buf, &f, room[0], n - 1) == 0);
	MUST(n <= LIMIT_HEAD_BYTES + H1_INSIDE_BYTES || c->inside);
	if (n > LIMIT_HEAD_BYTES + H1_INSIDE_BYTES || h->n_fields > LIMIT_HEAD_FIELDS)
		return; /* a head from a stream is not rewritten for one */
	n = rewrite_request(h, buf, &f, room[0], n);
	one = slice_of(room[0], n);
	parse_again(&in_stream, H1_REQUEST, false, one);
	MUST(slice_eq(h1_text(one, s->method), method));
	if (path.n == 0)
		path = h->query.n == 0 && h->target.n > 0 && slice_eq(method, S("OPTIONS")) &&
			       buf.p[h->target.at + h->target.n - 1] != '?'
			   ? S("*")
			   : S("/");
	MUST(slice_eq(h1_text(one, s->path), path));
	MUST(slice_eq(h1_text(one, s->query), h1_text(buf, h->query)));
	MUST(slice_eq(h1_text(one, s->authority), h1_text(buf, h->authority)));
	MUST(s->framing == (h->framing == H1_LENGTH ? H1_LENGTH : H1_NO_BODY));
	MUST(s->framing != H1_LENGTH || s->length == h->length);
	MUST((s->flags & H1_UPGRADE) == (h->flags & H1_UPGRADE));
	MUST((s->flags & (H1_ABSOLUTE | H1_EXPECT_100)) == 0);
	MUST(count(s, one, S("x-forwarded-for")) == 1 && count(s, one, S("forwarded")) == 1);
	MUST(count(s, one, S("adit-request-id")) == 1);
	MUST(c->trusted || slice_eq(h1_text(one, h1_find(s, one, S("x-forwarded-for"), &at)->value),
			       f.client_address));

	n = rewrite_to_origin(s, one, c->body_follows, host, room[1], sizeof(room[1]));
	MUST(n > 0 && rewrite_to_origin(s, one, c->body_follows, host, room[1], n - 1) == 0);
	n = rewrite_to_origin(s, one, c->body_follows, host, room[1], n);
	two = slice_of(room[1], n);
	parse_again(&at_origin, H1_REQUEST, false, two);
	MUST(slice_eq(h1_text(two, o->method), method));
	MUST(slice_eq(h1_text(two, o->target), h1_text(one, s->target)));
	MUST(slice_eq(h1_text(two, o->authority),
	    host.p != NULL ? host : h1_text(buf, h->authority)));
	if (s->framing == H1_LENGTH)
		MUST(o->framing == H1_LENGTH && o->length == s->length);
	else
		MUST(o->framing ==
		     (c->body_follows && (s->flags & H1_UPGRADE) == 0 ? H1_CHUNKED : H1_NO_BODY));
	MUST((o->flags & H1_UPGRADE) == (s->flags & H1_UPGRADE));
}

static void
check_response(const struct h1_head *h, struct slice buf, const struct choices *c)
{
	static struct h1 in_stream, at_visitor;
	const struct h1_head *s = &in_stream.head, *v = &at_visitor.head;
	struct answer_to a = {
		.visitor_minor = c->visitor_minor,
		.keep_alive = c->keep_alive,
		.head_request = c->head_request,
		.request_id = S("abcdefgh"),
	};
	enum h1_framing framing;
	struct answer answer;
	struct slice one, two;
	size_t n;

	n = rewrite_response(h, buf, room[0], sizeof(room[0]));
	MUST(n > 0 && rewrite_response(h, buf, room[0], n - 1) == 0);
	n = rewrite_response(h, buf, room[0], n);
	one = slice_of(room[0], n);
	parse_again(&in_stream, H1_RESPONSE, c->head_request, one);
	MUST(s->status == h->status);
	MUST(slice_eq(h1_text(one, s->reason), h1_text(buf, h->reason)));
	MUST(s->framing == (h->framing == H1_CHUNKED ? H1_UNTIL_CLOSE : h->framing));
	MUST(s->framing != H1_LENGTH || s->length == h->length);
	MUST((s->flags & H1_UPGRADE) == (h->flags & H1_UPGRADE));

	rewrite_to_visitor(s, one, &a, &answer);
	answer_common(&answer, &a);
	framing = answer.framing;
	n = answer_write(&answer, &a, room[1], sizeof(room[1]));
	MUST(n > 0 && answer_write(&answer, &a, room[1], n - 1) == 0);
	n = answer_write(&answer, &a, room[1], n);
	two = slice_of(room[1], n);
	parse_again(&at_visitor, H1_RESPONSE, c->head_request, two);
	MUST(v->status == h->status && v->framing == framing);
	MUST(v->framing != H1_LENGTH || v->length == h->length);
	MUST(framing != H1_CHUNKED || a.visitor_minor == 1);
	if (h->status >= 200)
		MUST(((v->flags & H1_KEEP_ALIVE) != 0) ==
		     (a.keep_alive && framing != H1_UNTIL_CLOSE));
	MUST(count(v, two, S("adit-request-id")) == (h->status >= 200 || h->status == 101));
}

/* --- */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct h1 h, other;
	struct choices c;
	struct slice all;
	size_t at = 0;

	if (n < 2 || n > 2 * LIMIT_HEAD_BYTES)
		return 0;
	c = (struct choices){
		.kind = data[0] & 1 ? H1_RESPONSE : H1_REQUEST,
		.head_request = (data[0] & 2) != 0,
		.inside = (data[0] & 4) != 0,
		.trusted = (data[0] & 8) != 0,
		.body_follows = (data[0] & 16) != 0,
		.visitor_minor = data[0] & 32 ? 0 : 1,
		.keep_alive = (data[0] & 64) != 0,
		.replace_host = (data[0] & 128) != 0,
		.seed = data[1],
	};
	all = slice_of(data + 2, n - 2);
	for (int i = 0; i < 8; i++) {
		struct reader whole = { .all = all, .have = all.n, .cutting = WHOLE };
		struct reader bytes = { .all = all, .have = at, .cutting = BYTES };
		struct reader random = {
			.all = all, .have = at, .cutting = RANDOM, .seed = c.seed
		};
		struct seen seen = read_message(&h, &c, &whole, at), again;

		again = read_message(&other, &c, &bytes, at);
		MUST(memcmp(&seen, &again, sizeof(seen)) == 0);
		again = read_message(&other, &c, &random, at);
		MUST(memcmp(&seen, &again, sizeof(seen)) == 0);
		if (seen.head != 0 && c.kind == H1_REQUEST)
			check_request(&h.head, slice_from(all, at), &c);
		else if (seen.head != 0)
			check_response(&h.head, slice_from(all, at), &c);
		if (seen.result != H1_DONE || seen.end == at)
			break;
		at = seen.end;
	}
	return 0;
}
