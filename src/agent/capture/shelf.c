/* SPDX-License-Identifier: Apache-2.0 */
/* Segment files come, grow and go. */
#include "agent/capture/shelf.h"

#include "base/limits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of an index, before it is written. */
#define WAITING_BYTES (1024 * 1024)
/* So many segments stay in the kernel's memory behind the one that grows: people look at what is new. */
#define SEGMENTS_WARM 16

static void
fail(struct shelf *s, const char *what)
{
	if (!s->failed)
		snprintf(s->why, sizeof(s->why), "%s: %s", what, strerror(errno));
	s->failed = true;
}

static int
by_number(const void *a, const void *b)
{
	const struct shelf_file *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static struct shelf_file *
add(struct shelf *s, uint32_t number)
{
	if (s->n_files == s->n_room) {
		size_t room = 2 * s->n_room + 64;
		struct shelf_file *files = realloc(s->files, room * sizeof(*files));

		if (files == NULL) {
			errno = ENOMEM;
			fail(s, "no memory");
			return NULL;
		}
		s->files = files;
		s->n_room = room;
	}
	s->files[s->n_files] = (struct shelf_file){ .number = number };
	return &s->files[s->n_files++];
}

static void
look_around(struct shelf *s)
{
	int fd = openat(s->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	uint32_t number;
	struct stat st;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(dir)) != NULL) {
		struct shelf_file *f;

		if (!segment_name_read(e->d_name, ".seg", &number) ||
		    fstatat(s->folder, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    (f = add(s, number)) == NULL)
			continue;
		f->bytes = (uint64_t)st.st_size;
		f->changed_ms = (int64_t)st.st_mtime * 1000;
		s->bytes += f->bytes;
	}
	closedir(dir);
	if (s->n_files > 0)
		qsort(s->files, s->n_files, sizeof(*s->files), by_number);
}

void
shelf_open(struct shelf *s, int folder, uint64_t bytes_max, int64_t age_ms_max)
{
	*s = (struct shelf){ .folder = folder,
		.segment = -1,
		.index = -1,
		.bytes_max = bytes_max,
		.age_ms_max = age_ms_max };
	buf_init(&s->waiting, WAITING_BYTES);
	look_around(s);
	s->first = s->n_files > 0 ? s->files[0].number : 0;
}

static int
open_file(struct shelf *s, uint32_t number, const char *ending, int flags)
{
	char name[32];

	snprintf(name, sizeof(name), "%08u%s", number, ending);
	return openat(s->folder, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* All of it, or a failure. */
static void
put(struct shelf *s, int fd, struct slice bytes, const char *what)
{
	while (bytes.n > 0 && !s->failed) {
		ssize_t n = write(fd, bytes.p, bytes.n);

		if (n < 0 && errno != EINTR)
			fail(s, what);
		else if (n > 0)
			bytes = slice_from(bytes, (size_t)n);
	}
}

static void
put_index(struct shelf *s)
{
	if (s->waiting.failed) {
		/* Without it the index has no last record, and the segment is looked through. */
		close(s->index);
		s->index = -1;
	}
	if (s->index >= 0)
		put(s, s->index, buf_slice(&s->waiting), "the index cannot be written");
	buf_reset(&s->waiting);
}

/* Its index is whole; what is written of it leaves the kernel's memory some segments later. */
static void
close_segment(struct shelf *s)
{
	struct segment_record closed = { .type = SEGMENT_CLOSED };
	int old;

	if (s->segment < 0)
		return;
	shelf_index(s, &closed, S(""), 0);
	put_index(s);
	(void)sync_file_range(s->segment, 0, 0, SYNC_FILE_RANGE_WRITE);
	close(s->segment);
	if (s->index >= 0)
		close(s->index);
	s->segment = s->index = -1;
	if (s->current <= SEGMENTS_WARM)
		return;
	old = open_file(s, s->current - SEGMENTS_WARM, ".seg", O_RDONLY);
	if (old >= 0) {
		(void)posix_fadvise(old, 0, 0, POSIX_FADV_DONTNEED);
		close(old);
	}
}

static void
unlink_oldest(struct shelf *s)
{
	struct shelf_file *f = &s->files[0];
	char name[32];

	snprintf(name, sizeof(name), "%08u.idx", f->number);
	(void)unlinkat(s->folder, name, 0);
	snprintf(name, sizeof(name), "%08u.seg", f->number);
	(void)unlinkat(s->folder, name, 0);
	s->bytes -= f->bytes;
	s->n_files--;
	memmove(s->files, s->files + 1, s->n_files * sizeof(*s->files));
	s->first = s->n_files > 0 ? s->files[0].number : 0;
}

void
shelf_clear(struct shelf *s, uint32_t number)
{
	if (s->current != 0 && s->current < number) {
		close_segment(s);
		s->current = 0;
	}
	while (s->n_files > 0 && s->files[0].number < number)
		unlink_oldest(s);
}

/* The one that begins is never unlinked, so a first one remains. */
static void
make_room(struct shelf *s, int64_t now_ms)
{
	while (s->n_files > 1 && (s->bytes + LIMIT_CAPTURE_SEGMENT_BYTES > s->bytes_max ||
				     now_ms - s->files[0].changed_ms > s->age_ms_max))
		unlink_oldest(s);
}

bool
shelf_segment(struct shelf *s, uint32_t number, int64_t now_ms)
{
	char head[SEGMENT_FILE_BYTES];
	struct shelf_file *f;

	if (s->failed || number == s->current)
		return !s->failed;
	close_segment(s);
	f = add(s, number);
	if (f == NULL)
		return false;
	f->changed_ms = now_ms;
	make_room(s, now_ms);
	s->first = s->files[0].number;
	s->segment = open_file(s, number, ".seg", O_WRONLY | O_CREAT | O_EXCL);
	s->index = s->segment < 0 ? -1 : open_file(s, number, ".idx", O_WRONLY | O_CREAT | O_TRUNC);
	if (s->index < 0) {
		fail(s, "a file for it cannot be made");
		return false;
	}
	s->current = number;
	segment_file_head(head, number);
	put(s, s->index, slice_of(head, sizeof(head)), "the index cannot be written");
	shelf_write(s, slice_of(head, sizeof(head)));
	return !s->failed;
}

void
shelf_write(struct shelf *s, struct slice bytes)
{
	struct shelf_file *f;

	if (s->failed)
		return;
	check(s->segment >= 0 && s->n_files > 0);
	put(s, s->segment, bytes, "it cannot be written");
	f = &s->files[s->n_files - 1];
	f->bytes += bytes.n;
	s->bytes += bytes.n;
	put_index(s);
}

void
shelf_index(struct shelf *s, const struct segment_record *r, struct slice payload, uint64_t place)
{
	struct segment_record copy = *r;
	char *p = buf_room(&s->waiting, SEGMENT_RECORD_BYTES + payload.n);

	if (p == NULL)
		return;
	copy.magic = SEGMENT_MAGIC;
	copy.length = (uint32_t)payload.n;
	copy.back = place;
	memcpy(p, &copy, sizeof(copy));
	if (payload.n > 0)
		memcpy(p + sizeof(copy), payload.p, payload.n);
	segment_seal(p);
	s->waiting.n += SEGMENT_RECORD_BYTES + payload.n;
}

void
shelf_close(struct shelf *s)
{
	close_segment(s);
	if (s->folder >= 0)
		close(s->folder);
	buf_fini(&s->waiting);
	free(s->files);
}
