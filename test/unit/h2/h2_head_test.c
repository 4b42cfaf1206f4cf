/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/h2_head.h"

#include "h2/h2_lines.h"
#include "unit.h"

static struct h2_head head;

/* "name=value" for each; the head's text, or S("") where it has a fault. */
static struct slice
request(const char *const *fields, bool body)
{
	h2_head_fini(&head);
	h2_head_init(&head, 100, 32768);
	h2_head_begin(&head, H2_REQUEST);
	for (; *fields != NULL; fields++) {
		struct slice value = slice_str(*fields), name = slice_cut(&value, '=');

		h2_head_field(&head, name, value);
	}
	h2_head_end(&head, body);
	return head.fault == H2_FINE ? buf_slice(&head.text) : S("");
}

#define REQUEST(body, ...) request((const char *const[]){ __VA_ARGS__, NULL }, body)
#define GET ":method=GET", ":scheme=https", ":path=/a?b", ":authority=web.example"

TEST(fields_keep_their_order_and_host_comes_first)
{
	EXPECT_SLICE(REQUEST(false, GET, "x-b=1", "x-a=", "x-b=2"),
	    S("GET /a?b HTTP/1.1\r\nHost: web.example\r\nx-b: 1\r\nx-a: \r\nx-b: 2\r\n\r\n"));
	h2_head_fini(&head);
}

TEST(crumbs_are_joined_where_the_first_one_stood)
{
	EXPECT_SLICE(REQUEST(false, GET, "a=1", "cookie=x=1", "b=2", "cookie=y=2", "cookie=z"),
	    S("GET /a?b HTTP/1.1\r\nHost: web.example\r\na: 1\r\ncookie: x=1; y=2; z\r\nb: "
	      "2\r\n\r\n"));
	EXPECT_SLICE(REQUEST(false, GET, "cookie="),
	    S("GET /a?b HTTP/1.1\r\nHost: web.example\r\ncookie: \r\n\r\n"));
	h2_head_fini(&head);
}

