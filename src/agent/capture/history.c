/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what earlier runs have written, and mends what the last one left half done. */
#include "agent/capture/history.h"

#include "base/limits.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define INDEX_BYTES_MAX (8 * 1024 * 1024)
/* Of all indexes that are in memory at once, while the list is made. */
#define ALL_BYTES_MAX (64 * 1024 * 1024)
/* Exchanges that run at one time in a segment that is looked through. */
#define OPEN_MAX 4096

/* --- a segment without an index --- */

struct open_one {
	uint64_t id, last; /* place of its last record */
	int64_t begun_us, last_us;
	struct slice row;
};

struct history_scan {
	struct open_one *open;
	size_t n_open;
	struct buf *index;
};

static void
put_record(struct buf *index, struct segment_record r, struct slice payload, uint64_t place)
{
	char *p = buf_room(index, SEGMENT_RECORD_BYTES + payload.n);

	if (p == NULL)
		return;
	r.magic = SEGMENT_MAGIC;
	r.length = (uint32_t)payload.n;
	r.back = place;
	memcpy(p, &r, sizeof(r));
	if (payload.n > 0)
		memcpy(p + sizeof(r), payload.p, payload.n);
	segment_seal(p);
	index->n += SEGMENT_RECORD_BYTES + payload.n;
}

/* From the newest on: what ends soon has begun a moment ago. NULL: it does not run. */
static struct open_one *
find_open(struct history_scan *s, uint64_t id)
{
	for (size_t i = s->n_open; i > 0; i--)
		if (s->open[i - 1].id == id)
			return &s->open[i - 1];
	return NULL;
}

static void
see(struct history_scan *s, const struct segment_record *r, struct slice payload, uint64_t place)
{
	struct open_one *one = find_open(s, r->id);

	if (r->type == SEGMENT_END || r->type == SEGMENT_ROW) {
		put_record(s->index, *r, payload, place);
		if (r->type == SEGMENT_END && one != NULL)
			*one = s->open[--s->n_open];
		return;
	}
	if (r->type == SEGMENT_BEGIN && one == NULL && s->n_open < OPEN_MAX) {
		one = &s->open[s->n_open++];
		*one = (struct open_one){ .id = r->id, .begun_us = r->at_us, .row = payload };
	}
	if (one != NULL) {
		one->last = place;
		one->last_us = r->at_us;
	}
}

/* Nobody has seen its end: the agent died. */
static void
put_orphan(struct history_scan *s, const struct open_one *one)
{
	char payload[SEGMENT_ROW_BYTES];
	struct capture_row row;

	if (!segment_row_read(one->row, &row))
		return;
	row.state = ROW_FAILED;
	row.took_us = one->last_us > one->begun_us ? one->last_us - one->begun_us : 0;
	row.code = S("agent-stopped");
	put_record(s->index,
	    (struct segment_record){ .type = SEGMENT_ROW, .id = one->id, .at_us = one->last_us },
	    slice_of(payload, segment_row_write(&row, payload)), one->last);
}

bool
history_index(struct slice segment, uint32_t number, bool orphans, struct buf *ret_index,
    size_t *ret_good)
{
	struct history_scan s = { .index = ret_index };
	struct slice rest = slice_from(segment, SEGMENT_FILE_BYTES), payload;
	struct segment_record r;
	char head[SEGMENT_FILE_BYTES];
	uint32_t said;

	if (!segment_file_head_read(segment, &said) || said != number)
		return false;
	s.open = malloc(OPEN_MAX * sizeof(*s.open));
	if (s.open == NULL)
		return false;
	segment_file_head(head, number);
	buf_put(ret_index, slice_of(head, sizeof(head)));
	while (segment_read(rest, true, &r, &payload) == SEGMENT_WHOLE) {
		see(&s, &r, payload, segment_place(number, (uint32_t)(segment.n - rest.n)));
		rest = slice_from(rest, segment_bytes(&r));
	}
	for (size_t i = 0; orphans && i < s.n_open; i++)
		put_orphan(&s, &s.open[i]);
	put_record(ret_index, (struct segment_record){ .type = SEGMENT_CLOSED }, S(""), 0);
	free(s.open);
	*ret_good = segment.n - rest.n;
	return !ret_index->failed;
}

/* --- files --- */

