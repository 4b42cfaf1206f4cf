/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/instant.h"

#include "unit.h"

TEST(rfc3339)
{
	static const struct {
		const char *in;
		int64_t want; /* -1: refused */
	} rows[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-11-29T13:00:00Z", 1795957200 },
		{ "2026-11-29t13:00:00z", 1795957200 },
		{ "2026-11-29T13:00:00.999999999Z", 1795957200 },
		{ "2026-11-29T14:00:00+01:00", 1795957200 },
		{ "2026-11-29T07:30:00-05:30", 1795957200 },
		{ "2028-02-29T00:00:00Z", 1835395200 },
		{ "2026-02-29T00:00:00Z", -1 },
		{ "2026-13-01T00:00:00Z", -1 },
		{ "2026-11-29T24:00:00Z", -1 },
		{ "2026-11-29T13:00:00", -1 },
		{ "2026-11-29T13:00:00+0100", -1 },
		{ "2026-11-29T13:00:00Zx", -1 },
		{ "2026-11-29 13:00:00Z", -1 },
		{ "26-11-29T13:00:00Z", -1 },
		{ "1969-11-29T13:00:00Z", -1 },
		{ "", -1 },
		{ "2026-11-29T13:00:0", -1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int64_t t = -1;

		EXPECT(instant_rfc3339(slice_str(rows[i].in), &t) == (rows[i].want >= 0));
		EXPECT_INT(t, rows[i].want);
	}
}

TEST(http)
{
	int64_t t = -1;

	EXPECT(instant_http(S("Sun, 29 Nov 2026 13:00:00 GMT"), &t));
	EXPECT_INT(t, 1795957200);
	EXPECT(!instant_http(S("Sunday, 29-Nov-26 13:00:00 GMT"), &t));
	EXPECT(!instant_http(S("Sun, 29 Nix 2026 13:00:00 GMT"), &t));
	EXPECT(!instant_http(S("Sun, 29 Nov 2026 13:00:00 CET"), &t));
}

TEST(retry_after)
{
	EXPECT_INT(instant_retry_after(S("120"), 1), 120);
	EXPECT_INT(instant_retry_after(S(" 0 "), 1), 0);
	EXPECT_INT(instant_retry_after(S("-5"), 1), 0);
	EXPECT_INT(instant_retry_after(S("soon"), 1), 0);
	EXPECT_INT(instant_retry_after(S(""), 1), 0);
	EXPECT_INT(instant_retry_after(S("99999999999999999999999"), 1), 0);
	EXPECT_INT(instant_retry_after(S("9999999999"), 1), 365 * 86400);
	EXPECT_INT(instant_retry_after(S("Sun, 29 Nov 2026 13:00:00 GMT"), 1795957100), 100);
	EXPECT_INT(instant_retry_after(S("Sun, 29 Nov 2026 13:00:00 GMT"), 1795957300), 0);
}

TESTS(TEST_ROW(rfc3339) TEST_ROW(http) TEST_ROW(retry_after))
