/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "agent/builtin/file_match.h"
#include "agent/builtin/file_open.h"
#include "agent/builtin/file_path.h"
#include "agent/core/sink_rule.h"

#include <fcntl.h>
#include <unistd.h>

static const char *
path(const char *p, bool hidden)
{
	static struct file_path f;
	static const char *const words[] = { "", "bad", "hidden", "long" };
	enum file_path_result r = file_path(slice_str(p), hidden, &f);

	return r == FILE_PATH_OK ? f.text : words[r];
}

TEST(paths)
{
	static const struct {
		const char *from, *to;
	} rows[] = {
		{ "/", "." },
		{ "/a", "a" },
		{ "/a/b/", "a/b" },
		{ "//a///b", "a/b" },
		{ "/./a/.", "a" },
		{ "/a%20b", "a b" },
		{ "/%41%7a", "Az" },
		{ "/%2525", "%25" },
		{ "/...", "hidden" },
		{ "", "bad" },
		{ "a", "bad" },
		{ "*", "bad" },
		{ "/..", "bad" },
		{ "/a/../b", "bad" },
		{ "/%2e%2E/b", "bad" },
		{ "/.%2e", "bad" },
		{ "/a%2fb", "bad" },
		{ "/a%00", "bad" },
		{ "/%", "bad" },
		{ "/%4", "bad" },
		{ "/%4g", "bad" },
		{ "/.git/x", "hidden" },
		{ "/x/.env", "hidden" },
		{ "/%2egit", "hidden" },
	};
	char name[FILE_NAME_BYTES + 3] = "/", deep[3 * FILE_PATH_BYTES] = "";

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		EXPECT_SLICE(slice_str(path(rows[i].from, false)), slice_str(rows[i].to));
	EXPECT_SLICE(slice_str(path("/.git/x", true)), S(".git/x"));
	EXPECT_SLICE(slice_str(path("/..", true)), S("bad"));
	memset(name + 1, 'n', FILE_NAME_BYTES);
	EXPECT_SLICE(slice_str(path(name, false)), slice_str(name + 1));
	name[FILE_NAME_BYTES + 1] = 'n';
	EXPECT_SLICE(slice_str(path(name, false)), S("long"));
	for (size_t i = 0; i + 2 < sizeof(deep); i += 2)
		memcpy(deep + i, "/d", 3);
	EXPECT_SLICE(slice_str(path(deep, false)), S("long"));
}

TEST(types)
{
	EXPECT_SLICE(slice_str(file_type("a/b.HTML")), S("text/html; charset=utf-8"));
	EXPECT_SLICE(slice_str(file_type("a.html/b")), S("application/octet-stream"));
	EXPECT_SLICE(slice_str(file_type("x")), S("application/octet-stream"));
}

TEST(dates)
{
	char text[FILE_DATE_BYTES];

	file_date(784111777, text);
	EXPECT_SLICE(slice_str(text), S("Sun, 06 Nov 1994 08:49:37 GMT"));
	EXPECT_INT(file_date_read(slice_str(text)), 784111777);
	EXPECT_INT(file_date_read(S("Mon, 06 Nov 1994 08:49:37 GMT")), -1);
	EXPECT_INT(file_date_read(S("Sun, 06 Nov 1994 08:49:37 CET")), -1);
	EXPECT_INT(file_date_read(S("Sunday, 06-Nov-94 08:49:37 GMT")), -1);
	EXPECT_INT(file_date_read(S("")), -1);
}

/* A folder with links, served in both ways. */
static void
open_all(const char *base)
{
	static const struct {
		const char *name;
		bool by_kernel, by_names;
	} rows[] = {
		{ ".", true, true },
		{ "file", true, true },
		{ "sub/file", true, true },
		{ "inside", true, false },
		{ "outside", false, false },
		{ "absolute", false, false },
		{ "sub/up", false, false },
		{ "pipe", false, false },
		{ "none", false, false },
		{ "file/x", false, false },
	};
	int root = file_root(base);
	struct stat st;

	EXPECT(root >= 0);
	for (int names = 0; names < 2; names++) {
		file_open_by_names = names;
		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
			int fd = file_open(root, rows[i].name, &st);

			EXPECT((fd >= 0) == (names ? rows[i].by_names : rows[i].by_kernel));
			if ((fd >= 0) != (names ? rows[i].by_names : rows[i].by_kernel))
				printf("%s, names %d\n", rows[i].name, names);
			if (fd >= 0)
				close(fd);
		}
	}
	file_open_by_names = false;
	close(root);
}

