/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/core/options.h"

#include "unit.h"

static struct options o;
static char why[256];

static const char *
parse(unsigned groups, const char *const *args)
{
	static char copies[16][64];
	char *argv[16];
	int n = 0;

	for (; args[n] != NULL; n++) {
		snprintf(copies[n], sizeof(copies[n]), "%s", args[n]);
		argv[n] = copies[n];
	}
	return options_parse(&o, groups, n, argv, why, sizeof(why));
}

#define PARSE(groups, ...) parse(groups, (const char *const[]){ __VA_ARGS__, NULL })

#define HTTP (OPTIONS_LINK | OPTIONS_ORIGIN | OPTIONS_NAME | OPTIONS_SCREEN)

TEST(both_forms)
{
	EXPECT(PARSE(HTTP, "8080", "--name", "ci", "--edge=https://e.org", "--json") == NULL);
	EXPECT_INT(o.n_args, 1);
	EXPECT_SLICE(slice_str(o.args[0]), S("8080"));
	EXPECT_SLICE(slice_str(o.name), S("ci"));
	EXPECT_SLICE(slice_str(o.edge), S("https://e.org"));
	EXPECT(o.json && !o.all);
	EXPECT(PARSE(HTTP, "--token-file", "-", "--", "--json") == NULL);
	EXPECT_SLICE(slice_str(o.token_file), S("-"));
	EXPECT(!o.json && o.n_args == 1);
}

TEST(mistakes)
{
	EXPECT_SLICE(slice_str(PARSE(HTTP, "--nmae", "x")),
	    S("unknown option --nmae; did you mean --name?"));
	EXPECT_SLICE(slice_str(PARSE(HTTP, "--port", "1")),
	    S("--port is no option of this command"));
	EXPECT_SLICE(slice_str(PARSE(HTTP, "--name")), S("--name wants a value: NAME"));
	EXPECT_SLICE(slice_str(PARSE(HTTP, "--name=")), S("--name wants a value: NAME"));
	EXPECT_SLICE(slice_str(PARSE(HTTP, "--json=1")), S("--json takes no value"));
	EXPECT_SLICE(slice_str(PARSE(HTTP, "--name", "a", "--name", "b")),
	    S("--name is given twice"));
	EXPECT_SLICE(slice_str(PARSE(HTTP, "--colour")), S("unknown option --colour"));
}

/* S-23: a token never stands in the list of processes. */
TEST(s23_no_token_on_the_command_line)
{
	EXPECT(strstr(PARSE(HTTP, "--token", "adit_secret"), "--token-file") != NULL);
	EXPECT(strstr(PARSE(HTTP, "--token=adit_secret"), "--token-file") != NULL);
	EXPECT(strstr(why, "adit_secret") == NULL);
}

TEST(too_many)
{
	char *args[200], arg[] = "x";

	for (int i = 0; i < 200; i++)
		args[i] = arg;
	EXPECT_SLICE(slice_str(options_parse(&o, HTTP, 200, args, why, sizeof(why))),
	    S("too many arguments"));
}

TESTS(TEST_ROW(both_forms) TEST_ROW(mistakes) TEST_ROW(s23_no_token_on_the_command_line)
	TEST_ROW(too_many))
