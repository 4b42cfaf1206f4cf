/* SPDX-License-Identifier: Apache-2.0 */
/* One exchange for the pages: heads with hidden values, sizes, times, who is related; one value shown. */
#include "agent/inspect/inspect_private.h"

#include "agent/capture/exchange.h"
#include "agent/capture/redact.h"
#include "base/limits.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

#define HEAD_BYTES_MAX (SERVE_HEAD_BYTES * 2)

/* A line without its end. */
static struct slice
cut_line(struct slice *s)
{
	struct slice line = slice_cut(s, '\n');

	return slice_ends(line, S("\r")) ? slice_head(line, line.n - 1) : line;
}

struct slice
inspect_field(struct slice head, struct slice name)
{
	(void)slice_cut(&head, '\n');
	while (head.n > 0) {
		struct slice value = cut_line(&head);
		struct slice field = slice_cut(&value, ':');

		if (slice_ieq(field, name))
			return slice_trim(value);
	}
	return (struct slice){ 0 };
}

/* What tells equal values, and nothing else. */
static json_t *
mark_of(const struct inspector *i, struct slice value)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	char text[12];

	if (HMAC(EVP_sha256(), i->key, sizeof(i->key), (const unsigned char *)value.p, value.n, md,
		&n) == NULL)
		return json_string("");
	snprintf(text, sizeof(text), "%02x%02x", md[0], md[1]);
	return json_string(text);
}

/* Lines "name: value", up to an empty one. */
static json_t *
fields_of(const struct inspector *i, struct slice lines)
{
	const struct redact hide = { .names = capture_redacted(i->client->serve->capture) };
	json_t *list = json_array();

	while (lines.n > 0) {
		struct slice value = cut_line(&lines);
		struct slice name = slice_cut(&value, ':');
		json_t *pair = json_array();

		if (name.n == 0) {
			json_decref(pair);
			break;
		}
		value = slice_trim(value);
		json_array_append_new(pair, inspect_text(name));
		if (redact_hides(&hide, name)) {
			json_array_append_new(pair, mark_of(i, value));
			json_array_append_new(pair, json_true());
		} else {
			json_array_append_new(pair, inspect_text(value));
		}
		json_array_append_new(list, pair);
	}
	return list;
}

/* A first line; a target stands in a request's alone. */
static json_t *
line_of(struct slice line, enum tap_side side)
{
	struct slice rest = line, method = slice_cut(&rest, ' '), target = slice_cut(&rest, ' ');
	struct buf out;
	json_t *o;

	if (side == TAP_RESPONSE)
		return inspect_text(line);
	buf_init(&out, HEAD_BYTES_MAX);
	buf_put(&out, method);
	buf_putc(&out, ' ');
	inspect_hide_query(target, &out);
	buf_putc(&out, ' ');
	buf_put(&out, rest);
	o = out.failed ? json_string("") : inspect_text(buf_slice(&out));
	buf_fini(&out);
	return o;
}

static json_t *
cut_of(const struct capture_row *r, uint64_t kept, uint64_t total)
{
	if (kept >= total)
		return json_null();
	return r->flags & ROW_CUT_SIZE   ? json_string("size")
	       : r->flags & ROW_CUT_DISK ? json_string("disk")
	       : r->flags & ROW_CUT_RATE ? json_string("rate")
					 : json_null();
}

/* NULL: there is none (yet). */
static json_t *
side_of(struct inspector *i, struct captured *e, const struct capture_row *r, enum tap_side side)
{
	uint64_t total = side == TAP_REQUEST ? r->tx_bytes : r->rx_bytes;
	uint64_t kept = exchange_body_bytes(e, side);
	struct buf head, sent, trailers;
	struct slice rest, line;
	json_t *o = NULL;

	buf_init(&head, HEAD_BYTES_MAX);
	buf_init(&sent, HEAD_BYTES_MAX);
	buf_init(&trailers, HEAD_BYTES_MAX);
	if (exchange_head(e, side, TAP_RECEIVED, &head)) {
		rest = buf_slice(&head);
		line = cut_line(&rest);
		o = json_pack("{s:o,s:o}", "line", line_of(line, side), "received",
		    fields_of(i, rest));
		if (exchange_head(e, side, TAP_SENT, &sent)) {
			rest = buf_slice(&sent);
			(void)slice_cut(&rest, '\n');
			json_object_set_new(o, "sent", fields_of(i, rest));
		}
		(void)exchange_trailers(e, side, &trailers);
		json_object_set_new(o, "trailers", fields_of(i, buf_slice(&trailers)));
		json_object_set_new(o, "body",
		    json_pack("{s:I,s:I,s:o,s:o,s:o}", "bytes", (json_int_t)kept, "total",
			(json_int_t)(total > kept ? total : kept), "cut", cut_of(r, kept, total),
			"type", inspect_text(inspect_field(buf_slice(&head), S("Content-Type"))),
			"coding",
			inspect_text(inspect_field(buf_slice(&head), S("Content-Encoding")))));
	}
	buf_fini(&head);
	buf_fini(&sent);
	buf_fini(&trailers);
	return o;
}

static json_int_t
since(const struct capture_row *r, int64_t at_us)
{
	int64_t us = at_us - r->begun_ms * 1000;

	return at_us == 0 || us < 0 ? 0 : (json_int_t)us;
}

