/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of the capture, sent as they passed, and when their pieces came. */
#include "agent/inspect/inspect_private.h"

#include "agent/capture/shown.h"
#include "base/limits.h"

#include <stdlib.h>

#define READ_BYTES 16384

/* A body on its way to a page. */
struct sending {
	struct captured *exchange;
	enum tap_side side;
	uint64_t at, total;
	struct buf redacted;
	bool is_redacted; /* what is in the buffer is sent */
};

static enum tap_side
side_of(const struct web_request *r)
{
	return r->route->tag == INSPECT_REQUEST ? TAP_REQUEST : TAP_RESPONSE;
}

static void
forget(struct sending *s)
{
	exchange_close(s->exchange);
	buf_fini(&s->redacted);
	free(s);
}

static void
on_gone(struct web_request *r)
{
	forget(r->job);
}

/* What comes next of it; bytes: READ_BYTES. */
static struct slice
next_part(struct sending *s, char *bytes, size_t room)
{
	if (s->is_redacted)
		return slice_head(slice_from(buf_slice(&s->redacted), s->at),
		    room < s->total - s->at ? room : s->total - s->at);
	return slice_of(bytes, exchange_read(s->exchange, s->side, s->at, bytes,
				   room < READ_BYTES ? room : READ_BYTES));
}

static void
on_more(struct web_request *r)
{
	struct sending *s = r->job;
	char bytes[READ_BYTES];
	size_t room;

	while (s->at < s->total && (room = web_body_room(r)) > 0) {
		struct slice part = next_part(s, bytes, room);

		if (part.n == 0) {
			forget(s);
			web_body_abort(r);
			return;
		}
		s->at += web_body_write(r, part);
	}
	if (s->at == s->total) {
		forget(s);
		web_body_end(r);
	}
}

/* The browser decodes what it can decode, and only that. */
static void
put_coding(struct web_request *r, struct captured *e, enum tap_side side)
{
	static const char *const codings[] = { "gzip", "br", "zstd", "deflate" };
	struct slice coding;
	struct buf head;

	buf_init(&head, SERVE_HEAD_BYTES * 2);
	if (web_query(r, S("raw")).p == NULL && exchange_head(e, side, TAP_RECEIVED, &head)) {
		coding = inspect_field(buf_slice(&head), S("Content-Encoding"));
		for (size_t i = 0; i < sizeof(codings) / sizeof(*codings); i++)
			if (slice_ieq(coding, slice_str(codings[i])))
				web_put(r, S("Content-Encoding"), slice_str(codings[i]));
	}
	buf_fini(&head);
}

/* NULL: that it is not there was answered. */
static struct captured *
open_exchange(struct web_request *r, struct capture_row *row)
{
	struct captured *e;

	if (!inspect_find(r, row))
		return NULL;
	e = exchange_open(inspector_of(r)->client->serve->capture, row->id);
	if (e == NULL)
		web_error(r, 404, "not-kept", "Nothing of this request is kept here.",
		    "Bodies are kept while capture is on, and as long as there is room.");
	return e;
}

void
inspect_body(struct web_request *r)
{
	struct capture_row row;
	struct captured *e = open_exchange(r, &row);
	struct sending *s;
	enum shown_as shown;

	if (e == NULL)
		return;
	s = calloc(1, sizeof(*s));
	if (s == NULL) {
		exchange_close(e);
		web_error(r, 503, "no-memory", "There is no memory for this.", "");
		return;
	}
	s->exchange = e;
	s->side = side_of(r);
	buf_init(&s->redacted, 2 * LIMIT_INSPECT_REDACT_BYTES);
	shown = shown_body(inspector_of(r)->client->serve->capture, e, s->side, &s->redacted);
	if (shown == SHOWN_NOT) {
		forget(s);
		web_error(r, 403, "hidden", "This body may hold values that adit.yml hides.",
		    "Only JSON of at most 1 MiB can be shown while inspect.redact names places "
		    "in it.");
		return;
	}
	s->is_redacted = shown == SHOWN_REDACTED;
	s->total = s->is_redacted ? s->redacted.n : exchange_body_bytes(e, s->side);
	put_coding(r, e, s->side);
	web_untrusted(r, S("body"));
	r->job = s;
	r->gone = on_gone;
	r->more = on_more;
	web_body_begin(r, 200, "application/octet-stream", s->total);
}

void
inspect_pieces(struct web_request *r)
{
	struct capture_row row;
	struct captured *e = open_exchange(r, &row);
	enum tap_side side = side_of(r);
	json_t *list;

	if (e == NULL)
		return;
	list = json_array();
	for (size_t i = 0; i < exchange_pieces(e, side) && i < LIMIT_INSPECT_PIECES; i++) {
		struct exchange_piece p;
		int64_t at;

		exchange_piece(e, side, i, &p);
		at = p.at_us - row.begun_ms * 1000;
		json_array_append_new(list,
		    json_pack("[I,I,I,i]", (json_int_t)(at < 0 ? 0 : at), (json_int_t)p.offset,
			(json_int_t)p.n, side == TAP_RESPONSE));
	}
	exchange_close(e);
	web_json(r, 200, list);
}
