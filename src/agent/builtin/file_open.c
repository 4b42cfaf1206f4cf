/* SPDX-License-Identifier: Apache-2.0 */
/* Looks before it opens: what is no file and no folder may do anything when it is opened. */
#include "agent/builtin/file_open.h"

#include "agent/builtin/file_path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

bool file_open_by_names;

int
file_root(const char *path)
{
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Each name in the folder before; none may be a link. */
static int
open_by_names(int root, const char *path, int flags)
{
	char name[FILE_NAME_BYTES + 1];
	int at = root;

	for (;;) {
		const char *slash = strchr(path, '/');
		size_t n = slash != NULL ? (size_t)(slash - path) : strlen(path);
		int fd, error;

		if (n > FILE_NAME_BYTES) {
			fd = -1;
			errno = ENAMETOOLONG;
		} else {
			memcpy(name, path, n);
			name[n] = '\0';
			fd = openat(at, name,
			    O_NOFOLLOW | O_CLOEXEC |
				(slash != NULL ? O_PATH | O_DIRECTORY : flags));
		}
		error = errno;
		if (at != root)
			close(at);
		errno = error;
		if (fd < 0 || slash == NULL)
			return fd;
		at = fd;
		path = slash + 1;
	}
}

static int
open_beneath(int root, const char *path, int flags)
{
	struct open_how how = { .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.resolve = (uint64_t)RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	long fd = -1;

	/* EAGAIN: something was renamed meanwhile, and the kernel is not sure. */
	for (int i = 0; !file_open_by_names && i < 8; i++) {
		fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	/* EPERM: a filter of system calls that is older than this one (systemd, containers). */
	if (file_open_by_names || (fd < 0 && (errno == ENOSYS || errno == EPERM)))
		return open_by_names(root, path, flags);
	return (int)fd;
}

static bool
is_served(const struct stat *st)
{
	return S_ISREG(st->st_mode) || S_ISDIR(st->st_mode);
}

int
file_open(int root, const char *path, struct stat *ret_st)
{
	int fd = open_beneath(root, path, O_PATH), error;
	struct stat st;
	bool good;

	if (fd < 0)
		return -1;
	/* A link that open_by_names() has not followed is none of both, either. */
	good = fstat(fd, &st) == 0 && is_served(&st);
	close(fd);
	if (!good) {
		errno = ENOENT;
		return -1;
	}
	/* O_NONBLOCK: what takes its place now must not make us wait. */
	fd = open_beneath(root, path,
	    O_RDONLY | O_NONBLOCK | O_NOCTTY | (S_ISDIR(st.st_mode) ? O_DIRECTORY : 0));
	if (fd >= 0 && fstat(fd, ret_st) == 0 && is_served(ret_st))
		return fd;
	error = fd < 0 ? errno : ENOENT;
	if (fd >= 0)
		close(fd);
	errno = error;
	return -1;
}
