/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into the edge: what it would do to its database fails with EIO for as long as a file
 * says so.
 *
 * The file ADIT_BAD_DISK (mapped, three numbers) holds which calls fail, how many are under way in
 * the kernel, and how many have failed. A write that fails has written its first half; a sync that
 * fails leaves what was written where it is, so that it may yet reach the disk.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { WRITES = 1, SYNCS = 2, ENDS = 4 };

static struct shared {
	_Atomic uint32_t fails, busy, failed;
} * shared;

__attribute__((constructor)) static void
map_shared(void)
{
	const char *path = getenv("ADIT_BAD_DISK");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
	void *p = fd < 0 ? MAP_FAILED
			 : mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p != MAP_FAILED)
		shared = p;
	if (fd >= 0)
		close(fd);
}

static int
is_store(int fd)
{
	char link[32], path[4096];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return 0;
	path[n] = '\0';
	return strstr(path, "/adit.db") != NULL;
}

/* 1: the call is to fail; 0: it is counted, and leave() is to follow. */
static int
enter(int fd, uint32_t kind)
{
	if (shared == NULL)
		return 0;
	atomic_fetch_add(&shared->busy, 1);
	if ((atomic_load(&shared->fails) & kind) == 0 || !is_store(fd))
		return 0;
	atomic_fetch_add(&shared->failed, 1);
	return 1;
}

static void
leave(void)
{
	int saved = errno;

	if (shared != NULL)
		atomic_fetch_sub(&shared->busy, 1);
	errno = saved;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define SPOILT(name, kind, half, ...)                                                              \
	__typeof__(name(__VA_ARGS__)) ret;                                                         \
	if (enter(fd, kind)) {                                                                     \
		half;                                                                              \
		errno = EIO;                                                                       \
		ret = -1;                                                                          \
	} else {                                                                                   \
		ret = REAL(name)(__VA_ARGS__);                                                     \
	}                                                                                          \
	leave();                                                                                   \
	return ret

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	SPOILT(pwrite, WRITES, (void)!REAL(pwrite)(fd, p, n / 2, at), fd, p, n, at);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	SPOILT(pwrite64, WRITES, (void)!REAL(pwrite64)(fd, p, n / 2, at), fd, p, n, at);
}

int
fdatasync(int fd)
{
	SPOILT(fdatasync, SYNCS, , fd);
}

int
fsync(int fd)
{
	SPOILT(fsync, SYNCS, , fd);
}

int
ftruncate(int fd, off_t n)
{
	SPOILT(ftruncate, ENDS, , fd, n);
}

int
ftruncate64(int fd, off64_t n)
{
	SPOILT(ftruncate64, ENDS, , fd, n);
}
