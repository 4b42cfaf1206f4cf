/* SPDX-License-Identifier: Apache-2.0 */
#include "http/page.h"

#include "http/h1.h"
#include "unit.h"

static struct h1 h;
static struct buf out;
static struct slice body;

/* Writes the page, reads it again as a client would. */
static struct slice
page(const struct page *p)
{
	struct slice all;

	buf_fini(&out);
	buf_init(&out, 2 * PAGE_BYTES_MAX);
	page_write(&out, p);
	EXPECT(!out.failed);
	all = buf_slice(&out);
	h1_init(&h, H1_RESPONSE);
	EXPECT_INT(h1_head(&h, all), H1_DONE);
	body = slice_from(all, h.head.n_bytes);
	EXPECT_INT(h.head.framing, H1_LENGTH);
	EXPECT_INT(h.head.status, close_row(p->code)->status);
	return all;
}

static struct slice
field(const char *name)
{
	const struct h1_field *f;
	size_t at = 0;

	f = h1_find(&h.head, buf_slice(&out), slice_str(name), &at);
	return f == NULL ? S("(none)") : h1_text(buf_slice(&out), f->value);
}

static bool
holds(struct slice s, const char *text)
{
	return memmem(s.p, s.n, text, strlen(text)) != NULL;
}

TEST(text_is_the_default)
{
	struct page p = {
		.code = CLOSE_AGENT_AWAY,
		.to.request_id = S("abc234"),
		.host = S("ci.example"),
		.remedy = S("Last seen 3 min ago."),
		.to.wall_ms = INT64_C(1763999400000),
	};

	page(&p);
	EXPECT_SLICE(body, S("503 agent-away: The agent of this tunnel is not connected.\n"
			     "Last seen 3 min ago.\nhost ci.example\nrequest abc234\n"));
	EXPECT_INT(h.head.length, body.n);
	EXPECT_SLICE(h1_text(buf_slice(&out), h.head.reason), S("Service Unavailable"));
	EXPECT_SLICE(field("Date"), S("Mon, 24 Nov 2025 15:50:00 GMT"));
	EXPECT_SLICE(field("Content-Type"), S("text/plain; charset=utf-8"));
	EXPECT_SLICE(field("Cache-Control"), S("no-store"));
	EXPECT_SLICE(field("X-Content-Type-Options"), S("nosniff"));
	EXPECT_SLICE(field("Retry-After"), S("5"));
	EXPECT_SLICE(field("adit-error"), S("agent-away"));
	EXPECT_SLICE(field("adit-request-id"), S("abc234"));
	EXPECT_SLICE(field("Connection"), S("close"));
	EXPECT((h.head.flags & H1_KEEP_ALIVE) == 0);
	p.to.keep_alive = true;
	page(&p);
	EXPECT((h.head.flags & H1_KEEP_ALIVE) != 0);
	EXPECT_SLICE(field("Connection"), S("keep-alive")); /* HTTP/1.0 must be told */
	p.to.visitor_minor = 1;
	page(&p);
	EXPECT_SLICE(field("Connection"), S("(none)"));
}

