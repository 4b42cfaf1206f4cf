/* SPDX-License-Identifier: Apache-2.0 */
/* The inbox at the edge, asked over the link as `adit inbox` does, in the words of the pages. */
#include "agent/inspect/edge_ask.h"
#include "agent/inspect/inspect_private.h"

#include "base/limits.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Of a delivery's body for a page; the head comes before it. */
#define BODY_BYTES 65536
#define PIECE_BYTES 65536
#define LOOK_BACK 200

/* A request of a page that takes one question or several. */
struct inbox_job {
	struct edge_ask ask;
	struct web_request *request;
	uint64_t number, limit;
	const char *state; /* that is wanted, in our words; NULL: all */
	json_t *out;       /* what is answered in the end */
	struct buf bytes;  /* head and body */
	uint64_t head_bytes, total;
};

/* --- words --- */

static const char *
text_at(const json_t *o, const char *key)
{
	const char *z = json_string_value(json_object_get(o, key));

	return z == NULL ? "" : z;
}

static json_int_t
number_at(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static const struct {
	const char *edge, *ours;
} states[] = { { "received", "queued" }, { "queued", "queued" }, { "queued", "retrying" },
	{ "leased", "sending" }, { "delivered", "delivered" }, { "parked", "parked" },
	{ "dead", "dead" }, { "dropped", "dropped" } };

static const char *
state_of(const json_t *delivery)
{
	const char *edge = text_at(delivery, "state");

	if (strcmp(edge, "queued") == 0 && number_at(delivery, "attempts") > 0)
		return "retrying";
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
		if (strcmp(states[i].edge, edge) == 0)
			return states[i].ours;
	return "queued";
}

/* Attempts do not check the signature again: the row of the arrival says it, close before them as a rule. */
static uint8_t
verdict_of(struct inspector *i, const struct capture_row *newest)
{
	struct capture_row r = *newest;
	uint64_t delivery = newest->delivery;

	for (size_t n = 0; n < LOOK_BACK; n++) {
		if (r.delivery == delivery && r.verdict != VERDICT_NONE)
			return r.verdict;
		if (!rows_before(i->rows, r.id, &r))
			break;
	}
	return VERDICT_NONE;
}

static json_t *
row_of(struct inspector *i, const json_t *d)
{
	struct capture_row r;
	bool known = rows_of_delivery(i->rows, (uint64_t)number_at(d, "id"), &r);
	struct slice branch = slice_str(text_at(d, "repository")),
		     repository = slice_cut(&branch, ' ');
	uint8_t verdict = known ? verdict_of(i, &r) : VERDICT_NONE;
	json_t *o = json_object();

	json_object_set_new(o, "number", inspect_number((uint64_t)number_at(d, "id")));
	json_object_set_new(o, "state", json_string(state_of(d)));
	for (size_t k = 0; k < 2; k++) {
		const char *key = k == 0 ? "tunnel" : "event";

		json_object_set_new(o, key, json_string(text_at(d, key)));
	}
	/* The edge has them as one; what the row here says is better. */
	json_object_set_new(o, "repository",
	    inspect_text(known && r.repository.n > 0 ? r.repository : repository));
	json_object_set_new(o, "branch", inspect_text(known && r.branch.n > 0 ? r.branch : branch));
	json_object_set_new(o, "at_ms", json_integer(number_at(d, "received_ms")));
	if (number_at(d, "due_ms") != 0)
		json_object_set_new(o, "due_ms", json_integer(number_at(d, "due_ms")));
	json_object_set_new(o, "attempts", json_integer(number_at(d, "attempts")));
	json_object_set_new(o, "status",
	    known && r.status != 0 ? json_integer(r.status) : json_null());
	json_object_set_new(o, "text", json_string(text_at(d, "note")));
	json_object_set_new(o, "bytes", json_integer(number_at(d, "bytes")));
	json_object_set_new(o, "verdict",
	    json_string(verdict == VERDICT_NONE ? "" : row_verdict_word(verdict)));
	if (known)
		json_object_set_new(o, "row", inspect_number(r.id));
	return o;
}

/* --- its life --- */

static void
forget(struct inbox_job *j)
{
	json_decref(j->out);
	buf_fini(&j->bytes);
	free(j);
}

static void
on_gone(struct web_request *r)
{
	struct inbox_job *j = r->job;

	edge_ask_leave(&inspector_of(r)->asks, &j->ask);
	forget(j);
}

/* True: there is no answer to go on with, and that was told. */
static bool
is_over(struct inbox_job *j, json_t *answer)
{
	struct web_request *r = j->request;
	const char *code;

	if (answer != NULL && json_is_true(json_object_get(answer, "ok")))
		return false;
	forget(j);
	if (answer == NULL) {
		web_error(r, 503, "edge-away", "The edge cannot be asked now.",
		    "Try again when the link to the edge is up.");
		return true;
	}
	code = text_at(answer, "code");
	if (strcmp(code, "none") == 0)
		web_error(r, 404, "no-delivery", "The edge has no such delivery.",
		    "It may be older than what the edge keeps.");
	else
		web_error(r, 409, code, text_at(answer, "text"), "");
	return true;
}

/* The first question. r is answered later, or was answered at once. */
static void
begin(struct web_request *r, struct inbox_job *like, void (*answered)(struct edge_ask *, json_t *),
    json_t *request)
{
	struct inbox_job *j = calloc(1, sizeof(*j));

	if (j == NULL || request == NULL) {
		free(j);
		json_decref(request);
		web_error(r, 503, "no-memory", "There is no memory for this.", "");
		return;
	}
	*j = *like;
	j->request = r;
	j->ask.answered = answered;
	buf_init(&j->bytes, LIMIT_HEAD_BYTES * 2 + BODY_BYTES + PIECE_BYTES);
	r->job = j;
	r->gone = on_gone;
	edge_ask(&inspector_of(r)->asks, &j->ask, request);
}

static void
go_on(struct inbox_job *j, void (*answered)(struct edge_ask *, json_t *), json_t *request)
{
	j->ask.answered = answered;
	edge_ask(&inspector_of(j->request)->asks, &j->ask, request);
}

/* --- the list --- */

static const struct {
	const char *edge, *ours;
} keeps[] = {
	{ "keep_days", "keeps_days" },
	{ "keep_failed_days", "keeps_failed_days" },
};

static void
on_stat(struct edge_ask *a, json_t *answer)
{
	struct inbox_job *j = list_of(a, struct inbox_job, ask);
	struct web_request *r = j->request;
	json_t *counts, *out, *of;
	const char *edge;

	if (is_over(j, answer))
		return;
	counts = json_pack("{s:i,s:i,s:i,s:i,s:i,s:i,s:i}", "queued", 0, "sending", 0, "retrying",
	    0, "parked", 0, "delivered", 0, "dropped", 0, "dead", 0);
	json_object_foreach(json_object_get(answer, "states"), edge, of)
		for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
			if (strcmp(states[i].edge, edge) != 0)
				continue;
			json_object_set_new(counts, states[i].ours,
			    json_integer(number_at(counts, states[i].ours) + number_at(of, "n")));
			break;
		}
	json_object_set_new(j->out, "counts", counts);
	/* An older edge does not say. */
	for (size_t i = 0; i < sizeof(keeps) / sizeof(*keeps); i++) {
		const json_t *days = json_object_get(answer, keeps[i].edge);

		if (json_is_integer(days))
			json_object_set_new(j->out, keeps[i].ours,
			    json_integer(json_integer_value(days)));
	}
	out = json_incref(j->out);
	forget(j);
	web_json(r, 200, out);
}