TEST(a_body_without_a_length_is_chunked)
{
	EXPECT_SLICE(REQUEST(true, ":method=POST", ":scheme=https", ":path=/", ":authority=a"),
	    S("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
	EXPECT_SLICE(REQUEST(true, ":method=POST", ":scheme=https", ":path=/", ":authority=a",
			 "content-length=5"),
	    S("POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 5\r\n\r\n"));
	h2_head_fini(&head);
}

TEST(host_is_authority_or_stands_there_twice)
{
	EXPECT_SLICE(REQUEST(false, GET, "host=WEB.example"),
	    S("GET /a?b HTTP/1.1\r\nHost: web.example\r\n\r\n"));
	EXPECT_SLICE(REQUEST(false, GET, "host=other"),
	    S("GET /a?b HTTP/1.1\r\nHost: web.example\r\nhost: other\r\n\r\n"));
	EXPECT_SLICE(REQUEST(false, ":method=GET", ":scheme=https", ":path=/", "a=1", "host=b"),
	    S("GET / HTTP/1.1\r\na: 1\r\nhost: b\r\n\r\n"));
	EXPECT_SLICE(REQUEST(false, ":method=CONNECT", ":authority=a:443"),
	    S("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"));
	h2_head_fini(&head);
}

TEST(what_the_text_could_not_show_is_refused_here)
{
	(void)REQUEST(false, GET, "a=x\r\nb: y");
	EXPECT_INT(head.fault, H2_MALFORMED);
	(void)REQUEST(false, GET, "a= x");
	EXPECT_INT(head.fault, H2_MALFORMED);
	(void)REQUEST(false, GET, "a b=x");
	EXPECT_INT(head.fault, H2_MALFORMED);
	(void)REQUEST(false, GET, "A=x");
	EXPECT_INT(head.fault, H2_MALFORMED);
	(void)REQUEST(false, ":method=GET / HTTP/1.1", ":scheme=https", ":path=/", ":authority=a");
	EXPECT_INT(head.fault, H2_MALFORMED);
	(void)REQUEST(false, ":method=GET", ":scheme=http", ":path=/", ":authority=a");
	EXPECT_INT(head.fault, H2_BAD_SCHEME);
	h2_head_fini(&head);
}

/* 100 fields, crumbs counted one by one; with 101 nothing of it is kept. */
static enum h2_fault
with_crumbs(int n, size_t fields_max)
{
	h2_head_fini(&head);
	h2_head_init(&head, fields_max, 32768);
	h2_head_begin(&head, H2_REQUEST);
	h2_head_field(&head, S(":scheme"), S("https"));
	for (int i = 1; i < n; i++)
		h2_head_field(&head, S("cookie"), S("a"));
	h2_head_end(&head, false);
	return head.fault;
}

TEST(an_hpack_bomb_of_crumbs_is_too_large)
{
	EXPECT_INT(with_crumbs(100, 100), H2_FINE);
	EXPECT_INT(with_crumbs(101, 100), H2_TOO_LARGE);
	EXPECT_INT(with_crumbs(101, 200), H2_FINE); /* the ceiling it is */
	EXPECT_INT(with_crumbs(100000, 100), H2_TOO_LARGE);
	EXPECT(head.text.cap + head.crumbs.cap < 8192);
	h2_head_fini(&head);
}

TEST(an_hpack_bomb_of_bytes_is_too_large)
{
	static char value[4000];

	memset(value, 'x', sizeof(value));
	h2_head_init(&head, 100, 32768);
	h2_head_begin(&head, H2_REQUEST);
	h2_head_field(&head, S(":scheme"), S("https"));
	for (int i = 0; i < 8; i++)
		h2_head_field(&head, S("a"), slice_of(value, sizeof(value)));
	EXPECT_INT(head.fault, H2_FINE);
	h2_head_field(&head, S("a"), slice_of(value, sizeof(value)));
	EXPECT_INT(head.fault, H2_TOO_LARGE);
	h2_head_fini(&head);
}

/* "name=value;" for each. */
static const char *
answered(const char *text, int *ret_status)
{
	static char copy[512], out[512];
	struct h2_lines l UNCLEARED;
	size_t n = 0;

	l.n = 0;
	snprintf(copy, sizeof(copy), "%s", text);
	*ret_status = h2_lines_response(&l, copy, strlen(copy));
	out[0] = '\0';
	for (size_t i = 0; i < l.n; i++)
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%.*s=%.*s;", (int)l.nv[i].namelen,
		    (const char *)l.nv[i].name, (int)l.nv[i].valuelen, (const char *)l.nv[i].value);
	return out;
}

TEST(an_answers_text_becomes_fields)
{
	int status;

	EXPECT_SLICE(slice_str(answered("HTTP/1.1 200 OK\r\nDate: x\r\nX-Two:  b c \r\nEmpty:\r\n"
					"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
			 &status)),
	    S(":status=200;date=x;x-two=b c;empty=;"));
	EXPECT_INT(status, 200);
	EXPECT_SLICE(slice_str(answered("HTTP/1.1 404 \r\n\r\n", &status)), S(":status=404;"));
	answered("HTTP/1.1 4\r\n\r\n", &status);
	EXPECT_INT(status, 0);
	EXPECT_INT(h2_lines_whole(S("HTTP/1.1 200 OK\r\na: b\r\n\r\nbody")), 25);
	EXPECT_INT(h2_lines_whole(S("HTTP/1.1 200 OK\r\na: b\r\n\r")), 0);
}

/* What another answer will never say again is not kept by the other side. */
TEST(an_id_pushes_nothing_out_of_the_table)
{
	char text[] = "HTTP/1.1 200 OK\r\nadit-request-id: 0123456789abcdef\r\nDate: x\r\n\r\n";
	struct h2_lines l UNCLEARED;

	l.n = 0;
	EXPECT_INT(h2_lines_response(&l, text, sizeof(text) - 1), 200);
	EXPECT_INT(l.n, 3);
	for (size_t i = 0; i < l.n; i++)
		EXPECT((l.nv[i].flags & NGHTTP2_NV_FLAG_NO_INDEX) ==
		       (i == 1 ? NGHTTP2_NV_FLAG_NO_INDEX : 0));
}

TEST(a_heads_end_is_found_at_once)
{
	EXPECT_INT(h2_lines_whole(S("\r\n\r\n")), 4);
	EXPECT_INT(h2_lines_whole(S("a\n\r\n\r\n\r\n")), 6);
	EXPECT_INT(h2_lines_whole(S("\n\r\n")), 0);
	EXPECT_INT(h2_lines_whole(S("a\n\nb\r\n\n")), 0);
	EXPECT_INT(h2_lines_whole(S("")), 0);
}

TESTS(TEST_ROW(fields_keep_their_order_and_host_comes_first)
	TEST_ROW(crumbs_are_joined_where_the_first_one_stood)
	    TEST_ROW(a_body_without_a_length_is_chunked)
		TEST_ROW(host_is_authority_or_stands_there_twice)
		    TEST_ROW(what_the_text_could_not_show_is_refused_here)
			TEST_ROW(an_hpack_bomb_of_crumbs_is_too_large)
			    TEST_ROW(an_hpack_bomb_of_bytes_is_too_large)
				TEST_ROW(an_answers_text_becomes_fields)
				    TEST_ROW(an_id_pushes_nothing_out_of_the_table)
					TEST_ROW(a_heads_end_is_found_at_once))
