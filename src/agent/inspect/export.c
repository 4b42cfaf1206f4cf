/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of the list as a file of another tool: one of them at a time is in memory. */
#include "agent/inspect/inspect_private.h"

#include "agent/capture/redact.h"
#include "agent/capture/shown.h"
#include "agent/inspect/filter.h"
#include "agent/replay/script.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>

#define HEAD_BYTES_MAX (SERVE_HEAD_BYTES * 2)
/* Two bodies in the longest form that they have, and their heads. */
#define ITEM_BYTES_MAX (256u << 20)

/* A file on its way. */
struct exporting {
	struct inspector *inspector;
	enum script_form form;
	bool raw, ended;
	size_t n, at, put; /* rows, the next one, how many were written */
	struct buf out;    /* of which out_at have left */
	size_t out_at;
	uint64_t ids[];
};

/* What is read of one exchange. */
struct parts {
	struct buf head, body, answer_head, answer_body;
};

/* All that is kept of a body. c: what its configuration hides is hidden, and what cannot be looked at is left
 * out; NULL: nothing is. */
static void
read_body(struct capture *c, struct captured *e, enum tap_side side, struct buf *out)
{
	uint64_t total = exchange_body_bytes(e, side);
	size_t got = 1;

	buf_init(out, 2 * (size_t)total + 64);
	if (total == 0 || (c != NULL && shown_body(c, e, side, out) != SHOWN_WHOLE) ||
	    buf_room(out, (size_t)total) == NULL)
		return;
	while (out->n < total && got > 0) {
		got = exchange_read(e, side, out->n, out->p + out->n, (size_t)total - out->n);
		out->n += got;
	}
}

static void
read_head(struct captured *e, enum tap_side side, const struct redact *hide, struct buf *out)
{
	struct buf head;

	buf_init(out, 2 * HEAD_BYTES_MAX);
	buf_init(&head, HEAD_BYTES_MAX);
	if (exchange_head(e, side, TAP_RECEIVED, &head)) {
		if (hide != NULL)
			redact_head(hide, buf_slice(&head), out);
		else
			buf_put(out, buf_slice(&head));
	}
	buf_fini(&head);
}

static void
read_parts(struct capture *c, struct captured *e, const struct redact *hide, bool answer,
    struct parts *ret)
{
	read_head(e, TAP_REQUEST, hide, &ret->head);
	read_body(hide == NULL ? NULL : c, e, TAP_REQUEST, &ret->body);
	buf_init(&ret->answer_head, 0);
	buf_init(&ret->answer_body, 0);
	if (!answer)
		return;
	read_head(e, TAP_RESPONSE, hide, &ret->answer_head);
	read_body(hide == NULL ? NULL : c, e, TAP_RESPONSE, &ret->answer_body);
}

/* One that is gone meanwhile, or of which nothing is kept, is left out. */
static void
put_one(struct exporting *x, uint64_t id)
{
	struct capture *c = x->inspector->client->serve->capture;
	const struct redact hide = { .names = capture_redacted(c) };
	struct captured *e = exchange_open(c, id);
	struct script_request s;
	struct capture_row row;
	struct parts p;

	if (e == NULL)
		return;
	read_parts(c, e, x->raw ? NULL : &hide, x->form == SCRIPT_HAR, &p);
	if (p.head.n > 0 && rows_find(x->inspector->rows, id, &row)) {
		s = (struct script_request){ .id = id,
			.at_ms = row.begun_ms,
			.took_us = row.took_us,
			.status = row.status,
			.event = row.event,
			.head = buf_slice(&p.head),
			.body = buf_slice(&p.body),
			.answer_head = buf_slice(&p.answer_head),
			.answer_body = buf_slice(&p.answer_body),
			.has_gap = exchange_body_bytes(e, TAP_REQUEST) < row.tx_bytes };
		script_put(x->form, &s, x->put++, &x->out);
	}
	buf_fini(&p.head);
	buf_fini(&p.body);
	buf_fini(&p.answer_head);
	buf_fini(&p.answer_body);
	exchange_close(e);
}

