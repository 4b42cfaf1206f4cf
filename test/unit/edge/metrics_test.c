/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/control/metrics.h"

#include "agent/inspect/agent_metrics.h"

#include "unit.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static char text[128 * 1024];

static bool
has_end(const char *name, size_t n, const char *end)
{
	return n > strlen(end) && memcmp(name + n - strlen(end), end, strlen(end)) == 0;
}

/* Both programs: rules and panels look at either. */
static const struct {
	const struct exposition_family *rows;
	const size_t *n;
	const char *manual;
} tables[] = { { metrics_table, &metrics_n, "man/aditd.8" },
	{ agent_metrics_table, &agent_metrics_n, "man/adit.1" } };

/* Is it a sample of a family of this table, with the end that its type has? */
static bool
is_sample_of(const struct exposition_family *rows, size_t n_rows, const char *name, size_t n)
{
	static const char *const ends[][4] = { [EXPOSITION_GAUGE] = { "" },
		[EXPOSITION_COUNTER] = { "_total" },
		[EXPOSITION_INFO] = { "_info" },
		[EXPOSITION_HISTOGRAM] = { "_bucket", "_sum", "_count" } };

	for (size_t i = 0; i < n_rows; i++) {
		const struct exposition_family *f = &rows[i];

		for (size_t k = 0; k < 4 && ends[f->type][k] != NULL; k++) {
			size_t end = strlen(ends[f->type][k]);

			if (n == strlen(f->name) + end && memcmp(name, f->name, n - end) == 0 &&
			    (end == 0 || has_end(name, n, ends[f->type][k])))
				return true;
		}
	}
	return false;
}

static bool
is_sample(const char *name, size_t n)
{
	return is_sample_of(tables[0].rows, *tables[0].n, name, n) ||
	       is_sample_of(tables[1].rows, *tables[1].n, name, n);
}

/* Every word of a file that begins as our names do; their number. */
static int
look_at(const char *path)
{
	FILE *f = fopen(path, "r");
	size_t n;
	int found = 0;

	EXPECT(f != NULL);
	n = fread(text, 1, sizeof(text) - 1, f);
	EXPECT(n < sizeof(text) - 1);
	text[n] = '\0';
	fclose(f);
	for (const char *p = text; *p != '\0'; p++) {
		size_t len = 0;

		if (p > text && (isalnum((unsigned char)p[-1]) || p[-1] == '_' || p[-1] == '-'))
			continue;
		if (strncmp(p, "adit_", 5) != 0 && strncmp(p, "process_", 8) != 0)
			continue;
		while (isalnum((unsigned char)p[len]) || p[len] == '_')
			len++;
		if (!is_sample(p, len)) {
			printf("%s: %.*s is no sample of the table\n", path, (int)len, p);
			EXPECT(!"known");
		}
		found++;
	}
	return found;
}

TEST(alerts_and_panels_name_what_there_is)
{
	EXPECT(look_at("etc/alerts.yml") > 12);
	EXPECT(look_at("etc/grafana-adit.json") > 20);
	EXPECT(is_sample("adit_requests_total", 19) && !is_sample("adit_requests", 13));
	EXPECT(!is_sample("adit_tunnels_total", 18));
}

TEST(names_are_as_scrapers_want_them)
{
	for (size_t t = 0; t < 2; t++)
		for (size_t i = 0; i < *tables[t].n; i++) {
			const struct exposition_family *f = &tables[t].rows[i];
			size_t n = strlen(f->name), unit = strlen(f->unit);

			for (size_t k = 0; k < n; k++)
				EXPECT(islower((unsigned char)f->name[k]) || f->name[k] == '_');
			EXPECT(unit == 0 || has_end(f->name, n, f->unit));
			EXPECT(!has_end(f->name, n, "_total") && !has_end(f->name, n, "_info"));
			EXPECT(f->help[0] != '\0' && strchr(f->help, '\n') == NULL);
			for (size_t k = 0; k < i; k++)
				EXPECT(strcmp(f->name, tables[t].rows[k].name) != 0);
		}
}

/* The process alone is counted by both under one name. */
TEST(no_name_means_two_things)
{
	for (size_t i = 0; i < agent_metrics_n; i++)
		for (size_t k = 0; k < metrics_n; k++)
			EXPECT(strcmp(agent_metrics_table[i].name, metrics_table[k].name) != 0 ||
			       strncmp(metrics_table[k].name, "process_", 8) == 0);
}

static void
manual_has(size_t t)
{
	static const char *const words[] = { [EXPOSITION_GAUGE] = "gauge",
		[EXPOSITION_COUNTER] = "counter",
		[EXPOSITION_INFO] = "info",
		[EXPOSITION_HISTOGRAM] = "histogram" };
	static char manual[1 << 20];
	FILE *f = fopen(tables[t].manual, "r");

	EXPECT(f != NULL);
	manual[fread(manual, 1, sizeof(manual) - 1, f)] = '\0';
	fclose(f);
	for (size_t i = 0; i < *tables[t].n; i++) {
		const struct exposition_family *m = &tables[t].rows[i];
		char row[256];

		snprintf(row, sizeof(row), "\n.It Li %s Ta %s Ta %s\n", m->name, words[m->type],
		    m->help);
		if (strstr(manual, row) == NULL)
			printf("%s lacks:%s", tables[t].manual, row);
		EXPECT(strstr(manual, row) != NULL);
	}
}

TEST(manual_has_each_row)
{
	manual_has(0);
	manual_has(1);
}

TESTS(TEST_ROW(manual_has_each_row) TEST_ROW(alerts_and_panels_name_what_there_is)
	TEST_ROW(names_are_as_scrapers_want_them) TEST_ROW(no_name_means_two_things))
