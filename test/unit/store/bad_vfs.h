/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that fails on command, as SQLite's default VFS.  For each database and WAL file it keeps
 * what a power cut would leave: the content at the last sync, and the writes since.  bad_cut_at(n)
 * switches the machine off at the n-th write or sync; bad_power_up() then writes to the real files
 * what survived: of the unsynced writes each sector of 512 bytes by itself, at random (reordered
 * and torn).
 */
#ifndef ADIT_TEST_BAD_VFS_H
#define ADIT_TEST_BAD_VFS_H

#include <fcntl.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BAD_FILES = 8, BAD_SECTOR = 512 };

struct bad_write {
	struct bad_write *next;
	sqlite3_int64 at; /* of a truncation: the size */
	size_t n;
	bool truncate;
	unsigned char bytes[];
};

struct bad_image {
	char path[256];
	unsigned char *durable;
	size_t n_durable, cap_durable;
	struct bad_write *first, **last;
};

struct bad_file {
	sqlite3_file base;
	struct bad_image *image;
	sqlite3_file *real;
};

static struct {
	sqlite3_vfs *real;
	struct bad_image images[BAD_FILES];
	atomic_long n_ops, n_syncs;
	atomic_long cut_at;       /* this operation and all later ones fail */
	atomic_long fail_sync_at; /* this sync alone says EIO */
	atomic_bool full;         /* no write makes a file longer */
	atomic_bool lying;        /* sync does nothing and says that it did */
	unsigned seed;
} bad = { .cut_at = -1, .fail_sync_at = -1 };

static inline unsigned
bad_random(void)
{
	bad.seed = bad.seed * 1664525 + 1013904223;
	return bad.seed >> 16;
}

static inline bool
bad_off(void)
{
	return bad.cut_at >= 0 && bad.n_ops >= bad.cut_at;
}

/* Counts an operation; true when the machine is off. */
static inline bool
bad_op(void)
{
	if (bad_off())
		return true;
	bad.n_ops++;
	return false;
}

static inline struct bad_image *
bad_image(const char *path)
{
	for (int i = 0; i < BAD_FILES; i++) {
		struct bad_image *m = &bad.images[i];

		if (m->path[0] == '\0') {
			snprintf(m->path, sizeof(m->path), "%s", path);
			m->last = &m->first;
		}
		if (strcmp(m->path, path) == 0)
			return m;
	}
	abort();
}

static inline void
bad_apply(struct bad_image *m, size_t at, const unsigned char *p, size_t n)
{
	if (at + n > m->n_durable) {
		if (at + n > m->cap_durable) {
			m->cap_durable = 2 * (at + n);
			m->durable = realloc(m->durable, m->cap_durable);
		}
		memset(m->durable + m->n_durable, 0, at + n - m->n_durable);
		m->n_durable = at + n;
	}
	memcpy(m->durable + at, p, n);
}

/* The unsynced writes become durable: all, or at a cut what chance leaves of them. */
static inline void
bad_settle(struct bad_image *m, bool all)
{
	while (m->first != NULL) {
		struct bad_write *w = m->first;

		m->first = w->next;
		if (w->truncate) {
			if ((all || bad_random() % 2) && m->n_durable > (size_t)w->at)
				m->n_durable = (size_t)w->at;
		}
		if (all && !w->truncate)
			bad_apply(m, (size_t)w->at, w->bytes, w->n);
		for (size_t i = 0; !all && !w->truncate && i < w->n; i += BAD_SECTOR) {
			size_t n = w->n - i < BAD_SECTOR ? w->n - i : BAD_SECTOR;

			if (bad_random() % 2)
				bad_apply(m, (size_t)w->at + i, w->bytes + i, n);
		}
		free(w);
	}
	m->last = &m->first;
}

static inline void
bad_note(struct bad_image *m, bool truncate, const void *p, size_t n, sqlite3_int64 at)
{
	struct bad_write *w = malloc(sizeof(*w) + n);

	*w = (struct bad_write){ .at = at, .n = n, .truncate = truncate };
	if (n > 0)
		memcpy(w->bytes, p, n);
	*m->last = w;
	m->last = &w->next;
}

#define BAD(f) ((struct bad_file *)(void *)(f))

static inline int
bad_close(sqlite3_file *f)
{
	int rc = BAD(f)->real->pMethods->xClose(BAD(f)->real);

	free(BAD(f)->real);
	return rc;
}

static inline int
bad_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	if (bad_off())
		return SQLITE_IOERR_READ;
	return BAD(f)->real->pMethods->xRead(BAD(f)->real, p, n, at);
}

static inline int
bad_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	struct bad_file *b = BAD(f);
	sqlite3_int64 size = 0;

	if (bad_op())
		return SQLITE_IOERR_WRITE;
	b->real->pMethods->xFileSize(b->real, &size);
	if (bad.full && at + n > size)
		return SQLITE_FULL;
	if (b->image != NULL)
		bad_note(b->image, false, p, (size_t)n, at);
	return b->real->pMethods->xWrite(b->real, p, n, at);
}

