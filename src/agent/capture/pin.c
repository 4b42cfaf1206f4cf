/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pinned exchanges: their records are copied to the end of pinned.seg, which has the form of a segment
 * with the number 0, a slice a turn of the loop.  One that is pinned no more gets a last record there that says so.
 */
#include "agent/capture/capture_private.h"
#include "agent/capture/exchange.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD_BYTES (SEGMENT_RECORD_BYTES + SEGMENT_PAYLOAD_BYTES)
/* That a turn of the loop copies: a millisecond at most. */
#define SLICE_BYTES 262144

struct pinning {
	struct list node; /* in capture->pinnings: the first one runs */
	uint64_t id;
	bool pinned;
	void (*done)(void *owner, const char *why); /* NULL: nobody wants to know */
	void *owner;
	/* What is copied. */
	struct captured *exchange;
	char *record;
	size_t next, n_records;
	uint64_t at; /* the row's last place as it began */
	int fd;
	uint32_t first, offset; /* in the file: where it begins, where the next record goes */
	uint64_t place;
};

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

/* Copies the next slice. True while there is more; else *ret_why says how it ended. */
static bool
copy_slice(struct pinning *p, const char **ret_why)
{
	size_t budget = SLICE_BYTES;

	*ret_why = NULL;
	while (budget > 0) {
		size_t n = exchange_record(p->exchange, p->next, p->record);

		if (n == 0 && p->next == p->n_records && p->place != 0)
			return false;
		if (n == 0 || (uint64_t)p->offset + n > LIMIT_CAPTURE_PINNED_BYTES ||
		    !append(p->fd, p->record, n, &p->offset, &p->place)) {
			*ret_why = n == 0 ? "it is not on the disk any more"
					  : "the disk is full, or too much is pinned";
			return false;
		}
		p->next++;
		budget = budget > n ? budget - n : 0;
	}
	return true;
}

/* The row as it is now becomes its last record. */
static const char *
append_row(struct capture_row *r, uint8_t side, int fd, uint32_t offset)
{
	char record[SEGMENT_RECORD_BYTES + SEGMENT_ROW_BYTES];
	struct segment_record header = { .magic = SEGMENT_MAGIC,
		.type = SEGMENT_ROW,
		.side = side,
		.id = r->id,
		.at_us = (r->begun_ms + r->took_us / 1000) * 1000 };

	header.length = (uint32_t)segment_row_write(r, record + sizeof(header));
	memcpy(record, &header, sizeof(header));
	return append(fd, record, segment_bytes(&header), &offset, &r->at) ? NULL
									   : "the disk is full";
}

static const char *
let_go(struct capture_row *r, int fd, uint32_t offset)
{
	r->flags &= (uint16_t)~ROW_PINNED;
	return append_row(r, SEGMENT_UNPINNED, fd, offset);
}

/* --- one after another, a slice a turn --- */

static void
finish(struct capture *c, struct pinning *p, const char *why)
{
	struct stat st;

	/* What is half there would be read as an exchange that has no end. */
	if (p->fd >= 0 && why != NULL && fstat(p->fd, &st) == 0 && st.st_size > p->first &&
	    ftruncate(p->fd, (off_t)p->first) != 0)
		why = "the file of what is pinned is damaged";
	if (p->fd >= 0)
		close(p->fd);
	exchange_close(p->exchange);
	free(p->record);
	list_del(&p->node);
	c->n_pinnings--;
	if (p->done != NULL)
		p->done(p->owner, why);
	free(p);
}

