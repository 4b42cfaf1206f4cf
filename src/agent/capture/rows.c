/* SPDX-License-Identifier: Apache-2.0 */
/* The index of rows: a deque of cells, oldest first, their text in a ring beside it. */
#include "agent/capture/rows_private.h"

#include "agent/capture/disk.h"
#include "agent/capture/figures.h"

#include <stdlib.h>

/* Changes that are remembered, rows that are found by their request's id, and by delivery: powers of 2. */
#define CHANGES 8192
#define BY_REQUEST 4096
#define BY_DELIVERY 16384

struct rows {
	struct loop *loop;
	struct cell *cells; /* max of them: a deque */
	size_t max, first, n;
	struct ring text;
	struct words words;
	uint64_t seq;      /* number of the last change */
	uint64_t *changes; /* id of the row of each of the last ones, by number */
	/* Ids of the newest row whose request id, whose delivery falls into the slot. */
	uint64_t *by_request, *by_delivery;
	struct figures figures;
	struct list listeners;
	struct loop_task tell;
};

static struct cell *
cell_at(const struct rows *r, size_t i)
{
	return &r->cells[(r->first + i) % r->max];
}

static void
tell(struct loop_task *t)
{
	struct rows *r = list_of(t, struct rows, tell);

	LIST_EACH(node, &r->listeners) {
		struct rows_listener *l = list_of(node, struct rows_listener, node);

		l->fn(l);
	}
}

static void
changed(struct rows *r)
{
	if (!list_empty(&r->listeners))
		loop_at_end(r->loop, &r->tell);
}

struct rows *
rows_new(struct loop *l, size_t max)
{
	struct rows *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->loop = l;
	r->max = max;
	r->text.cap = LIMIT_CAPTURE_TEXT_BYTES;
	r->words.max = LIMIT_CAPTURE_WORDS;
	r->words.n = 1; /* 0 is none */
	/* Memory of these sizes comes from the kernel, and is there when it is touched. */
	r->cells = calloc(max, sizeof(*r->cells));
	r->text.p = malloc(r->text.cap);
	r->words.list = calloc(r->words.max, sizeof(*r->words.list));
	r->changes = calloc(CHANGES, sizeof(*r->changes));
	r->by_request = calloc(BY_REQUEST, sizeof(*r->by_request));
	r->by_delivery = calloc(BY_DELIVERY, sizeof(*r->by_delivery));
	map_init(&r->words.map);
	list_init(&r->listeners);
	loop_task_init(&r->tell, tell);
	if (r->cells == NULL || r->text.p == NULL || r->words.list == NULL || r->changes == NULL ||
	    r->by_request == NULL || r->by_delivery == NULL || figures_init(&r->figures) != 0) {
		rows_free(r);
		return NULL;
	}
	return r;
}

void
rows_free(struct rows *r)
{
	if (r == NULL)
		return;
	LIST_EACH(node, &r->listeners)
		list_del(node);
	loop_task_cancel(&r->tell);
	figures_fini(&r->figures);
	map_fini(&r->words.map);
	free(r->cells);
	free(r->text.p);
	free(r->words.list);
	free(r->changes);
	free(r->by_request);
	free(r->by_delivery);
	free(r);
}

/* --- reading --- */

size_t
rows_count(const struct rows *r)
{
	return r->n;
}

static struct slice
text_of(const struct rows *r, const struct cell *c)
{
	return slice_of(r->text.p + (c->text_first + c->text_off) % r->text.cap, c->text_n);
}

static bool
give(const struct rows *r, size_t i, struct capture_row *ret)
{
	const struct cell *c;

	if (i >= r->n)
		return false;
	c = cell_at(r, i);
	unpack(c, &r->words, text_of(r, c), ret);
	return true;
}