static inline int
bad_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	struct bad_file *b = BAD(f);

	if (bad_op())
		return SQLITE_IOERR_TRUNCATE;
	if (b->image != NULL)
		bad_note(b->image, true, NULL, 0, size);
	return b->real->pMethods->xTruncate(b->real, size);
}

static inline int
bad_sync(sqlite3_file *f, int flags)
{
	(void)flags;
	if (bad_op())
		return SQLITE_IOERR_FSYNC;
	if (bad.n_syncs++ == bad.fail_sync_at)
		return SQLITE_IOERR_FSYNC;
	if (BAD(f)->image != NULL && !bad.lying)
		bad_settle(BAD(f)->image, true);
	return SQLITE_OK; /* the real disk need not be waited for */
}

static inline int
bad_size(sqlite3_file *f, sqlite3_int64 *ret_size)
{
	return BAD(f)->real->pMethods->xFileSize(BAD(f)->real, ret_size);
}

static inline int
bad_lock(sqlite3_file *f, int level)
{
	return BAD(f)->real->pMethods->xLock(BAD(f)->real, level);
}

static inline int
bad_unlock(sqlite3_file *f, int level)
{
	return BAD(f)->real->pMethods->xUnlock(BAD(f)->real, level);
}

static inline int
bad_reserved(sqlite3_file *f, int *ret)
{
	return BAD(f)->real->pMethods->xCheckReservedLock(BAD(f)->real, ret);
}

static inline int
bad_control(sqlite3_file *f, int op, void *arg)
{
	return BAD(f)->real->pMethods->xFileControl(BAD(f)->real, op, arg);
}

static inline int
bad_sector(sqlite3_file *f)
{
	(void)f;
	return BAD_SECTOR;
}

static inline int
bad_traits(sqlite3_file *f)
{
	(void)f;
	return 0; /* no promise about overwritten or torn sectors */
}

static inline int
bad_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *ret_flags)
{
	static const sqlite3_io_methods methods = { 1, bad_close, bad_read, bad_write, bad_truncate,
		bad_sync, bad_size, bad_lock, bad_unlock, bad_reserved, bad_control, bad_sector,
		bad_traits, NULL, NULL, NULL, NULL, NULL, NULL };
	struct bad_file *b = BAD(f);
	int rc;

	(void)vfs;
	memset(b, 0, sizeof(*b));
	if (bad_off())
		return SQLITE_CANTOPEN;
	b->real = calloc(1, (size_t)bad.real->szOsFile);
	rc = bad.real->xOpen(bad.real, name, b->real, flags, ret_flags);
	if (rc != SQLITE_OK) {
		free(b->real);
		return rc;
	}
	if (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL))
		b->image = bad_image(name);
	b->base.pMethods = &methods;
	return SQLITE_OK;
}

static inline int
bad_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
	(void)vfs;
	if (bad_off())
		return SQLITE_IOERR_DELETE;
	bad_image(name)->n_durable = 0;
	bad_settle(bad_image(name), true);
	bad_image(name)->n_durable = 0;
	(void)sync_dir; /* nothing real has to be durable */
	return bad.real->xDelete(bad.real, name, 0);
}

static inline void
bad_install(void)
{
	static sqlite3_vfs vfs;

	sqlite3_initialize();
	bad.real = sqlite3_vfs_find(NULL);
	vfs = *bad.real;
	vfs.zName = "bad";
	vfs.szOsFile = sizeof(struct bad_file);
	vfs.xOpen = bad_open;
	vfs.xDelete = bad_delete;
	if (vfs.iVersion > 2)
		vfs.iVersion = 2;
	sqlite3_vfs_register(&vfs, 1);
}

/* A new disk, with nothing wrong. */
static inline void
bad_reset(unsigned seed)
{
	for (int i = 0; i < BAD_FILES; i++) {
		struct bad_image *m = &bad.images[i];

		if (m->path[0] != '\0')
			bad_settle(m, true);
		free(m->durable);
		*m = (struct bad_image){ 0 };
	}
	bad.n_ops = bad.n_syncs = 0;
	bad.cut_at = bad.fail_sync_at = -1;
	bad.full = bad.lying = false;
	bad.seed = seed;
}

/* After the store was closed: the files are as the disk has kept them, and the machine runs again.
 */
static inline void
bad_power_up(void)
{
	for (int i = 0; i < BAD_FILES && bad.images[i].path[0] != '\0'; i++) {
		struct bad_image *m = &bad.images[i];
		int fd;

		bad_settle(m, false);
		fd = open(m->path, O_RDWR | O_CREAT | O_TRUNC, 0600);
		if (fd < 0 || (m->n_durable > 0 &&
				  write(fd, m->durable, m->n_durable) != (ssize_t)m->n_durable))
			abort();
		close(fd);
	}
	bad.cut_at = bad.fail_sync_at = -1;
	bad.lying = false;
}

#endif
