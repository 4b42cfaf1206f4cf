/* SPDX-License-Identifier: Apache-2.0 */
#include "base/suggest.h"

#include "unit.h"

static const char *const words[] = { "http", "tcp", "start", "login", "origin_insecure" };

static const char *
near(const char *word)
{
	return suggest(slice_str(word), words, 5, sizeof(*words));
}

TEST(near_words)
{
	EXPECT_SLICE(slice_str(near("htpt")), S("http"));
	EXPECT_SLICE(slice_str(near("strat")), S("start"));
	EXPECT_SLICE(slice_str(near("tpc")), S("tcp"));
	EXPECT_SLICE(slice_str(near("log-in")), S("login"));
	EXPECT_SLICE(slice_str(near("origin_insecur")), S("origin_insecure"));
}

TEST(far_words)
{
	EXPECT(near("") == NULL);
	EXPECT(near("x") == NULL);
	EXPECT(near("doctor") == NULL);
	EXPECT(near("a word that is far too long to be any of these words") == NULL);
}

TEST(itself)
{
	EXPECT_SLICE(slice_str(near("tcp")), S("tcp"));
}

TESTS(TEST_ROW(near_words) TEST_ROW(far_words) TEST_ROW(itself))
