/* SPDX-License-Identifier: Apache-2.0 */
/* A file of the disk's last space (spare.h). */
#include "store/sqlite/spare.h"

#include "base/limits.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static bool
name(const char *path, char *dst, size_t cap)
{
	return (size_t)snprintf(dst, cap, "%s.spare", path) < cap;
}

bool
spare_make(const char *path)
{
	char file[4096];
	struct statvfs v;
	struct stat st;
	int64_t size;
	bool good;
	int fd;

	if (!name(path, file, sizeof(file)) || statvfs(path, &v) != 0)
		return false;
	/* On a tiny disk it is a part of it. */
	size = (int64_t)(v.f_blocks * v.f_frsize) / 32;
	if (size > LIMIT_STORE_SPARE_BYTES)
		size = LIMIT_STORE_SPARE_BYTES;
	fd = open(file, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	good = fstat(fd, &st) == 0 && (st.st_size >= size || posix_fallocate(fd, 0, size) == 0);
	close(fd);
	if (!good)
		unlink(file);
	return good;
}

bool
spare_give(const char *path)
{
	char file[4096];

	return name(path, file, sizeof(file)) && unlink(file) == 0;
}