static void
forget(struct exporting *x)
{
	buf_fini(&x->out);
	free(x);
}

static void
on_gone(struct web_request *r)
{
	forget(r->job);
}

/* The next piece of the file. False: that was all. */
static bool
make_more(struct exporting *x)
{
	buf_reset(&x->out);
	x->out_at = 0;
	if (x->at < x->n) {
		put_one(x, x->ids[x->at++]);
		return true;
	}
	if (x->ended)
		return false;
	script_end(x->form, &x->out);
	x->ended = true;
	return true;
}

static void
on_more(struct web_request *r)
{
	struct exporting *x = r->job;

	while (web_body_room(r) > 0) {
		if (x->out.failed) {
			forget(x);
			web_body_abort(r);
			return;
		}
		if (x->out_at == x->out.n) {
			if (make_more(x))
				continue;
			forget(x);
			web_body_end(r);
			return;
		}
		x->out_at += web_body_write(r, slice_from(buf_slice(&x->out), x->out_at));
	}
}

/* --- what is asked --- */

static bool
take_ids(const json_t *list, struct exporting *x)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (text == NULL || !slice_u64(slice_str(text), &x->ids[x->n]))
			return false;
		x->n++;
	}
	return true;
}

/* Oldest first, as they came. False: there are more than are exported at once. */
static bool
take_matches(const char *q, struct exporting *x)
{
	struct rows *rows = x->inspector->rows;
	int64_t now_ms = clock_wall_ms();
	struct capture_row row;
	struct filter f;

	filter_parse(&f, slice_str(q));
	for (bool more = rows_oldest(rows, &row); more; more = rows_after(rows, row.id, &row)) {
		if (!filter_lets(&f, &row, now_ms))
			continue;
		if (x->n == LIMIT_INSPECT_EXPORT)
			return false;
		x->ids[x->n++] = row.id;
	}
	return true;
}

static void
begin(struct web_request *r, struct exporting *x)
{
	struct slice name = slice_str(script_file_name(x->form));
	char field[80];

	snprintf(field, sizeof(field), "attachment; filename=\"%.*s\"", PS(name));
	capture_flush(x->inspector->client->serve->capture);
	buf_init(&x->out, ITEM_BYTES_MAX);
	script_begin(x->form, &x->out);
	web_put(r, S("Content-Disposition"), slice_str(field));
	r->job = x;
	r->gone = on_gone;
	r->more = on_more;
	web_body_begin(r, 200, script_type(x->form), WEB_UNKNOWN);
}

void
inspect_export(struct web_request *r)
{
	const json_t *ids = json_object_get(r->json, "ids"), *raw = json_object_get(r->json, "raw");
	const char *as = json_string_value(json_object_get(r->json, "as"));
	const char *q = json_string_value(json_object_get(r->json, "q"));
	struct exporting *x;
	enum script_form form;

	if (as == NULL || !script_form_of(slice_str(as), &form) ||
	    (raw != NULL && !json_is_boolean(raw)) || (json_is_array(ids) == (q != NULL))) {
		web_error(r, 400, "bad-question",
		    "as is curl, har, pytest or http; ids is a list, or q a filter.", "");
		return;
	}
	x = calloc(1, sizeof(*x) + LIMIT_INSPECT_EXPORT * sizeof(x->ids[0]));
	if (x == NULL) {
		web_error(r, 503, "no-memory", "There is no memory for this.", "");
		return;
	}
	x->inspector = inspector_of(r);
	x->form = form;
	x->raw = json_is_true(raw);
	if (json_array_size(ids) > LIMIT_INSPECT_EXPORT || (q != NULL && !take_matches(q, x))) {
		free(x);
		web_error(r, 413, "too-many", "At most 1,000 requests are exported at once.",
		    "Ask for fewer, with a filter.");
	} else if (!take_ids(ids, x)) {
		free(x);
		web_error(r, 400, "bad-question", "ids is a list of texts.", "");
	} else {
		begin(r, x);
	}
}
