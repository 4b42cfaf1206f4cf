/* SPDX-License-Identifier: Apache-2.0 */
#include "http/grpc.h"

#include "unit.h"

static struct h1 h;

static void
parse(const char *fields)
{
	static char text[1024];

	snprintf(text, sizeof(text), "POST /a.B/C HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
	h1_init(&h, H1_REQUEST);
	EXPECT_INT(h1_head(&h, slice_str(text)), H1_DONE);
}

static uint32_t
patience(const char *timeout, uint32_t ms)
{
	static char text[1024];

	snprintf(text, sizeof(text), "POST / HTTP/1.1\r\nHost: a\r\n%s%s\r\n\r\n",
	    timeout[0] == '\0' ? "X: y" : "grpc-timeout: ", timeout);
	h1_init(&h, H1_REQUEST);
	EXPECT_INT(h1_head(&h, slice_str(text)), H1_DONE);
	return grpc_patience_ms(&h.head, slice_str(text), ms);
}

TEST(known_by_its_type)
{
	static const char *const are[] = { "Content-Type: application/grpc\r\n",
		"content-type: application/grpc+proto\r\n",
		"CONTENT-TYPE: Application/gRPC; x=y\r\n" };
	static const char *const are_not[] = { "", "Content-Type: application/grpc-web\r\n",
		"Content-Type: application/json\r\n", "Content-Type: application/grpcx\r\n",
		"Content-Typo: application/grpc\r\n", "Content-Type: x application/grpc\r\n" };

	for (size_t i = 0; i < sizeof(are) / sizeof(*are); i++) {
		parse(are[i]);
		EXPECT(grpc_is(&h.head));
	}
	for (size_t i = 0; i < sizeof(are_not) / sizeof(*are_not); i++) {
		parse(are_not[i]);
		EXPECT(!grpc_is(&h.head));
	}
}

TEST(patience_is_the_clients_own)
{
	EXPECT_INT(patience("", 60000), GRPC_PATIENCE_MS);
	EXPECT_INT(patience("100m", 60000), 60000);
	EXPECT_INT(patience("120S", 60000), 121000);
	EXPECT_INT(patience("2M", 60000), 121000);
	EXPECT_INT(patience("1H", 60000), 3601000);
	EXPECT_INT(patience("99999999H", 60000), GRPC_PATIENCE_MS);
	EXPECT_INT(patience("90000000u", 60000), 91000);
	EXPECT_INT(patience("5000000n", 0), 1005);
	/* What is none makes nobody wait longer. */
	EXPECT_INT(patience("100000000S", 60000), 60000);
	EXPECT_INT(patience("5", 60000), 60000);
	EXPECT_INT(patience("5x", 60000), 60000);
	EXPECT_INT(patience("-5S", 60000), 60000);
	EXPECT_INT(patience("S", 60000), 60000);
}

static void
expect_status(enum close_code code, const char *status)
{
	struct answer a;

	grpc_answer(code, &a);
	EXPECT_INT(a.status, 200);
	EXPECT_SLICE(answer_find(&a, S("grpc-status")), slice_str(status));
	EXPECT_SLICE(answer_find(&a, S("content-type")), S("application/grpc"));
	EXPECT_SLICE(answer_find(&a, S("adit-error")), slice_str(close_row(code)->name));
}

TEST(outcomes)
{
	expect_status(CLOSE_AGENT_AWAY, "14");
	expect_status(CLOSE_ORIGIN_REFUSED, "14");
	expect_status(CLOSE_ORIGIN_SILENT, "14");
	expect_status(CLOSE_RATE_LIMITED, "14");
	expect_status(CLOSE_UNAUTHORIZED, "16");
	expect_status(CLOSE_FORBIDDEN, "7");
	expect_status(CLOSE_UNKNOWN_NAME, "12");
	expect_status(CLOSE_BODY_TOO_LARGE, "8");
}

/* grpc-message is percent-encoded: what is never in a sentence needs no coding. */
TEST(sentences_are_plain)
{
	for (int i = 0; i < CLOSE_ROWS; i++)
		for (const char *p = close_row((enum close_code)i)->what; *p != '\0'; p++)
			EXPECT(*p >= ' ' && *p < 0x7f && *p != '%');
}

TESTS(TEST_ROW(known_by_its_type) TEST_ROW(patience_is_the_clients_own) TEST_ROW(outcomes)
	TEST_ROW(sentences_are_plain))
