/* SPDX-License-Identifier: Apache-2.0 */
/* The capture from its start to its end, and what the edge tells for its list. */
#include "agent/capture/capture.h"

#include "agent/capture/capture_private.h"
#include "agent/capture/history.h"
#include "agent/capture/seek.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* 2026-01-01: ids stay short. */
#define EPOCH_MS 1767225600000

struct capture *
capture_new(struct loop *l)
{
	struct capture *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->loop = l;
	c->rows = rows_new(l, LIMIT_CAPTURE_ROWS);
	if (c->rows == NULL) {
		free(c);
		return NULL;
	}
	slab_init(&c->taps, sizeof(struct tap), LIMIT_CAPTURE_TAPS);
	list_init(&c->running);
	list_init(&c->seeks);
	pin_init(c);
	return c;
}

void
capture_tunnel(struct capture *c, size_t index, const char *name, enum capture_level level)
{
	check(index < LIMIT_AGENT_TUNNELS);
	snprintf(c->tunnels[index].name, sizeof(c->tunnels[index].name), "%s", name);
	c->tunnels[index].level = level;
	rows_figures_anew(c->rows, index);
}

enum capture_level
capture_level(const struct capture *c, size_t index)
{
	check(index < LIMIT_AGENT_TUNNELS);
	return c->tunnels[index].level;
}

void
capture_free(struct capture *c)
{
	if (c == NULL)
		return;
	check(c->taps.n_out == 0);
	seek_free_all(c);
	pin_fini(c);
	writer_free(c->writer);
	writer_free(c->spent);
	if (c->has_disk)
		disk_close(&c->disk);
	free(c->blank);
	free(c->never_store);
	free(c->redact);
	slab_fini(&c->taps);
	rows_free(c->rows);
	free(c);
}

struct rows *
capture_rows(struct capture *c)
{
	return c->rows;
}

uint64_t
capture_next_id(struct capture *c)
{
	int64_t ms = clock_wall_ms() - EPOCH_MS;
	uint64_t now = ms < 0 ? 0 : (uint64_t)ms * 1000;

	/* The last digit is the folder's. */
	now = now - now % DISK_FOLDERS + c->disk.own;
	c->last_id = now > c->last_id ? now : c->last_id + DISK_FOLDERS;
	return c->last_id;
}

/* --- the disk --- */

uint64_t
capture_last_place(const struct capture *c, uint64_t id, uint64_t at)
{
	LIST_EACH(node, &c->running) {
		const struct tap *t = list_of(node, struct tap, node);

		if (t->id == id)
			return t->last;
	}
	return at;
}

void
capture_keep_row(struct capture *c, struct capture_row *r)
{
	char payload[SEGMENT_ROW_BYTES] UNCLEARED;
	struct segment_record record = { .type = SEGMENT_ROW,
		.tunnel = r->tunnel,
		.id = r->id,
		.at_us = clock_wall_ms() * 1000,
		.back = r->at };
	uint64_t place;

	/* What lies in another agent's folder has its chain there. */
	if (c->writer == NULL || r->id % DISK_FOLDERS != c->disk.own)
		return;
	if (r->flags & ROW_PINNED) {
		pin_keep_row(c, r);
		return;
	}
	r->flags &= (uint16_t)~ROW_UNKEPT;
	place =
	    writer_put(c->writer, &record, slice_of(payload, segment_row_write(r, payload)), true);
	if (place != 0)
		r->at = place;
}

static void
on_webhook(struct capture *c, uint64_t id, const struct webhook *about)
{
	struct capture_row r;

	if (!rows_find(c->rows, id, &r))
		return;
	r.provider = slice_str(about->provider);
	r.event = slice_str(about->event);
	r.repository = slice_str(about->repository);
	r.branch = slice_str(about->branch);
	if (r.took_us >= 0)
		capture_keep_row(c, &r);
	(void)rows_put(c->rows, &r);
}

/* The disk has failed: what is there may be read still. */
static void
on_failed(struct capture *c, const char *why)
{
	snprintf(c->why, sizeof(c->why), "%s", why);
	c->spent = c->writer;
	c->writer = NULL;
	if (c->stopped != NULL)
		c->stopped(c->stopped_owner, c->why);
}

static void
on_told(void *owner)
{
	struct capture *c = owner;
	struct writer_news news;

	while (c->writer != NULL && writer_told(c->writer, &news)) {
		switch (news.what) {
		case WRITER_WEBHOOK:
			on_webhook(c, news.id, &news.about);
			break;
		case WRITER_GONE:
			rows_forget(c->rows, news.segment, c->disk.own);
			break;
		case WRITER_FAILED:
			on_failed(c, news.text);
			break;
		}
	}
}