static void
on_list(struct edge_ask *a, json_t *answer)
{
	struct inbox_job *j = list_of(a, struct inbox_job, ask);
	json_t *rows, *d, *row;
	size_t i;

	if (is_over(j, answer))
		return;
	rows = json_array();
	json_array_foreach(json_object_get(answer, "rows"), i, d) {
		row = row_of(inspector_of(j->request), d);
		/* What waits the first time and what waits again are one state at the edge. */
		if (j->state == NULL || strcmp(text_at(row, "state"), j->state) == 0)
			json_array_append_new(rows, row);
		else
			json_decref(row);
	}
	j->out = json_pack("{s:o,s:b}", "rows", rows, "more",
	    json_is_true(json_object_get(answer, "more")));
	go_on(j, on_stat, json_pack("{s:s}", "op", "stat"));
}

void
inspect_inbox(struct web_request *r)
{
	struct slice wanted = web_query(r, S("state")), tunnel = web_query(r, S("tunnel"));
	struct inbox_job like = { .limit = 100 };
	uint64_t before = 0;
	json_t *q, *list = json_array();

	for (size_t i = 0; wanted.n > 0 && i < sizeof(states) / sizeof(*states); i++) {
		if (!slice_eq(wanted, slice_str(states[i].ours)))
			continue;
		like.state = states[i].ours;
		json_array_append_new(list, json_string(states[i].edge));
	}
	if (!web_query_u64(r, S("limit"), &like.limit) || !web_query_u64(r, S("before"), &before) ||
	    (wanted.n > 0 && like.state == NULL)) {
		json_decref(list);
		web_error(r, 400, "bad-question",
		    "limit and before are numbers, state is one of the list.", "");
		return;
	}
	like.limit = like.limit == 0 || like.limit > 100 ? 100 : like.limit;
	q = json_pack("{s:s,s:I,s:o}", "op", "list", "limit", (json_int_t)like.limit, "states",
	    list);
	if (like.state == NULL)
		json_object_del(q, "states");
	if (before != 0)
		json_object_set_new(q, "cursor", json_integer((json_int_t)before));
	if (tunnel.n > 0)
		json_object_set_new(q, "tunnel", inspect_text(tunnel));
	begin(r, &like, on_list, q);
}

/* --- one --- */

static void on_bytes(struct edge_ask *a, json_t *answer);

