/* SPDX-License-Identifier: Apache-2.0 */
/* Writes an answer of our own as HTML, JSON or text. */
#include "http/page.h"

#include "base/utf8.h"
#include "http/token.h"

#define HEAD_BYTES 4096 /* of a page, with much to spare */
#define SHOWN_BYTES 512 /* of a text from outside; escaped at most six times as long */

enum form { TEXT, HTML, JSON };

/* The first of our media types that Accept names; wildcards ask for nothing in particular. */
static enum form
choose(struct slice accept)
{
	struct slice element;

	while (token_next(&accept, &element)) {
		struct slice type = slice_trim(slice_cut(&element, ';'));

		if (token_is(type, S("text/html")))
			return HTML;
		if (token_is(type, S("application/json")))
			return JSON;
		if (token_is(type, S("text/plain")))
			return TEXT;
	}
	return TEXT;
}

/* --- texts from outside (S-10) --- */

/* Printable ASCII as it is, all else as \xNN: a terminal shows nothing but what stands there. */
static void
put_plain(struct buf *b, struct slice s)
{
	s = slice_head(s, SHOWN_BYTES);
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 0x20 && c < 0x7f)
			buf_putc(b, (char)c);
		else
			buf_printf(b, "\\x%02x", c);
	}
}

static struct slice
html_entity(char c)
{
	switch (c) {
	case '&':
		return S("&amp;");
	case '<':
		return S("&lt;");
	case '>':
		return S("&gt;");
	case '"':
		return S("&quot;");
	case '\'':
		return S("&#39;");
	}
	return S("");
}

/* Characters, not bytes: what is no UTF-8, or is not seen, is shown as U+FFFD. */
static void
put_html(struct buf *b, struct slice s)
{
	s = slice_head(s, SHOWN_BYTES);
	while (s.n > 0) {
		size_t n = utf8_next(s);
		struct slice entity = html_entity(s.p[0]);

		if (n == 0 || !utf8_is_shown(slice_head(s, n))) {
			buf_put(b, S("\xef\xbf\xbd"));
			n = n == 0 ? 1 : n;
		} else {
			buf_put(b, entity.n > 0 ? entity : slice_head(s, n));
		}
		s = slice_from(s, n);
	}
}

/* --- bodies --- */

/* A sentence of the caller's, who knows more, goes before the row's. */
static struct slice
remedy_of(const struct page *p, const struct close_row *row)
{
	return p->remedy.n > 0 ? p->remedy : slice_str(row->remedy);
}

static void
body_text(struct buf *b, const struct page *p, const struct close_row *row)
{
	buf_printf(b, "%d %s: %s\n", row->status, row->name, row->what);
	put_plain(b, remedy_of(p, row));
	buf_putc(b, '\n');
	if (p->host.n > 0) {
		buf_put(b, S("host "));
		put_plain(b, p->host);
		buf_putc(b, '\n');
	}
	if (p->to.request_id.n > 0) {
		buf_put(b, S("request "));
		put_plain(b, p->to.request_id);
		buf_putc(b, '\n');
	}
}

static void
body_json(struct buf *b, const struct page *p, const struct close_row *row)
{
	buf_put(b, S("{\"error\":"));
	buf_json(b, slice_str(row->name));
	buf_printf(b, ",\"status\":%d,\"what\":", row->status);
	buf_json(b, slice_str(row->what));
	buf_put(b, S(",\"remedy\":"));
	buf_json(b, slice_head(remedy_of(p, row), SHOWN_BYTES));
	buf_put(b, S(",\"host\":"));
	buf_json(b, slice_head(p->host, SHOWN_BYTES));
	buf_put(b, S(",\"request_id\":"));
	buf_json(b, slice_head(p->to.request_id, SHOWN_BYTES));
	buf_put(b, S("}\n"));
}

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1c2128;--dim:#5d6773;--paper:#f6f7f9;--card:#fff;"
    "--line:#dfe3e8;--mark:#b4540a}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e4e7eb;--dim:#98a2ae;--paper:#14171b;"
    "--card:#1c2026;--line:#30363d;--mark:#f0a35e}}"
    "*{box-sizing:border-box}"
    "body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;"
    "background:var(--paper);color:var(--ink);font:1rem/1.55 system-ui,sans-serif}"
    "main{width:100%;max-width:38rem;padding:2rem;background:var(--card);"
    "border:1px solid var(--line);border-top:4px solid var(--mark);border-radius:.5rem}"
    "p.code{margin:0;color:var(--mark);font:600 .95rem/1.4 ui-monospace,monospace}"
    "h1{margin:.4rem 0 1rem;font-size:1.35rem;line-height:1.3}"
    "p{margin:.6rem 0;overflow-wrap:anywhere}"
    "dl{margin:1.5rem 0 0;padding-top:1rem;border-top:1px solid var(--line);display:grid;"
    "grid-template-columns:auto 1fr;gap:.2rem 1rem;color:var(--dim);font-size:.875rem}"
    "dt{font-weight:600}dd{margin:0;font-family:ui-monospace,monospace;overflow-wrap:anywhere}";

