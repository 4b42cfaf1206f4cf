/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of responses: from an origin into a stream, and out of it to a visitor. */
#include "http/page.h"
#include "http/rewrite_private.h"
#include "http/token.h"

static void
put_status_line(struct wire_out *w, struct slice version, const struct h1_head *h, struct slice buf)
{
	char text[4];

	wire_put(w, version);
	wire_put(w, rewrite_number(h->status, text, sizeof(text)));
	wire_put(w, S(" "));
	wire_put(w, h1_text(buf, h->reason));
	wire_put(w, S("\r\n"));
}

/* RFC 9110 8.6: these never have a Content-Length, and some clients wait for what it promises. */
static bool
may_have_length(uint16_t status)
{
	return status >= 200 && status != 204;
}

static bool
passes_response(enum rewrite_class class, const struct h1_head *h, const struct rewrite_listed *l,
    struct slice name)
{
	switch (class) {
	case PLAIN:
	case VISITOR:
	case OURS:
	case SHADOW:
	case HOST:
	case FORWARDS:
		return !rewrite_is_listed(l, name);
	case LENGTH:
		return may_have_length(h->status);
	case SWITCH: /* 426 must say to what (RFC 9110 15.5.22) */
		return (h->flags & H1_UPGRADE) != 0 || h->status == 426;
	case HOP:
		break;
	}
	return false;
}

size_t
rewrite_response(const struct h1_head *h, struct slice buf, char *dst, size_t cap)
{
	struct wire_out w = wire_out(dst, cap);
	struct rewrite_listed listed UNCLEARED;

	check(h->n_bytes > 0 && h->n_bytes <= buf.n); /* whole, and still there */
	rewrite_listed(h, buf, &listed);
	put_status_line(&w, h->minor == 0 ? S("HTTP/1.0 ") : S("HTTP/1.1 "), h, buf);
	for (size_t i = 0; i < h->n_fields; i++) {
		struct slice name = h1_text(buf, h->fields[i].name);
		enum rewrite_class class = rewrite_classify(name);

		if (class != OURS && passes_response(class, h, &listed, name))
			rewrite_put(&w, name, h1_text(buf, h->fields[i].value));
	}
	if (h->flags & H1_UPGRADE)
		rewrite_put(&w, S("Connection"), S("Upgrade"));
	return rewrite_end(&w);
}

/* What the body of a stream becomes on the visitor's connection. */
static enum h1_framing
visitor_framing(const struct h1_head *h, const struct rewrite_answer *a)
{
	if (a->head_request || h->framing == H1_NO_BODY)
		return H1_NO_BODY;
	if (h->framing == H1_LENGTH)
		return H1_LENGTH;
	return a->visitor_minor == 0 ? H1_UNTIL_CLOSE : H1_CHUNKED;
}

/* Who receives a final answer without Date says when it was (RFC 9110 6.6.1). */
static void
put_date(struct wire_out *w, int64_t wall_ms)
{
	char date[PAGE_DATE_BYTES];

	page_date(wall_ms, date);
	rewrite_put(w, S("Date"), slice_str(date));
}

static void
put_connection(struct wire_out *w, const struct h1_head *h, const struct rewrite_answer *a,
    enum h1_framing framing)
{
	if (framing == H1_CHUNKED)
		rewrite_put(w, S("Transfer-Encoding"), S("chunked"));
	if (h->flags & H1_UPGRADE)
		rewrite_put(w, S("Connection"), S("Upgrade"));
	else if (h->status < 200)
		return;
	else if (!a->keep_alive || framing == H1_UNTIL_CLOSE)
		rewrite_put(w, S("Connection"), S("close"));
	else if (a->visitor_minor == 0)
		rewrite_put(w, S("Connection"), S("keep-alive"));
}

static void
put_answer(struct wire_out *w, const struct h1_head *h, struct slice buf,
    const struct rewrite_answer *a, enum h1_framing framing)
{
	size_t at = 0;

	put_connection(w, h, a, framing);
	if (h->status == 426 && h1_find(h, buf, S("upgrade"), &at) != NULL)
		rewrite_put(w, S("Connection"), S("Upgrade"));
	if (h->status < 200 && !(h->flags & H1_UPGRADE))
		return;
	at = 0;
	if (h->status >= 200 && h1_find(h, buf, S("date"), &at) == NULL)
		put_date(w, a->wall_ms);
	rewrite_via(w, h->minor, a->via);
	if (a->request_id.n > 0)
		rewrite_put(w, S("adit-request-id"), a->request_id);
}

size_t
rewrite_to_visitor(const struct h1_head *h, struct slice buf, const struct rewrite_answer *a,
    char *dst, size_t cap, enum h1_framing *ret_framing)
{
	struct wire_out w = wire_out(dst, cap);
	enum h1_framing framing = visitor_framing(h, a);
	struct rewrite_listed listed UNCLEARED;

	check(h->n_bytes > 0 && h->n_bytes <= buf.n); /* whole, and still there */
	rewrite_listed(h, buf, &listed);
	put_status_line(&w, S("HTTP/1.1 "), h, buf);
	for (size_t i = 0; i < h->n_fields; i++) {
		struct slice name = h1_text(buf, h->fields[i].name);
		enum rewrite_class class = rewrite_classify(name);

		if (class == OURS && token_is(name, S("adit-request-id")))
			continue;
		if (passes_response(class, h, &listed, name))
			rewrite_put(&w, name, h1_text(buf, h->fields[i].value));
	}
	put_answer(&w, h, buf, a, framing);
	*ret_framing = framing;
	return rewrite_end(&w);
}
