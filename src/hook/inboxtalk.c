/* SPDX-License-Identifier: Apache-2.0 */
/* What `adit inbox` and `aditd inbox` ask, and how their commands take the answers. */
#include "hook/inboxtalk.h"

#include "base/limits.h"
#include "base/text.h"
#include "hook/inboxtalk_private.h"

#include <stdio.h>

#define ALL_BYTES (2 * LIMIT_HEAD_BYTES + LIMIT_INBOX_BODY_BYTES)

enum inboxtalk_step
inboxtalk_fail(struct inboxtalk *t, const char *what, const char *which)
{
	snprintf(t->why, sizeof(t->why), "%s%s%s", which, which[0] != '\0' ? ": " : "", what);
	return INBOXTALK_FAILED;
}

/* --- reading answers --- */

const char *
inboxtalk_text_at(const json_t *o, const char *key)
{
	const char *z = json_string_value(json_object_get(o, key));

	return z != NULL ? z : "";
}

uint64_t
inboxtalk_number_at(const json_t *o, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(o, key));

	return n < 0 ? 0 : (uint64_t)n;
}

void
inboxtalk_set_number(json_t *o, const char *key, uint64_t n)
{
	json_object_set_new(o, key, json_integer((json_int_t)n));
}

void
inboxtalk_set_op(struct inboxtalk *t, const char *op)
{
	json_object_set_new(t->request, "op", json_string(op));
}

/* --- pieces of head and body --- */

/* From where the bytes end that are here already. */
static enum inboxtalk_step
ask_bytes(struct inboxtalk *t)
{
	inboxtalk_set_op(t, "bytes");
	inboxtalk_set_number(t->request, "id", inboxtalk_number_at(t->row, "id"));
	inboxtalk_set_number(t->request, "offset", t->bytes.n);
	return INBOXTALK_ASK;
}

/* of: an answer with the next piece, or a row with all of it. True when all of it is there. */
static bool
take_bytes(struct inboxtalk *t, json_t *of, const char *member)
{
	struct slice piece = slice_str(inboxtalk_text_at(of, member));
	char *room = buf_room(&t->bytes, piece.n + 4);
	ptrdiff_t n = room == NULL ? -1 : text_unbase64(piece, false, true, room, piece.n + 4);
	bool whole;

	if (n < 0) {
		t->bytes.failed = true;
		return true;
	}
	t->bytes.n += (size_t)n;
	t->head_bytes = inboxtalk_number_at(of, "head_bytes");
	whole = n == 0 || t->bytes.n >= inboxtalk_number_at(of, "total");
	if (whole && t->head_bytes > t->bytes.n)
		t->bytes.failed = true;
	return whole;
}

static void
forget_row(struct inboxtalk *t)
{
	json_decref(t->row);
	json_decref(t->attempts);
	t->row = t->attempts = NULL;
	buf_reset(&t->bytes);
}

/* --- the commands --- */

/* --limit counts what is shown, over all pages; the edge decides how long a page is. */
static enum inboxtalk_step
take_list(struct inboxtalk *t, json_t *answer, struct buf *out)
{
	const json_t *rows = json_object_get(answer, "rows"), *r;
	size_t i;

	json_array_foreach(rows, i, r) {
		if (t->left == 0)
			return INBOXTALK_DONE;
		t->left--;
		inboxtalk_put_row(t, r, out);
	}
	if (!json_is_true(json_object_get(answer, "more")) || t->left == 0)
		return INBOXTALK_DONE;
	json_object_set(t->request, "cursor", json_object_get(answer, "cursor"));
	return INBOXTALK_ASK;
}

/* The first answer is the delivery, all that follow are pieces of its bytes. */
static enum inboxtalk_step
take_show(struct inboxtalk *t, json_t *answer, struct buf *out)
{
	if (t->row == NULL) {
		t->row = json_incref(json_object_get(answer, "delivery"));
		t->attempts = json_incref(json_object_get(answer, "attempts"));
		return ask_bytes(t);
	}
	if (!take_bytes(t, answer, "bytes"))
		return ask_bytes(t);
	if (t->bytes.failed)
		return inboxtalk_fail(t, "the edge's answer cannot be read", "show");
	inboxtalk_put_whole(t, out);
	return INBOXTALK_DONE;
}

