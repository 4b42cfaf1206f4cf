/* SPDX-License-Identifier: Apache-2.0 */
/* Finds, makes and locks the folder that this agent writes into. */
#include "agent/capture/disk.h"

#include "base/sentence.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder and those above it; each that is new is its owner's alone. */
static int
make_folder(const char *path)
{
	char part[512];
	size_t n = strlen(path);

	if (n >= sizeof(part))
		return -1;
	for (size_t i = 1; i <= n; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0700) != 0 && errno != EEXIST)
			return -1;
	}
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* The descriptor of its lock, or -1: another agent has it. */
static int
take_lock(int folder)
{
	int fd = openat(folder, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int
open_folder(int base, unsigned i, bool make)
{
	char name[2] = { (char)('0' + i), '\0' };

	if (make && mkdirat(base, name, 0700) != 0 && errno != EEXIST)
		return -1;
	return openat(base, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

char *
disk_open(struct disk *d, const char *path)
{
	struct stat st;

	*d = (struct disk){ .lock = -1 };
	for (size_t i = 0; i < DISK_FOLDERS; i++)
		d->folders[i] = -1;
	d->folders[0] = make_folder(path);
	if (d->folders[0] < 0 || fstat(d->folders[0], &st) != 0)
		return sentence("%s: %s", path, strerror(errno));
	if (st.st_uid != geteuid() || fchmod(d->folders[0], 0700) != 0) {
		disk_close(d);
		return sentence("%s is not yours", path);
	}
	for (unsigned i = 0; i < DISK_FOLDERS; i++) {
		if (i > 0)
			d->folders[i] = open_folder(d->folders[0], i, d->lock < 0);
		if (d->folders[i] < 0 || d->lock >= 0)
			continue;
		d->lock = take_lock(d->folders[i]);
		d->own = i;
	}
	if (d->lock >= 0)
		return NULL;
	disk_close(d);
	return sentence("%s cannot be written, or %d agents write into it already", path,
	    DISK_FOLDERS);
}

void
disk_close(struct disk *d)
{
	for (size_t i = 0; i < DISK_FOLDERS; i++) {
		if (d->folders[i] >= 0)
			close(d->folders[i]);
		d->folders[i] = -1;
	}
	if (d->lock >= 0)
		close(d->lock);
	d->lock = -1;
}

int
disk_file(const struct disk *d, uint64_t id, uint32_t number)
{
	int folder = d->folders[id % DISK_FOLDERS];
	char name[32] = "pinned.seg";

	if (number != 0)
		snprintf(name, sizeof(name), "%08u.seg", number);
	return folder < 0 ? -1 : openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}
