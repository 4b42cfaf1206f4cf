/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/policy.h"

#include "unit.h"

static char manual[1 << 18];

static bool
read_manual(void)
{
	FILE *f = fopen("man/adit-policy.5", "r");

	EXPECT(f != NULL);
	if (f == NULL)
		return false;
	manual[fread(manual, 1, sizeof(manual) - 1, f)] = '\0';
	fclose(f);
	return true;
}

/* Each row of the table stands in the manual with type, default and limits, and no other does. */
TEST(the_manual_has_the_rows)
{
	char row[256], limits[64];
	const char *at;
	size_t n = 0;

	if (!read_manual())
		return;
	for (size_t i = 0; i < policy_keys_n; i++) {
		const struct policy_key *k = &policy_keys[i];

		policy_key_limits(k, limits, sizeof(limits));
		snprintf(row, sizeof(row), "\n.It Li %s Ta %s Ta %s Ta %s\n", k->name,
		    policy_kind_name(k->kind), k->standard, limits);
		if (strstr(manual, row) == NULL)
			printf("man/adit-policy.5 lacks:%s", row);
		EXPECT(strstr(manual, row) != NULL);
		snprintf(row, sizeof(row), "\n.It Cm %s\n", k->name);
		EXPECT(strstr(manual, row) != NULL); /* what it means */
	}
	for (at = manual; (at = strstr(at, "\n.It Li ")) != NULL; at++)
		n++;
	EXPECT_INT(n, policy_keys_n);
}

static const char *
why_of(const char *json)
{
	static char why[256];
	struct policy *p = policy_new(slice_str(json), why, sizeof(why));

	if (p == NULL)
		return why;
	policy_unref(p);
	return "taken";
}

/* The rows are what the parser goes by: the type of each, and the limits of lists and numbers. */
TEST(the_parser_goes_by_them)
{
	char json[8192], key[64], limits[64];

	for (size_t i = 0; i < policy_keys_n; i++) {
		const struct policy_key *k = &policy_keys[i];
		const char *dot = strchr(k->name, '.');
		const char *wrong = k->kind == POLICY_OBJECT ? "7" : "{}";

		snprintf(key, sizeof(key), "%.*s", dot != NULL ? (int)(dot - k->name) : 60,
		    k->name);
		snprintf(json, sizeof(json),
		    dot != NULL ? "{\"%s\":{\"%s\":%s}}" : "{\"%s\":%.0s%s}", key,
		    dot != NULL ? dot + 1 : "", wrong);
		EXPECT(strstr(why_of(json), "must be ") != NULL);
		EXPECT(strstr(why_of(json), k->name) != NULL);
		if (k->max == 0 || k->kind != POLICY_NUMBER)
			continue;
		policy_key_limits(k, limits, sizeof(limits));
		snprintf(json, sizeof(json),
		    dot != NULL ? "{\"%s\":{\"%s\":%.0f}}" : "{\"%s\":%.0s%.0f}", key,
		    dot != NULL ? dot + 1 : "", k->max + 1);
		EXPECT(strstr(why_of(json), limits) != NULL);
	}
	EXPECT(
	    strstr(why_of("{\"secrets\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]}"),
		"at most 8") != NULL);
	EXPECT_SLICE(slice_str(why_of("{\"deliver.rate\":1}")),
	    S("policy: deliver.rate: no such member"));
	EXPECT(strstr(why_of("{\"deliver\":{\"deliver\":{}}}"), "does not exist") != NULL);
}

TESTS(TEST_ROW(the_manual_has_the_rows) TEST_ROW(the_parser_goes_by_them))
