/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads: START [START_LF] LINE LINE_LF { FIELD NAME VALUE VALUE_LF } FIELD END_LF WHOLE
 *
 * They are scanned in runs (a name, a value) that stop at the first byte that does not belong, so
 * that feeding byte by byte resumes inside of a run and ends where feeding it whole does.  A field
 * is judged when its line is whole.
 */
#include "http/h1.h"

#include "http/h1_private.h"
#include "http/token.h"
#include "http/url.h"

enum state {
	START, /* before the first byte: one empty line may stand there */
	START_LF,
	LINE, /* request or status line */
	LINE_LF,
	FIELD, /* at the start of a field's line, or of the empty line */
	NAME,
	VALUE,
	VALUE_LF,
	END_LF,
	WHOLE,
};

enum mark {
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

/* First byte in [p, end) that is not of the class. */
static const char *
skip(const char *p, const char *end, unsigned classes)
{
	while (p < end && char_is(*p, classes))
		p++;
	return p;
}

/* --- eight bytes at a time: a mark is the top bit of a byte --- */

#define EACH(c) ((c)*UINT64_C(0x0101010101010101))
#define MARKS EACH(0x80)

static uint64_t
load(const char *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

static size_t
first_mark(uint64_t marks)
{
	return (size_t)__builtin_ctzll(marks) / 8;
}

/* Control characters.  Borrows may raise marks above a true one, never below:
 * the first is right. */
static uint64_t
mark_controls(uint64_t v)
{
	uint64_t del = v ^ EACH(0x7f);

	return (((v - EACH(0x20)) & ~v) | ((del - EACH(1)) & ~del)) & MARKS;
}

/* First byte in [p, end) that a token may not hold. */
static const char *
skip_token(const char *p, const char *end)
{
	while (end - p >= 4) {
		if (!char_is(p[0], CHAR_TOKEN))
			return p;
		if (!char_is(p[1], CHAR_TOKEN))
			return p + 1;
		if (!char_is(p[2], CHAR_TOKEN))
			return p + 2;
		if (!char_is(p[3], CHAR_TOKEN))
			return p + 3;
		p += 4;
	}
	return skip(p, end, CHAR_TOKEN);
}

/* First control character in [p, end). */
static const char *
skip_text(const char *p, const char *end)
{
	while (end - p >= 8) {
		uint64_t marks = mark_controls(load(p));

		if (marks != 0)
			return p + first_mark(marks);
		p += 8;
	}
	while (p < end && (unsigned char)*p >= 0x20 && *p != 0x7f)
		p++;
	return p;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* The same, tabs allowed. */
static const char *
skip_value(const char *p, const char *end)
{
	while ((p = skip_text(p, end)) < end && *p == '\t')
		p++;
	return p;
}

/* --- */

enum h1_result
h1_fail(struct h1 *h, enum close_code fault)
{
	h->fault = fault;
	h->error = h->kind == H1_REQUEST ? fault : CLOSE_ORIGIN_BAD_RESPONSE;
	return H1_BAD;
}

void
h1_reset(struct h1 *h)
{
	h->head_request = false;
	h->error = h->fault = CLOSE_OK;
	h->scanned = h->line = h->marks = 0;
	h->state = START;
	h->body = 0;
	h->listed = 0;
	h->left = h->body_bytes = h->body_max = 0;
	h->seen = h->trailer = 0;
	/* fields[] is large and only read up to n_fields */
	memset(&h->head, 0, offsetof(struct h1_head, fields));
}

void
h1_init(struct h1 *h, enum h1_kind kind)
{
	h->kind = kind;
	h->inside = false;
	h1_reset(h);
}

static struct h1_span
span(const char *buf, const char *from, const char *to)
{
	return (struct h1_span){ (uint16_t)(from - buf), (uint16_t)(to - from) };
}

/* --- the first line; each function gives CLOSE_OK or the fault --- */

static enum close_code
parse_version(struct h1_head *head, struct slice s)
{
	if (s.n == 8 && memcmp(s.p, "HTTP/1.", 7) == 0 && (s.p[7] == '0' || s.p[7] == '1')) {
		head->minor = (uint8_t)(s.p[7] - '0');
		return CLOSE_OK;
	}
	if (s.n == 8 && memcmp(s.p, "HTTP/", 5) == 0 && s.p[5] >= '0' && s.p[5] <= '9' &&
	    s.p[5] != '1' && s.p[6] == '.' && s.p[7] >= '0' && s.p[7] <= '9')
		return CLOSE_VERSION_UNSUPPORTED;
	return CLOSE_BAD_VERSION;
}

static bool
host_is_valid(struct slice s)
{
	char host[URL_HOST_BYTES] UNCLEARED;
	uint16_t port;

	return url_authority(s, host, sizeof(host), &port);
}

/* Behind the authority, or a whole origin-form target. */
static enum close_code
parse_path(struct h1_head *head, const char *buf, const char *p, const char *end)
{
	const char *path = p;

	p = skip(p, end, CHAR_PATH);
	head->path = span(buf, path, p);
	if (p < end && *p == '?') {
		const char *query = ++p;

		p = skip(p, end, CHAR_QUERY);
		head->query = span(buf, query, p);
	}
	return p == end ? CLOSE_OK : CLOSE_BAD_TARGET;
}

/* RFC 9112 3.2.2; the scheme is not the parser's affair as long as it is one of ours. */
static enum close_code
parse_absolute(struct h1_head *head, const char *buf, struct slice target)
{
	const char *end = target.p + target.n, *p, *authority;
	size_t scheme = slice_find(target, ':');

	if (scheme == SIZE_MAX || !slice_starts(slice_from(target, scheme), S("://")) ||
	    !(token_is(slice_head(target, scheme), S("http")) ||
		token_is(slice_head(target, scheme), S("https"))))
		return CLOSE_BAD_TARGET;
	authority = p = target.p + scheme + 3;
	while (p < end && *p != '/' && *p != '?' && *p != '#')
		p++;
	head->authority = span(buf, authority, p);
	if (!host_is_valid(slice_of(authority, (size_t)(p - authority))))
		return CLOSE_BAD_HOST;
	head->flags |= H1_ABSOLUTE;
	return parse_path(head, buf, p, end);
}

static enum close_code
parse_target(struct h1_head *head, const char *buf)
{
	struct slice target = { buf + head->target.at, head->target.n };
	struct slice method = { buf + head->method.at, head->method.n };

	if (slice_eq(method, S("CONNECT")))
		return CLOSE_CONNECT_REFUSED;
	if (target.p[0] == '/')
		return parse_path(head, buf, target.p, target.p + target.n);
	if (target.p[0] == '*') {
		head->path = head->target;
		return target.n == 1 && slice_eq(method, S("OPTIONS")) ? CLOSE_OK
								       : CLOSE_BAD_TARGET;
	}
	return parse_absolute(head, buf, target);
}

static enum close_code
parse_request_line(struct h1_head *head, const char *buf, const char *p, const char *end)
{
	struct slice rest = { p, (size_t)(end - p) }, method, target;
	enum close_code fault;

	method = slice_cut(&rest, ' ');
	target = slice_cut(&rest, ' ');
	if (rest.p == NULL || method.n == 0 || target.n == 0 || slice_find(rest, ' ') != SIZE_MAX ||
	    skip(method.p, method.p + method.n, CHAR_TOKEN) != method.p + method.n)
		return CLOSE_BAD_REQUEST_LINE;
	fault = parse_version(head, rest);
	if (fault != CLOSE_OK)
		return fault;
	head->method = span(buf, method.p, method.p + method.n);
	head->target = span(buf, target.p, target.p + target.n);
	return parse_target(head, buf);
}

/* "HTTP/1.1 200 OK"; the reason may be empty and, as many servers send it, its space missing. */
static enum close_code
parse_status_line(struct h1_head *head, const char *buf, const char *p, const char *end)
{
	size_t n = (size_t)(end - p);

	if (n < 12 || p[8] != ' ' || (n > 12 && p[12] != ' '))
		return CLOSE_BAD_STATUS_LINE;
	for (int i = 9; i < 12; i++)
		if (p[i] < '0' || p[i] > '9')
			return CLOSE_BAD_STATUS_LINE;
	head->status = (uint16_t)((p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0'));
	if (head->status < 100)
		return CLOSE_BAD_STATUS_LINE;
	if (n > 12)
		head->reason = span(buf, p + 13, end);
	return parse_version(head, slice_of(p, 8));
}

/* --- fields that the parser itself needs; each gives CLOSE_OK or the fault --- */

static bool
mark(struct h1 *h, enum mark m)
{
	bool was = (h->marks & m) != 0;

	h->marks = (uint16_t)(h->marks | m);
	return was;
}

static enum close_code
field_host(struct h1 *h, struct h1_span at, struct slice value)
{
	if (mark(h, HAS_HOST))
		return CLOSE_TWO_HOSTS;
	if (!host_is_valid(value))
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

static enum close_code
field_coding(struct h1 *h, struct slice value)
{
	if (h->marks & HAS_LENGTH)
		return CLOSE_BOTH_LENGTHS;
	if (mark(h, HAS_CODING) || h->head.minor == 0 || !token_is(value, S("chunked")))
		return CLOSE_BAD_TRANSFER_ENCODING;
	return CLOSE_OK;
}

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

static enum close_code
judge_field(struct h1 *h, const char *buf, const struct h1_field *f)
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

static bool
keeps_alive(const struct h1 *h)
{
	if (h->head.framing == H1_UNTIL_CLOSE || (h->marks & SAYS_CLOSE) != 0)
		return false;
	return h->head.minor == 1 || (h->marks & SAYS_KEEP_ALIVE) != 0;
}

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

static void
finish(struct h1 *h, uint32_t n_bytes)
{
	struct h1_head *head = &h->head;

	head->n_bytes = n_bytes;
	head->framing = framing(h);
	if (keeps_alive(h))
		head->flags |= H1_KEEP_ALIVE;
	if (may_upgrade(h))
		head->flags |= H1_UPGRADE;
	if ((h->marks & HAS_EXPECT) != 0 && (head->framing == H1_CHUNKED || head->length > 0))
		head->flags |= H1_EXPECT_100;
	h->state = WHOLE;
	h1_body_begin(h);
	if (h->kind == H1_REQUEST && (h->marks & HAS_HOST) == 0 && !needs_no_host(head))
		h1_fail(h, CLOSE_HOST_MISSING);
	else if (head->status == 101 && (head->flags & H1_UPGRADE) == 0)
		h1_fail(h, CLOSE_BAD_SWITCH);
}

/*
 * --- the steps of the head: each takes a run from p on and returns where it stopped.  What to do
 * next is in h->state, a fault in h->error.  p < end on entry. ---
 */

static const char *
bad(struct h1 *h, enum close_code fault, const char *p)
{
	h1_fail(h, fault);
	return p;
}

static const char *
step_line(struct h1 *h, const char *buf, const char *p, const char *end)
{
	const char *line = buf + h->line, *too_far = line + LIMIT_REQUEST_LINE_BYTES + 1;
	enum close_code fault =
	    h->kind == H1_REQUEST ? CLOSE_BAD_REQUEST_LINE : CLOSE_BAD_STATUS_LINE;

	if (p == line && !char_is(*p, CHAR_TOKEN)) /* TLS, a port scan: refused at its first byte */
		return bad(h, fault, p);
	if (end > too_far)
		end = too_far;
	p = h->kind == H1_REQUEST ? skip_text(p, end) : skip_value(p, end);
	if (p == too_far)
		return bad(h, CLOSE_TARGET_TOO_LONG, p);
	if (p == end)
		return p;
	if (*p != '\r')
		return bad(h, *p == '\n' ? CLOSE_BAD_LINE_ENDING : fault, p);
	if (h->kind == H1_REQUEST)
		fault = parse_request_line(&h->head, buf, line, p);
	else
		fault = parse_status_line(&h->head, buf, line, p);
	if (fault != CLOSE_OK)
		return bad(h, fault, p);
	h->state = LINE_LF;
	return p + 1;
}

static const char *
step_lf(struct h1 *h, const char *p, enum state next)
{
	if (*p != '\n')
		return bad(h, CLOSE_BAD_LINE_ENDING, p);
	h->state = (uint8_t)next;
	return p + 1;
}

/*
 * The three steps of a field go on by themselves while there are bytes, so that the usual field,
 * which is there whole, costs one dispatch.
 */
static const char *
step_value(struct h1 *h, const char *buf, const char *p, const char *end)
{
	struct h1_field *f = &h->head.fields[h->head.n_fields];
	const char *from = buf + h->line, *to;
	enum close_code fault;

	p = to = skip_value(p, end);
	if (p == end)
		return p;
	if (*p != '\r')
		return bad(h, *p == '\n' ? CLOSE_BAD_LINE_ENDING : CLOSE_BAD_FIELD_VALUE, p);
	while (from < to && is_space(*from))
		from++;
	while (from < to && is_space(to[-1]))
		to--;
	f->value = span(buf, from, to);
	fault = judge_field(h, buf, f);
	if (fault != CLOSE_OK)
		return bad(h, fault, p);
	h->head.n_fields++;
	h->state = VALUE_LF;
	return ++p < end ? step_lf(h, p, FIELD) : p;
}

static const char *
step_name(struct h1 *h, const char *buf, const char *p, const char *end)
{
	const char *line = buf + h->line;

	p = skip_token(p, end);
	if (p == end)
		return p;
	if (*p != ':' || p == line)
		return bad(h, CLOSE_BAD_FIELD_NAME, p);
	h->head.fields[h->head.n_fields].name = span(buf, line, p);
	h->line = (uint16_t)(++p - buf);
	h->state = VALUE;
	return p < end ? step_value(h, buf, p, end) : p;
}

/* At the first byte of a line. */
static const char *
step_field(struct h1 *h, const char *buf, const char *p, const char *end)
{
	if (*p == '\r') {
		h->state = END_LF;
		return p + 1;
	}
	if (is_space(*p))
		return bad(h, CLOSE_OBS_FOLD, p);
	if (*p == '\n')
		return bad(h, CLOSE_BAD_LINE_ENDING, p);
	if (h->head.n_fields == LIMIT_HEAD_FIELDS + (h->inside ? H1_INSIDE_FIELDS : 0))
		return bad(h, CLOSE_HEAD_TOO_LARGE, p);
	h->line = (uint16_t)(p - buf);
	h->state = NAME;
	return step_name(h, buf, p, end);
}

static const char *
step_end_lf(struct h1 *h, const char *buf, const char *p)
{
	p = step_lf(h, p, WHOLE);
	if (h->error == CLOSE_OK)
		finish(h, (uint32_t)(p - buf));
	return p;
}

/* An empty line may precede a request. */
static const char *
step_start(struct h1 *h, const char *p)
{
	if (h->kind == H1_RESPONSE || *p != '\r') {
		h->state = LINE;
		return p;
	}
	h->state = START_LF;
	h->line = 2;
	return p + 1;
}

static const char *
step(struct h1 *h, const char *buf, const char *p, const char *end)
{
	switch ((enum state)h->state) {
	case START:
		return step_start(h, p);
	case START_LF:
		return step_lf(h, p, LINE);
	case LINE:
		return step_line(h, buf, p, end);
	case LINE_LF:
	case VALUE_LF:
		return step_lf(h, p, FIELD);
	case FIELD:
		return step_field(h, buf, p, end);
	case NAME:
		return step_name(h, buf, p, end);
	case VALUE:
		return step_value(h, buf, p, end);
	case END_LF:
		return step_end_lf(h, buf, p);
	case WHOLE:
		break;
	}
	return p;
}

enum h1_result
h1_head(struct h1 *h, struct slice buf)
{
	size_t max = LIMIT_HEAD_BYTES + (h->inside ? H1_INSIDE_BYTES : 0);

	check(buf.n >= h->scanned);
	if (h->state != WHOLE && h->error == CLOSE_OK && buf.n > h->scanned) {
		const char *p = buf.p + h->scanned, *end = buf.p + (buf.n < max ? buf.n : max);

		while (p < end && h->state != WHOLE && h->error == CLOSE_OK)
			p = step(h, buf.p, p, end);
		h->scanned = (uint16_t)(p - buf.p);
	}
	if (h->error != CLOSE_OK)
		return H1_BAD;
	if (h->state == WHOLE)
		return H1_DONE;
	return h->scanned < max ? H1_MORE : h1_fail(h, CLOSE_HEAD_TOO_LARGE);
}

/* --- looking things up --- */

const struct h1_field *
h1_find(const struct h1_head *h, struct slice buf, struct slice name, size_t *at)
{
	while (*at < h->n_fields) {
		const struct h1_field *f = &h->fields[(*at)++];

		if (f->name.n == name.n && token_eq(h1_text(buf, f->name), name))
			return f;
	}
	return NULL;
}
