/* SPDX-License-Identifier: Apache-2.0 */
/* Rows wait for their message; the inbox is looked at now and then; both are told to one agent. */
#include "edge/core/activity.h"

#include "base/clock.h"
#include "edge/core/errand.h"

#include <stdio.h>
#include <stdlib.h>

/* A row as it will stand in the message. */
struct waiting_row {
	struct list node; /* in refused or moved */
	size_t n;
	char json[];
};

/* What the agent was told of a tunnel's inbox. */
struct watched_inbox {
	char key[DIRECTORY_KEY_BYTES];
	struct activity_inbox told;
	bool changed; /* perhaps: to be looked at in the next round */
	bool due;     /* in this round */
	bool news;    /* it was, and the agent has not been told yet */
	bool gone;    /* the tunnel is not up any more */
};

struct activity {
	struct worker *worker;
	struct carrier *carrier; /* NULL: the link is over */
	char account[64];
	struct list refused, moved; /* rows; those of deliveries go first */
	size_t n_refused, n_moved;
	uint64_t lost;
	int64_t said_us; /* the last message */
	struct loop_timer say;
	struct watched_inbox *inboxes;
	size_t n_inboxes, at; /* at: the one that the store looks at */
	struct loop_timer look;
	int64_t looked_us; /* the begin of the last round */
	bool looking;
	struct inbox_req req; /* COUNT */
	struct errand errand;
	struct loop_grave grave;
};

static void look_on(struct activity *a);
static void look_soon(struct activity *a);

/* --- messages --- */

/* Takes rows off a list while the message has room for them. */
static void
put_rows(struct list *rows, size_t *n, struct buf *out, size_t *left)
{
	while (!list_empty(rows) && *left > 0) {
		struct waiting_row *r = list_of(rows->next, struct waiting_row, node);

		if (out->n + r->n + 1 > LIMIT_ACTIVITY_MESSAGE_BYTES)
			break;
		if (out->n > 0)
			buf_putc(out, ',');
		buf_put(out, slice_of(r->json, r->n));
		list_del(&r->node);
		free(r);
		check(*n > 0);
		(*n)--;
		(*left)--;
	}
}

static void
put_figures(struct activity *a, struct buf *out)
{
	for (size_t i = 0; i < a->n_inboxes; i++) {
		if (!a->inboxes[i].news)
			continue;
		a->inboxes[i].news = false;
		if (out->n > 0)
			buf_putc(out, ',');
		activity_put_inbox(out, &a->inboxes[i].told);
	}
}

static bool
has_news(const struct activity *a)
{
	bool news = a->n_refused + a->n_moved > 0 || a->lost > 0;

	for (size_t i = 0; i < a->n_inboxes && !news; i++)
		news = a->inboxes[i].news;
	return news;
}

/* Harmless while it is set: the first one says when. */
static void
say_soon(struct activity *a)
{
	int64_t wait_us =
	    a->said_us + (int64_t)LIMIT_ACTIVITY_MS * 1000 - loop_now_us(a->worker->loop);

	if (a->carrier != NULL && a->say.slot == 0)
		loop_timer_set(a->worker->loop, &a->say, wait_us > 0 ? wait_us : 0);
}

/* An agent that reads slowly is told less: frames of control that pile up would end its link. */
static void
on_say(struct loop_timer *t)
{
	struct activity *a = list_of(t, struct activity, say);
	struct buf rows, figures, out;
	size_t left = LIMIT_ACTIVITY_MESSAGE_ROWS;

	a->said_us = loop_now_us(a->worker->loop);
	if (link_control_waiting(&a->carrier->link) > LIMIT_ACTIVITY_CTL_BYTES) {
		say_soon(a);
		return;
	}
	buf_init(&rows, LIMIT_ACTIVITY_MESSAGE_BYTES);
	buf_init(&figures, LIMIT_CONTROL_BYTES - LIMIT_ACTIVITY_MESSAGE_BYTES - 128);
	buf_init(&out, LIMIT_CONTROL_BYTES);
	put_rows(&a->moved, &a->n_moved, &rows, &left);
	put_rows(&a->refused, &a->n_refused, &rows, &left);
	put_figures(a, &figures);
	activity_put(&out, a->lost, buf_slice(&rows), buf_slice(&figures));
	if (!rows.failed && !figures.failed && !out.failed) {
		a->lost = 0;
		carrier_control(a->carrier, buf_slice(&out));
	} else {
		a->lost += LIMIT_ACTIVITY_MESSAGE_ROWS - left;
	}
	buf_fini(&rows);
	buf_fini(&figures);
	buf_fini(&out);
	if (has_news(a))
		say_soon(a);
}

/* --- rows --- */

static void
drop_first(struct list *rows, size_t *n)
{
	struct waiting_row *r = list_of(rows->next, struct waiting_row, node);

	list_del(&r->node);
	free(r);
	(*n)--;
}

bool
activity_has_room(struct activity *a)
{
	check(a->n_refused + a->n_moved <= LIMIT_ACTIVITY_ROWS);
	if (a->n_refused + a->n_moved < LIMIT_ACTIVITY_ROWS)
		return true;
	a->lost++;
	return false;
}