static json_t *
ask_bytes(const struct inbox_job *j)
{
	return json_pack("{s:s,s:I,s:I}", "op", "bytes", "id", (json_int_t)j->number, "offset",
	    (json_int_t)j->bytes.n);
}

/* The edge has hidden what it hides. */
static json_t *
fields_of(struct slice head)
{
	json_t *list = json_array();

	(void)slice_cut(&head, '\n');
	while (head.n > 0) {
		struct slice value = slice_cut(&head, '\n'), name;
		json_t *pair;

		if (slice_ends(value, S("\r")))
			value = slice_head(value, value.n - 1);
		name = slice_cut(&value, ':');
		value = slice_trim(value);
		if (name.n == 0)
			break;
		pair = json_array();
		json_array_append_new(pair, inspect_text(name));
		json_array_append_new(pair, inspect_text(value));
		if (slice_eq(value, S("***")))
			json_array_append_new(pair, json_true());
		json_array_append_new(list, pair);
	}
	return list;
}

static json_t *
attempt_of(const json_t *a)
{
	json_int_t status = number_at(a, "status");
	const char *reason = text_at(a, "reason");

	return json_pack("{s:I,s:I,s:s,s:o,s:I,s:s,s:s}", "n", number_at(a, "number"), "at_ms",
	    number_at(a, "at_ms"), "state",
	    status >= 200 && status < 300 ? "delivered" : "retrying", "status",
	    status == 0 ? json_null() : json_integer(status), "took_us",
	    number_at(a, "latency_ms") * 1000, "code", reason, "text", reason);
}

/* A piece of head and body. */
static void
on_bytes(struct edge_ask *a, json_t *answer)
{
	struct inbox_job *j = list_of(a, struct inbox_job, ask);
	struct web_request *r = j->request;
	struct slice piece, body;
	ptrdiff_t n;
	json_t *out;
	char *room;

	if (is_over(j, answer))
		return;
	piece = slice_str(text_at(answer, "bytes"));
	room = buf_room(&j->bytes, piece.n + 4);
	n = room == NULL ? -1 : text_unbase64(piece, false, true, room, piece.n + 4);
	j->head_bytes = (uint64_t)number_at(answer, "head_bytes");
	j->total = (uint64_t)number_at(answer, "total");
	j->bytes.n += n < 0 ? 0 : (size_t)n;
	if (n > 0 && j->bytes.n < j->total && j->bytes.n < j->head_bytes + BODY_BYTES) {
		go_on(j, on_bytes, ask_bytes(j));
		return;
	}
	body = slice_from(buf_slice(&j->bytes),
	    j->head_bytes < j->bytes.n ? j->head_bytes : j->bytes.n);
	json_object_set_new(j->out, "headers",
	    fields_of(slice_head(buf_slice(&j->bytes), j->bytes.n - body.n)));
	json_object_set_new(j->out, "body",
	    inspect_text(slice_head(body, body.n < BODY_BYTES ? body.n : BODY_BYTES)));
	out = json_incref(j->out);
	forget(j);
	web_json(r, 200, out);
}

static void
on_show(struct edge_ask *a, json_t *answer)
{
	struct inbox_job *j = list_of(a, struct inbox_job, ask);
	json_t *list, *attempt;
	size_t i;

	if (is_over(j, answer))
		return;
	j->out = row_of(inspector_of(j->request), json_object_get(answer, "delivery"));
	list = json_array();
	json_array_foreach(json_object_get(answer, "attempts"), i, attempt)
		json_array_append_new(list, attempt_of(attempt));
	json_object_set_new(j->out, "attempts_list", list);
	json_object_set_new(j->out, "advice", json_string(text_at(j->out, "text")));
	go_on(j, on_bytes, ask_bytes(j));
}

/* False: that the number is none was answered. */
static bool
read_number(struct web_request *r, struct inbox_job *ret)
{
	if (slice_u64(r->params[0], &ret->number) && ret->number != 0 && ret->number < INT64_MAX)
		return true;
	web_error(r, 404, "no-delivery", "There is no such delivery.", "");
	return false;
}

void
inspect_inbox_one(struct web_request *r)
{
	struct inbox_job like = { 0 };

	if (read_number(r, &like))
		begin(r, &like, on_show,
		    json_pack("{s:s,s:I}", "op", "show", "id", (json_int_t)like.number));
}

/* --- changes --- */

static void
on_changed(struct edge_ask *a, json_t *answer)
{
	struct inbox_job *j = list_of(a, struct inbox_job, ask);
	struct web_request *r = j->request;

	if (is_over(j, answer))
		return;
	inspect_watch_inbox(inspector_of(r));
	forget(j);
	web_json(r, 202, json_object());
}

void
inspect_inbox_change(struct web_request *r)
{
	struct inbox_job like = { 0 };

	if (read_number(r, &like))
		begin(r, &like, on_changed,
		    json_pack("{s:s,s:I}", "op", r->route->tag == INSPECT_DROP ? "drop" : "replay",
			"id", (json_int_t)like.number));
}
