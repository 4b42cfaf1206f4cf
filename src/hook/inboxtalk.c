/* SPDX-License-Identifier: Apache-2.0 */
/* What `adit inbox` and `aditd inbox` ask, and how they print the answers. */
#include "hook/inboxtalk.h"

#include "base/date.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ALL_BYTES (2 * LIMIT_HEAD_BYTES + LIMIT_INBOX_BODY_BYTES)

struct inboxtalk_command {
	const char *name, *op;
	bool ids, needs_one; /* takes ids; exactly one */
	enum inboxtalk_step (*take)(struct inboxtalk *t, json_t *answer, struct buf *out);
};

static enum inboxtalk_step
fail(struct inboxtalk *t, const char *what, const char *which)
{
	snprintf(t->why, sizeof(t->why), "%s%s%s", which, which[0] != '\0' ? ": " : "", what);
	return INBOXTALK_FAILED;
}

/* --- reading answers --- */

static const char *
text_at(const json_t *o, const char *key)
{
	const char *z = json_string_value(json_object_get(o, key));

	return z != NULL ? z : "";
}

static uint64_t
number_at(const json_t *o, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(o, key));

	return n < 0 ? 0 : (uint64_t)n;
}

static void
set_number(json_t *o, const char *key, uint64_t n)
{
	json_object_set_new(o, key, json_integer((json_int_t)n));
}

static void
set_op(struct inboxtalk *t, const char *op)
{
	json_object_set_new(t->request, "op", json_string(op));
}

/* --- printing --- */

static void
put_date(struct buf *out, uint64_t ms)
{
	char when[DATE_BYTES];

	date_text((int64_t)ms, when);
	buf_printf(out, "%.19s", when); /* the title, or what stands behind it, says UTC */
}

static void
put_column(struct buf *out, const json_t *r, const char *key, size_t width)
{
	plain_put_column(out, slice_str(text_at(r, key)), width);
}

/* What is no ASCII as escapes: a terminal may show it. */
static void
put_json(struct buf *out, const json_t *j)
{
	char *text = json_dumps(j, JSON_COMPACT | JSON_ENSURE_ASCII);

	if (text == NULL) {
		out->failed = true;
		return;
	}
	buf_put(out, slice_str(text));
	buf_putc(out, '\n');
	free(text);
}

static void
put_row(struct inboxtalk *t, const json_t *r, struct buf *out)
{
	if (t->o.json) {
		put_json(out, r);
		return;
	}
	if (!t->titled)
		buf_printf(out, "%8s  %-9s  %-19s  %-16s  %-22s  %-28s %5s %8s  %s\n", "ID",
		    "STATE", "RECEIVED (UTC)", "TUNNEL", "EVENT", "REPOSITORY", "TRIES", "BYTES",
		    "NOTE");
	t->titled = true;
	buf_printf(out, "%8llu  ", (unsigned long long)number_at(r, "id"));
	put_column(out, r, "state", 11);
	put_date(out, number_at(r, "received_ms"));
	buf_put(out, S("  "));
	put_column(out, r, "tunnel", 16);
	buf_put(out, S("  "));
	put_column(out, r, "event", 22);
	buf_put(out, S("  "));
	put_column(out, r, "repository", 28);
	buf_printf(out, " %5llu %8llu  ", (unsigned long long)number_at(r, "attempts"),
	    (unsigned long long)number_at(r, "bytes"));
	put_column(out, r, "note", 0);
	buf_putc(out, '\n');
}

static void
put_line(struct buf *out, const char *what, const char *value)
{
	if (value[0] == '\0')
		return;
	buf_printf(out, "%-14s ", what);
	plain_put(out, slice_str(value));
	buf_putc(out, '\n');
}

static void
put_attempts(const json_t *attempts, struct buf *out)
{
	const json_t *a;
	size_t i;

	json_array_foreach(attempts, i, a) {
		buf_printf(out, "%-14s ", i == 0 ? "attempts:" : "");
		put_date(out, number_at(a, "at_ms"));
		buf_printf(out, "  #%llu  ", (unsigned long long)number_at(a, "number"));
		if (number_at(a, "status") != 0)
			buf_printf(out, "%3llu  ", (unsigned long long)number_at(a, "status"));
		else
			buf_put(out, S("  -  ")); /* nothing answered */
		put_column(out, a, "reason", 0);
		buf_printf(out, "  %llu ms\n", (unsigned long long)number_at(a, "latency_ms"));
		if (text_at(a, "answer")[0] == '\0')
			continue;
		buf_printf(out, "%-14s   answer: ", "");
		plain_put(out, slice_head(slice_str(text_at(a, "answer")), 200));
		buf_putc(out, '\n');
	}
}

