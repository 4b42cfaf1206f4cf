/* SPDX-License-Identifier: Apache-2.0 */
/* What `adit inbox` and `aditd inbox` print: rows, a delivery with its attempts, head and body. */
#include "hook/inboxtalk_private.h"

#include "base/date.h"
#include "base/plain.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

void
inboxtalk_put_date(struct buf *out, uint64_t ms)
{
	char when[DATE_BYTES];

	date_text((int64_t)ms, when);
	buf_printf(out, "%.19s", when); /* the title, or what stands behind it, says UTC */
}

static void
put_column(struct buf *out, const json_t *r, const char *key, size_t width)
{
	plain_put_column(out, slice_str(inboxtalk_text_at(r, key)), width);
}

/* What is no ASCII as escapes: a terminal may show it. */
void
inboxtalk_put_json(struct buf *out, const json_t *j)
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

void
inboxtalk_put_row(struct inboxtalk *t, const json_t *r, struct buf *out)
{
	if (t->o.json) {
		inboxtalk_put_json(out, r);
		return;
	}
	if (!t->titled)
		buf_printf(out, "%8s  %-9s  %-19s  %-16s  %-22s  %-28s %5s %8s  %s\n", "ID",
		    "STATE", "RECEIVED (UTC)", "TUNNEL", "EVENT", "REPOSITORY", "TRIES", "BYTES",
		    "NOTE");
	t->titled = true;
	buf_printf(out, "%8llu  ", (unsigned long long)inboxtalk_number_at(r, "id"));
	put_column(out, r, "state", 11);
	inboxtalk_put_date(out, inboxtalk_number_at(r, "received_ms"));
	buf_put(out, S("  "));
	put_column(out, r, "tunnel", 16);
	buf_put(out, S("  "));
	put_column(out, r, "event", 22);
	buf_put(out, S("  "));
	put_column(out, r, "repository", 28);
	buf_printf(out, " %5llu %8llu  ", (unsigned long long)inboxtalk_number_at(r, "attempts"),
	    (unsigned long long)inboxtalk_number_at(r, "bytes"));
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

/* Of an answer one line's worth is shown: all of it may be long. */
static void
put_attempts(const json_t *attempts, struct buf *out)
{
	const json_t *a;
	size_t i;

	json_array_foreach(attempts, i, a) {
		buf_printf(out, "%-14s ", i == 0 ? "attempts:" : "");
		inboxtalk_put_date(out, inboxtalk_number_at(a, "at_ms"));
		buf_printf(out, "  #%llu  ", (unsigned long long)inboxtalk_number_at(a, "number"));
		if (inboxtalk_number_at(a, "status") != 0)
			buf_printf(out, "%3llu  ",
			    (unsigned long long)inboxtalk_number_at(a, "status"));
		else
			buf_put(out, S("  -  ")); /* nothing answered */
		put_column(out, a, "reason", 0);
		buf_printf(out, "  %llu ms\n",
		    (unsigned long long)inboxtalk_number_at(a, "latency_ms"));
		if (inboxtalk_text_at(a, "answer")[0] == '\0')
			continue;
		buf_printf(out, "%-14s   answer: ", "");
		plain_put(out, slice_head(slice_str(inboxtalk_text_at(a, "answer")), 200));
		buf_putc(out, '\n');
	}
}

static void
put_details(const json_t *r, const json_t *attempts, struct buf *out)
{
	buf_printf(out, "%-14s %llu, ",
	    "delivery:", (unsigned long long)inboxtalk_number_at(r, "id"));
	put_column(out, r, "state", 0);
	buf_putc(out, '\n');
	put_line(out, "tunnel:", inboxtalk_text_at(r, "tunnel"));
	put_line(out, "account:", inboxtalk_text_at(r, "account"));
	put_line(out, "event:", inboxtalk_text_at(r, "event"));
	put_line(out, "repository:", inboxtalk_text_at(r, "repository"));
	put_line(out, "sender's id:", inboxtalk_text_at(r, "provider_id"));
	buf_printf(out, "%-14s ", "received:");
	inboxtalk_put_date(out, inboxtalk_number_at(r, "received_ms"));
	buf_put(out, S(" UTC\n"));
	if (inboxtalk_number_at(r, "replay_of") != 0)
		buf_printf(out, "%-14s %llu\n",
		    "copy of:", (unsigned long long)inboxtalk_number_at(r, "replay_of"));
	if (json_object_get(r, "due_ms") != NULL)
		buf_printf(out, "%-14s in %llu s%s\n",
		    "next attempt:", (unsigned long long)inboxtalk_number_at(r, "due_ms") / 1000,
		    json_is_true(json_object_get(r, "waits"))
			? ", behind an older one of its branch"
			: "");
	put_line(out, "note:", inboxtalk_text_at(r, "note"));
	put_attempts(attempts, out);
	buf_putc(out, '\n');
}

/* False without memory. */
static bool
set_base64(json_t *o, const char *key, struct slice s)
{
	char *base64 = malloc((s.n + 2) / 3 * 4 + 1);

	if (base64 == NULL)
		return false;
	text_base64(s.p, s.n, base64);
	json_object_set_new(o, key, json_string(base64));
	free(base64);
	return true;
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

	json_object_set_new(o, "head", head != NULL ? head : json_string(""));
	if (text != NULL)
		json_object_set_new(o, "body", text);
	else if (!set_base64(o, "body_base64", body))
		out->failed = true;
	if (head == NULL && !set_base64(o, "head_base64", slice_head(all, t->head_bytes)))
		out->failed = true;
	if (t->attempts != NULL)
		json_object_set(o, "attempts", t->attempts);
	inboxtalk_put_json(out, o);
	json_decref(o);
}

void
inboxtalk_put_whole(struct inboxtalk *t, struct buf *out)
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
