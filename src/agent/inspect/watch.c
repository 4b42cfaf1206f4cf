/* SPDX-License-Identifier: Apache-2.0 */
/* Tells pages that follow what has changed: rows at most ten times a second, the state once a second. */
#include "agent/inspect/inspect_private.h"

#include "agent/link/through.h"

#include <stdlib.h>

#define ROWS_PAUSE_US 100000
#define STATE_PAUSE_US 1000000

static void
forget(struct inspect_watcher *w)
{
	list_del(&w->node);
	free(w);
}

static void
on_gone(struct web_request *r)
{
	forget(r->job);
}

/* True: there are more. */
static bool
tell_rows(struct inspect_watcher *w)
{
	struct rows *rows = w->inspector->rows;
	struct capture_row r;
	json_t *list;
	size_t n = 0;

	/* It takes nothing: it is told when it does, and asks the list anew if that is too late. */
	if (!web_stream_is_idle(w->request))
		return w->seen < rows_seq(rows);
	if (w->seen < rows_seq_known(rows)) {
		w->seen = rows_seq(rows);
		(void)web_stream_event(w->request, "lost", json_pack("{s:i}", "n", 1));
		return false;
	}
	list = json_array();
	while (n < LIMIT_INSPECT_EVENT_ROWS && rows_changed(rows, &w->seen, &r)) {
		json_array_append_new(list, inspect_row(&r));
		n++;
	}
	if (n == 0)
		json_decref(list);
	else
		(void)web_stream_event(w->request, "rows",
		    json_pack("{s:o,s:o}", "rows", list, "changed", inspect_number(w->seen)));
	return w->seen < rows_seq(rows);
}

static void
on_pace(struct loop_timer *t)
{
	struct inspector *i = list_of(t, struct inspector, pace);
	bool more = false;

	i->pacing = false;
	LIST_EACH(node, &i->watchers)
		more = tell_rows(list_of(node, struct inspect_watcher, node)) || more;
	if (more) {
		i->pacing = true;
		loop_timer_set(i->client->loop, &i->pace, ROWS_PAUSE_US);
	}
}

static void
on_changed(struct rows_listener *l)
{
	struct inspector *i = list_of(l, struct inspector, listener);

	if (list_empty(&i->watchers) || i->pacing)
		return;
	i->pacing = true;
	loop_timer_set(i->client->loop, &i->pace, ROWS_PAUSE_US);
}

void
inspect_watch_inbox(struct inspector *i)
{
	LIST_EACH(node, &i->watchers)
		(void)web_stream_event(list_of(node, struct inspect_watcher, node)->request,
		    "inbox", json_object());
}

/* The edge tells figures of a tunnel's inbox when they have changed. */
static void
look_at_inbox(struct inspector *i)
{
	uint64_t sum = 1;

	for (size_t k = 0; k < i->client->serve->n_tunnels; k++) {
		struct tunnel_figures f;

		rows_figures(i->rows, k, &f);
		sum = sum * 31 + f.wait;
		sum = sum * 31 + f.parked;
		sum = sum * 31 + (uint64_t)f.oldest_ms;
	}
	if (sum != i->inbox && i->inbox != 0)
		inspect_watch_inbox(i);
	i->inbox = sum;
}

/* Rings while somebody follows. */
static void
on_states(struct loop_timer *t)
{
	struct inspector *i = list_of(t, struct inspector, states);
	json_t *o;
	char *text;

	if (list_empty(&i->watchers))
		return;
	loop_timer_set(i->client->loop, &i->states, STATE_PAUSE_US);
	through_ask(i->client);
	look_at_inbox(i);
	o = inspect_state(i, false);
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	if (text == NULL || (i->state != NULL && strcmp(text, i->state) == 0)) {
		free(text);
		return;
	}
	free(i->state);
	i->state = text;
	LIST_EACH(node, &i->watchers) {
		struct inspect_watcher *w = list_of(node, struct inspect_watcher, node);

		(void)web_stream_event(w->request, "state", inspect_state(i, true));
	}
}

void
inspect_events(struct web_request *r)
{
	struct inspector *i = inspector_of(r);
	uint64_t after = rows_seq(i->rows);
	struct inspect_watcher *w;

	if (!web_query_u64(r, S("after"), &after)) {
		web_error(r, 400, "bad-after", "after is no number.", "");
		return;
	}
	w = calloc(1, sizeof(*w));
	if (w == NULL) {
		web_error(r, 503, "no-memory", "There is no memory for this.", "");
		return;
	}
	w->inspector = i;
	w->request = r;
	w->seen = after;
	r->job = w;
	r->gone = on_gone;
	list_push(&i->watchers, &w->node);
	web_stream_begin(r);
	(void)web_stream_event(r, "state", inspect_state(i, true));
	loop_timer_set(i->client->loop, &i->states, STATE_PAUSE_US);
	on_changed(&i->listener);
}

void
inspect_watch_lost(struct inspector *i)
{
	LIST_EACH(node, &i->watchers)
		(void)web_stream_event(list_of(node, struct inspect_watcher, node)->request, "lost",
		    json_pack("{s:i}", "n", 1));
}

void
inspect_watch_begin(struct inspector *i)
{
	list_init(&i->watchers);
	i->pace.fn = on_pace;
	i->states.fn = on_states;
	i->listener.fn = on_changed;
	rows_listen(i->rows, &i->listener);
}

void
inspect_watch_end(struct inspector *i)
{
	check(list_empty(&i->watchers)); /* the server has gone before */
	rows_unlisten(&i->listener);
	loop_timer_stop(i->client->loop, &i->pace);
	loop_timer_stop(i->client->loop, &i->states);
	free(i->state);
	i->state = NULL;
}