TEST(form_follows_accept)
{
	static const struct {
		const char *accept, *type;
	} rows[] = {
		{ "", "text/plain; charset=utf-8" },
		{ "*/*", "text/plain; charset=utf-8" },
		{ "text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8" },
		{ " TEXT/HTML ; q=0.9", "text/html; charset=utf-8" },
		{ "application/json", "application/json" },
		{ "application/json, text/html", "application/json" },
		{ "text/plain, text/html", "text/plain; charset=utf-8" },
		{ "image/png", "text/plain; charset=utf-8" },
		{ ",,;,=", "text/plain; charset=utf-8" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct page p = { .code = CLOSE_FORBIDDEN, .accept = slice_str(rows[i].accept) };

		page(&p);
		EXPECT_SLICE(field("Content-Type"), slice_str(rows[i].type));
	}
}

TEST(every_row_in_every_form)
{
	static const char *const accepts[] = { "", "text/html", "application/json" };

	for (int i = 1; i < CLOSE_ROWS; i++) {
		for (size_t j = 0; j < sizeof(accepts) / sizeof(*accepts); j++) {
			struct page p = { .code = (enum close_code)i,
				.accept = slice_str(accepts[j]) };

			page(&p);
			EXPECT_INT(h.head.length, body.n);
			EXPECT(h.head.reason.n > 0);
			EXPECT_SLICE(field("adit-error"), slice_str(close_row(p.code)->name));
			EXPECT(holds(body, close_row(p.code)->name));
		}
	}
}

TEST(fields_that_a_status_asks_for)
{
	struct page p = { .code = CLOSE_UNAUTHORIZED };

	page(&p);
	EXPECT_SLICE(field("WWW-Authenticate"), S("Basic realm=\"adit\", charset=\"UTF-8\""));
	p.code = CLOSE_BAD_SIGNATURE;
	page(&p);
	EXPECT_SLICE(field("WWW-Authenticate"), S("Signature realm=\"adit\""));
	p = (struct page){ .code = CLOSE_METHOD_NOT_ALLOWED, .allow = S("POST, GET") };
	page(&p);
	EXPECT_SLICE(field("Allow"), S("POST, GET"));
	EXPECT_SLICE(field("WWW-Authenticate"), S("(none)"));
	EXPECT_SLICE(field("Retry-After"), S("(none)"));
}

TEST(head_request_gets_the_same_fields)
{
	struct page p = { .code = CLOSE_FORBIDDEN };
	uint64_t length;

	page(&p);
	length = h.head.length;
	EXPECT(body.n == length);
	p.to.head_request = true;
	page(&p);
	EXPECT_INT(h.head.length, length);
	EXPECT_INT(body.n, 0);
}

/* --- what comes from outside --- */

#define HOSTILE "<script>alert(1)</script>\"'&\r\nSet-Cookie: x\x1b[31m\x7f\xff\xe2\x80"

TEST(s10_html_is_escaped)
{
	struct page p = {
		.code = CLOSE_UNKNOWN_NAME,
		.accept = S("text/html"),
		.host = S(HOSTILE),
		.remedy = S(HOSTILE "\0 \xc3\xbc"),
		.to.request_id = S(HOSTILE),
	};

	page(&p);
	EXPECT(!holds(body, "<script"));
	EXPECT(!holds(body, "\x1b") && !holds(body, "\r") && !holds(body, "\x7f"));
	EXPECT(memchr(body.p, '\0', body.n) == NULL && memchr(body.p, 0xff, body.n) == NULL);
	EXPECT(holds(body, "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"));
	EXPECT(holds(body, "\xc3\xbc"));
	EXPECT(holds(field("Content-Security-Policy"), "default-src 'none'"));
	EXPECT_SLICE(field("Set-Cookie"), S("(none)"));
	EXPECT_SLICE(field("adit-request-id"), S("(none)"));
}

TEST(s10_text_shows_no_control_characters)
{
	struct page p = { .code = CLOSE_UNKNOWN_NAME,
		.host = S(HOSTILE),
		.remedy = S("\xc2\x9b"
			    "31m") };

	page(&p);
	for (size_t i = 0; i < body.n; i++)
		EXPECT(body.p[i] == '\n' || (body.p[i] >= 0x20 && body.p[i] < 0x7f));
	EXPECT(holds(body, "\\x1b[31m"));
	EXPECT(holds(body, "\\xc2\\x9b31m"));
}

TEST(s10_json_is_one_value)
{
	struct page p = { .code = CLOSE_UNKNOWN_NAME,
		.accept = S("application/json"),
		.host = S(HOSTILE),
		.remedy = S("\"},{\""),
		.to.request_id = S("r") };

	page(&p);
	EXPECT(slice_starts(body,
	    S("{\"error\":\"unknown-name\",\"status\":404,\"what\":\"No tunnel")));
	EXPECT(holds(body, "\"remedy\":\"\\\"},{\\\"\",\"host\":\"<script>"));
	EXPECT(slice_ends(body, S(",\"request_id\":\"r\"}\n")));
	EXPECT(!holds(body, "\x1b") && !holds(body, "\r"));
}

/* The largest texts that escape worst still fit, and only a part of them is shown. */
TEST(long_texts_are_cut)
{
	static char text[70000];
	static const char *const accepts[] = { "", "text/html", "application/json" };

	for (size_t i = 0; i < sizeof(accepts) / sizeof(*accepts); i++) {
		for (int c = 0; c < 256; c++) {
			struct page p = { .code = CLOSE_BAD_HOST,
				.accept = slice_str(accepts[i]),
				.host = { text, sizeof(text) },
				.remedy = { text, sizeof(text) },
				.to.request_id = { text, sizeof(text) } };

			memset(text, c, sizeof(text));
			page(&p);
			EXPECT(body.n > 1000);
		}
	}
}

TEST(a_room_that_is_too_small_is_told)
{
	struct page p = { .code = CLOSE_FORBIDDEN };
	struct buf small;

	buf_init(&small, 100);
	page_write(&small, &p);
	EXPECT(small.failed);
	buf_fini(&small);
}

TEST(dates)
{
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {
		{ 0, "Thu, 01 Jan 1970 00:00:00 GMT" },
		{ 784111777999, "Sun, 06 Nov 1994 08:49:37 GMT" },
		{ 951827696000, "Tue, 29 Feb 2000 12:34:56 GMT" },
		{ 253402300799000, "Fri, 31 Dec 9999 23:59:59 GMT" },
		{ INT64_MAX, "Thu, 01 Jan 1970 00:00:00 GMT" },
		{ INT64_MIN, "Thu, 01 Jan 1970 00:00:00 GMT" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[ANSWER_DATE_BYTES];

		answer_date(rows[i].ms, text);
		EXPECT_SLICE(slice_str(text), slice_str(rows[i].text));
	}
	buf_fini(&out);
}

TESTS(TEST_ROW(text_is_the_default) TEST_ROW(form_follows_accept) TEST_ROW(every_row_in_every_form)
	TEST_ROW(fields_that_a_status_asks_for) TEST_ROW(head_request_gets_the_same_fields)
	    TEST_ROW(s10_html_is_escaped) TEST_ROW(s10_text_shows_no_control_characters)
		TEST_ROW(s10_json_is_one_value) TEST_ROW(long_texts_are_cut)
		    TEST_ROW(a_room_that_is_too_small_is_told) TEST_ROW(dates))