/* The list as it was before. A row whose tunnel there is again is of that one. */
static void
load(struct capture *c, uint32_t *ret_last)
{
	struct history h;
	uint32_t last;

	history_init(&h);
	*ret_last = 0;
	for (unsigned i = 0; i < DISK_FOLDERS; i++) {
		if (c->disk.folders[i] < 0)
			continue;
		history_read(&h, c->disk.folders[i], i == c->disk.own, &last);
		if (i == c->disk.own)
			*ret_last = last;
	}
	history_sort(&h, LIMIT_CAPTURE_ROWS);
	for (size_t i = 0; i < h.n; i++) {
		struct capture_row r;

		if (!segment_row_read(h.rows[i].payload, &r) || r.id != h.rows[i].id)
			continue;
		r.at = h.rows[i].at;
		r.flags = (uint16_t)((r.flags & ~ROW_PINNED) | (h.rows[i].pinned ? ROW_PINNED : 0));
		for (size_t k = 0; k < LIMIT_AGENT_TUNNELS && r.name.n > 0; k++)
			if (slice_eq(r.name, slice_str(c->tunnels[k].name)))
				r.tunnel = (uint8_t)k;
		(void)rows_put(c->rows, &r);
		if (r.id - r.id % DISK_FOLDERS + DISK_FOLDERS > c->last_id)
			c->last_id = r.id - r.id % DISK_FOLDERS + c->disk.own;
	}
	history_fini(&h);
}

char *
capture_store(struct capture *c, const char *path, const struct capture_options *o,
    void (*stopped)(void *owner, const char *why), void *owner)
{
	struct writer_params p = {
		.bytes_max = o->bytes_max,
		.age_ms_max = o->age_ms_max,
		.told = on_told,
		.owner = c,
	};
	char *error = disk_open(&c->disk, path);
	uint32_t last;

	check(!c->has_disk && list_empty(&c->running));
	c->options = *o;
	c->options.never_store = c->options.redact = NULL;
	c->never_store = capture_names(o->never_store);
	c->redact = capture_names(o->redact);
	/* Better nothing is stored than what must not be. */
	if (error == NULL && o->never_store != NULL && o->never_store[0] != 0 &&
	    c->never_store == NULL) {
		disk_close(&c->disk);
		error = strdup("out of memory");
	}
	if (error == NULL) {
		c->has_disk = true;
		load(c, &last);
		p.number = last + 1;
		p.folder = dup(c->disk.folders[c->disk.own]);
		c->writer = p.folder < 0 ? NULL : writer_new(c->loop, &p);
		c->blank = malloc(CAPTURE_BLANK_BYTES);
		if (c->writer == NULL && p.folder >= 0)
			close(p.folder);
		if (c->writer == NULL || c->blank == NULL)
			error = strdup("no memory, thread or descriptor for it");
	}
	if (error != NULL)
		snprintf(c->why, sizeof(c->why), "%s", error);
	c->stopped = stopped;
	c->stopped_owner = owner;
	return error;
}

const char *const *
capture_redacted(const struct capture *c)
{
	return (const char *const *)c->redact;
}

void
capture_state(struct capture *c, struct capture_state *ret)
{
	*ret = (struct capture_state){ .on = c->writer != NULL,
		.why = c->writer != NULL ? "" : c->why,
		.bytes = c->writer != NULL ? writer_bytes(c->writer) : 0,
		.bytes_max = c->options.bytes_max,
		.age_ms_max = c->options.age_ms_max,
		.cuts = c->cuts };
}

void
capture_flush(struct capture *c)
{
	if (c->writer != NULL)
		writer_flush(c->writer);
}

/* --- what the edge tells --- */

static void
take(struct slice *to, struct slice from)
{
	if (from.n > 0)
		*to = from;
}

void
capture_edge_row(struct capture *c, const struct edge_row *e)
{
	struct capture_row r = { 0 };
	bool known = rows_of_delivery(c->rows, e->delivery, &r) ||
		     rows_of_request(c->rows, e->request_id, &r);

	check(e->tunnel < LIMIT_AGENT_TUNNELS);
	if (!known)
		r = (struct capture_row){ .id = capture_next_id(c),
			.begun_ms = e->at_ms,
			.took_us = e->took_us,
			.tunnel = (uint8_t)e->tunnel,
			.flags = ROW_UNKEPT,
			.name = slice_str(c->tunnels[e->tunnel].name) };
	/* What passes through is known better here, until it has ended. */
	if (r.state != ROW_OPEN || !known || e->state == ROW_REFUSED)
		r.state = (uint8_t)e->state;
	if (e->delivery != 0)
		r.delivery = e->delivery;
	if (e->attempt > r.attempt)
		r.attempt = e->attempt;
	if (e->verdict != VERDICT_NONE)
		r.verdict = (uint8_t)e->verdict;
	if (e->bytes > r.tx_bytes)
		r.tx_bytes = e->bytes;
	if (e->status != 0)
		r.status = e->status;
	take(&r.request_id, e->request_id);
	take(&r.code, e->code);
	take(&r.method, e->method);
	take(&r.target, e->target);
	take(&r.host, e->host);
	take(&r.event, e->event);
	take(&r.repository, e->repository);
	take(&r.branch, e->branch);
	take(&r.provider, e->provider);
	take(&r.client, e->client);
	if (e->state == ROW_REFUSED && !known)
		rows_refused(c->rows, e->tunnel);
	/* What runs gets its record at its end. */
	if (c->tunnels[e->tunnel].level != CAPTURE_OFF &&
	    (r.took_us >= 0 || (r.flags & ROW_UNKEPT) != 0))
		capture_keep_row(c, &r);
	(void)rows_put(c->rows, &r);
}
