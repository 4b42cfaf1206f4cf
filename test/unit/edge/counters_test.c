/* SPDX-License-Identifier: Apache-2.0 */
/* The table of counters: its rows, what is shown of them, and the manual. */
#include "unit.h"

#include "edge/core/counters.h"

#include <stdio.h>
#include <string.h>

TEST(rows_are_whole)
{
	EXPECT(counters_n > 15);
	for (size_t i = 0; i < counters_n; i++) {
		EXPECT(counters_table[i].unit[0] != '\0');
		EXPECT(counters_table[i].help[0] != '\0');
		for (size_t k = 0; k < i; k++)
			EXPECT(strcmp(counters_table[i].name, counters_table[k].name) != 0);
	}
}

/* What counts since the start never goes by a gauge's name, and the other way round. */
TEST(kinds_are_told_by_their_names)
{
	for (size_t i = 0; i < counters_n; i++)
		if (strstr(counters_table[i].name, "_total") != NULL)
			EXPECT(counters_table[i].kind == COUNTER_COUNTER);
}

TEST(workers_are_summed_and_places_apart)
{
	struct worker_counters a = { .stored = 2, .links = 7 }, b = { .stored = 40 };
	json_t *inbox = json_object(), *worker = json_object();

	counters_add_json(inbox, COUNTER_OF_INBOX, &a);
	counters_add_json(inbox, COUNTER_OF_INBOX, &b);
	counters_add_json(worker, COUNTER_OF_WORKER, &a);
	EXPECT_INT(json_integer_value(json_object_get(inbox, "stored")), 42);
	EXPECT(json_object_get(inbox, "links") == NULL);
	EXPECT_INT(json_integer_value(json_object_get(worker, "links")), 7);
	EXPECT(json_object_get(worker, "stored") == NULL);
	EXPECT_INT(json_object_size(inbox) + json_object_size(worker), counters_n);
	json_decref(inbox);
	json_decref(worker);
}

TEST(manual_has_each_row)
{
	static char manual[1 << 20];
	FILE *f = fopen("man/aditd.8", "r");

	EXPECT(f != NULL);
	if (f == NULL)
		return;
	manual[fread(manual, 1, sizeof(manual) - 1, f)] = '\0';
	fclose(f);
	for (size_t i = 0; i < counters_n; i++) {
		const struct counter *c = &counters_table[i];
		char row[256];

		snprintf(row, sizeof(row), "\n.It Li %s Ta %s Ta %s Ta %s\n", c->name,
		    c->kind == COUNTER_GAUGE ? "gauge" : "counter", c->unit, c->help);
		if (strstr(manual, row) == NULL)
			printf("man/aditd.8 lacks:%s", row);
		EXPECT(strstr(manual, row) != NULL);
	}
}

TESTS(TEST_ROW(rows_are_whole) TEST_ROW(kinds_are_told_by_their_names)
	TEST_ROW(workers_are_summed_and_places_apart) TEST_ROW(manual_has_each_row))
