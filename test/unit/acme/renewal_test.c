/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/renewal.h"

#include "unit.h"

#define DAY 86400

TEST(read)
{
	struct renewal_window w = { 0 };

	EXPECT(renewal_read(S("{\"suggestedWindow\":{\"start\":\"1970-01-02T00:00:00Z\",\"end\":"
			      "\"1970-01-03T00:00:00Z\"},"
			      "\"explanationURL\":\"https://ca.test/why\"}"),
	    S("7200"), 0, &w));
	EXPECT(w.start_s == DAY && w.end_s == 2 * DAY && w.ask_again_s == 7200);
	EXPECT_SLICE(slice_str(w.why), S("https://ca.test/why"));
	/* What a terminal obeys is not kept; pauses have bounds. */
	EXPECT(renewal_read(S("{\"suggestedWindow\":{\"start\":\"1970-01-02T00:00:00Z\",\"end\":"
			      "\"1970-01-03T00:00:00Z\"},"
			      "\"explanationURL\":\"https://ca\\u001b[2J\"}"),
	    S("1"), 0, &w));
	EXPECT(w.why[0] == '\0' && w.ask_again_s == 60);
	EXPECT(renewal_read(S("{\"suggestedWindow\":{\"start\":\"1970-01-02T00:00:00Z\",\"end\":"
			      "\"1970-01-03T00:00:00Z\"}}"),
	    S("9999999"), 0, &w));
	EXPECT(w.ask_again_s == DAY);
	EXPECT(renewal_read(S("{\"suggestedWindow\":{\"start\":\"1970-01-02T00:00:00Z\",\"end\":"
			      "\"1970-01-03T00:00:00Z\"}}"),
	    S(""), 0, &w));
	EXPECT(w.ask_again_s == RENEWAL_ASK_AGAIN_S);
	/* An end before its start; no window; no JSON. */
	EXPECT(!renewal_read(S("{\"suggestedWindow\":{\"start\":\"1970-01-03T00:00:00Z\",\"end\":"
			       "\"1970-01-02T00:00:00Z\"}}"),
	    S(""), 0, &w));
	EXPECT(!renewal_read(S("{}"), S(""), 0, &w) && !renewal_read(S("[]"), S(""), 0, &w) &&
	       !renewal_read(S(""), S(""), 0, &w));
}

TEST(when)
{
	struct renewal_window w = { .start_s = 60 * DAY, .end_s = 62 * DAY };

	/* Two thirds of 90 days, spread over 4.5; half of 6. */
	EXPECT_INT(renewal_at_s(0, 90 * DAY, NULL, 0), 60 * DAY);
	EXPECT(renewal_at_s(0, 90 * DAY, NULL, UINT64_MAX) <= 60 * DAY + 9 * DAY / 2);
	EXPECT_INT(renewal_at_s(0, 6 * DAY, NULL, 0), 3 * DAY);
	/* The CA's wish, any instant of it, and in the past: now. */
	EXPECT_INT(renewal_at_s(0, 90 * DAY, &w, 0), 60 * DAY);
	EXPECT_INT(renewal_at_s(0, 90 * DAY, &w, 2 * DAY - 1), 62 * DAY - 1);
	w = (struct renewal_window){ .start_s = -20, .end_s = -10 };
	EXPECT(renewal_at_s(0, 90 * DAY, &w, 7) < 0);
	/* A window behind the end: a twentieth before it at the latest. */
	w = (struct renewal_window){ .start_s = 200 * DAY, .end_s = 201 * DAY };
	EXPECT_INT(renewal_at_s(0, 100 * DAY, &w, 7), 95 * DAY);
	/* An empty window is none; dates that make no sense. */
	w = (struct renewal_window){ 0 };
	EXPECT_INT(renewal_at_s(0, 90 * DAY, &w, 0), 60 * DAY);
	EXPECT_INT(renewal_at_s(100, 50, NULL, 9), 100);
	EXPECT_INT(renewal_alert_s(0, 90 * DAY), 90 * DAY - 90 * DAY / 4);
	for (uint64_t r = 0; r < 1000; r++) {
		int64_t at = renewal_at_s(1000, 1000 + 61, NULL, r * UINT64_C(0x9e3779b97f4a7c15));

		EXPECT(at >= 1000 + 30 && at <= 1000 + 58);
	}
}

TEST(pauses)
{
	static const int64_t want[] = { 60, 60, 600, 6000, DAY, DAY };

	for (unsigned i = 0; i < 6; i++) {
		EXPECT_INT(renewal_pause_s(i, 90 * DAY, 0), want[i]);
		EXPECT(renewal_pause_s(i, 90 * DAY, UINT64_MAX) <= want[i] + want[i] / 4);
	}
	EXPECT_INT(renewal_pause_s(9, 6 * DAY, 0), 6 * DAY / 20);
	EXPECT_INT(renewal_pause_s(9, 60, 0), 60);
	EXPECT_INT(renewal_pause_s(9, 0, 0), DAY);
}

TESTS(TEST_ROW(read) TEST_ROW(when) TEST_ROW(pauses))