static void
put_details(const json_t *r, const json_t *attempts, struct buf *out)
{
	buf_printf(out, "%-14s %llu, ", "delivery:", (unsigned long long)number_at(r, "id"));
	put_column(out, r, "state", 0);
	buf_putc(out, '\n');
	put_line(out, "tunnel:", text_at(r, "tunnel"));
	put_line(out, "account:", text_at(r, "account"));
	put_line(out, "event:", text_at(r, "event"));
	put_line(out, "repository:", text_at(r, "repository"));
	put_line(out, "sender's id:", text_at(r, "provider_id"));
	buf_printf(out, "%-14s ", "received:");
	put_date(out, number_at(r, "received_ms"));
	buf_put(out, S(" UTC\n"));
	if (number_at(r, "replay_of") != 0)
		buf_printf(out, "%-14s %llu\n",
		    "copy of:", (unsigned long long)number_at(r, "replay_of"));
	if (json_object_get(r, "due_ms") != NULL)
		buf_printf(out, "%-14s in %llu s%s\n",
		    "next attempt:", (unsigned long long)number_at(r, "due_ms") / 1000,
		    json_is_true(json_object_get(r, "waits"))
			? ", behind an older one of its branch"
			: "");
	put_line(out, "note:", text_at(r, "note"));
	put_attempts(attempts, out);
	buf_putc(out, '\n');
}

/* Head and body, whole, as members of the row: texts, or base64 where a text could
 * not say it exactly. */
static void
put_whole_json(struct inboxtalk *t, struct buf *out)
{
	struct slice all = buf_slice(&t->bytes), body = slice_from(all, t->head_bytes);
	json_t *o = json_copy(t->row),
	       *text = t->o.raw ? NULL : json_stringn(body.p == NULL ? "" : body.p, body.n);
	json_t *head = json_stringn(all.p, t->head_bytes);
	char *base64 = NULL;

	json_object_set_new(o, "head", head != NULL ? head : json_string(""));
	if (text == NULL && (base64 = malloc((body.n + 2) / 3 * 4 + 1)) != NULL) {
		text_base64(body.p, body.n, base64);
		json_object_set_new(o, "body_base64", json_string(base64));
	} else {
		json_object_set_new(o, "body", text);
	}
	if (head == NULL && (base64 = realloc(base64, (t->head_bytes + 2) / 3 * 4 + 1)) != NULL) {
		text_base64(all.p, t->head_bytes, base64);
		json_object_set_new(o, "head_base64", json_string(base64));
	}
	if (t->attempts != NULL)
		json_object_set(o, "attempts", t->attempts);
	put_json(out, o);
	free(base64);
	json_decref(o);
}

static void
put_whole(struct inboxtalk *t, struct buf *out)
{
	if (t->o.json || t->command->needs_one == false) {
		put_whole_json(t, out);
	} else if (t->o.raw) {
		buf_put(out, buf_slice(&t->bytes));
	} else {
		put_details(t->row, t->attempts, out);
		plain_put_lines(out, buf_slice(&t->bytes));
		buf_putc(out, '\n');
	}
}

/* --- pieces of head and body --- */

static enum inboxtalk_step
ask_bytes(struct inboxtalk *t)
{
	set_op(t, "bytes");
	set_number(t->request, "id", number_at(t->row, "id"));
	set_number(t->request, "offset", t->bytes.n);
	return INBOXTALK_ASK;
}

