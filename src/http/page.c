/* SPDX-License-Identifier: Apache-2.0 */
/* Writes an answer of our own as HTML, JSON or text. */
#include "http/page.h"

#include "base/utf8.h"
#include "http/token.h"

#include <stdio.h>
#include <time.h>

#define SHOWN_BYTES 512 /* of a text from outside; escaped at most six times as long */

enum form { TEXT, HTML, JSON };

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{ 200, "OK" },
	{ 202, "Accepted" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 408, "Request Timeout" },
	{ 410, "Gone" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 417, "Expectation Failed" },
	{ 421, "Misdirected Request" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
};

const char *
page_reason(int status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "";
}

void
page_date(int64_t wall_ms, char dst[PAGE_DATE_BYTES])
{
	static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
		"Sep", "Oct", "Nov", "Dec" };
	time_t t = (time_t)(wall_ms / 1000);
	struct tm tm;
	int n;

	if (gmtime_r(&t, &tm) == NULL || tm.tm_year < 0 || tm.tm_year > 9999 - 1900) {
		t = 0;
		gmtime_r(&t, &tm);
	}
	n = snprintf(dst, PAGE_DATE_BYTES, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT",
	    days[tm.tm_wday], (unsigned)tm.tm_mday % 100, months[tm.tm_mon],
	    (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)tm.tm_hour % 100,
	    (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
	check(n == PAGE_DATE_BYTES - 1); /* the form has one length, whatever the day */
}

const char *
page_connection(bool keep_alive, unsigned visitor_minor)
{
	if (!keep_alive)
		return "Connection: close\r\n";
	return visitor_minor == 0 ? "Connection: keep-alive\r\n" : "";
}

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
	if (p->request_id.n > 0) {
		buf_put(b, S("request "));
		put_plain(b, p->request_id);
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
	buf_json(b, slice_head(p->request_id, SHOWN_BYTES));
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
	    row->status, page_reason(row->status), style);
	buf_printf(b, "<p class=\"code\">%d %s</p>\n<h1>", row->status, row->name);
	put_html(b, slice_str(row->what));
	buf_put(b, S("</h1>\n<p>"));
	put_html(b, remedy_of(p, row));
	buf_put(b, S("</p>\n"));
	if (p->host.n > 0 || p->request_id.n > 0) {
		buf_put(b, S("<dl>\n"));
		html_row(b, "Host", p->host);
		html_row(b, "Request", p->request_id);
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

/* A field whose value must be printable ASCII to be sent at all. */
static void
put_text_field(struct buf *b, const char *name, struct slice value)
{
	if (value.n == 0 || value.n > SHOWN_BYTES)
		return;
	for (size_t i = 0; i < value.n; i++)
		if ((unsigned char)value.p[i] < 0x20 || (unsigned char)value.p[i] >= 0x7f)
			return;
	buf_printf(b, "%s: %.*s\r\n", name, PS(value));
}

/* 401 must say what is asked for (RFC 9110 15.5.2). A sender that signs its webhooks is no browser:
 * it is asked for its signature, and nobody for a password. */
static const char *
challenge(enum close_code code)
{
	return code == CLOSE_BAD_SIGNATURE ? "Signature realm=\"adit\""
					   : "Basic realm=\"adit\", charset=\"UTF-8\"";
}

static void
put_head(struct buf *b, const struct page *p, const struct close_row *row, enum form form,
    size_t body_bytes)
{
	char date[PAGE_DATE_BYTES];

	check(page_reason(row->status)[0] != '\0'); /* each row of the close table has a phrase */
	page_date(p->wall_ms, date);
	buf_printf(b, "HTTP/1.1 %d %s\r\nDate: %s\r\n", row->status, page_reason(row->status),
	    date);
	buf_printf(b, "Content-Type: %s\r\nContent-Length: %zu\r\n", forms[form].type, body_bytes);
	buf_put(b, S("Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"));
	buf_printf(b, "Content-Security-Policy: %s\r\n", forms[form].security);
	if (row->retry_after_s > 0)
		buf_printf(b, "Retry-After: %d\r\n", row->retry_after_s);
	if (row->status == 401)
		buf_printf(b, "WWW-Authenticate: %s\r\n", challenge(p->code));
	if (row->status == 405)
		put_text_field(b, "Allow", p->allow);
	buf_printf(b, "adit-error: %s\r\n", row->name);
	put_text_field(b, "adit-request-id", p->request_id);
	buf_printf(b, "%s\r\n", page_connection(p->keep_alive, p->visitor_minor));
}

void
page_write(struct buf *out, const struct page *p)
{
	const struct close_row *row = close_row(p->code);
	enum form form = choose(p->accept);
	struct buf body;

	buf_init(&body, PAGE_BYTES_MAX);
	check((size_t)form < sizeof(forms) / sizeof(*forms));
	forms[form].body(&body, p, row);
	if (body.failed) {
		out->failed = true;
	} else {
		put_head(out, p, row, form, body.n);
		if (!p->head_request)
			buf_put(out, buf_slice(&body));
	}
	buf_fini(&body);
}
