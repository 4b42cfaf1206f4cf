/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of responses: from an origin into a stream, and out of it to a visitor. */
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
	case TRAILERS:
		return !rewrite_is_listed(l, name);
	case LENGTH:
		return may_have_length(h->status);
	case SWITCH: /* 426 must say to what (RFC 9110 15.5.22) */
		return (h->flags & H1_UPGRADE) != 0 || h->status == 426;
	case ASKS:
	case HOP:
		break;
	}
	return false;
}

/* The version stays the origin's, so that the edge can say in Via how the answer came. */
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
visitor_framing(const struct h1_head *h, const struct answer_to *to)
{
	if (to->head_request || h->framing == H1_NO_BODY)
		return H1_NO_BODY;
	if (h->framing == H1_LENGTH)
		return H1_LENGTH;
	return to->visitor_minor == 0 ? H1_UNTIL_CLOSE : H1_CHUNKED;
}

void
rewrite_to_visitor(const struct h1_head *h, struct slice buf, const struct answer_to *to,
    struct answer *ret)
{
	struct rewrite_listed listed UNCLEARED;

	check(h->n_bytes > 0 && h->n_bytes <= buf.n); /* whole, and still there */
	rewrite_listed(h, buf, &listed);
	answer_begin(ret, h->status, S("-"));
	ret->reason = h1_text(buf, h->reason); /* an origin that gives none has none */
	ret->framing = visitor_framing(h, to);
	ret->relayed = true;
	ret->via_minor = h->minor;
	ret->switches = (h->flags & H1_UPGRADE) != 0;
	for (size_t i = 0; i < h->n_fields; i++) {
		struct slice name = h1_text(buf, h->fields[i].name);
		enum rewrite_class class = rewrite_classify(name);

		if (class == OURS && token_is(name, S("adit-request-id")))
			continue;
		if (!passes_response(class, h, &listed, name))
			continue;
		if (class == TRAILERS && ret->framing != H1_CHUNKED)
			continue;
		ret->may_switch |= class == SWITCH && h->status == 426;
		answer_put(ret, name, h1_text(buf, h->fields[i].value));
	}
}
