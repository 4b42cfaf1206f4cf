/* SPDX-License-Identifier: Apache-2.0 */
/* Walks an exchange's records from the last to the first, and reads what they hold. */
#include "agent/capture/exchange.h"

#include "agent/capture/capture_private.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Of a file at once: records of one exchange stand close together as a rule. */
#define WINDOW_BYTES 65536

struct captured_part {
	uint64_t place; /* of the payload */
	int64_t at_us;
	uint64_t offset; /* of a body's piece, in the body */
	uint32_t n;
};

/* Records of one kind, in the order in which they came. */
struct captured_parts {
	struct captured_part *list;
	size_t n, room;
};

struct captured {
	struct capture *capture;
	uint64_t id;
	struct captured_parts heads[2][2], bodies[2], trailers[2]; /* by side, and by form */
	struct captured_parts all;                                 /* records, whole */
	uint64_t bytes[2];
	/* The file that was read last, and a part of it. */
	int fd;
	uint32_t number;
	uint64_t window; /* place of its first byte */
	size_t n_window;
	char *buffer;
};

/* --- bytes --- */

static bool
open_file(struct captured *e, uint32_t number)
{
	if (e->fd >= 0 && e->number == number)
		return true;
	if (e->fd >= 0)
		close(e->fd);
	e->fd = disk_file(&e->capture->disk, e->id, number);
	e->number = number;
	e->n_window = 0;
	return e->fd >= 0;
}

/* In memory, where they are not written yet; else in the file. */
static bool
read_at(struct captured *e, uint64_t place, char *dst, size_t n)
{
	struct capture *c = e->capture;

	if (c->writer != NULL && e->id % DISK_FOLDERS == c->disk.own &&
	    writer_pending(c->writer, place, dst, n))
		return true;
	return open_file(e, (uint32_t)(place >> 32)) &&
	       pread(e->fd, dst, n, (off_t)(uint32_t)place) == (ssize_t)n;
}

/* The same by the window, which ends a little behind what was asked for: the walk goes back. */
static bool
read_record(struct captured *e, uint64_t place, char *dst)
{
	uint32_t offset = (uint32_t)place, from;
	ssize_t got;

	if (place >= e->window && place + SEGMENT_RECORD_BYTES <= e->window + e->n_window) {
		memcpy(dst, e->buffer + (place - e->window), SEGMENT_RECORD_BYTES);
		return true;
	}
	e->n_window = 0;
	if (read_at(e, place, dst, SEGMENT_RECORD_BYTES)) {
		if (e->fd < 0 || e->number != place >> 32)
			return true;
		from = offset > WINDOW_BYTES / 2 ? offset - WINDOW_BYTES / 2 : 0;
		got = pread(e->fd, e->buffer, WINDOW_BYTES, (off_t)from);
		e->window = segment_place(e->number, from);
		e->n_window = got < 0 ? 0 : (size_t)got;
		return true;
	}
	return false;
}

/* --- the walk --- */

static bool
add(struct captured_parts *p, const struct segment_record *r, uint64_t place)
{
	if (p->n == p->room) {
		size_t room = 2 * p->room + 16;
		struct captured_part *list = realloc(p->list, room * sizeof(*list));

		if (list == NULL)
			return false;
		p->list = list;
		p->room = room;
	}
	p->list[p->n++] = (struct captured_part){
		.place = place + SEGMENT_RECORD_BYTES, .at_us = r->at_us, .n = r->length
	};
	return true;
}

static bool
sort_in(struct captured *e, const struct segment_record *r, uint64_t place)
{
	size_t side = (r->side & SEGMENT_RESPONSE) != 0;

	if (!add(&e->all, r, place))
		return false;
	switch (r->type) {
	case SEGMENT_HEAD:
		return add(&e->heads[side][(r->side & SEGMENT_SENT) != 0], r, place);
	case SEGMENT_BODY:
		return add(&e->bodies[side], r, place);
	case SEGMENT_TRAILERS:
		return add(&e->trailers[side], r, place);
	default:
		return true;
	}
}

/* They were found from the last one on. */
static void
turn_round(struct captured_parts *p)
{
	for (size_t i = 0; i < p->n / 2; i++) {
		struct captured_part swap = p->list[i];

		p->list[i] = p->list[p->n - 1 - i];
		p->list[p->n - 1 - i] = swap;
	}
}

static void
put_in_order(struct captured *e)
{
	turn_round(&e->all);
	for (size_t side = 0; side < 2; side++) {
		turn_round(&e->heads[side][0]);
		turn_round(&e->heads[side][1]);
		turn_round(&e->trailers[side]);
		turn_round(&e->bodies[side]);
		for (size_t i = 0; i < e->bodies[side].n; i++) {
			e->bodies[side].list[i].offset = e->bytes[side];
			e->bytes[side] += e->bodies[side].list[i].n;
		}
	}
}

/* False: its first record cannot be reached, and so nothing can be trusted to be whole. What the
 * files say is not believed: places only go down, and there is an end to their number. */