static void
put_changed(const struct inboxtalk *t, struct buf *out)
{
	unsigned long long n = t->changed;

	if (t->o.json)
		buf_printf(out, "{\"changed\":%llu}\n", n);
	else if (strcmp(t->command->name, "drop") == 0)
		buf_printf(out,
		    n == 1 ? "%llu delivery was dropped\n" : "%llu deliveries were dropped\n", n);
	else if (t->o.to != NULL)
		buf_printf(out,
		    n == 1 ? "%llu delivery was copied\n" : "%llu deliveries were copied\n", n);
	else
		buf_printf(out,
		    n == 1 ? "%llu delivery is sent again\n" : "%llu deliveries are sent again\n",
		    n);
}

/*
 * By ids one request each, in the order given; by a filter page by page, as an edge changes
 * only so many at a time (INBOX_STEP).
 */
static enum inboxtalk_step
take_change(struct inboxtalk *t, json_t *answer, struct buf *out)
{
	uint64_t copy =
	    json_object_get(t->request, "to") != NULL ? inboxtalk_number_at(answer, "id") : 0;

	check(t->n_ids == 0 || t->at < t->n_ids); /* behind the last id nothing is asked */
	t->changed += inboxtalk_number_at(answer, "changed");
	if (t->n_ids > 0 && copy != 0 && !t->o.json)
		buf_printf(out, "%llu was copied to %llu\n", (unsigned long long)t->ids[t->at],
		    (unsigned long long)copy);
	if (t->n_ids > 0 && ++t->at < t->n_ids) {
		inboxtalk_set_number(t->request, "id", t->ids[t->at]);
		return INBOXTALK_ASK;
	}
	if (t->n_ids == 0 && json_is_true(json_object_get(answer, "more"))) {
		json_object_set(t->request, "cursor", json_object_get(answer, "cursor"));
		return INBOXTALK_ASK;
	}
	put_changed(t, out);
	return INBOXTALK_DONE;
}

static enum inboxtalk_step
next_export(struct inboxtalk *t)
{
	inboxtalk_set_op(t, "export");
	json_object_del(t->request, "id");
	json_object_del(t->request, "offset");
	return INBOXTALK_ASK;
}

/* One row after the other; the first without its bytes has them asked for, and goes on behind. */
static enum inboxtalk_step
take_export_rows(struct inboxtalk *t, json_t *answer, struct buf *out)
{
	json_t *rows = json_object_get(answer, "rows"), *r;
	size_t i;

	json_array_foreach(rows, i, r) {
		if (t->left == 0)
			return INBOXTALK_DONE;
		t->left--;
		t->row = json_incref(r);
		inboxtalk_set_number(t->request, "cursor", inboxtalk_number_at(r, "id"));
		if (json_object_get(r, "whole") == NULL)
			return ask_bytes(t);
		(void)take_bytes(t, r, "whole");
		if (t->bytes.failed || t->head_bytes > t->bytes.n)
			return inboxtalk_fail(t, "the edge's answer cannot be read", "export");
		json_object_del(r, "whole");
		json_object_del(r, "head_bytes");
		inboxtalk_put_whole(t, out);
		forget_row(t);
	}
	json_object_set(t->request, "cursor", json_object_get(answer, "cursor"));
	return json_is_true(json_object_get(answer, "more")) && t->left > 0 ? INBOXTALK_ASK
									    : INBOXTALK_DONE;
}

static enum inboxtalk_step
take_export(struct inboxtalk *t, json_t *answer, struct buf *out)
{
	if (t->row == NULL)
		return take_export_rows(t, answer, out);
	if (!take_bytes(t, answer, "bytes"))
		return ask_bytes(t);
	if (t->bytes.failed)
		return inboxtalk_fail(t, "the edge's answer cannot be read", "export");
	inboxtalk_put_whole(t, out);
	forget_row(t);
	return t->left > 0 ? next_export(t) : INBOXTALK_DONE;
}

