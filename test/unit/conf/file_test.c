/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/file.h"

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/adit-test-XXXXXX";

static void
write_file(struct slice text, mode_t mode)
{
	int fd;

	snprintf(path, sizeof(path), "/tmp/adit-test-XXXXXX");
	fd = mkstemp(path);
	if (fd < 0 || write(fd, text.p, text.n) != (ssize_t)text.n || fchmod(fd, mode) != 0)
		abort();
	close(fd);
}

TEST(whole)
{
	struct slice s = S("");
	mode_t others = 077;
	char *bytes;

	write_file(S("a\0b\n"), 0600);
	bytes = file_read(path, 4, &s, &others);
	EXPECT_SLICE(s, S("a\0b\n"));
	EXPECT_INT(others, 0);
	EXPECT(bytes != NULL && bytes[4] == '\0');
	file_free(bytes, s);
	unlink(path);
	write_file(S(""), 0640);
	bytes = file_read(path, 0, &s, &others);
	EXPECT(bytes != NULL && others == 040);
	EXPECT_INT(s.n, 0);
	file_free(bytes, s);
	unlink(path);
}

TEST(larger_than_it_may_be)
{
	struct slice s = S("");

	write_file(S("12345"), 0600);
	errno = 0;
	EXPECT(file_read(path, 4, &s, NULL) == NULL);
	EXPECT_INT(errno, EFBIG);
	unlink(path);
}

TEST(not_there_and_no_file)
{
	struct slice s = S("");

	EXPECT(file_read("/nonexistent/file", 4, &s, NULL) == NULL);
	EXPECT_INT(errno, ENOENT);
	EXPECT(file_read("/tmp", 4, &s, NULL) == NULL);
	EXPECT_INT(errno, EISDIR);
	file_free(NULL, s);
}

TEST(standard_input)
{
	struct slice s = S("");
	mode_t others = 077;
	char *bytes;
	int fds[2];

	if (pipe(fds) != 0 || write(fds[1], "ab", 2) != 2 || dup2(fds[0], STDIN_FILENO) < 0)
		abort();
	close(fds[1]);
	close(fds[0]);
	bytes = file_read(NULL, 10, &s, &others);
	EXPECT_SLICE(s, S("ab"));
	EXPECT_INT(others, 0);
	file_free(bytes, s);
}

TESTS(TEST_ROW(whole) TEST_ROW(larger_than_it_may_be) TEST_ROW(not_there_and_no_file)
	TEST_ROW(standard_input))