/* NULL: it goes on with slices, or *ret_ended; else a sentence. */
static const char *
begin(struct capture *c, struct pinning *p, bool *ret_ended)
{
	struct capture_row r;
	const char *why;

	*ret_ended = true;
	if (!c->has_disk || !rows_find(c->rows, p->id, &r))
		return "there is no such request";
	if (((r.flags & ROW_PINNED) != 0) == p->pinned)
		return NULL;
	if (r.took_us < 0)
		return "it has not ended yet";
	if (p->id % DISK_FOLDERS != c->disk.own)
		return "another agent has written it";
	p->fd = open_pinned(c, &p->offset);
	if (p->fd < 0)
		return "the file of what is pinned is full, or cannot be written";
	p->first = p->offset;
	if (!p->pinned) {
		why = let_go(&r, p->fd, p->offset);
		if (why == NULL)
			(void)rows_put(c->rows, &r);
		return why;
	}
	p->exchange = exchange_open(c, p->id);
	p->record = malloc(RECORD_BYTES);
	if (p->exchange == NULL || p->record == NULL)
		return "nothing of it is on the disk";
	p->n_records = exchange_records(p->exchange);
	p->at = r.at;
	*ret_ended = false;
	return NULL;
}

/* All is copied. The edge may have told more of it meanwhile: then it is copied once more. True where
 * it goes on. */
static bool
take_over(struct capture *c, struct pinning *p, const char **ret_why)
{
	struct capture_row r;

	*ret_why = NULL;
	if (!rows_find(c->rows, p->id, &r)) {
		*ret_why = "it was forgotten meanwhile";
		return false;
	}
	if (r.at != p->at) {
		exchange_close(p->exchange);
		p->exchange = exchange_open(c, p->id);
		if (p->exchange == NULL || ftruncate(p->fd, (off_t)p->first) != 0) {
			*ret_why = "it is not on the disk any more";
			return false;
		}
		p->n_records = exchange_records(p->exchange);
		p->at = r.at;
		p->next = 0;
		p->place = 0;
		p->offset = p->first;
		return true;
	}
	r.at = p->place;
	r.flags |= ROW_PINNED;
	(void)rows_put(c->rows, &r);
	return false;
}

static void
on_turn(struct loop_task *t)
{
	struct capture *c = list_of(t, struct capture, pin_turn);
	struct pinning *p;
	const char *why;
	bool ended;

	if (list_empty(&c->pinnings))
		return;
	p = list_of(c->pinnings.next, struct pinning, node);
	if (p->exchange == NULL) {
		why = begin(c, p, &ended);
		ended = ended || why != NULL;
	} else {
		ended = !copy_slice(p, &why);
		if (ended && why == NULL)
			ended = !take_over(c, p, &why);
	}
	if (ended)
		finish(c, p, why);
	if (!list_empty(&c->pinnings))
		loop_at_end(c->loop, &c->pin_turn);
}

struct pinning *
capture_pin(struct capture *c, uint64_t id, bool pinned, void (*done)(void *owner, const char *why),
    void *owner)
{
	struct pinning *p = c->n_pinnings < LIMIT_CAPTURE_PINNINGS ? calloc(1, sizeof(*p)) : NULL;

	if (p == NULL)
		return NULL;
	p->id = id;
	p->pinned = pinned;
	p->done = done;
	p->owner = owner;
	p->fd = -1;
	list_push(&c->pinnings, &p->node);
	c->n_pinnings++;
	loop_at_end(c->loop, &c->pin_turn);
	return p;
}

void
capture_pin_leave(struct pinning *p)
{
	p->done = NULL;
}

void
pin_init(struct capture *c)
{
	list_init(&c->pinnings);
	loop_task_init(&c->pin_turn, on_turn);
}

void
pin_fini(struct capture *c)
{
	loop_task_cancel(&c->pin_turn);
	LIST_EACH(node, &c->pinnings) {
		struct pinning *p = list_of(node, struct pinning, node);

		p->done = NULL;
		finish(c, p, p->fd < 0 ? NULL : "the agent ends");
	}
}

void
pin_keep_row(struct capture *c, struct capture_row *r)
{
	uint32_t offset;
	int fd = list_empty(&c->pinnings) ? open_pinned(c, &offset) : -1;

	/* What is told while one is copied is in memory alone. */
	if (fd < 0)
		return;
	(void)append_row(r, 0, fd, offset);
	close(fd);
}

void
capture_clear(struct capture *c)
{
	if (c->writer != NULL)
		writer_clear(c->writer);
	rows_clear(c->rows);
}