static bool
make_room(struct activity *a, bool refusal)
{
	if (a->n_refused + a->n_moved < LIMIT_ACTIVITY_ROWS)
		return true;
	a->lost++;
	if (refusal || a->n_refused == 0)
		return false;
	drop_first(&a->refused, &a->n_refused);
	return true;
}

void
activity_take(struct tunnel *t, struct activity_row *r)
{
	struct activity *a = t->activity;
	bool refusal = r->what == ACTIVITY_REFUSED;
	struct waiting_row *w;
	struct buf json;

	check(t->up && a->carrier == t->carrier);
	r->tunnel = t->id;
	if (r->at_ms == 0)
		r->at_ms = clock_wall_ms();
	for (size_t i = 0; i < a->n_inboxes && !refusal; i++)
		a->inboxes[i].changed |= a->inboxes[i].told.tunnel == t->id;
	if (!refusal)
		look_soon(a);
	say_soon(a);
	if (!make_room(a, refusal))
		return;
	buf_init(&json, LIMIT_ACTIVITY_MESSAGE_BYTES / 2);
	activity_put_row(&json, r);
	w = json.failed ? NULL : malloc(sizeof(*w) + json.n);
	if (w == NULL) {
		a->lost++;
	} else {
		w->n = json.n;
		memcpy(w->json, json.p, json.n);
		list_push(refusal ? &a->refused : &a->moved, &w->node);
		*(refusal ? &a->n_refused : &a->n_moved) += 1;
	}
	buf_fini(&json);
}

/* --- from elsewhere --- */

struct activity_mail {
	struct loop_mail mail;
	struct worker *worker;
	char key[DIRECTORY_KEY_BYTES];
	struct activity_row row;
};

static void
take_here(struct worker *w, const char *key, const struct activity_row *row)
{
	struct tunnel *t = tunnel_find(w, slice_str(key));
	struct activity_row mine = *row;

	if (t != NULL && t->activity != NULL)
		activity_take(t, &mine);
}

static void
on_mail(struct loop *loop, struct loop_mail *m)
{
	struct activity_mail *mail = list_of(m, struct activity_mail, mail);

	check(mail->worker->loop == loop);
	take_here(mail->worker, mail->key, &mail->row);
	free(mail);
}

void
activity_tell(struct edge *e, struct worker *w, const char *key, const struct activity_row *r)
{
	struct activity_mail *mail;
	unsigned at = 0;

	if (atomic_load_explicit(&e->watching, memory_order_relaxed) == 0 ||
	    directory_find(e->directory, slice_str(key), &at) != DIRECTORY_UP)
		return;
	if (w != NULL && w->index == at) {
		take_here(w, key, r);
		return;
	}
	mail = calloc(1, sizeof(*mail));
	if (mail == NULL)
		return;
	mail->mail.fn = on_mail;
	mail->worker = edge_worker(e, at);
	snprintf(mail->key, sizeof(mail->key), "%s", key);
	mail->row = *r;
	loop_post(mail->worker->loop, &mail->mail);
}

void
activity_moved(struct edge *e, struct worker *w, const struct inbox_req *req)
{
	struct activity_row r = { .what = ACTIVITY_STATE, .took_us = -1 };

	for (size_t i = 0; i < req->n_moved; i++) {
		const struct inbox_moved *m = &req->moved[i];

		r.id = m->id;
		r.state =
		    m->state == INBOX_DROPPED ? ACTIVITY_STATE_DROPPED : ACTIVITY_STATE_QUEUED;
		activity_text(r.text, sizeof(r.text),
		    req->op == INBOX_PUT      ? S("A newer push of the branch took its place.")
		    : req->op == INBOX_DROP   ? S("Dropped by hand.")
		    : req->op == INBOX_REPLAY ? S("Replayed by hand.")
					      : S(""));
		activity_tell(e, w, m->tunnel, &r);
	}
}

/* --- what waits in the inbox --- */

static bool
differs(const struct activity_inbox *a, const struct activity_inbox *b)
{
	return a->queued != b->queued || a->parked != b->parked || a->dead != b->dead ||
	       a->oldest_ms != b->oldest_ms;
}

static void
on_grave(struct loop_grave *g)
{
	struct activity *a = list_of(g, struct activity, grave);

	check(a->carrier == NULL && !a->looking);
	inbox_req_fini(&a->req);
	free(a->inboxes);
	free(a);
}

static void
on_counted(struct errand *e)
{
	struct activity *a = list_of(e, struct activity, errand);
	const struct inbox_counts *n = &a->req.counts;
	struct watched_inbox *in = &a->inboxes[a->at];
	struct activity_inbox now;

	check(a->looking && a->at < a->n_inboxes);
	a->looking = false;
	if (a->carrier == NULL) {
		loop_bury(a->worker->loop, &a->grave, on_grave);
		return;
	}
	now = (struct activity_inbox){ .tunnel = in->told.tunnel,
		.queued = n->n[INBOX_QUEUED] + n->n[INBOX_LEASED] + n->n[INBOX_RECEIVED],
		.parked = n->n[INBOX_PARKED],
		.dead = n->n[INBOX_DEAD],
		.oldest_ms = n->oldest_ms };
	if (a->req.result == STORE_OK && !in->gone && differs(&now, &in->told)) {
		in->told = now;
		in->news = true;
		say_soon(a);
	}
	look_on(a);
}