TEST(nothing_outside_is_opened)
{
	char base[] = "/tmp/adit-builtin-XXXXXX", command[256];

	EXPECT(mkdtemp(base) != NULL);
	EXPECT(chdir(base) == 0);
	EXPECT(mkdir("www", 0700) == 0 && mkdir("www/sub", 0700) == 0);
	close(open("secret", O_CREAT | O_WRONLY, 0600));
	close(open("www/file", O_CREAT | O_WRONLY, 0600));
	close(open("www/sub/file", O_CREAT | O_WRONLY, 0600));
	EXPECT(symlink("file", "www/inside") == 0 && symlink("../secret", "www/outside") == 0);
	EXPECT(symlink("/etc/passwd", "www/absolute") == 0 &&
	       symlink("../../secret", "www/sub/up") == 0);
	EXPECT(mkfifo("www/pipe", 0600) == 0);
	open_all("www");
	EXPECT(chdir("/") == 0);
	snprintf(command, sizeof(command), "rm -r %s", base);
	EXPECT(system(command) == 0);
}

TEST(globs)
{
	static const struct {
		const char *pattern, *text;
		bool fits;
	} rows[] = {
		{ "*", "", true },
		{ "*", "/a/b", true },
		{ "/hooks/*", "/hooks/", true },
		{ "/hooks/*", "/hooks/a/b", true },
		{ "/hooks/*", "/hook", false },
		{ "/a?c", "/abc", true },
		{ "/a?c", "/ac", false },
		{ "*.txt", "/x.txt.txt", true },
		{ "/a*b*c", "/aXbYbZc", true },
		{ "/a*b*c", "/aXbYbZ", false },
		{ "", "", true },
		{ "", "a", false },
		{ "a**", "a", true },
	};
	char stars[201], as[4001];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		EXPECT(sink_glob(slice_str(rows[i].pattern), slice_str(rows[i].text)) ==
		       rows[i].fits);
	/* What costs others an exponential time. */
	for (size_t i = 0; i < 200; i += 2)
		memcpy(stars + i, "*a", 2);
	stars[199] = 'b';
	stars[200] = '\0';
	memset(as, 'a', 4000);
	as[4000] = '\0';
	EXPECT(!sink_glob(slice_str(stars), slice_str(as)));
}

static const char *
rules(const char *text)
{
	static char why[SINK_WHY_BYTES];
	json_error_t error;
	json_t *json = json_loads(text, 0, &error);
	size_t at;
	struct sink_rules *r = sink_rules_read(json, why, &at);

	json_decref(json);
	sink_rules_unref(r);
	return r != NULL ? "good" : why;
}

TEST(rules_that_are_none)
{
	static const char *const wrong[] = { "{}", "[1]", "[{\"status\":199}]",
		"[{\"status\":600}]", "[{\"status\":\"200\"}]", "[{\"delay_ms\":60001}]",
		"[{\"delay_ms\":-1}]", "[{\"method\":\"A B\"}]", "[{\"method\":\"\"}]",
		"[{\"path\":\"hooks\"}]", "[{\"path\":5}]", "[{\"body\":null}]",
		"[{\"status\":204,\"body\":\"x\"}]", "[{\"headers\":{}}]",
		"[{\"headers\":[[\"A\"]]}]", "[{\"headers\":[[\"A B\",\"c\"]]}]",
		"[{\"headers\":[[\"A\",\"b\\r\\nC: d\"]]}]",
		"[{\"headers\":[[\"content-length\",\"5\"]]}]",
		"[{\"headers\":[[\"Transfer-Encoding\",\"chunked\"]]}]", "[{\"stauts\":200}]" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		EXPECT(strcmp(rules(wrong[i]), "good") != 0);
		if (strcmp(rules(wrong[i]), "good") == 0)
			puts(wrong[i]);
	}
	EXPECT_SLICE(slice_str(rules("[]")), S("good"));
	EXPECT_SLICE(slice_str(rules("[{}]")), S("good"));
	EXPECT_SLICE(slice_str(rules("[{\"method\":\"*\",\"path\":\"/*\",\"status\":500,\"hits\":7,"
				     "\"headers\":[[\"X-A\",\"b: c\"]],\"body\":\"x\"}]")),
	    S("good"));
}

TESTS(TEST_ROW(paths) TEST_ROW(types) TEST_ROW(dates) TEST_ROW(nothing_outside_is_opened)
	TEST_ROW(globs) TEST_ROW(rules_that_are_none))
