/* SPDX-License-Identifier: Apache-2.0 */
#include "http/close.h"

#include "unit.h"

TEST(names_are_distinct_and_kebab_case)
{
	for (int i = 0; i < CLOSE_ROWS; i++) {
		const char *name = close_row((enum close_code)i)->name;

		EXPECT(strspn(name, "abcdefghijklmnopqrstuvwxyz-") == strlen(name));
		for (int j = 0; j < i; j++)
			EXPECT(strcmp(name, close_row((enum close_code)j)->name) != 0);
	}
}

/* Whoever is told to come back is told why and when; who is to blame fits the class of the status.
 */
TEST(rows_make_sense)
{
	for (int i = CLOSE_OK + 1; i < CLOSE_ROWS; i++) {
		const struct close_row *row = close_row((enum close_code)i);

		EXPECT(row->what[0] != '\0' && row->what[strlen(row->what) - 1] == '.');
		EXPECT(row->remedy[0] != '\0' && row->remedy[strlen(row->remedy) - 1] == '.');
		EXPECT(row->status >= 400 && row->status < 600);
		EXPECT(row->status != 503 || row->retry_after_s > 0);
		EXPECT(row->status != 404 || row->blame == BLAME_VISITOR);
		EXPECT(row->status >= 500 || row->blame == BLAME_VISITOR);
	}
}

TEST(statuses_that_others_rely_on)
{
	EXPECT_INT(close_row(CLOSE_AGENT_AWAY)->status, 503);
	EXPECT_INT(close_row(CLOSE_AGENT_AWAY)->retry_after_s, 5);
	EXPECT_INT(close_row(CLOSE_UNKNOWN_NAME)->status, 404);
	EXPECT_INT(close_row(CLOSE_RELEASED_NAME)->status, 410);
	EXPECT_INT(close_row(CLOSE_NAME_DISABLED)->status, 403);
	EXPECT_INT(close_row(CLOSE_ORIGIN_REFUSED)->status, 502);
	EXPECT_INT(close_row(CLOSE_ORIGIN_SILENT)->status, 504);
	EXPECT_INT(close_row(CLOSE_MISDIRECTED)->status, 421);
	EXPECT_INT(close_row(CLOSE_STORE_FULL)->status, 503);
	EXPECT_SLICE(slice_str(close_row(CLOSE_AGENT_AWAY)->name), S("agent-away"));
}

TEST(a_number_outside_of_the_table_is_internal)
{
	EXPECT(close_row((enum close_code)CLOSE_ROWS) == close_row(CLOSE_INTERNAL));
	EXPECT(close_row((enum close_code) - 1) == close_row(CLOSE_INTERNAL));
	EXPECT(close_row((enum close_code)0x7fffffff) == close_row(CLOSE_INTERNAL));
}

TESTS(TEST_ROW(names_are_distinct_and_kebab_case) TEST_ROW(rows_make_sense)
	TEST_ROW(statuses_that_others_rely_on) TEST_ROW(a_number_outside_of_the_table_is_internal))