static bool
walk(struct captured *e, uint64_t place)
{
	for (size_t i = 0; i < LIMIT_CAPTURE_RECORDS + 64; i++) {
		char bytes[SEGMENT_RECORD_BYTES];
		struct segment_record r;

		if (!read_record(e, place, bytes))
			return false;
		memcpy(&r, bytes, sizeof(r));
		if (r.magic != SEGMENT_MAGIC || r.id != e->id || r.length > SEGMENT_PAYLOAD_BYTES ||
		    !sort_in(e, &r, place))
			return false;
		if (r.back == 0)
			return true;
		if (r.back >= place)
			return false;
		place = r.back;
	}
	return false;
}

struct captured *
exchange_open(struct capture *c, uint64_t id)
{
	struct captured *e;
	struct capture_row row;
	uint64_t place;

	if (!c->has_disk || !rows_find(c->rows, id, &row))
		return NULL;
	place = capture_last_place(c, id, row.at);
	e = place == 0 ? NULL : calloc(1, sizeof(*e));
	if (e == NULL)
		return NULL;
	e->capture = c;
	e->id = id;
	e->fd = -1;
	e->buffer = malloc(WINDOW_BYTES);
	if (e->buffer == NULL || !walk(e, place)) {
		exchange_close(e);
		return NULL;
	}
	put_in_order(e);
	return e;
}

void
exchange_close(struct captured *e)
{
	if (e == NULL)
		return;
	for (size_t side = 0; side < 2; side++) {
		free(e->heads[side][0].list);
		free(e->heads[side][1].list);
		free(e->trailers[side].list);
		free(e->bodies[side].list);
	}
	free(e->all.list);
	if (e->fd >= 0)
		close(e->fd);
	free(e->buffer);
	free(e);
}

/* --- what it holds --- */

static bool
put_part(struct captured *e, const struct captured_part *p, struct buf *out)
{
	char *dst = buf_room(out, p->n);

	if (dst == NULL || !read_at(e, p->place, dst, p->n))
		return false;
	out->n += p->n;
	return true;
}

bool
exchange_head(struct captured *e, enum tap_side side, enum tap_form form, struct buf *out)
{
	const struct captured_parts *p = &e->heads[side][form];

	return p->n > 0 && put_part(e, &p->list[p->n - 1], out);
}

bool
exchange_trailers(struct captured *e, enum tap_side side, struct buf *out)
{
	const struct captured_parts *p = &e->trailers[side];

	return p->n > 0 && put_part(e, &p->list[p->n - 1], out);
}

int64_t
exchange_head_us(const struct captured *e, enum tap_side side)
{
	const struct captured_parts *p = &e->heads[side][TAP_RECEIVED];

	return p->n > 0 ? p->list[0].at_us : 0;
}

uint64_t
exchange_body_bytes(const struct captured *e, enum tap_side side)
{
	return e->bytes[side];
}

size_t
exchange_pieces(const struct captured *e, enum tap_side side)
{
	return e->bodies[side].n;
}

void
exchange_piece(const struct captured *e, enum tap_side side, size_t i, struct exchange_piece *ret)
{
	const struct captured_part *p = &e->bodies[side].list[i];

	check(i < e->bodies[side].n);
	*ret = (struct exchange_piece){ .at_us = p->at_us, .offset = p->offset, .n = p->n };
}

uint64_t
exchange_offset(const struct captured *e, enum tap_side side, uint64_t place)
{
	const struct captured_parts *p = &e->bodies[side];

	for (size_t i = 0; i < p->n; i++)
		if (p->list[i].place == place + SEGMENT_RECORD_BYTES)
			return p->list[i].offset;
	return UINT64_MAX;
}

size_t
exchange_records(const struct captured *e)
{
	return e->all.n;
}

size_t
exchange_record(struct captured *e, size_t i, char *dst)
{
	const struct captured_part *p;
	size_t n;

	if (i >= e->all.n)
		return 0;
	p = &e->all.list[i];
	n = SEGMENT_RECORD_BYTES + (size_t)p->n;
	return read_at(e, p->place - SEGMENT_RECORD_BYTES, dst, n) ? n : 0;
}

/* The piece that holds this byte; n where it is behind the last one. */
static size_t
piece_at(const struct captured_parts *p, uint64_t offset)
{
	size_t low = 0, high = p->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (p->list[mid].offset + p->list[mid].n <= offset)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

size_t
exchange_read(struct captured *e, enum tap_side side, uint64_t offset, char *dst, size_t n)
{
	const struct captured_parts *p = &e->bodies[side];
	size_t done = 0;

	for (size_t i = piece_at(p, offset); i < p->n && done < n; i++) {
		const struct captured_part *part = &p->list[i];
		size_t skip = (size_t)(offset + done - part->offset);
		size_t take = part->n - skip < n - done ? part->n - skip : n - done;

		if (!read_at(e, part->place + skip, dst + done, take))
			break;
		done += take;
	}
	return done;
}
