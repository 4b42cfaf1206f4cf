/* SPDX-License-Identifier: Apache-2.0 */
#include "base/limits.h"

#include "unit.h"

TEST(rows_are_whole)
{
	EXPECT(limits_n > 30);
	for (size_t i = 0; i < limits_n; i++) {
		EXPECT(limits_table[i].value > 0);
		EXPECT(limits_table[i].unit[0] != '\0');
		EXPECT(limits_table[i].what[0] != '\0');
		for (size_t k = 0; k < i; k++)
			EXPECT(strcmp(limits_table[i].name, limits_table[k].name) != 0);
	}
}

/* Every ceiling that the program has stands in the manual with its value: as "NAME" and "value
 * unit". */
TEST(manual_names_each_row)
{
	static char manual[1 << 20];
	FILE *f = fopen("man/aditd.8", "r");
	size_t n;

	EXPECT(f != NULL);
	if (f == NULL)
		return;
	n = fread(manual, 1, sizeof(manual) - 1, f);
	fclose(f);
	for (size_t i = 0; i < limits_n; i++) {
		char *at = manual;
		size_t len = strlen(limits_table[i].name);
		bool found = false;

		while (!found && (at = memmem(at, n - (size_t)(at - manual), limits_table[i].name,
				      len)) != NULL) {
			char before = at > manual ? at[-1] : ' ';

			found =
			    strchr(" \t\n\"", before) != NULL && strchr(" \t\n\"", at[len]) != NULL;
			at += len;
		}
		if (!found)
			printf("man/aditd.8 does not name %s\n", limits_table[i].name);
		EXPECT(found);
	}
}

TESTS(TEST_ROW(rows_are_whole) TEST_ROW(manual_names_each_row))
