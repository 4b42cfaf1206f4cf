/* SPDX-License-Identifier: Apache-2.0 */
/* Reads small files whole, and refuses what is too large or no file. */
#include "conf/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* All of it, at most cap bytes; -1 and errno. */
static ssize_t
read_all(int fd, char *dst, size_t cap)
{
	size_t n = 0;

	while (n < cap) {
		ssize_t got = read(fd, dst + n, cap - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	return (ssize_t)n;
}

char *
file_read_fd(int fd, size_t max, struct slice *ret)
{
	char *bytes;
	ssize_t n;

	check(max < SSIZE_MAX); /* a byte more is read, to see that there is one */
	bytes = malloc(max + 1);
	n = bytes == NULL ? -1 : read_all(fd, bytes, max + 1);
	/*
	 * One byte more than max was asked for: that it came says that the file is too large.
	 */
	if (n >= 0 && (size_t)n <= max) {
		bytes[n] = '\0';
		*ret = slice_of(bytes, (size_t)n);
		return bytes;
	}
	if (n >= 0)
		errno = EFBIG;
	file_free(bytes, slice_of(bytes, n < 0 ? 0 : (size_t)n));
	return NULL;
}

char *
file_read(const char *path, size_t max, struct slice *ret, mode_t *ret_others)
{
	int fd = path == NULL ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC), error;
	char *bytes = NULL;
	struct stat st;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0)
		bytes = file_read_fd(fd, max, ret);
	error = errno;
	if (bytes != NULL && ret_others != NULL)
		*ret_others = path != NULL && S_ISREG(st.st_mode) ? st.st_mode & 077 : 0;
	if (path != NULL)
		close(fd);
	errno = error;
	return bytes;
}

void
file_free(char *bytes, struct slice read)
{
	if (bytes != NULL)
		explicit_bzero(bytes, read.n);
	free(bytes);
}

/* Folders that are there already are no fault, so the result of mkdir() says nothing. */
void
file_make_folders(const char *path)
{
	char *folder = strdup(path);

	for (char *p = folder; folder != NULL && (p = strchr(p + 1, '/')) != NULL;) {
		*p = '\0';
		(void)mkdir(folder, 0700);
		*p = '/';
	}
	free(folder);
}