/* The first answer only tells where the end is now. */
static enum inboxtalk_step
take_tail(struct inboxtalk *t, json_t *answer, struct buf *out)
{
	const json_t *rows = json_object_get(answer, "rows"), *r;
	const char *op = inboxtalk_text_at(t->request, "op");
	size_t i;

	if (strcmp(op, "list") == 0) { /* nothing that is older than `since` is told anyway */
		if (json_array_size(rows) > 0)
			answer = json_array_get(rows, 0);
		inboxtalk_set_number(t->request, "cursor",
		    inboxtalk_number_at(answer, json_array_size(rows) > 0 ? "id" : "cursor"));
		inboxtalk_set_number(t->request, "limit", 100);
		inboxtalk_set_op(t, "export");
		return INBOXTALK_WAIT;
	}
	json_array_foreach(rows, i, r)
		inboxtalk_put_row(t, r, out);
	if (inboxtalk_number_at(answer, "cursor") > 0)
		json_object_set(t->request, "cursor", json_object_get(answer, "cursor"));
	return json_is_true(json_object_get(answer, "more")) ? INBOXTALK_ASK : INBOXTALK_WAIT;
}

static enum inboxtalk_step
take_stat(struct inboxtalk *t, json_t *answer, struct buf *out)
{
	json_t *states = json_object_get(answer, "states"), *v;
	const char *state;

	if (t->o.json) {
		inboxtalk_put_json(out, answer);
		return INBOXTALK_DONE;
	}
	buf_printf(out, "%-10s %12s %16s\n", "STATE", "DELIVERIES", "BYTES");
	json_object_foreach(states, state, v)
		buf_printf(out, "%-10s %12llu %16llu\n", state,
		    (unsigned long long)inboxtalk_number_at(v, "n"),
		    (unsigned long long)inboxtalk_number_at(v, "bytes"));
	if (inboxtalk_number_at(answer, "oldest_ms") != 0) {
		buf_put(out, S("The oldest that is not finished came "));
		inboxtalk_put_date(out, inboxtalk_number_at(answer, "oldest_ms"));
		buf_put(out, S(" UTC.\n"));
	}
	return INBOXTALK_DONE;
}

static const struct inboxtalk_command commands[] = {
	{ "list", "list", false, false, take_list },
	{ "show", "show", true, true, take_show },
	{ "replay", "replay", true, false, take_change },
	{ "drop", "drop", true, false, take_change },
	{ "export", "export", false, false, take_export },
	{ "tail", "list", false, false, take_tail },
	{ "stat", "stat", false, false, take_stat },
};

/* The request is made here and changed from answer to answer; the caller sends it as it stands. */
enum inboxtalk_step
inboxtalk_start(struct inboxtalk *t, const struct inboxtalk_options *o, int n_args,
    const char *const *args, int64_t now_ms)
{
	const char *name = n_args > 0 ? args[0] : "";

	*t = (struct inboxtalk){ .o = *o, .request = json_object(), .code = "failed" };
	buf_init(&t->bytes, ALL_BYTES + 4096);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			t->command = &commands[i];
	if (t->command == NULL)
		return inboxtalk_fail(t,
		    "say what to do: list, show, replay, drop, export, tail or stat", "inbox");
	if (inboxtalk_set_options(t, now_ms) != INBOXTALK_ASK)
		return INBOXTALK_FAILED;
	return inboxtalk_set_ids(t, n_args - 1, args + 1);
}

/* What went before stands. */
static enum inboxtalk_step
refused(struct inboxtalk *t, const json_t *answer)
{
	char text[200];

	snprintf(t->code, sizeof(t->code), "%s", inboxtalk_text_at(answer, "code"));
	snprintf(text, sizeof(text), "%s", inboxtalk_text_at(answer, "text"));
	if (t->changed > 0)
		snprintf(text, sizeof(text), "%s; %llu %s done, the rest is not",
		    inboxtalk_text_at(answer, "text"), (unsigned long long)t->changed,
		    t->changed == 1 ? "delivery is" : "deliveries are");
	return inboxtalk_fail(t, text, "");
}

enum inboxtalk_step
inboxtalk_next(struct inboxtalk *t, json_t *answer, struct buf *out)
{
	enum inboxtalk_step step;

	check(t->command != NULL && t->request != NULL); /* inboxtalk_start() said ASK */
	if (!json_is_true(json_object_get(answer, "ok")))
		return refused(t, answer);
	step = t->command->take(t, answer, out);
	return out->failed ? inboxtalk_fail(t, "out of memory", "inbox") : step;
}

void
inboxtalk_fini(struct inboxtalk *t)
{
	forget_row(t);
	buf_fini(&t->bytes);
	json_decref(t->request);
	t->request = NULL;
}
