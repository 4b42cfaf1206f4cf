/* SPDX-License-Identifier: Apache-2.0 */
#include "web/router.h"

#include "unit.h"

static const struct web_route rows[] = {
	{ .method = "GET", .pattern = "/v1/state" },
	{ .method = "GET", .pattern = "/v1/exchanges/:id" },
	{ .method = "GET", .pattern = "/v1/exchanges/:id/:side/body" },
	{ .method = "PUT", .pattern = "/v1/exchanges/:id/pin" },
	{ .method = "DELETE", .pattern = "/v1/exchanges/:id/pin" },
	{ .method = "GET", .pattern = "/v1/exchanges" },
	{ .method = "DELETE", .pattern = "/v1/exchanges" },
	{ .method = "DELETE", .pattern = "/api/tunnels/:name" },
};

static struct web_match
find(const char *method, const char *path)
{
	static char text[256];
	struct web_match m;

	web_route_find(rows, sizeof(rows) / sizeof(*rows), slice_str(method), slice_str(path), text,
	    &m);
	return m;
}

TEST(rows_are_found)
{
	struct web_match m = find("GET", "/v1/state");

	EXPECT(m.route == &rows[0] && m.n_params == 0);
	EXPECT(find("HEAD", "/v1/state").route == &rows[0]);
	EXPECT(find("GET", "/v1/exchanges").route == &rows[5]);
	EXPECT(find("DELETE", "/v1/exchanges/7/pin").route == &rows[4]);
	EXPECT(find("HEAD", "/v1/exchanges/7/pin").route == NULL);
	m = find("GET", "/v1/exchanges/123/request/body");
	EXPECT(m.route == &rows[2]);
	EXPECT_INT(m.n_params, 2);
	EXPECT_SLICE(m.params[0], S("123"));
	EXPECT_SLICE(m.params[1], S("request"));
}

TEST(other_paths_are_not)
{
	static const char *const paths[] = { "/", "", "/v1", "/v1/state/", "//v1/state",
		"/V1/state", "/v1/exchanges/", "/v1/exchanges/1/", "/v1/exchanges//pin",
		"/v1/stat%65", "v1/state", "/v1/exchanges/1/request/body/more" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		struct web_match m = find("GET", paths[i]);

		EXPECT(m.route == NULL && !m.known);
	}
}

TEST(another_method_is_told_which)
{
	struct web_match m = find("POST", "/v1/exchanges");

	EXPECT(m.route == NULL && m.known);
	EXPECT(strcmp(m.allow, "GET, HEAD, DELETE") == 0);
	EXPECT(strcmp(find("OPTIONS", "/v1/exchanges/1/pin").allow, "PUT, DELETE") == 0);
}

TEST(parameters_are_decoded)
{
	struct web_match m = find("DELETE", "/api/tunnels/command_line%20(http)");

	EXPECT_SLICE(m.params[0], S("command_line (http)"));
	m = find("DELETE", "/api/tunnels/a+b%2Fc");
	EXPECT_SLICE(m.params[0], S("a+b/c"));
	m = find("DELETE", "/api/tunnels/%C3%A9");
	EXPECT(!m.bad);
	EXPECT_SLICE(m.params[0], S("\xc3\xa9"));
	static const char *const bad[] = { "%", "%4", "%zz", "a%00", "%0a", "%ff", "%7f", "%c3" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char path[64];

		snprintf(path, sizeof(path), "/api/tunnels/%s", bad[i]);
		m = find("DELETE", path);
		EXPECT(m.route != NULL && m.bad && m.n_params == 0);
	}
}

TEST(queries)
{
	struct web_pair pairs[4];
	char text[256];

	EXPECT_INT(web_query_parse(S(""), text, pairs, 4), 0);
	EXPECT_INT(web_query_parse(S("limit=200&q=status%3A5xx+a%2Bb&raw"), text, pairs, 4), 3);
	EXPECT_SLICE(pairs[0].name, S("limit"));
	EXPECT_SLICE(pairs[0].value, S("200"));
	EXPECT_SLICE(pairs[1].value, S("status:5xx a+b"));
	EXPECT_SLICE(pairs[2].name, S("raw"));
	EXPECT_SLICE(pairs[2].value, S(""));
	EXPECT_INT(web_query_parse(S("a=b=c&&=&d"), text, pairs, 4), 2);
	EXPECT_SLICE(pairs[0].value, S("b=c"));
	EXPECT_INT(web_query_parse(S("a&b&c&d&e"), text, pairs, 4), -1);
	EXPECT_INT(web_query_parse(S("a=%00"), text, pairs, 4), -1);
	EXPECT_INT(web_query_parse(S("%=1"), text, pairs, 4), -1);
}

TESTS(TEST_ROW(rows_are_found) TEST_ROW(other_paths_are_not) TEST_ROW(another_method_is_told_which)
	TEST_ROW(parameters_are_decoded) TEST_ROW(queries))