static json_t *
times_of(const struct captured *e, const struct capture_row *r)
{
	json_int_t in = e == NULL ? 0 : since(r, exchange_head_us(e, TAP_REQUEST));
	json_int_t out = e == NULL ? 0 : since(r, exchange_head_us(e, TAP_RESPONSE));

	return json_pack("{s:i,s:I,s:I,s:I,s:I}", "begun", 0, "head_in", in, "origin", in,
	    "head_out", out, "end", (json_int_t)(r->took_us < 0 ? 0 : r->took_us));
}

/* Attempts of its delivery, and its predecessor: behind it in time. */
static void
put_relatives(struct inspector *i, const struct capture_row *r, json_t *o)
{
	json_t *attempts = json_array(), *children = json_array();
	struct capture_row other;
	size_t n = 0;
	bool found = false;

	for (bool more = rows_before(i->rows, r->id, &other);
	     more && r->event.n > 0 && !found && n++ < LIMIT_INSPECT_RELATIVES;
	     more = rows_before(i->rows, other.id, &other)) {
		found = other.tunnel == r->tunnel && slice_eq(other.event, r->event) &&
			slice_eq(other.repository, r->repository);
		if (found)
			json_object_set_new(o, "previous", inspect_number(other.id));
	}
	n = 0;
	for (bool more = rows_after(i->rows, r->id, &other); more && n++ < LIMIT_INSPECT_RELATIVES;
	     more = rows_after(i->rows, other.id, &other))
		if (other.parent == r->id)
			json_array_append_new(children, inspect_number(other.id));
	n = 0;
	for (bool more = r->delivery != 0 && rows_of_delivery(i->rows, r->delivery, &other);
	     more && n++ < LIMIT_INSPECT_RELATIVES; more = rows_before(i->rows, other.id, &other)) {
		if (other.delivery != r->delivery)
			continue;
		json_array_insert_new(attempts, 0,
		    json_pack("{s:I,s:I,s:s,s:I,s:I,s:o,s:s,s:o}", "n", (json_int_t)other.attempt,
			"at_ms", (json_int_t)other.begun_ms, "state", row_state_word(other.state),
			"status", (json_int_t)other.status, "took_us", (json_int_t)other.took_us,
			"code", inspect_text(other.code), "text", "", "row",
			inspect_number(other.id)));
	}
	json_object_set_new(o, "attempts", attempts);
	json_object_set_new(o, "children", children);
}

void
inspect_one(struct web_request *r)
{
	struct inspector *i = inspector_of(r);
	struct capture_row row;
	struct captured *e;
	json_t *o, *side;
	bool exact;

	if (!inspect_find(r, &row))
		return;
	o = inspect_row(&row);
	e = exchange_open(i->client->serve->capture, row.id);
	side = e == NULL ? NULL : side_of(i, e, &row, TAP_REQUEST);
	exact = side != NULL && row.took_us >= 0 && (row.flags & ROW_BLANKED) == 0 &&
		exchange_body_bytes(e, TAP_REQUEST) >= row.tx_bytes;
	json_object_set_new(o, "request", side != NULL ? side : json_null());
	side = e == NULL ? NULL : side_of(i, e, &row, TAP_RESPONSE);
	json_object_set_new(o, "response", side != NULL ? side : json_null());
	json_object_set_new(o, "times", times_of(e, &row));
	json_object_set_new(o, "pinned", json_boolean((row.flags & ROW_PINNED) != 0));
	json_object_set_new(o, "exact", json_boolean(exact));
	exchange_close(e);
	put_relatives(i, &row, o);
	web_json(r, 200, o);
}

/* --- one value --- */

/* The index-th field of that name. */
static struct slice
nth_field(struct slice head, struct slice name, json_int_t index)
{
	(void)slice_cut(&head, '\n');
	while (head.n > 0) {
		struct slice value = cut_line(&head);
		struct slice field = slice_cut(&value, ':');

		if (slice_ieq(field, name) && index-- == 0)
			return slice_trim(value);
	}
	return (struct slice){ 0 };
}

static struct slice
of_query(struct slice target, struct slice name)
{
	struct slice query;

	(void)slice_cut(&target, '?');
	query = target;
	while (query.n > 0) {
		struct slice value = slice_cut(&query, '&'), key = slice_cut(&value, '=');

		if (slice_eq(key, name))
			return value.p == NULL ? S("") : value;
	}
	return (struct slice){ 0 };
}

void
inspect_reveal(struct web_request *r)
{
	struct inspector *i = inspector_of(r);
	const char *where = json_string_value(json_object_get(r->json, "where"));
	const char *name = json_string_value(json_object_get(r->json, "name"));
	json_int_t index = json_integer_value(json_object_get(r->json, "index"));
	struct slice value = { 0 };
	struct capture_row row;
	struct captured *e;
	struct buf head;

	if (!inspect_find(r, &row))
		return;
	if (where == NULL || name == NULL || index < 0) {
		web_error(r, 400, "bad-question", "where and name are wanted.", "");
		return;
	}
	buf_init(&head, HEAD_BYTES_MAX);
	e = exchange_open(i->client->serve->capture, row.id);
	if (strcmp(where, "query") == 0)
		value = of_query(row.target, slice_str(name));
	else if (e != NULL &&
		 exchange_head(e, strcmp(where, "response") == 0 ? TAP_RESPONSE : TAP_REQUEST,
		     TAP_RECEIVED, &head))
		value = nth_field(buf_slice(&head), slice_str(name), index);
	if (value.p == NULL)
		web_error(r, 404, "no-value", "There is no such value in this request.", "");
	else
		web_json(r, 200, json_pack("{s:o}", "value", inspect_text(value)));
	exchange_close(e);
	buf_fini(&head);
}
