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

/* --- eight bytes at a time: a mark is the top bit of a byte --- */

#define EACH(c) ((c)*UINT64_C(0x0101010101010101))
#define MARKS EACH(0x80)

/* The first byte is the lowest, whatever the machine. */
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
	return char_skip(p, end, CHAR_TOKEN);
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

/*
 * A visitor is told what exactly was wrong; of an origin's answer he is told that it was, and
 * the log says what.
 */
enum h1_result
h1_fail(struct h1 *h, enum close_code fault)
{
	check(fault != CLOSE_OK && h->error == CLOSE_OK); /* the first fault is what is told */
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
	h->trailers = NULL;
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

/*
 * The whole line must be there to be judged, but a byte that no line may hold, or one too many,
 * ends it at once.
 */
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
		fault = h1_parse_request_line(&h->head, buf, line, p);
	else
		fault = h1_parse_status_line(&h->head, buf, line, p);
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

	check(h->head.n_fields < sizeof(h->head.fields) / sizeof(*f)); /* step_field() saw to it */
	p = to = skip_value(p, end);
	if (p == end)
		return p;
	if (*p != '\r')
		return bad(h, *p == '\n' ? CLOSE_BAD_LINE_ENDING : CLOSE_BAD_FIELD_VALUE, p);
	while (from < to && is_space(*from))
		from++;
	while (from < to && is_space(to[-1]))
		to--;
	f->value = h1_span_of(buf, from, to);
	fault = h1_judge_field(h, buf, f);
	if (fault != CLOSE_OK)
		return bad(h, fault, p);
	h->head.n_fields++;
	h->state = VALUE_LF;
	return ++p < end ? step_lf(h, p, FIELD) : p;
}

/*
 * A token directly before the colon (RFC 9112 5.1: no space between them, or two readers
 * see two names).
 */
static const char *
step_name(struct h1 *h, const char *buf, const char *p, const char *end)
{
	const char *line = buf + h->line;

	p = skip_token(p, end);
	if (p == end)
		return p;
	if (*p != ':' || p == line)
		return bad(h, CLOSE_BAD_FIELD_NAME, p);
	h->head.fields[h->head.n_fields].name = h1_span_of(buf, line, p);
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
	check(p - buf <= UINT16_MAX);
	h->line = (uint16_t)(p - buf);
	h->state = NAME;
	return step_name(h, buf, p, end);
}

/* The empty line is whole: what is said by several fields together is judged now. */
static const char *
step_end_lf(struct h1 *h, const char *buf, const char *p)
{
	p = step_lf(h, p, WHOLE);
	if (h->error == CLOSE_OK)
		h1_finish(h, (uint32_t)(p - buf));
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

/*
 * No byte is looked at twice: `scanned` says how far the scan has come, however the
 * input was cut.
 */
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
	check(h->scanned <= max);
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
