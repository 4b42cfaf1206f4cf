/* SPDX-License-Identifier: Apache-2.0 */
/* From pseudo-fields and fields to a head's text (h2_head.h). */
#include "h2/h2_head.h"

/* Of each field beside its octets. */
#define FIELD_OVERHEAD 32
/* What the text has beside its fields: " HTTP/1.1", "Host: ", the line of a coding. */
#define TEXT_OVERHEAD 256
/* A buffer that grew larger than this is not kept for the next block. */
#define KEPT_BYTES 2048

void
h2_head_init(struct h2_head *h, size_t fields_max, size_t bytes_max)
{
	*h = (struct h2_head){ .fields_max = fields_max, .bytes_max = bytes_max };
	buf_init(&h->text, bytes_max + TEXT_OVERHEAD);
	buf_init(&h->pseudo, bytes_max);
	buf_init(&h->crumbs, bytes_max);
}

void
h2_head_fini(struct h2_head *h)
{
	buf_fini(&h->text);
	buf_fini(&h->pseudo);
	buf_fini(&h->crumbs);
}

static void
empty(struct buf *b)
{
	size_t max = b->max;

	if (b->cap > KEPT_BYTES) {
		buf_fini(b);
		buf_init(b, max);
	}
	buf_reset(b);
}

void
h2_head_begin(struct h2_head *h, enum h2_head_kind kind)
{
	h->kind = kind;
	h->fault = H2_FINE;
	h->n_fields = h->n_bytes = 0;
	empty(&h->text);
	empty(&h->pseudo);
	empty(&h->crumbs);
	h->method = h->scheme = h->path = h->authority = h->status = (struct h2_span){ 0 };
	h->begun = h->has_length = h->has_crumbs = false;
}

static void
fail(struct h2_head *h, enum h2_fault fault)
{
	if (fault > h->fault)
		h->fault = fault;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool
h2_value_ok(struct slice value)
{
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return value.n == 0 || (!is_blank(value.p[0]) && !is_blank(value.p[value.n - 1]));
}

bool
h2_name_ok(struct slice name)
{
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];

		if (c <= 0x20 || c >= 0x7f || c == ':' || (c >= 'A' && c <= 'Z'))
			return false;
	}
	return name.n > 0;
}

/* --- the first line --- */

static struct slice
text_of(const struct h2_head *h, struct h2_span s)
{
	check((size_t)s.at + s.n <= h->pseudo.n);
	return slice_head(slice_from(buf_slice(&h->pseudo), s.at), s.n);
}

/* No pseudo-field has a blank but a path, of which the parser says what is wrong. */
static void
take_pseudo(struct h2_head *h, struct slice name, struct slice value)
{
	struct h2_span *to = slice_eq(name, S(":method"))      ? &h->method
			     : slice_eq(name, S(":scheme"))    ? &h->scheme
			     : slice_eq(name, S(":path"))      ? &h->path
			     : slice_eq(name, S(":authority")) ? &h->authority
			     : slice_eq(name, S(":status"))    ? &h->status
							       : NULL;

	if (to == NULL || (to != &h->path && slice_find(value, ' ') != SIZE_MAX)) {
		fail(h, H2_MALFORMED);
		return;
	}
	*to = (struct h2_span){ (uint32_t)h->pseudo.n, (uint32_t)value.n };
	buf_put(&h->pseudo, value);
	if (h->pseudo.failed) {
		*to = (struct h2_span){ 0 };
		fail(h, H2_TOO_LARGE);
	}
}

static void
put_request_line(struct h2_head *h)
{
	bool connects = slice_eq(text_of(h, h->method), S("CONNECT"));
	struct slice authority = text_of(h, h->authority);

	/* A connection with TLS carries nothing else; CONNECT has none (RFC 9113 8.5). */
	if (!connects && !slice_ieq(text_of(h, h->scheme), S("https")))
		fail(h, H2_BAD_SCHEME);
	buf_put(&h->text, text_of(h, h->method));
	buf_put(&h->text, S(" "));
	buf_put(&h->text, connects ? authority : text_of(h, h->path));
	buf_put(&h->text, S(" HTTP/1.1\r\n"));
	if (authority.n == 0)
		return;
	buf_put(&h->text, S("Host: "));
	buf_put(&h->text, authority);
	buf_put(&h->text, S("\r\n"));
}

