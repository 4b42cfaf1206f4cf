/* SPDX-License-Identifier: Apache-2.0 */
/* Batches of requests to be sent again: which may go, which wait, and what is asked of them. */
#include "agent/replay/replay_private.h"

#include <stdlib.h>

const struct replay_word replay_words[] = {
#define X(symbol, status, code, text, todo) { status, code, text, todo },
	REPLAY_RESULTS(X)
#undef X
};

static struct rows *
rows_of(const struct replay *r)
{
	return capture_rows(r->client->serve->capture);
}

/* --- the queue --- */

static void
free_batch(struct replay_batch *b)
{
	list_del(&b->node);
	loop_timer_stop(b->replay->client->loop, &b->timer);
	b->replay->n_waiting -= b->n - b->at;
	free((char *)(uintptr_t)b->message.head.p);
	free(b);
}

static void
on_pause(struct loop_timer *t)
{
	struct replay_batch *b = list_of(t, struct replay_batch, timer);

	list_del(&b->node);
	list_push(&b->replay->ready, &b->node);
	loop_at_end(b->replay->client->loop, &b->replay->kick);
}

/* Behind what waits already, so that a long batch lets others pass. */
static void
put_batch(struct replay_batch *b)
{
	int64_t pause = b->jobs[b->at].pause_us;

	list_push(pause > 0 ? &b->replay->paused : &b->replay->ready, &b->node);
	if (pause > 0)
		loop_timer_set(b->replay->client->loop, &b->timer, pause);
	else
		loop_at_end(b->replay->client->loop, &b->replay->kick);
}

void
replay_next(struct replay_batch *b)
{
	if (b->at == b->n)
		free_batch(b);
	else
		put_batch(b);
}

static void
on_kick(struct loop_task *t)
{
	struct replay *r = list_of(t, struct replay, kick);
	struct list *node;

	while (r->n_sending < LIMIT_REPLAYS_AT_ONCE && (node = list_pop(&r->ready)) != NULL) {
		struct replay_batch *b = list_of(node, struct replay_batch, node);
		const struct replay_job *job = &b->jobs[b->at++];
		const char *why;

		r->n_waiting--;
		why = replay_send(b, job);
		if (why == NULL)
			continue;
		capture_unsent(r->client->serve->capture, job->row, slice_str(why));
		replay_next(b);
	}
}

static struct replay_batch *
new_batch(struct replay *r, const struct replay_wish *w, size_t room)
{
	struct replay_batch *b = calloc(1, sizeof(*b) + room * sizeof(b->jobs[0]));

	if (b == NULL)
		return NULL;
	b->replay = r;
	list_init(&b->node);
	b->timer.fn = on_pause;
	b->tunnel = w->tunnel;
	b->sign = w->sign;
	return b;
}

/* about: its texts may be the index's own. False: there is no room. */
static bool
add_job(struct replay_batch *b, const struct capture_row *about, uint64_t source, int64_t pause_us,
    struct replay_ids *ids)
{
	uint64_t row = capture_promise(b->replay->client->serve->capture, b->tunnel, about);

	if (row == 0)
		return false;
	b->jobs[b->n++] = (struct replay_job){ .row = row, .source = source, .pause_us = pause_us };
	b->replay->n_waiting++;
	ids->list[ids->n++] = row;
	return true;
}

static enum replay_result
submit(struct replay_batch *b)
{
	if (b->n == 0) {
		free_batch(b);
		return REPLAY_NO_MEMORY;
	}
	put_batch(b);
	return REPLAY_OK;
}

/* --- what is asked --- */

bool
replay_place(const struct replay *r, struct slice name, size_t *ret)
{
	if (r->client == NULL)
		return false;
	for (size_t i = 0; i < r->client->serve->n_tunnels; i++) {
		const struct agent_tunnel *t = &r->client->serve->tunnels[i];

		if (t->state == TUNNEL_REMOVED || t->ask.kind != TUNNEL_HTTP ||
		    !(slice_eq(name, slice_str(t->label)) ||
			(t->title[0] != '\0' && slice_eq(name, slice_str(t->title)))))
			continue;
		*ret = i;
		return true;
	}
	return false;
}