/* Index of the first row with this id or a larger one; r->n where there is none. */
static size_t
place(const struct rows *r, uint64_t id)
{
	size_t low = 0, high = r->n;

	if (high == 0 || cell_at(r, high - 1)->id < id)
		return high;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (cell_at(r, mid)->id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool
rows_newest(const struct rows *r, struct capture_row *ret)
{
	return r->n > 0 && give(r, r->n - 1, ret);
}

bool
rows_oldest(const struct rows *r, struct capture_row *ret)
{
	return give(r, 0, ret);
}

bool
rows_find(const struct rows *r, uint64_t id, struct capture_row *ret)
{
	size_t i = place(r, id);

	return i < r->n && cell_at(r, i)->id == id && give(r, i, ret);
}

bool
rows_before(const struct rows *r, uint64_t id, struct capture_row *ret)
{
	size_t i = place(r, id);

	return i > 0 && give(r, i - 1, ret);
}

bool
rows_after(const struct rows *r, uint64_t id, struct capture_row *ret)
{
	return id != UINT64_MAX && give(r, place(r, id + 1), ret);
}

bool
rows_of_delivery(const struct rows *r, uint64_t delivery, struct capture_row *ret)
{
	return delivery != 0 && rows_find(r, r->by_delivery[delivery % BY_DELIVERY], ret) &&
	       ret->delivery == delivery;
}

bool
rows_of_request(const struct rows *r, struct slice request_id, struct capture_row *ret)
{
	return request_id.n > 0 &&
	       rows_find(r, r->by_request[map_hash(request_id) % BY_REQUEST], ret) &&
	       slice_eq(ret->request_id, request_id);
}

uint64_t
rows_seq(const struct rows *r)
{
	return r->seq;
}

uint64_t
rows_seq_known(const struct rows *r)
{
	return r->seq > CHANGES ? r->seq - CHANGES : 0;
}

bool
rows_changed(const struct rows *r, uint64_t *seq, struct capture_row *ret)
{
	if (*seq < rows_seq_known(r))
		*seq = rows_seq_known(r);
	while (*seq < r->seq) {
		++*seq;
		if (rows_find(r, r->changes[*seq % CHANGES], ret) && ret->changed == *seq)
			return true; /* else it has changed again since, or is forgotten */
	}
	return false;
}

void
rows_listen(struct rows *r, struct rows_listener *l)
{
	list_push(&r->listeners, &l->node);
}

void
rows_unlisten(struct rows_listener *l)
{
	if (l->node.next != NULL)
		list_del(&l->node);
}

/* --- writing --- */

static void
drop_oldest(struct rows *r)
{
	check(r->n > 0);
	r->first = (r->first + 1) % r->max;
	r->n--;
}

/*
 * Room for n bytes at the ring's head, in one piece; rows whose text is in the way are forgotten.
 * The place.  What a row had at first lies before all that younger rows have, so the oldest row's
 * first place is the ring's end.
 */
static uint64_t
make_room(struct rows *r, size_t n)
{
	struct ring *ring = &r->text;
	size_t left = ring->cap - ring->head % ring->cap;
	uint64_t at = n <= left ? ring->head : ring->head + left;

	check(n <= PACK_BYTES && ring->cap > 2 * PACK_BYTES);
	while (r->n > 0 && at + n - cell_at(r, 0)->text_first > ring->cap)
		drop_oldest(r);
	ring->head = at + n;
	return at;
}

/* Puts the row's text where the cell's text is, if it fits there, else at the head. */
static void
put_text(struct rows *r, struct cell *c, const struct capture_row *row, bool fresh)
{
	char text[PACK_BYTES] UNCLEARED;
	size_t n = pack_text(c, &r->words, row, text);
	uint64_t id = c->id, at;

	if (fresh || n > c->text_n) {
		at = make_room(r, n);
		if (fresh)
			c->text_first = at;
		else if (r->n == 0 || cell_at(r, 0)->id > id)
			return; /* its own text was the oldest */
		c->text_off = (uint32_t)(at - c->text_first);
	}
	c->text_n = n & 0xFFFFF;
	if (n > 0)
		memcpy(r->text.p + (c->text_first + c->text_off) % r->text.cap, text, n);
}

static void
note(struct rows *r, struct cell *c, const struct capture_row *row)
{
	c->changed = ++r->seq;
	r->changes[r->seq % CHANGES] = c->id;
	if (row->delivery != 0)
		r->by_delivery[row->delivery % BY_DELIVERY] = c->id;
	changed(r);
}

bool
rows_put(struct rows *r, const struct capture_row *row)
{
	size_t i = place(r, row->id);
	struct cell fresh = { 0 }, *c;

	if (i < r->n) {
		c = cell_at(r, i);
		if (c->id != row->id)
			return false;
		pack_numbers(c, row);
		put_text(r, c, row, false);
		if (!rows_find(r, row->id, &(struct capture_row){ 0 }))
			return false;
		note(r, c, row);
		return true;
	}
	pack_numbers(&fresh, row);
	put_text(r, &fresh, row, true);
	if (r->n == r->max)
		drop_oldest(r);
	c = cell_at(r, r->n++);
	*c = fresh;
	if (row->request_id.n > 0)
		r->by_request[map_hash(row->request_id) % BY_REQUEST] = row->id;
	note(r, c, row);
	return true;
}

void
rows_clear(struct rows *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->n; i++)
		if (cell_at(r, i)->flags & ROW_PINNED)
			*cell_at(r, kept++) = *cell_at(r, i);
	r->n = kept;
	r->seq += CHANGES + 1; /* whoever watches reads the list anew */
	changed(r);
}

void
rows_forget(struct rows *r, uint32_t segment, unsigned folder)
{
	while (r->n > 0 && cell_at(r, 0)->at != 0 && cell_at(r, 0)->at >> 32 < segment &&
	       cell_at(r, 0)->id % DISK_FOLDERS == folder && !(cell_at(r, 0)->flags & ROW_PINNED))
		drop_oldest(r);
	changed(r);
}

/* --- counters --- */

void
rows_figures_anew(struct rows *r, size_t tunnel)
{
	figures_anew(&r->figures, tunnel);
}

void
rows_begun(struct rows *r, size_t tunnel, bool listed)
{
	figures_begun(&r->figures, tunnel, listed);
}

void
rows_ended(struct rows *r, size_t tunnel, int64_t took_us, bool failed)
{
	figures_ended(&r->figures, tunnel, took_us, failed, loop_now_us(r->loop));
	changed(r);
}

void
rows_refused(struct rows *r, size_t tunnel)
{
	figures_refused(&r->figures, tunnel);
}

void
rows_inbox(struct rows *r, size_t tunnel, uint64_t wait, uint64_t parked, int64_t oldest_ms)
{
	figures_inbox(&r->figures, tunnel, wait, parked, oldest_ms);
	changed(r);
}

void
rows_figures(const struct rows *r, size_t tunnel, struct tunnel_figures *ret)
{
	figures_of(&r->figures, tunnel, loop_now_us(r->loop), ret);
}
