/* SPDX-License-Identifier: Apache-2.0 */
/* The inbox's questions and answers as JSON: what a request may say, and what is told of deliveries. */
#include "edge/inbox/query_private.h"

#include "base/text.h"
#include "edge/core/worker.h"
#include "edge/inbox/shown.h"

#include <stdio.h>
#include <stdlib.h>

#define ROWS_MAX 100
#define ATTEMPTS_SHOWN 20
#define ANSWER_SHOWN 400
#define PIECE_BYTES 24576
/* Of an answer as JSON: what a CONTROL frame takes, less its envelope. */
#define ROWS_BYTES 48000
/* Head and body of a row of an export; a larger one is asked for in pieces. */
#define WHOLE_BYTES 30000

/* --- answers --- */

json_t *
query_refusal(const char *code, const char *what)
{
	return json_pack("{s:b, s:s, s:s}", "ok", 0, "code", code, "text", what);
}

static size_t
json_bytes(json_t *j)
{
	return json_dumpb(j, NULL, 0, JSON_COMPACT);
}

/* Head and body in the row, when they are short: whoever reads many need not ask for each. */
static bool
add_bytes(struct query *v, const struct inbox_delivery *d, json_t *row)
{
	struct buf all;
	size_t n_head;
	char *encoded;
	bool good;

	if (d->bytes > WHOLE_BYTES)
		return false;
	buf_init(&all, SHOWN_BYTES);
	good = shown_bytes(v->edge->vault, d, v->raw, &all, &n_head) && all.n <= WHOLE_BYTES;
	encoded = good ? malloc(all.n / 3 * 4 + 8) : NULL;
	if (encoded != NULL) {
		text_base64(all.p, all.n, encoded);
		json_object_set_new(row, "whole", json_string(encoded));
		json_object_set_new(row, "head_bytes", json_integer((json_int_t)n_head));
	}
	free(encoded);
	buf_fini(&all);
	return encoded != NULL;
}

/* Where bytes were asked for, a row without its bytes is the last one of its answer: they are asked for then. */
static json_t *
list_answer(struct query *v)
{
	struct inbox_req *req = &v->req;
	json_t *rows = json_array();
	size_t bytes = 0;

	for (size_t i = 0; i < req->n_items; i++) {
		json_t *row = shown_row(v->edge->vault, &req->items[i], false, v->raw);
		bool whole = !v->whole || add_bytes(v, &req->items[i], row);

		bytes += json_bytes(row) + 1;
		/*
		 * The first row is always told, or a large one would stop the
		 * list for ever.
		 */
		if (bytes > ROWS_BYTES && i > 0) {
			json_decref(row);
			req->cursor = req->items[i - 1].id;
			req->more = true;
			break;
		}
		json_array_append_new(rows, row);
		if (!whole) {
			req->more = req->more || i + 1 < req->n_items;
			req->cursor = req->items[i].id;
			break;
		}
	}
	return json_pack("{s:b, s:o, s:b, s:I}", "ok", 1, "rows", rows, "more", req->more, "cursor",
	    (json_int_t)req->cursor);
}

static json_t *
attempt_json(const struct inbox_attempt *a)
{
	return json_pack("{s:I, s:I, s:i, s:I, s:s, s:o}", "number", (json_int_t)a->number, "at_ms",
	    (json_int_t)a->at_ms, "status", a->status, "latency_ms", (json_int_t)a->latency_ms,
	    "reason", a->reason, "answer",
	    shown_text(slice_of(a->answer, a->n_answer), ANSWER_SHOWN));
}

static json_t *
show_answer(struct query *v)
{
	struct inbox_req *req = &v->req;
	json_t *attempts = json_array();
	size_t i = req->n_attempts > ATTEMPTS_SHOWN ? req->n_attempts - ATTEMPTS_SHOWN : 0;

	check(req->n_items == 1); /* the store has found it: else it says STORE_NONE */
	for (; i < req->n_attempts; i++)
		json_array_append_new(attempts, attempt_json(&req->attempts[i]));
	return json_pack("{s:b, s:o, s:o}", "ok", 1, "delivery",
	    shown_row(v->edge->vault, &req->items[0], true, v->raw), "attempts", attempts);
}