static int
open_one(int folder, uint32_t number, const char *ending, int flags)
{
	char name[32];

	if (number == 0)
		snprintf(name, sizeof(name), "pinned%s", ending);
	else
		snprintf(name, sizeof(name), "%08u%s", number, ending);
	return openat(folder, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static bool
read_whole(int fd, struct buf *b)
{
	struct stat st;
	char *p;
	ssize_t n;

	if (fstat(fd, &st) != 0 || st.st_size <= 0 || st.st_size > INDEX_BYTES_MAX)
		return false;
	p = buf_room(b, (size_t)st.st_size);
	n = p == NULL ? -1 : pread(fd, p, (size_t)st.st_size, 0);
	if (n != st.st_size)
		return false;
	b->n += (size_t)n;
	return true;
}

/* All of it good records of this segment, the last one closes it. */
static bool
is_whole(struct slice index, uint32_t number)
{
	struct segment_record r = { 0 };
	struct slice payload;
	uint32_t said;

	if (!segment_file_head_read(index, &said) || said != number)
		return false;
	index = slice_from(index, SEGMENT_FILE_BYTES);
	while (segment_read(index, true, &r, &payload) == SEGMENT_WHOLE)
		index = slice_from(index, segment_bytes(&r));
	return index.n == 0 && r.type == SEGMENT_CLOSED;
}

static bool
read_index(int folder, uint32_t number, struct buf *b)
{
	int fd = open_one(folder, number, ".idx", O_RDONLY);
	bool good;

	if (fd < 0)
		return false;
	good = read_whole(fd, b) && is_whole(buf_slice(b), number);
	close(fd);
	if (!good)
		buf_reset(b);
	return good;
}

/* The segment is looked through; one of our own is cut where it is torn, and gets its index. */
static bool
make_index(int folder, uint32_t number, bool own, struct buf *b)
{
	int fd = open_one(folder, number, ".seg", own ? O_RDWR : O_RDONLY), out;
	struct stat st;
	size_t good;
	void *p;
	bool ok;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) != 0 || st.st_size < SEGMENT_FILE_BYTES) {
		close(fd);
		return false;
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	ok = p != MAP_FAILED &&
	     history_index(slice_of(p, (size_t)st.st_size), number, own, b, &good);
	if (p != MAP_FAILED)
		munmap(p, (size_t)st.st_size);
	if (ok && own && good < (size_t)st.st_size && ftruncate(fd, (off_t)good) != 0)
		ok = false;
	close(fd);
	if (!ok || !own || number == 0)
		return ok;
	out = open_one(folder, number, ".idx", O_WRONLY | O_CREAT | O_TRUNC);
	/* Without it the segment is looked through again at the next start. */
	if (out >= 0 && write(out, b->p, b->n) != (ssize_t)b->n && ftruncate(out, 0) != 0)
		ok = false;
	if (out >= 0)
		close(out);
	return ok;
}

/* --- rows --- */

void
history_init(struct history *h)
{
	*h = (struct history){ 0 };
}

void
history_fini(struct history *h)
{
	for (size_t i = 0; i < h->n_indexes; i++)
		buf_fini(&h->indexes[i]);
	free(h->indexes);
	free(h->rows);
	*h = (struct history){ 0 };
}

static bool
add_row(struct history *h, const struct segment_record *r, struct slice payload, uint64_t order,
    bool pinned)
{
	if (h->n == h->room) {
		size_t room = 2 * h->room + 1024;
		struct history_row *rows = realloc(h->rows, room * sizeof(*rows));

		if (rows == NULL)
			return false;
		h->rows = rows;
		h->room = room;
	}
	h->rows[h->n++] = (struct history_row){
		.id = r->id, .order = order, .payload = payload, .at = r->back, .pinned = pinned
	};
	return true;
}

/* The rows of an index, which is kept for them. */
static void
take_index(struct history *h, struct buf *b, uint32_t number)
{
	struct buf *indexes = realloc(h->indexes, (h->n_indexes + 1) * sizeof(*indexes));
	struct slice rest = slice_from(buf_slice(b), SEGMENT_FILE_BYTES), payload;
	uint64_t order = number == 0 ? UINT64_MAX / 2 : (uint64_t)number << 32;
	struct segment_record r;

	if (indexes == NULL) {
		buf_fini(b);
		return;
	}
	h->indexes = indexes;
	h->indexes[h->n_indexes++] = *b;
	h->bytes += b->n;
	while (segment_read(rest, false, &r, &payload) == SEGMENT_WHOLE) {
		if (r.id != 0 && !add_row(h, &r, payload, order++,
				     number == 0 && (r.side & SEGMENT_UNPINNED) == 0))
			break;
		rest = slice_from(rest, segment_bytes(&r));
	}
	h->full = h->bytes > ALL_BYTES_MAX || h->n > 2 * (size_t)LIMIT_CAPTURE_ROWS;
}

static void
read_segment(struct history *h, int folder, uint32_t number, bool own)
{
	struct buf b;

	buf_init(&b, INDEX_BYTES_MAX);
	if ((number != 0 && read_index(folder, number, &b)) || make_index(folder, number, own, &b))
		take_index(h, &b, number);
	else
		buf_fini(&b);
}

static int
newest_first(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x < *y) - (*x > *y);
}

/* Numbers of the folder's segments; malloced, NULL: none. */
static uint32_t *
list_segments(int folder, size_t *ret_n)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	uint32_t *list = NULL, number;
	size_t room = 0;
	struct dirent *e;

	*ret_n = 0;
	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	while ((e = readdir(dir)) != NULL) {
		if (!segment_name_read(e->d_name, ".seg", &number))
			continue;
		if (*ret_n == room) {
			uint32_t *more = realloc(list, (2 * room + 64) * sizeof(*more));

			if (more == NULL)
				break;
			list = more;
			room = 2 * room + 64;
		}
		list[(*ret_n)++] = number;
	}
	closedir(dir);
	if (*ret_n > 0)
		qsort(list, *ret_n, sizeof(*list), newest_first);
	return list;
}

void
history_read(struct history *h, int folder, bool own, uint32_t *ret_last)
{
	size_t n;
	uint32_t *list = list_segments(folder, &n);

	*ret_last = n > 0 ? list[0] : 0;
	read_segment(h, folder, 0, own);
	/* At least the newest one, which may have to be mended. */
	for (size_t i = 0; i < n && (i == 0 || !h->full); i++)
		read_segment(h, folder, list[i], own);
	free(list);
}

static int
by_id(const void *a, const void *b)
{
	const struct history_row *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

void
history_sort(struct history *h, size_t max)
{
	size_t n = 0;

	if (h->n == 0)
		return;
	qsort(h->rows, h->n, sizeof(*h->rows), by_id);
	for (size_t i = 0; i < h->n; i++)
		if (i + 1 == h->n || h->rows[i + 1].id != h->rows[i].id)
			h->rows[n++] = h->rows[i];
	if (n > max)
		memmove(h->rows, h->rows + (n - max), max * sizeof(*h->rows));
	h->n = n > max ? max : n;
}
