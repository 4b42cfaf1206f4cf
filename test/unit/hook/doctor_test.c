/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/doctor.h"

#include "unit.h"

/* In the order of the way; a number is taken once and for ever. */
TEST(rows_in_order)
{
	bool taken[256] = { false };

	EXPECT(doctor_rows_n >= 48);
	for (size_t i = 0; i < doctor_rows_n; i++) {
		const struct doctor_row *r = &doctor_rows[i];

		EXPECT(r->number > 0 && !taken[r->number]);
		taken[r->number] = true;
		EXPECT(i == 0 || doctor_rows[i - 1].stage <= r->stage);
		EXPECT(doctor_find(slice_str(r->code)) == r);
		EXPECT(strlen(r->text) > 5 && strlen(r->remedy) > 5);
		/* the code begins with its stage's name */
		EXPECT(slice_starts(slice_str(r->code), slice_str(doctor_stage_name(r->stage))));
		EXPECT(doctor_severity_name(r->severity)[0] != '\0');
	}
	EXPECT(doctor_find(S("nothing")) == NULL);
}

static void
expect_text(const char *template, const struct doctor_value *values, size_t n, struct slice want)
{
	struct buf b;

	buf_init(&b, 1000);
	doctor_text(template, values, n, &b);
	EXPECT_SLICE(buf_slice(&b), want);
	buf_fini(&b);
}

TEST(values_are_filled_in)
{
	const struct doctor_value v[] = { { "host", S("ci.acme.dev") },
		{ "error", S("a\nb\x1b[31m{host}") } };

	expect_text("{host} does not resolve ({error}).", v, 2,
	    S("ci.acme.dev does not resolve (a?b?[31m{host})."));
	expect_text("{host}", v, 0, S("host"));
	expect_text("a {open", v, 2, S("a open"));
	expect_text("{", v, 2, S(""));
	expect_text("", v, 2, S(""));
	expect_text("plain }", v, 2, S("plain }"));
}

TEST(output_is_bounded)
{
	char big[5000];
	const struct doctor_value v = { "x", { big, sizeof(big) } };
	struct buf b;

	memset(big, 'x', sizeof(big));
	buf_init(&b, 100);
	doctor_text("{x}{x}", &v, 1, &b);
	EXPECT(b.failed && b.n <= 100);
	buf_fini(&b);
}

/* Every row reads well when nothing is known. */
TEST(every_row_can_be_shown)
{
	for (size_t i = 0; i < doctor_rows_n; i++) {
		struct buf b;

		buf_init(&b, 2000);
		doctor_text(doctor_rows[i].text, NULL, 0, &b);
		doctor_text(doctor_rows[i].remedy, NULL, 0, &b);
		EXPECT(!b.failed && slice_find(buf_slice(&b), '{') == SIZE_MAX &&
		       slice_find(buf_slice(&b), '}') == SIZE_MAX);
		buf_fini(&b);
	}
}

TESTS(TEST_ROW(rows_in_order) TEST_ROW(values_are_filled_in) TEST_ROW(output_is_bounded)
	TEST_ROW(every_row_can_be_shown))