/* OK, or why it cannot be sent. A signature that is made anew may have been starred out. */
static enum replay_result
judge_row(const struct replay *r, const struct capture_row *row, bool sign)
{
	enum replay_result result = REPLAY_OK;
	struct captured *e;
	struct buf head;

	if (row->kind == ROW_KIND_WEBSOCKET || row->kind == ROW_KIND_BYTES)
		return REPLAY_SWITCHED;
	e = exchange_open(r->client->serve->capture, row->id);
	buf_init(&head, REPLAY_HEAD_BYTES);
	if (e == NULL || !exchange_head(e, TAP_REQUEST, TAP_RECEIVED, &head) || head.failed)
		result = REPLAY_NOT_KEPT;
	else if (row->took_us < 0 || exchange_body_bytes(e, TAP_REQUEST) < row->tx_bytes ||
		 (!sign && (row->flags & ROW_BLANKED) != 0))
		result = REPLAY_NOT_EXACT;
	buf_fini(&head);
	exchange_close(e);
	return result;
}

/* The tunnel is there, and can be signed for where that is wanted. */
static enum replay_result
judge_wish(const struct replay *r, const struct capture_row *row, struct replay_wish *w)
{
	const struct serve *s;

	if (r->client == NULL)
		return REPLAY_STOPPED;
	s = r->client->serve;
	if (w->times < 1 || w->times > LIMIT_REPLAY_TIMES)
		return REPLAY_BAD_TIMES;
	if (w->tunnel == REPLAY_WHERE_IT_WENT && row->tunnel < s->n_tunnels)
		w->tunnel = row->tunnel;
	else if (w->tunnel == REPLAY_WHERE_IT_WENT && !replay_place(r, row->name, &w->tunnel))
		return REPLAY_NO_TARGET;
	if (w->tunnel >= s->n_tunnels || s->tunnels[w->tunnel].state == TUNNEL_REMOVED ||
	    s->tunnels[w->tunnel].ask.kind != TUNNEL_HTTP)
		return REPLAY_NO_TARGET;
	return w->sign ? replay_can_sign(&s->tunnels[w->tunnel]) : REPLAY_OK;
}

/* What the new row says at first. */
static struct capture_row
about(const struct capture_row *row)
{
	return (struct capture_row){
		.kind = row->kind,
		.method = row->method,
		.target = row->target,
		.host = row->host,
		.event = row->event,
		.repository = row->repository,
		.branch = row->branch,
		.provider = row->provider,
		.parent = row->id,
	};
}

/* One that came from outside, once: later attempts of a delivery are the same webhook. */
static bool
goes_along(const struct capture_row *row, const struct capture_row *first)
{
	return row->tunnel == first->tunnel && row->state != ROW_REPLAY && row->parent == 0 &&
	       row->state != ROW_REFUSED && row->attempt <= 1 && row->kind != ROW_KIND_BYTES;
}

/* Ids of those that are sent, the first one included. */
static enum replay_result
gather_onward(const struct replay *r, const struct capture_row *first, bool sign,
    struct replay_ids *ret, size_t max)
{
	struct capture_row row;

	ret->list[ret->n++] = first->id;
	for (bool more = rows_after(rows_of(r), first->id, &row); more;
	     more = rows_after(rows_of(r), row.id, &row)) {
		if (!goes_along(&row, first))
			continue;
		if (judge_row(r, &row, sign) != REPLAY_OK) {
			ret->n_left_out++;
			continue;
		}
		if (ret->n == max)
			return REPLAY_TOO_MANY;
		ret->list[ret->n++] = row.id;
	}
	return REPLAY_OK;
}

/* Rows are found anew each time: adding one may move the texts of others. */
static void
add_jobs(struct replay_batch *b, const struct replay_ids *sources, const struct replay_wish *w,
    struct replay_ids *ret)
{
	for (unsigned k = 0; k < w->times; k++) {
		int64_t before_ms = 0;

		for (size_t i = 0; i < sources->n; i++) {
			struct capture_row row, fresh;
			int64_t pause_us = 0;

			if (!rows_find(rows_of(b->replay), sources->list[i], &row))
				continue;
			if (w->gaps && i > 0 && row.begun_ms > before_ms)
				pause_us = (row.begun_ms - before_ms) * 1000;
			before_ms = row.begun_ms;
			fresh = about(&row);
			if (!add_job(b, &fresh, row.id, pause_us, ret))
				return;
		}
	}
}

enum replay_result
replay_captured(struct replay *r, uint64_t id, const struct replay_wish *wish,
    struct replay_ids *ret)
{
	struct replay_ids *sources;
	struct replay_wish w = *wish;
	struct replay_batch *b = NULL;
	struct capture_row row;
	enum replay_result result;

