/* SPDX-License-Identifier: Apache-2.0 */
/* A row as the pages read it; values of its query are hidden. */
#include "agent/inspect/inspect_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TEXT_BYTES 4096

json_t *
inspect_text(struct slice s)
{
	json_t *o = json_stringn(s.n == 0 ? "" : s.p, s.n);
	char ascii[TEXT_BYTES];
	size_t n = s.n < sizeof(ascii) ? s.n : sizeof(ascii);

	if (o != NULL)
		return o;
	for (size_t i = 0; i < n; i++)
		ascii[i] = (unsigned char)s.p[i] < 0x80 ? s.p[i] : '?';
	return json_stringn(ascii, n);
}

/* Ids and places are texts: a page's numbers are too short for them. */
json_t *
inspect_number(uint64_t n)
{
	return json_sprintf("%" PRIu64, n);
}

void
inspect_hide_query(struct slice target, struct buf *out)
{
	size_t at = slice_find(target, '?');
	struct slice query;

	if (at == SIZE_MAX) {
		buf_put(out, target);
		return;
	}
	buf_put(out, slice_head(target, at + 1));
	query = slice_from(target, at + 1);
	while (query.n > 0) {
		struct slice value = slice_cut(&query, '&'), name = slice_cut(&value, '=');

		/* What has no name may be the secret itself. */
		if (value.p != NULL) {
			buf_put(out, name);
			buf_putc(out, '=');
		}
		buf_put(out, S("(hidden)"));
		if (query.n > 0)
			buf_putc(out, '&');
	}
}

static json_t *
flags_of(const struct capture_row *r)
{
	static const struct {
		uint16_t flag;
		const char *word;
	} words[] = {
		{ ROW_CUT_SIZE, "cut_size" },
		{ ROW_CUT_DISK, "cut_disk" },
		{ ROW_CUT_RATE, "cut_rate" },
		{ ROW_SAMPLED, "sampled" },
		{ ROW_HEADS_ONLY, "heads_only" },
		{ ROW_PINNED, "pinned" },
		{ ROW_IMPORTED, "imported" },
		{ ROW_BLANKED, "no_replay" },
	};
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (r->flags & words[i].flag)
			json_array_append_new(list, json_string(words[i].word));
	return list;
}

/* What was sent again has an outcome of its own; parent says that it was. */
static const char *
state_of(const struct capture_row *r)
{
	if (r->state != ROW_REPLAY)
		return row_state_word(r->state);
	return r->took_us < 0 ? "open" : r->status == 0 ? "failed" : "answered";
}

static void
put_text(json_t *o, const char *key, struct slice s)
{
	json_object_set_new(o, key, inspect_text(s));
}

json_t *
inspect_row(const struct capture_row *r)
{
	size_t at = slice_find(r->target, '?');
	json_t *o = json_object();
	struct buf hidden;
	struct slice query = { 0 };

	buf_init(&hidden, TEXT_BYTES * 4);
	inspect_hide_query(r->target, &hidden);
	if (at != SIZE_MAX && !hidden.failed)
		query = slice_from(buf_slice(&hidden), at + 1);
	json_object_set_new(o, "id", inspect_number(r->id));
	json_object_set_new(o, "changed", inspect_number(r->changed));
	json_object_set_new(o, "at_ms", json_integer(r->begun_ms));
	json_object_set_new(o, "state", json_string(state_of(r)));
	json_object_set_new(o, "status", r->status == 0 ? json_null() : json_integer(r->status));
	json_object_set_new(o, "took_us", json_integer(r->took_us));
	put_text(o, "tunnel", r->name);
	put_text(o, "method", r->method);
	put_text(o, "path", at == SIZE_MAX ? r->target : slice_head(r->target, at));
	put_text(o, "query", query);
	put_text(o, "host", r->host);
	put_text(o, "event", r->event);
	put_text(o, "repository", r->repository);
	put_text(o, "branch", r->branch);
	put_text(o, "from", r->provider);
	json_object_set_new(o, "verdict",
	    json_string(r->verdict == VERDICT_NONE ? "" : row_verdict_word(r->verdict)));
	json_object_set_new(o, "tx_bytes", json_integer((json_int_t)r->tx_bytes));
	json_object_set_new(o, "rx_bytes", json_integer((json_int_t)r->rx_bytes));
	json_object_set_new(o, "delivery",
	    r->delivery == 0 ? json_null() : inspect_number(r->delivery));
	json_object_set_new(o, "attempt", json_integer(r->attempt));
	json_object_set_new(o, "parent", r->parent == 0 ? json_null() : inspect_number(r->parent));
	put_text(o, "code", slice_eq(r->code, S("ok")) ? S("") : r->code);
	json_object_set_new(o, "kind", json_string(row_kind_word(r->kind)));
	json_object_set_new(o, "flags", flags_of(r));
	put_text(o, "request_id", r->request_id);
	put_text(o, "peer", r->client);
	buf_fini(&hidden);
	return o;
}
