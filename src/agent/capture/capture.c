/* SPDX-License-Identifier: Apache-2.0 */
/* The capture from its start to its end, and what the edge tells for its list. */
#include "agent/capture/capture.h"

#include "agent/capture/capture_private.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>

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

void
capture_free(struct capture *c)
{
	if (c == NULL)
		return;
	check(c->taps.n_out == 0);
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

	c->last_id = now > c->last_id ? now : c->last_id + 10;
	return c->last_id;
}

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
	(void)rows_put(c->rows, &r);
}