	ret->n = ret->n_left_out = 0;
	if (r->client == NULL || r->client->serve->capture == NULL)
		return REPLAY_STOPPED;
	if (!rows_find(rows_of(r), id, &row))
		return REPLAY_NO_EXCHANGE;
	result = judge_wish(r, &row, &w);
	if (result == REPLAY_OK)
		result = judge_row(r, &row, w.sign);
	if (result != REPLAY_OK)
		return result;
	sources = calloc(1, sizeof(*sources));
	if (sources == NULL)
		return REPLAY_NO_MEMORY;
	if (w.onward)
		result = gather_onward(r, &row, w.sign, sources, LIMIT_REPLAYS - 1);
	else
		sources->list[sources->n++] = row.id;
	if (result == REPLAY_OK && sources->n * w.times > LIMIT_REPLAYS - r->n_waiting)
		result = REPLAY_TOO_MANY;
	if (result == REPLAY_OK)
		b = new_batch(r, &w, sources->n * w.times);
	if (b != NULL) {
		add_jobs(b, sources, &w, ret);
		ret->n_left_out = sources->n_left_out;
	} else if (result == REPLAY_OK) {
		result = REPLAY_NO_MEMORY;
	}
	free(sources);
	return b != NULL ? submit(b) : result;
}

/* False without memory. */
static bool
keep_message(struct replay_message *m, struct slice head, struct slice body)
{
	char *p = malloc(head.n + body.n + 1);

	if (p == NULL)
		return false;
	memcpy(p, head.p, head.n);
	if (body.n > 0)
		memcpy(p + head.n, body.p, body.n);
	m->head = slice_of(p, head.n);
	m->body = slice_of(p + head.n, body.n);
	return true;
}

enum replay_result
replay_composed(struct replay *r, uint64_t parent, struct slice head, struct slice body,
    const struct replay_wish *wish, struct replay_ids *ret)
{
	struct capture_row row = { 0 }, fresh;
	struct replay_wish w = *wish;
	struct replay_batch *b;
	enum replay_result result;
	struct h1 h1;

	ret->n = ret->n_left_out = 0;
	if (r->client == NULL || r->client->serve->capture == NULL)
		return REPLAY_STOPPED;
	if (parent != 0 && !rows_find(rows_of(r), parent, &row))
		return REPLAY_NO_EXCHANGE;
	result = judge_wish(r, &row, &w);
	if (result != REPLAY_OK)
		return result;
	h1_init(&h1, H1_REQUEST);
	h1.inside = true;
	if (h1_head(&h1, head) != H1_DONE || h1.head.n_bytes != head.n)
		return REPLAY_BAD_REQUEST;
	if (w.times > LIMIT_REPLAYS - r->n_waiting)
		return REPLAY_TOO_MANY;
	b = new_batch(r, &w, w.times);
	if (b == NULL || !keep_message(&b->message, head, body)) {
		free(b);
		return REPLAY_NO_MEMORY;
	}
	fresh = (struct capture_row){
		.parent = parent,
		.method = h1_text(head, h1.head.method),
		.target = h1_text(head, h1.head.target),
		.host = h1_text(head, h1.head.authority),
	};
	for (unsigned k = 0; k < w.times; k++)
		if (!add_job(b, &fresh, parent, 0, ret))
			break;
	return submit(b);
}

/* --- its life --- */

/* As agent_guest.begin. */
static char *
begin(struct agent_guest *guest, struct client *c)
{
	struct replay *r = list_of(guest, struct replay, guest);

	r->client = c;
	c->serve->ours = replay_tell_tap;
	c->serve->ours_owner = r;
	return NULL;
}

static void
drop_batches(struct list *list)
{
	LIST_EACH(node, list) {
		struct replay_batch *b = list_of(node, struct replay_batch, node);

		for (; b->at < b->n; b->at++, b->replay->n_waiting--)
			capture_unsent(b->replay->client->serve->capture, b->jobs[b->at].row,
			    S("cancelled"));
		free_batch(b);
	}
}

/* As agent_guest.end. */
static void
end(struct agent_guest *guest, int exit_code)
{
	struct replay *r = list_of(guest, struct replay, guest);

	(void)exit_code;
	replay_close(r);
	drop_batches(&r->ready);
	drop_batches(&r->paused);
	loop_task_cancel(&r->kick);
	check(r->n_waiting == 0 && r->n_sending == 0);
	r->client->serve->ours = NULL;
	r->client = NULL;
}

void
replay_init(struct replay *r)
{
	*r = (struct replay){ .guest = { .begin = begin, .end = end } };
	list_init(&r->ready);
	list_init(&r->paused);
	list_init(&r->sending);
	loop_task_init(&r->kick, on_kick);
}
