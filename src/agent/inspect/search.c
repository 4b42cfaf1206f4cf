/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Search as somebody types: rows by their texts at once, then heads and bodies on the disk, by a thread (seek.h)
 * that looks for the longest word; whatever else was asked is looked at where that one is found.  Lines of JSON, one
 * for each request, as they are found.
 */
#include "agent/inspect/filter.h"
#include "agent/inspect/inspect_private.h"

#include "agent/capture/exchange.h"
#include "agent/capture/redact.h"
#include "agent/capture/seek.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/utf8.h"

#include <ctype.h>
#include <stdlib.h>

#define OUT_BYTES (8 * 1024 * 1024)
#define READ_BYTES 65536
#define HEAD_BYTES (SERVE_HEAD_BYTES * 2)
#define SCANNED_US 250000
/* That were looked at and are not wanted: a body may hold the word often. */
#define PASSED_MAX 64

struct body_search {
	struct web_request *request;
	struct inspector *inspector;
	struct seek *seek; /* NULL: it is over */
	struct filter filter;
	struct slice needle; /* the longest word */
	char folded[512];    /* another word in lower case */
	struct buf out;      /* lines */
	size_t taken;        /* of them, by the client */
	struct loop_timer pace;
	bool all; /* the last line is there */
	size_t n_hits, n_passed;
	uint64_t hits[LIMIT_INSPECT_HITS], passed[PASSED_MAX];
};

static void
forget(struct body_search *s)
{
	if (s->seek != NULL)
		seek_end(s->seek);
	loop_timer_stop(s->inspector->client->loop, &s->pace);
	s->inspector->n_searches--;
	buf_fini(&s->out);
	free(s);
}

static void
on_gone(struct web_request *r)
{
	forget(r->job);
}

/* Hands over what the client takes; s may be nothing after it. */
static void
flush(struct body_search *s)
{
	struct web_request *r = s->request;

	if (s->out.failed) {
		forget(s);
		web_body_abort(r);
		return;
	}
	s->taken += web_body_write(r, slice_from(buf_slice(&s->out), s->taken));
	if (s->taken < s->out.n)
		return;
	buf_reset(&s->out);
	s->taken = 0;
	if (!s->all)
		return;
	forget(s);
	web_body_end(r);
}

static void
on_more(struct web_request *r)
{
	flush(r->job);
}

static void
put_line(struct body_search *s, json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT);

	if (text != NULL) {
		buf_put(&s->out, slice_str(text));
		buf_putc(&s->out, '\n');
	}
	free(text);
	json_decref(o);
}

/* The last line, and no more of them. */
static void
end(struct body_search *s, uint64_t scanned, bool more)
{
	if (s->seek != NULL)
		seek_end(s->seek);
	s->seek = NULL;
	loop_timer_stop(s->inspector->client->loop, &s->pace);
	put_line(s,
	    json_pack("{s:b,s:I,s:b}", "done", true, "scanned", (json_int_t)scanned, "more", more));
	s->all = true;
}

/* An excerpt may begin and end within a character. */
static json_t *
excerpt(struct slice s)
{
	size_t whole = 0, n;

	while (s.n > 0 && ((unsigned char)s.p[0] & 0xc0) == 0x80)
		s = slice_from(s, 1);
	while (whole < s.n && (n = utf8_next(slice_from(s, whole))) > 0)
		whole += n;
	/* What follows is the begin of one more, or no text at all. */
	return inspect_text(s.n - whole < 4 ? slice_head(s, whole) : s);
}

static void
put_hit(struct body_search *s, const struct capture_row *row, const char *where, uint64_t at,
    struct slice around)
{
	put_line(s,
	    json_pack("{s:o,s:s,s:I,s:o,s:o}", "id", inspect_number(row->id), "where", where, "at",
		(json_int_t)at, "excerpt", excerpt(around), "row", inspect_row(row)));
	s->hits[s->n_hits++] = row->id;
}