/* of: an answer with the next piece, or a row with all of it. True when all of it is there. */
static bool
take_bytes(struct inboxtalk *t, json_t *of, const char *member)
{
	struct slice piece = slice_str(text_at(of, member));
	char *room = buf_room(&t->bytes, piece.n + 4);
	ptrdiff_t n = room == NULL ? -1 : text_unbase64(piece, false, true, room, piece.n + 4);

	if (n < 0) {
		t->bytes.failed = true;
		return true;
	}
	t->bytes.n += (size_t)n;
	t->head_bytes = number_at(of, "head_bytes");
	if (t->head_bytes > t->bytes.n && n == 0)
		t->bytes.failed = true;
	return n == 0 || t->bytes.n >= number_at(of, "total");
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

static enum inboxtalk_step
take_list(struct inboxtalk *t, json_t *answer, struct buf *out)
{
	const json_t *rows = json_object_get(answer, "rows"), *r;
	size_t i;

	json_array_foreach(rows, i, r) {
		if (t->left == 0)
			return INBOXTALK_DONE;
		t->left--;
		put_row(t, r, out);
	}
	if (!json_is_true(json_object_get(answer, "more")) || t->left == 0)
		return INBOXTALK_DONE;
	json_object_set(t->request, "cursor", json_object_get(answer, "cursor"));
	return INBOXTALK_ASK;
}

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
		return fail(t, "the edge's answer cannot be read", "show");
	put_whole(t, out);
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

static enum inboxtalk_step
take_change(struct inboxtalk *t, json_t *answer, struct buf *out)
{
	uint64_t copy = json_object_get(t->request, "to") != NULL ? number_at(answer, "id") : 0;

	t->changed += number_at(answer, "changed");
	if (t->n_ids > 0 && copy != 0 && !t->o.json)
		buf_printf(out, "%llu was copied to %llu\n", (unsigned long long)t->ids[t->at],
		    (unsigned long long)copy);
	if (t->n_ids > 0 && ++t->at < t->n_ids) {
		set_number(t->request, "id", t->ids[t->at]);
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
	set_op(t, "export");
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
		set_number(t->request, "cursor", number_at(r, "id"));
		if (json_object_get(r, "whole") == NULL)
			return ask_bytes(t);
		(void)take_bytes(t, r, "whole");
		if (t->bytes.failed || t->head_bytes > t->bytes.n)
			return fail(t, "the edge's answer cannot be read", "export");
		json_object_del(r, "whole");
		json_object_del(r, "head_bytes");
		put_whole(t, out);
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
		return fail(t, "the edge's answer cannot be read", "export");
	put_whole(t, out);
	forget_row(t);
	return t->left > 0 ? next_export(t) : INBOXTALK_DONE;
}

/* The first answer only tells where the end is now. */
static enum inboxtalk_step
take_tail(struct inboxtalk *t, json_t *answer, struct buf *out)
{
	const json_t *rows = json_object_get(answer, "rows"), *r;
	const char *op = text_at(t->request, "op");
	size_t i;

	if (strcmp(op, "list") == 0) { /* nothing that is older than `since` is told anyway */
		if (json_array_size(rows) > 0)
			answer = json_array_get(rows, 0);
		set_number(t->request, "cursor",
		    number_at(answer, json_array_size(rows) > 0 ? "id" : "cursor"));
		set_number(t->request, "limit", 100);
		set_op(t, "export");
		return INBOXTALK_WAIT;
	}
	json_array_foreach(rows, i, r)
		put_row(t, r, out);
	if (number_at(answer, "cursor") > 0)
		json_object_set(t->request, "cursor", json_object_get(answer, "cursor"));
	return json_is_true(json_object_get(answer, "more")) ? INBOXTALK_ASK : INBOXTALK_WAIT;
}

static enum inboxtalk_step
take_stat(struct inboxtalk *t, json_t *answer, struct buf *out)
{
	json_t *states = json_object_get(answer, "states"), *v;
	const char *state;

	if (t->o.json) {
		put_json(out, answer);
		return INBOXTALK_DONE;
	}
	buf_printf(out, "%-10s %12s %16s\n", "STATE", "DELIVERIES", "BYTES");
	json_object_foreach(states, state, v)
		buf_printf(out, "%-10s %12llu %16llu\n", state,
		    (unsigned long long)number_at(v, "n"),
		    (unsigned long long)number_at(v, "bytes"));
	if (number_at(answer, "oldest_ms") != 0) {
		buf_put(out, S("The oldest that is not finished came "));
		put_date(out, number_at(answer, "oldest_ms"));
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

/* --- options --- */

static int64_t
ago(struct slice text, int64_t now_ms)
{
	static const struct {
		char unit;
		int64_t ms;
	} units[] = { { 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 }, { 'd', 86400000 } };
	uint64_t n;

	for (size_t i = 0; i < 4 && text.n > 1; i++)
		if (text.p[text.n - 1] == units[i].unit &&
		    slice_u64(slice_head(text, text.n - 1), &n) && n < 100000000)
			return now_ms - (int64_t)n * units[i].ms;
	return -1;
}

int64_t
inboxtalk_time(struct slice text, int64_t now_ms)
{
	static const char *const forms[] = { "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S",
		"%Y-%m-%dT%H:%M", "%Y-%m-%d" };
	char z[40];
	int64_t ms = ago(text, now_ms);

	if (ms >= 0 || !slice_z(text, z, sizeof(z)))
		return ms;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct tm tm = { 0 };
		const char *end = strptime(z, forms[i], &tm);

		if (end != NULL && *end == '\0')
			return (int64_t)timegm(&tm) * 1000;
	}
	return -1;
}

static void
set_text(json_t *o, const char *key, const char *value)
{
	if (value != NULL)
		json_object_set_new(o, key, json_string(value));
}

static bool
set_time(struct inboxtalk *t, const char *key, const char *value, int64_t now_ms)
{
	int64_t ms = value == NULL ? 0 : inboxtalk_time(slice_str(value), now_ms);

	if (ms > 0)
		set_number(t->request, key, (uint64_t)ms);
	return ms >= 0;
}

/* The names of --state. False: it has one that is none. */
static bool
set_states(struct inboxtalk *t)
{
	static const char *const known[] = { "received", "queued", "leased", "delivered", "parked",
		"dead", "dropped" };
	struct slice rest = slice_str(t->o.states);
	json_t *list = json_array();
	bool good = true;

	while (rest.n > 0) {
		struct slice s = slice_trim(slice_cut(&rest, ','));
		bool found = false;

		for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
			found = found || slice_eq(s, slice_str(known[i]));
		good = good && found;
		json_array_append_new(list, json_stringn(s.p == NULL ? "" : s.p, s.n));
	}
	if (json_array_size(list) > 0)
		json_object_set(t->request, "states", list);
	json_decref(list);
	return good;
}

static enum inboxtalk_step
set_options(struct inboxtalk *t, int64_t now_ms)
{
	const struct inboxtalk_options *o = &t->o;
	char which[80];

	set_op(t, t->command->op);
	set_text(t->request, "account", o->account);
	set_text(t->request, "tunnel", o->tunnel);
	set_text(t->request, "event", o->event);
	set_text(t->request, "repository", o->repository);
	set_text(t->request, "to", o->to);
	if (o->raw)
		json_object_set_new(t->request, "raw", json_true());
	snprintf(which, sizeof(which), "--state %.60s", o->states != NULL ? o->states : "");
	if (!set_states(t))
		return fail(t,
		    "no such state; there are: received, queued, leased, delivered, "
		    "parked, dead and dropped",
		    which);
	if (!set_time(t, "since_ms", o->since, now_ms))
		return fail(t, "a time is 2026-11-24T18:00:00Z, 2026-11-24, or 30m, 12h, 7d ago",
		    "--since");
	if (!set_time(t, "until_ms", o->until, now_ms))
		return fail(t, "a time is 2026-11-24T18:00:00Z, 2026-11-24, or 30m, 12h, 7d ago",
		    "--until");
	t->left = UINT64_MAX;
	if (o->limit != NULL && (!slice_u64(slice_str(o->limit), &t->left) || t->left == 0))
		return fail(t, "a number is wanted", "--limit");
	if (strcmp(t->command->name, "export") == 0)
		json_object_set_new(t->request, "whole", json_true());
	if (strcmp(t->command->name, "tail") == 0) {
		set_number(t->request, "limit", 1);
		if (o->since == NULL)
			set_number(t->request, "since_ms", (uint64_t)now_ms);
	} else if (t->left < 100 &&
		   (strcmp(t->command->op, "list") == 0 || strcmp(t->command->op, "export") == 0)) {
		set_number(t->request, "limit", t->left);
	}
	return INBOXTALK_ASK;
}

static enum inboxtalk_step
set_ids(struct inboxtalk *t, int n, const char *const *args)
{
	const struct inboxtalk_command *c = t->command;

	if (n > (c->ids ? INBOXTALK_IDS : 0) || (c->needs_one && n != 1))
		return fail(t,
		    c->needs_one ? "the id of one delivery is wanted" : "too many arguments",
		    c->name);
	for (int i = 0; i < n; i++)
		if (!slice_u64(slice_str(args[i]), &t->ids[t->n_ids++]) || t->ids[i] == 0 ||
		    t->ids[i] > INT64_MAX)
			return fail(t, "the id of a delivery is a number", args[i]);
	if (n > 0)
		set_number(t->request, "id", t->ids[0]);
	else if (c->ids && t->o.states == NULL)
		return fail(t, "name deliveries by id, or give --state", c->name);
	return INBOXTALK_ASK;
}

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
		return fail(t, "say what to do: list, show, replay, drop, export, tail or stat",
		    "inbox");
	if (set_options(t, now_ms) != INBOXTALK_ASK)
		return INBOXTALK_FAILED;
	return set_ids(t, n_args - 1, args + 1);
}

/* What went before stands. */
static enum inboxtalk_step
refused(struct inboxtalk *t, const json_t *answer)
{
	char text[200];

	snprintf(t->code, sizeof(t->code), "%s", text_at(answer, "code"));
	snprintf(text, sizeof(text), "%s", text_at(answer, "text"));
	if (t->changed > 0)
		snprintf(text, sizeof(text), "%s; %llu %s done, the rest is not",
		    text_at(answer, "text"), (unsigned long long)t->changed,
		    t->changed == 1 ? "delivery is" : "deliveries are");
	return fail(t, text, "");
}

enum inboxtalk_step
inboxtalk_next(struct inboxtalk *t, json_t *answer, struct buf *out)
{
	enum inboxtalk_step step;

	if (!json_is_true(json_object_get(answer, "ok")))
		return refused(t, answer);
	step = t->command->take(t, answer, out);
	return out->failed ? fail(t, "out of memory", "inbox") : step;
}

void
inboxtalk_fini(struct inboxtalk *t)
{
	forget_row(t);
	buf_fini(&t->bytes);
	json_decref(t->request);
	t->request = NULL;
}
