/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of a file become exchanges of the capture, a piece at a time, so that the disk keeps up. */
#include "agent/inspect/inspect_private.h"

#include "agent/replay/unpack.h"

#include <stdlib.h>

/* What goes to the capture in one step, and the pause behind it. */
#define STEP_BYTES 262144
#define STEP_US 2000
#define NOTES_MAX 100

struct importing {
	struct web_request *request;
	struct inspector *inspector;
	struct unpack *unpack;
	struct loop_timer timer;
	size_t tunnel;
	json_t *ids, *notes;
	/* The one that is being kept; tap NULL: none. */
	struct tap *tap;
	struct unpacked item;
	size_t body_at, answer_at;
};

static void
note(struct importing *m, const char *text)
{
	if (text[0] != '\0' && json_array_size(m->notes) < NOTES_MAX)
		json_array_append_new(m->notes, json_string(text));
}

static void
put_head(struct importing *m, enum tap_side side, const struct buf *head)
{
	struct h1 h1;

	h1_init(&h1, side == TAP_REQUEST ? H1_REQUEST : H1_RESPONSE);
	h1.inside = true;
	if (head->n > 0 && h1_head(&h1, buf_slice(head)) == H1_DONE)
		tap_head(m->tap, side, TAP_RECEIVED, &h1.head, buf_slice(head));
}

/* The next request, whose head is kept at once. False: there is none. */
static bool
begin_item(struct importing *m)
{
	const struct tap_opening o = {
		.tunnel = m->tunnel, .kind = ROW_KIND_HTTP, .imported = true
	};

	if (!unpack_next(m->unpack, &m->item))
		return false;
	m->body_at = m->answer_at = 0;
	note(m, m->item.note);
	if (m->item.head.n > 0)
		m->tap = tap_begin(m->inspector->client->serve->capture, &o);
	if (m->tap == NULL) {
		unpacked_fini(&m->item);
		return true;
	}
	put_head(m, TAP_REQUEST, &m->item.head);
	json_array_append_new(m->ids, inspect_number(tap_id(m->tap)));
	return true;
}

static void
end_item(struct importing *m)
{
	tap_end(m->tap, m->item.status, S("ok"), 0, m->item.body.n, m->item.answer_body.n);
	m->tap = NULL;
	unpacked_fini(&m->item);
}

/* Up to `room` bytes of the request's body, then the answer with its own. False: it is whole. */
static bool
go_on(struct importing *m, size_t *room)
{
	struct slice body = slice_head(slice_from(buf_slice(&m->item.body), m->body_at), *room);

	tap_body(m->tap, TAP_REQUEST, body);
	m->body_at += body.n;
	*room -= body.n;
	/* A head of the answer is put once: where there is room behind it. */
	if (m->body_at < m->item.body.n || *room == 0)
		return true;
	if (m->answer_at == 0)
		put_head(m, TAP_RESPONSE, &m->item.answer_head);
	body = slice_head(slice_from(buf_slice(&m->item.answer_body), m->answer_at), *room);
	tap_body(m->tap, TAP_RESPONSE, body);
	m->answer_at += body.n;
	*room -= body.n;
	return m->answer_at < m->item.answer_body.n;
}

static void
forget(struct importing *m)
{
	if (m->tap != NULL)
		end_item(m);
	loop_timer_stop(m->inspector->client->loop, &m->timer);
	unpack_free(m->unpack);
	json_decref(m->ids);
	json_decref(m->notes);
	free(m);
}

static void
on_gone(struct web_request *r)
{
	forget(r->job);
}

static void
finish(struct importing *m)
{
	struct web_request *r = m->request;
	json_t *answer = json_pack("{s:O,s:O}", "ids", m->ids, "notes", m->notes);

	forget(m);
	web_json(r, 200, answer);
}

static void
on_step(struct loop_timer *t)
{
	struct importing *m = list_of(t, struct importing, timer);
	size_t room = STEP_BYTES;

	for (unsigned i = 0; i < 100 && room > 0; i++) {
		if (m->tap == NULL && !begin_item(m)) {
			finish(m);
			return;
		}
		if (m->tap != NULL && !go_on(m, &room))
			end_item(m);
	}
	loop_timer_set(m->inspector->client->loop, &m->timer, STEP_US);
}

/* The first tunnel of HTTP: rows belong to one. */
static bool
find_tunnel(const struct inspector *i, size_t *ret)
{
	const struct serve *s = i->client->serve;

	for (size_t k = 0; k < s->n_tunnels; k++) {
		if (s->tunnels[k].state == TUNNEL_REMOVED || s->tunnels[k].ask.kind != TUNNEL_HTTP)
			continue;
		*ret = k;
		return true;
	}
	return false;
}

void
inspect_import(struct web_request *r)
{
	struct importing *m = calloc(1, sizeof(*m));
	char why[120] = "There is no memory for it.";

	if (m != NULL)
		m->unpack = unpack_new(r->body, why, sizeof(why));
	if (m == NULL || m->unpack == NULL) {
		free(m);
		web_error(r, 400, "bad-file", why,
		    "HAR, one .http file, or a tar of .http files can be read.");
		return;
	}
	m->inspector = inspector_of(r);
	m->request = r;
	m->timer.fn = on_step;
	if (!find_tunnel(m->inspector, &m->tunnel)) {
		unpack_free(m->unpack);
		free(m);
		web_error(r, 409, "no-target", "This agent has no tunnel of HTTP.", "");
		return;
	}
	m->ids = json_array();
	m->notes = json_array();
	r->job = m;
	r->gone = on_gone;
	loop_timer_set(m->inspector->client->loop, &m->timer, 0);
}