static bool
is_in(const uint64_t *ids, size_t n, uint64_t id)
{
	for (size_t i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* --- an exchange in which the longest word was found --- */

static struct slice
fold(struct body_search *s, struct slice word)
{
	size_t n = word.n < sizeof(s->folded) ? word.n : sizeof(s->folded);

	for (size_t i = 0; i < n; i++)
		s->folded[i] = (char)tolower((unsigned char)word.p[i]);
	return slice_of(s->folded, n);
}

/* Place of a word in a head without its hidden values; SIZE_MAX: it is not there. */
static size_t
find_in_head(struct body_search *s, struct captured *e, enum tap_side side, struct slice word,
    struct buf *ret_head)
{
	const struct redact hide = { .names =
					 capture_redacted(s->inspector->client->serve->capture) };
	size_t at = SIZE_MAX;
	struct buf head;

	buf_init(&head, HEAD_BYTES);
	buf_reset(ret_head);
	if (exchange_head(e, side, TAP_RECEIVED, &head)) {
		redact_head(&hide, buf_slice(&head), ret_head);
		if (!ret_head->failed)
			at = seek_find(buf_slice(ret_head), fold(s, word));
	}
	buf_fini(&head);
	return at;
}

static bool
find_in_body(struct body_search *s, struct captured *e, enum tap_side side, struct slice word)
{
	char bytes[READ_BYTES] UNCLEARED;
	uint64_t at = 0;

	word = fold(s, word);
	while (at < LIMIT_INSPECT_LOOK_BYTES) {
		size_t n = exchange_read(e, side, at, bytes, sizeof(bytes));

		if (n < word.n)
			return false;
		if (seek_find(slice_of(bytes, n), word) != SIZE_MAX)
			return true;
		at += n - (word.n - 1);
		if (n < sizeof(bytes))
			return false;
	}
	return false;
}

static bool
holds(struct body_search *s, struct captured *e, const struct capture_row *row, struct slice word,
    struct buf *head)
{
	return filter_row_holds(row, word) ||
	       find_in_head(s, e, TAP_REQUEST, word, head) != SIZE_MAX ||
	       find_in_head(s, e, TAP_RESPONSE, word, head) != SIZE_MAX ||
	       find_in_body(s, e, TAP_REQUEST, word) || find_in_body(s, e, TAP_RESPONSE, word);
}

/* All other words, and the place of this one. True: a hit was put. */
static bool
judge(struct body_search *s, struct captured *e, const struct capture_row *row,
    const struct seek_hit *h, struct buf *head)
{
	const struct redact hide = { .names =
					 capture_redacted(s->inspector->client->serve->capture) };
	struct slice word, around = slice_of(h->excerpt, h->n);
	uint64_t at;
	size_t place;

	for (size_t i = 0; filter_wanted(&s->filter, i, &word); i++)
		if (!slice_eq(word, s->needle) && !holds(s, e, row, word, head))
			return false;
	if (h->head) {
		place = find_in_head(s, e, h->side, s->needle, head);
		if (place == SIZE_MAX)
			return false; /* in a hidden value alone */
		around = slice_from(buf_slice(head), place > 40 ? place - 40 : 0);
		put_hit(s, row, h->side == TAP_REQUEST ? "request-head" : "response-head", place,
		    slice_head(around, around.n < 120 ? around.n : 120));
		return true;
	}
	at = exchange_offset(e, h->side, h->place);
	if (at == UINT64_MAX)
		return false;
	at = h->before ? at - (h->at < at ? h->at : at) : at + h->at;
	if (redact_has_pointers(&hide))
		around = S("");
	put_hit(s, row, h->side == TAP_REQUEST ? "request" : "response", at, around);
	return true;
}

static void
on_hit(void *owner, const struct seek_hit *h)
{
	struct body_search *s = owner;
	struct captured *e;
	struct capture_row row;
	struct buf head;

	if (is_in(s->hits, s->n_hits, h->id) || is_in(s->passed, PASSED_MAX, h->id) ||
	    !rows_find(s->inspector->rows, h->id, &row) ||
	    !filter_lets_fields(&s->filter, &row, clock_wall_ms()))
		return;
	e = exchange_open(s->inspector->client->serve->capture, h->id);
	if (e == NULL)
		return;
	buf_init(&head, HEAD_BYTES);
	/* A head may hide the word, and the body show it. */
	if (!judge(s, e, &row, h, &head) && !h->head)
		s->passed[s->n_passed++ % PASSED_MAX] = h->id;
	buf_fini(&head);
	exchange_close(e);
	if (s->n_hits == LIMIT_INSPECT_HITS)
		end(s, seek_scanned(s->seek), true);
	flush(s);
}

static void
on_done(void *owner, uint64_t scanned)
{
	end(owner, scanned, false);
	flush(owner);
}

static const struct seek_ops seek_ops = { .hit = on_hit, .done = on_done };

static void
on_pace(struct loop_timer *t)
{
	struct body_search *s = list_of(t, struct body_search, pace);

	loop_timer_set(s->inspector->client->loop, &s->pace, SCANNED_US);
	if (s->out.n == 0)
		put_line(s, json_pack("{s:I}", "scanned", (json_int_t)seek_scanned(s->seek)));
	flush(s);
}

/* --- the question --- */

/* What stands in rows needs no disk. */
static void
look_at_rows(struct body_search *s)
{
	struct rows *rows = s->inspector->rows;
	int64_t now_ms = clock_wall_ms();
	struct capture_row row;

	for (bool more = rows_newest(rows, &row); more && s->n_hits < LIMIT_INSPECT_HITS;
	     more = rows_before(rows, row.id, &row))
		if (filter_lets(&s->filter, &row, now_ms))
			put_hit(s, &row, "row", 0, S(""));
}

static bool
read_question(struct body_search *s)
{
	struct slice word;

	filter_parse(&s->filter, web_query(s->request, S("q")));
	for (size_t i = 0; filter_wanted(&s->filter, i, &word); i++)
		if (word.n > s->needle.n)
			s->needle = word;
	return s->needle.n > 0 && s->needle.n <= SEEK_NEEDLE_BYTES;
}

void
inspect_search(struct web_request *r)
{
	struct inspector *i = inspector_of(r);
	struct body_search *s;

	if (i->n_searches == LIMIT_INSPECT_SEARCHES) {
		web_error(r, 429, "searches", "Too many searches run already.",
		    "Wait for one of them to end.");
		return;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL) {
		web_error(r, 503, "no-memory", "There is no memory for this.", "");
		return;
	}
	s->request = r;
	s->inspector = i;
	if (!read_question(s)) {
		free(s);
		web_error(r, 400, "no-word", "There is no word to look for, or it is too long.",
		    "Give one of at most 128 bytes; fields alone are for /v1/exchanges.");
		return;
	}
	i->n_searches++;
	s->pace.fn = on_pace;
	buf_init(&s->out, OUT_BYTES);
	r->job = s;
	r->gone = on_gone;
	r->more = on_more;
	web_body_begin(r, 200, "application/x-ndjson", WEB_UNKNOWN);
	look_at_rows(s);
	if (s->n_hits < LIMIT_INSPECT_HITS)
		s->seek = seek_start(i->client->serve->capture, s->needle, &seek_ops, s);
	if (s->seek == NULL)
		end(s, 0, s->n_hits == LIMIT_INSPECT_HITS);
	else
		loop_timer_set(i->client->loop, &s->pace, SCANNED_US);
	flush(s);
}