/* HTTP/2 has no reason phrase. */
static void
put_status_line(struct h2_head *h)
{
	buf_put(&h->text, S("HTTP/1.1 "));
	buf_put(&h->text, text_of(h, h->status));
	buf_put(&h->text, S(" \r\n"));
}

static void
begin_text(struct h2_head *h)
{
	if (h->begun)
		return;
	h->begun = true;
	if (h->kind == H2_REQUEST)
		put_request_line(h);
	else
		put_status_line(h);
}

/* --- fields --- */

/* Host beside :authority: the same is left out, another one stands there twice, which the parser
 * refuses (RFC 9113 8.3.1). */
static bool
repeats_authority(const struct h2_head *h, struct slice name, struct slice value)
{
	return h->kind == H2_REQUEST && h->authority.n > 0 && slice_eq(name, S("host")) &&
	       slice_ieq(value, text_of(h, h->authority));
}

static void
take_crumb(struct h2_head *h, struct slice value)
{
	if (h->has_crumbs)
		buf_put(&h->crumbs, S("; "));
	else
		h->crumbs_at = h->text.n;
	h->has_crumbs = true;
	buf_put(&h->crumbs, value);
}

static void
put_field(struct h2_head *h, struct slice name, struct slice value)
{
	begin_text(h);
	if (h->kind == H2_REQUEST && slice_eq(name, S("cookie"))) {
		take_crumb(h, value);
		return;
	}
	if (repeats_authority(h, name, value))
		return;
	h->has_length |= slice_eq(name, S("content-length"));
	buf_put(&h->text, name);
	buf_put(&h->text, S(": "));
	buf_put(&h->text, value);
	buf_put(&h->text, S("\r\n"));
}

void
h2_head_field(struct h2_head *h, struct slice name, struct slice value)
{
	h->n_fields++;
	h->n_bytes += name.n + value.n + FIELD_OVERHEAD;
	if (h->n_fields > h->fields_max || h->n_bytes > h->bytes_max)
		fail(h, H2_TOO_LARGE);
	/* Nothing is kept of what is refused; the block must be decoded to its end all the same, as
	 * later ones lean on it. */
	if (h->fault == H2_TOO_LARGE || h->fault == H2_MALFORMED)
		return;
	if (!h2_value_ok(value))
		fail(h, H2_MALFORMED);
	else if (name.n > 0 && name.p[0] == ':')
		take_pseudo(h, name, value);
	else if (!h2_name_ok(name))
		fail(h, H2_MALFORMED);
	else
		put_field(h, name, value);
}

/* Behind the fields that stood before the first crumb. */
static void
insert_crumbs(struct h2_head *h)
{
	struct slice name = S("cookie: "), value = buf_slice(&h->crumbs);
	size_t n = name.n + value.n + 2, behind = h->text.n - h->crumbs_at;
	char *at;

	if (buf_room(&h->text, n) == NULL)
		return;
	at = h->text.p + h->crumbs_at;
	memmove(at + n, at, behind);
	memcpy(at, name.p, name.n);
	if (value.n > 0)
		memcpy(at + name.n, value.p, value.n);
	memcpy(at + n - 2, "\r\n", 2);
	h->text.n += n;
}

void
h2_head_end(struct h2_head *h, bool body_follows)
{
	if (h->fault != H2_MALFORMED && h->fault != H2_TOO_LARGE)
		begin_text(h);
	if (h->has_crumbs)
		insert_crumbs(h);
	if (body_follows && !h->has_length)
		buf_put(&h->text, S("Transfer-Encoding: chunked\r\n"));
	buf_put(&h->text, S("\r\n"));
	if (h->text.failed || h->pseudo.failed || h->crumbs.failed)
		fail(h, H2_TOO_LARGE);
}

void
h2_head_take(struct h2_head *h, struct buf *ret)
{
	size_t max = h->text.max;

	buf_fini(ret);
	*ret = h->text;
	buf_init(&h->text, max);
}