static void
look_at(struct activity *a, size_t i)
{
	struct worker *w = a->worker;

	a->at = i;
	a->inboxes[i].due = false;
	a->looking = true;
	inbox_req_fini(&a->req);
	a->req.op = INBOX_COUNT;
	a->req.now_ms = a->req.mono_ms = 0; /* the store looks */
	snprintf(a->req.account, sizeof(a->req.account), "%s", a->account);
	snprintf(a->req.tunnel, sizeof(a->req.tunnel), "%s", a->inboxes[i].key);
	errand_inbox(&a->errand, &w->errands, w->edge->store, &a->req, on_counted);
}

/* One after the other, so that many tunnels never cost the store more than one question at once. */
static void
look_on(struct activity *a)
{
	for (size_t i = 0; i < a->n_inboxes && !a->looking; i++)
		if (a->inboxes[i].due && !a->inboxes[i].gone)
			look_at(a, i);
	if (!a->looking)
		look_soon(a);
}

/* The next round, a while behind the last one. */
static void
look_soon(struct activity *a)
{
	struct loop *l = a->worker->loop;
	int64_t wait_us = a->looked_us + (int64_t)LIMIT_ACTIVITY_INBOX_MS * 1000 - loop_now_us(l);
	bool any = false;

	for (size_t i = 0; i < a->n_inboxes; i++)
		any = any || (a->inboxes[i].changed && !a->inboxes[i].gone);
	if (any && a->look.slot == 0 && !a->looking)
		loop_timer_set(l, &a->look, wait_us > 0 ? wait_us : 0);
}

static void
on_look(struct loop_timer *t)
{
	struct activity *a = list_of(t, struct activity, look);

	check(a->carrier != NULL && !a->looking);
	a->looked_us = loop_now_us(a->worker->loop);
	for (size_t i = 0; i < a->n_inboxes; i++) {
		a->inboxes[i].due = a->inboxes[i].changed;
		a->inboxes[i].changed = false;
	}
	look_on(a);
}

/* --- its life --- */

struct activity *
activity_new(struct carrier *c, struct worker *w, const char *account)
{
	struct activity *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->worker = w;
	a->carrier = c;
	snprintf(a->account, sizeof(a->account), "%s", account);
	list_init(&a->refused);
	list_init(&a->moved);
	a->say.fn = on_say;
	a->look.fn = on_look;
	a->said_us = a->looked_us = INT64_MIN / 2;
	atomic_fetch_add(&w->edge->watching, 1);
	return a;
}

/* That of a tunnel that has gone, where there is one: they come and go while a link is up. NULL: no
 * memory is left for it. */
static struct watched_inbox *
place(struct activity *a)
{
	struct watched_inbox *grown;

	for (size_t i = 0; i < a->n_inboxes; i++)
		if (a->inboxes[i].gone && !(a->looking && a->at == i))
			return &a->inboxes[i];
	/* Those that are up, and one that has gone. */
	check(a->n_inboxes <= LIMIT_TUNNELS_PER_LINK);
	grown = reallocarray(a->inboxes, a->n_inboxes + 1, sizeof(*grown));
	if (grown == NULL)
		return NULL;
	a->inboxes = grown;
	return &grown[a->n_inboxes++];
}

/* Without memory its inbox is not told. */
void
activity_add(struct activity *a, struct tunnel *t)
{
	struct watched_inbox *in;

	check(a->carrier == t->carrier && t->activity == NULL);
	t->activity = a;
	in = place(a);
	if (in == NULL)
		return;
	*in = (struct watched_inbox){ .told.tunnel = t->id, .changed = true };
	snprintf(in->key, sizeof(in->key), "%s", t->route->key);
	look_soon(a);
}

void
activity_drop(struct activity *a, const struct tunnel *t)
{
	for (size_t i = 0; i < a->n_inboxes; i++)
		a->inboxes[i].gone |= a->inboxes[i].told.tunnel == t->id;
}

/* What still waits was for nobody else. The store cannot be stopped: its answer frees it. */
void
activity_close(struct activity *a)
{
	if (a == NULL)
		return;
	check(a->carrier != NULL); /* once */
	atomic_fetch_sub(&a->worker->edge->watching, 1);
	a->carrier = NULL;
	loop_timer_stop(a->worker->loop, &a->say);
	loop_timer_stop(a->worker->loop, &a->look);
	while (a->n_refused > 0)
		drop_first(&a->refused, &a->n_refused);
	while (a->n_moved > 0)
		drop_first(&a->moved, &a->n_moved);
	if (!a->looking)
		loop_bury(a->worker->loop, &a->grave, on_grave);
}