/* A piece of head and body, as they go to the origin. */
static json_t *
bytes_answer(struct query *v)
{
	const struct inbox_delivery *d = &v->req.items[0];
	char encoded[PIECE_BYTES / 3 * 4 + 8];
	json_t *answer = NULL;
	struct buf all;
	size_t n_head;

	check(v->req.n_items == 1);
	buf_init(&all, SHOWN_BYTES);
	if (shown_bytes(v->edge->vault, d, v->raw, &all, &n_head)) {
		size_t total = all.n;
		struct slice piece =
		    slice_head(slice_from(buf_slice(&all), v->offset < total ? v->offset : total),
			PIECE_BYTES);

		text_base64(piece.p, piece.n, encoded);
		answer = json_pack("{s:b, s:s, s:I, s:I}", "ok", 1, "bytes", encoded, "head_bytes",
		    (json_int_t)n_head, "total", (json_int_t)total);
	}
	buf_fini(&all);
	return answer != NULL ? answer : query_refusal("memory", "out of memory");
}

static json_t *
change_answer(struct query *v)
{
	struct inbox_req *req = &v->req;

	/* What was replayed may be sent at once. */
	if (req->op == INBOX_REPLAY)
		for (unsigned i = 0; i < v->edge->n_workers; i++)
			worker_kick_couriers(v->edge->workers[i], req->account);
	return json_pack("{s:b, s:I, s:I, s:b, s:I}", "ok", 1, "changed",
	    (json_int_t)req->n_changed, "id", (json_int_t)req->id, "more", req->more, "cursor",
	    (json_int_t)req->cursor);
}

static json_t *
stat_answer(struct query *v)
{
	const struct inbox_counts *n = &v->req.counts;
	json_t *states = json_object();

	for (int i = 0; i < INBOX_N_STATES; i++)
		json_object_set_new(states, inbox_state_text((enum inbox_state)i),
		    json_pack("{s:I, s:I}", "n", (json_int_t)n->n[i], "bytes",
			(json_int_t)n->bytes[i]));
	return json_pack("{s:b, s:o, s:I}", "ok", 1, "states", states, "oldest_ms",
	    (json_int_t)n->oldest_ms);
}

/* clang-format off */
static const struct query_row rows[] = {
	{ "list", INBOX_LIST, list_answer },
	{ "export", INBOX_EXPORT, list_answer },
	{ "show", INBOX_SHOW, show_answer },
	{ "bytes", INBOX_SHOW, bytes_answer },
	{ "replay", INBOX_REPLAY, change_answer },
	{ "drop", INBOX_DROP, change_answer },
	{ "stat", INBOX_COUNT, stat_answer },
};
/* clang-format on */

json_t *
query_store_refusal(const struct inbox_req *req)
{
	char text[64];

	switch (req->result) {
	case STORE_NONE:
		snprintf(text, sizeof(text), "there is no delivery %llu",
		    (unsigned long long)req->id);
		return query_refusal("none", text);
	case STORE_TAKEN:
		return query_refusal("not-yours",
		    "the account of the delivery has no such HTTP tunnel");
	case STORE_LIMIT:
		return query_refusal("account-full",
		    "the account's inbox is full (inbox.account_bytes): drop some webhooks "
		    "first");
	case STORE_FULL:
		return query_refusal("store-full", store_result_text(req->result));
	default:
		return query_refusal("store", store_result_text(req->result));
	}
}

/* --- requests --- */

bool
query_text(json_t *request, const char *key, char *dst, size_t cap)
{
	json_t *j = json_object_get(request, key);

	dst[0] = '\0';
	return j == NULL || json_is_null(j) ||
	       (json_is_string(j) &&
		   slice_z(slice_of(json_string_value(j), json_string_length(j)), dst, cap));
}

