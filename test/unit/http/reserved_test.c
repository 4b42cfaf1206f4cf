/* SPDX-License-Identifier: Apache-2.0 */
#include "http/reserved.h"

#include "http/url.h"
#include "unit.h"

TEST(rows_are_names)
{
	for (size_t i = 0; i < reserved_names_n; i++) {
		char name[64];

		EXPECT(url_name(slice_str(reserved_names[i].name), name, sizeof(name)) == NULL);
		EXPECT_SLICE(slice_str(name), slice_str(reserved_names[i].name));
		EXPECT(reserved_why(slice_str(name)) == reserved_names[i].why);
	}
	EXPECT(reserved_why(S("www")) == NULL);
	EXPECT(reserved_why(S("edges")) == NULL);
	EXPECT(reserved_why(S("")) == NULL);
}

/* The manual has a row for each, and none more: ".It Li NAME Ta WHY" under reserved names. */
TEST(s02_the_manual_lists_them)
{
	static char manual[1 << 18];
	FILE *f = fopen("man/aditd.yml.5", "r");
	const char *at;
	size_t n, rows = 0;

	EXPECT(f != NULL);
	if (f == NULL)
		return;
	n = fread(manual, 1, sizeof(manual) - 1, f);
	fclose(f);
	manual[n] = '\0';
	for (size_t i = 0; i < reserved_names_n; i++) {
		char row[128];

		snprintf(row, sizeof(row), "\n.It Li %s Ta %s\n", reserved_names[i].name,
		    reserved_names[i].why);
		EXPECT(strstr(manual, row) != NULL);
	}
	at = strstr(manual, ".Sh RESERVED NAMES");
	EXPECT(at != NULL);
	for (; at != NULL && (at = strstr(at, "\n.It Li ")) != NULL; at++)
		rows++;
	EXPECT_INT(rows, reserved_names_n);
}

TESTS(TEST_ROW(rows_are_names) TEST_ROW(s02_the_manual_lists_them))
