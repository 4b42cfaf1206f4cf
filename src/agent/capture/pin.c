/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pinned exchanges: their records are copied to the end of pinned.seg, which has the form of a segment
 * with the number 0.  One that is pinned no more gets a last record there that says so.
 */
#include "agent/capture/capture_private.h"
#include "agent/capture/exchange.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD_BYTES (SEGMENT_RECORD_BYTES + SEGMENT_PAYLOAD_BYTES)

/* The file, and its length, where the next record goes. -1: it cannot be opened. */
static int
open_pinned(struct capture *c, uint32_t *ret_offset)
{
	int fd = openat(c->disk.folders[c->disk.own], "pinned.seg",
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	char head[SEGMENT_FILE_BYTES];
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) != 0 || st.st_size > LIMIT_CAPTURE_PINNED_BYTES) {
		close(fd);
		return -1;
	}
	*ret_offset = (uint32_t)st.st_size;
	if (st.st_size >= SEGMENT_FILE_BYTES)
		return fd;
	segment_file_head(head, 0);
	if (pwrite(fd, head, sizeof(head), 0) != sizeof(head)) {
		close(fd);
		return -1;
	}
	*ret_offset = SEGMENT_FILE_BYTES;
	return fd;
}

/* Appends a record behind the one at *place, and moves that on. */
static bool
append(int fd, char *record, size_t n, uint32_t *offset, uint64_t *place)
{
	struct segment_record r;

	memcpy(&r, record, sizeof(r));
	r.back = *place;
	memcpy(record, &r, sizeof(r));
	segment_seal(record);
	if (pwrite(fd, record, n, (off_t)*offset) != (ssize_t)n)
		return false;
	*place = *offset;
	*offset += (uint32_t)n;
	return true;
}

static const char *
copy(struct capture *c, struct capture_row *r, int fd, uint32_t offset)
{
	struct captured *e = exchange_open(c, r->id);
	char *record = malloc(RECORD_BYTES);
	uint32_t first = offset;
	uint64_t place = 0;
	bool ok = e != NULL && record != NULL;
	size_t n = 1;

	for (size_t i = 0; ok && n > 0; i++) {
		n = exchange_record(e, i, record);
		ok = n == 0 || append(fd, record, n, &offset, &place);
	}
	exchange_close(e);
	free(record);
	if (!ok || place == 0) {
		/* What is half there would be read as an exchange that has no end. */
		if (ftruncate(fd, (off_t)first) != 0)
			return "the file of what is pinned is damaged";
		return "it is not on the disk any more, or the disk is full";
	}
	r->at = place;
	r->flags |= ROW_PINNED;
	return NULL;
}

static const char *
let_go(struct capture_row *r, int fd, uint32_t offset)
{
	char record[SEGMENT_RECORD_BYTES + SEGMENT_ROW_BYTES];
	struct segment_record header = { .magic = SEGMENT_MAGIC,
		.type = SEGMENT_ROW,
		.side = SEGMENT_UNPINNED,
		.id = r->id,
		.at_us = (r->begun_ms + r->took_us / 1000) * 1000 };

	r->flags &= (uint16_t)~ROW_PINNED;
	header.length = (uint32_t)segment_row_write(r, record + sizeof(header));
	memcpy(record, &header, sizeof(header));
	return append(fd, record, segment_bytes(&header), &offset, &r->at) ? NULL
									   : "the disk is full";
}

const char *
capture_pin(struct capture *c, uint64_t id, bool pinned)
{
	struct capture_row r;
	uint32_t offset;
	const char *why;
	int fd;

	if (!c->has_disk || !rows_find(c->rows, id, &r))
		return "there is no such request";
	if (((r.flags & ROW_PINNED) != 0) == pinned)
		return NULL;
	if (r.took_us < 0)
		return "it has not ended yet";
	if (id % DISK_FOLDERS != c->disk.own)
		return "another agent has written it";
	fd = open_pinned(c, &offset);
	if (fd < 0)
		return "the file of what is pinned is full, or cannot be written";
	why = pinned ? copy(c, &r, fd, offset) : let_go(&r, fd, offset);
	close(fd);
	if (why == NULL)
		(void)rows_put(c->rows, &r);
	return why;
}

void
capture_clear(struct capture *c)
{
	if (c->writer != NULL)
		writer_clear(c->writer);
	rows_clear(c->rows);
}
