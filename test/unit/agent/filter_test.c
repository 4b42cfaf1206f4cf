/* SPDX-License-Identifier: Apache-2.0 */
/* What the text of the search box lets through. */
#include "agent/inspect/filter.h"

#include "unit.h"

static bool
lets(const char *text)
{
	const struct capture_row r = { .id = 10,
		.begun_ms = 1000000,
		.took_us = 5,
		.status = 404,
		.state = ROW_PARKED,
		.verdict = VERDICT_OK,
		.delivery = 88,
		.method = S("POST"),
		.target = S("/hook/a?token=secret"),
		.host = S("web.example.org"),
		.event = S("repo:push"),
		.repository = S("acme/web"),
		.branch = S("a b"),
		.name = S("jenkins") };
	struct filter f;

	filter_parse(&f, slice_str(text));
	return filter_lets(&f, &r, 1000000 + 30 * 60000);
}

TEST(words_of_the_search_box)
{
	EXPECT(lets("") && lets("status:404 status:4xx STATE") == false);
	EXPECT(lets("status:4XX state:parked method:post path:/hook repo:acme/web repo:acme"));
	EXPECT(
	    lets("event:repo:push tunnel:jenkins verdict:ok kind:http host:example delivery:88"));
	EXPECT(lets("is:needs-you -is:replay -is:waiting branch:\"a b\" since:1h"));
	EXPECT(!lets("since:5m") && !lets("-status:404") && !lets("status:5xx") &&
	       !lets("repo:acme/we"));
	EXPECT(lets("acme") && lets("status:") && !lets("nowhere") && lets("-nowhere"));
	/* The query is hidden: it is not searched either. */
	EXPECT(!lets("secret") && !lets("path:token"));
}

/* clang-format off */
TESTS(
	TEST_ROW(words_of_the_search_box)
)
