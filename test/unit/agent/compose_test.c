/* SPDX-License-Identifier: Apache-2.0 */
/* Heads that are made of forms: hidden values, framing, and what is no field. */
#include "agent/replay/compose.h"

#include "unit.h"

#define PARENT                                                                                     \
	"POST /a?token=s3cret&bare&token=two&k= HTTP/1.1\r\nHost: x\r\nX-A: one\r\nx-a:  two "     \
	"\r\n\r\n"

/* The head, or "refused". */
static struct slice
made(const char *method, const char *target, const struct compose_field *fields, size_t n,
    uint64_t body_n)
{
	static char text[2048];
	const struct compose_draft d = { .method = slice_str(method),
		.target = slice_str(target),
		.fields = fields,
		.n_fields = n,
		.host = S("web.example"),
		.body_n = body_n,
		.parent = S(PARENT) };
	struct buf out;

	buf_init(&out, sizeof(text) - 1);
	if (compose_head(&d, &out))
		slice_copy(buf_slice(&out), text, sizeof(text));
	else
		strcpy(text, "refused");
	buf_fini(&out);
	return slice_str(text);
}

#define F(name, value)                                                                             \
	{                                                                                          \
		S(name), S(value)                                                                  \
	}
/* The parent's own value. */
#define OWN(name)                                                                                  \
	{                                                                                          \
		S(name),                                                                           \
		{                                                                                  \
			0                                                                          \
		}                                                                                  \
	}

TEST(hidden_values_are_the_parents)
{
	const struct compose_field fields[] = { OWN("X-A"), F("X-B", "b"), OWN("x-A") };
	const struct compose_field more[] = { OWN("X-A"), OWN("X-A"), OWN("X-A") };

	EXPECT_SLICE(made("GET", "/n?token=(hidden)&(hidden)&k=(hidden)&z=1&token=(hidden)", fields,
			 3, 0),
	    S("GET /n?token=s3cret&bare&k=&z=1&token=two HTTP/1.1\r\nHost: web.example\r\n"
	      "X-A: one\r\nX-B: b\r\nx-A: two\r\n\r\n"));
	EXPECT_SLICE(made("GET", "/?other=(hidden)", fields, 1, 0), S("refused"));
	EXPECT_SLICE(made("GET", "/?(hidden)&(hidden)", fields, 1, 0), S("refused"));
	EXPECT_SLICE(made("GET", "/", more, 3, 0), S("refused"));
	/* In a path, or within a value, it is a text as any other. */
	EXPECT_SLICE(made("GET", "/(hidden)?a=x(hidden)", NULL, 0, 0),
	    S("GET /(hidden)?a=x(hidden) HTTP/1.1\r\nHost: web.example\r\n\r\n"));
}

TEST(framing_is_made_anew)
{
	const struct compose_field fields[] = { F("Content-Length", "9"), F("Host", "h"),
		F("transfer-encoding", "chunked"), F("Connection", "x-a"), F("Upgrade", "h2c") };

	EXPECT_SLICE(made("PUT", "/", fields, 5, 3),
	    S("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n"));
	EXPECT_SLICE(made("POST", "", NULL, 0, 0),
	    S("POST / HTTP/1.1\r\nHost: web.example\r\nContent-Length: 0\r\n\r\n"));
}

TEST(what_is_no_field_is_refused)
{
	const struct compose_field line[] = { F("X", "a\r\nB: c") }, name[] = { F("a b", "c") },
				   empty[] = { F("", "c") }, colon[] = { F("a:", "c") };

	EXPECT_SLICE(made("GET", "/", line, 1, 0), S("refused"));
	EXPECT_SLICE(made("GET", "/", name, 1, 0), S("refused"));
	EXPECT_SLICE(made("GET", "/", empty, 1, 0), S("refused"));
	EXPECT_SLICE(made("GET", "/", colon, 1, 0), S("refused"));
	EXPECT_SLICE(made("G ET", "/", NULL, 0, 0), S("refused"));
	EXPECT_SLICE(made("GET", "/ x", NULL, 0, 0), S("refused"));
	EXPECT_SLICE(made("GET", "/\n", NULL, 0, 0), S("refused"));
}

/* clang-format off */
TESTS(
	TEST_ROW(hidden_values_are_the_parents)
	TEST_ROW(framing_is_made_anew)
	TEST_ROW(what_is_no_field_is_refused)
)