static void
html_row(struct buf *b, const char *title, struct slice text)
{
	if (text.n == 0)
		return;
	buf_printf(b, "<dt>%s</dt><dd>", title);
	put_html(b, text);
	buf_put(b, S("</dd>\n"));
}

static void
body_html(struct buf *b, const struct page *p, const struct close_row *row)
{
	buf_put(b, S("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		     "<meta name=\"robots\" content=\"noindex\">\n"));
	buf_printf(b, "<title>%d %s</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n",
	    row->status, answer_reason(row->status), style);
	buf_printf(b, "<p class=\"code\">%d %s</p>\n<h1>", row->status, row->name);
	put_html(b, slice_str(row->what));
	buf_put(b, S("</h1>\n<p>"));
	put_html(b, remedy_of(p, row));
	buf_put(b, S("</p>\n"));
	if (p->host.n > 0 || p->to.request_id.n > 0) {
		buf_put(b, S("<dl>\n"));
		html_row(b, "Host", p->host);
		html_row(b, "Request", p->to.request_id);
		buf_put(b, S("</dl>\n"));
	}
	buf_put(b, S("</main>\n</body>\n</html>\n"));
}

/* --- the response --- */

static const struct {
	const char *type, *security;
	void (*body)(struct buf *b, const struct page *p, const struct close_row *row);
} forms[] = {
	[TEXT] = { "text/plain; charset=utf-8", "default-src 'none'", body_text },
	[HTML] = { "text/html; charset=utf-8",
	    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
	    "frame-ancestors 'none'",
	    body_html },
	[JSON] = { "application/json", "default-src 'none'", body_json },
};

/* 401 must say what is asked for (RFC 9110 15.5.2). A sender that signs its webhooks is no browser:
 * it is asked for its signature, and nobody for a password. */
static const char *
challenge(enum close_code code)
{
	return code == CLOSE_BAD_SIGNATURE ? "Signature realm=\"adit\""
					   : "Basic realm=\"adit\", charset=\"UTF-8\"";
}

static void
put_fields(struct answer *a, const struct page *p, const struct close_row *row, enum form form,
    size_t body_bytes)
{
	answer_begin(a, row->status, S(""));
	a->framing = p->to.head_request ? H1_NO_BODY : H1_LENGTH;
	answer_put(a, S("Content-Type"), slice_str(forms[form].type));
	answer_put_number(a, S("Content-Length"), body_bytes);
	answer_put(a, S("Cache-Control"), S("no-store"));
	answer_put(a, S("X-Content-Type-Options"), S("nosniff"));
	answer_put(a, S("Content-Security-Policy"), slice_str(forms[form].security));
	if (row->retry_after_s > 0)
		answer_put_number(a, S("Retry-After"), (uint64_t)row->retry_after_s);
	if (row->status == 401)
		answer_put(a, S("WWW-Authenticate"), slice_str(challenge(p->code)));
	if (row->status == 405 && p->allow.n > 0)
		answer_put_text(a, S("Allow"), p->allow);
	answer_put(a, S("adit-error"), slice_str(row->name));
}

void
page_make(const struct page *p, struct answer *ret_head, struct buf *body)
{
	const struct close_row *row = close_row(p->code);
	enum form form = choose(p->accept);

	check((size_t)form < sizeof(forms) / sizeof(*forms));
	forms[form].body(body, p, row);
	put_fields(ret_head, p, row, form, body->n);
}

void
page_write(struct buf *out, const struct page *p)
{
	char room[HEAD_BYTES];
	struct answer head UNCLEARED;
	struct buf body;
	size_t n;

	buf_init(&body, PAGE_BYTES_MAX);
	page_make(p, &head, &body);
	answer_common(&head, &p->to);
	n = answer_write(&head, &p->to, room, sizeof(room));
	out->failed |= n == 0 || body.failed;
	buf_put(out, slice_of(room, n));
	if (!p->to.head_request)
		buf_put(out, buf_slice(&body));
	buf_fini(&body);
}