/* Absent is what it was; a number that is negative has no meaning in any member. */
static bool
take_number(json_t *request, const char *key, uint64_t *dst)
{
	json_t *j = json_object_get(request, key);

	if (j == NULL || json_is_null(j))
		return true;
	if (!json_is_integer(j) || json_integer_value(j) < 0)
		return false;
	*dst = (uint64_t)json_integer_value(j);
	return true;
}

static bool
take_states(json_t *request, uint32_t *dst)
{
	json_t *list = json_object_get(request, "states"), *j;
	enum inbox_state state;
	size_t i;

	if (list == NULL || json_is_null(list))
		return true;
	if (!json_is_array(list))
		return false;
	json_array_foreach(list, i, j) {
		if (!json_is_string(j) ||
		    !inbox_state_parse(slice_str(json_string_value(j)), &state))
			return false;
		*dst |= INBOX_STATE_BIT(state);
	}
	return true;
}

/* What the request says, for the operations that have something to be said. */
static const char *
fill(struct query *v, json_t *request, uint64_t id, const struct inbox_find *find)
{
	struct inbox_req *req = &v->req;

	switch (req->op) {
	case INBOX_EXPORT: /* heads and bodies are read, too */
		v->whole = json_is_true(json_object_get(request, "whole"));
		req->find = *find;
		req->find.bytes_max = ROWS_BYTES;
		break;
	case INBOX_LIST:
		req->find = *find;
		break;
	case INBOX_SHOW:
		if (id == 0)
			return "\"id\" is missing";
		req->show.id = id;
		break;
	case INBOX_REPLAY:
	case INBOX_DROP:
		if (id == 0 && find->states == 0)
			return "\"id\" or \"states\" is missing: which ones?";
		req->change.id = id;
		req->change.find = *find;
		req->change.account_bytes_max =
		    atomic_load_explicit(&v->edge->account_bytes, memory_order_relaxed);
		if (!query_text(request, "to", req->change.to_tunnel,
			sizeof(req->change.to_tunnel)))
			return "a member is too long, or is no text";
		if (req->op == INBOX_DROP)
			slice_copy(S("Dropped by hand."), req->change.note,
			    sizeof(req->change.note));
		break;
	default:
		break;
	}
	return NULL;
}

const char *
query_read(struct query *v, const char *account, json_t *request)
{
	struct inbox_req *req = &v->req;
	struct inbox_find find = { 0 };
	uint64_t id = 0, since = 0, until = 0, limit = ROWS_MAX;

	if (!query_text(request, "account", req->account, sizeof(req->account)) ||
	    !query_text(request, "tunnel", req->tunnel, sizeof(req->tunnel)) ||
	    !query_text(request, "event", v->event, sizeof(v->event)) ||
	    !query_text(request, "repository", v->order_key, sizeof(v->order_key)))
		return "a member is too long, or is no text";
	if (!take_number(request, "id", &id) || !take_number(request, "cursor", &find.cursor) ||
	    !take_number(request, "since_ms", &since) ||
	    !take_number(request, "until_ms", &until) || !take_number(request, "limit", &limit) ||
	    !take_number(request, "offset", &v->offset))
		return "a member is no number";
	if (!take_states(request, &find.states))
		return "states: a list of received, queued, leased, delivered, parked, dead, "
		       "dropped";
	if (account != NULL) /* whatever it says itself */
		snprintf(req->account, sizeof(req->account), "%s", account);
	find.event = slice_str(v->event);
	find.order_key = slice_str(v->order_key);
	find.from_ms = (int64_t)since;
	find.to_ms = (int64_t)until;
	find.n_max = limit < 1 || limit > ROWS_MAX ? ROWS_MAX : (uint32_t)limit;
	v->raw = json_is_true(json_object_get(request, "raw"));
	return fill(v, request, id, &find);
}

const struct query_row *
query_find(const char *op)
{
	for (size_t i = 0; op != NULL && i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(rows[i].op, op) == 0)
			return &rows[i];
	return NULL;
}
