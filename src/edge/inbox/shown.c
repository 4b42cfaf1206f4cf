/* SPDX-License-Identifier: Apache-2.0 */
/* What people see of a delivery: texts that move no cursor, and no secrets unless they ask. */
#include "edge/inbox/shown.h"

#include "base/plain.h"
#include "base/utf8.h"
#include "edge/core/vault.h"

#include <stdlib.h>

#define TARGET_SHOWN 300

/* --- texts --- */

/* Senders write what they like. */
json_t *
shown_text(struct slice s, size_t max)
{
	struct buf b;
	json_t *j;

	buf_init(&b, max + 32);
	/* Character by character, so that none is cut in the middle. */
	while (s.n > 0 && b.n < max) {
		size_t n = utf8_next(s);

		plain_put(&b, slice_head(s, n == 0 ? 1 : n));
		s = slice_from(s, n == 0 ? 1 : n);
	}
	j = json_stringn_nocheck(b.n == 0 ? "" : b.p, b.n);
	buf_fini(&b);
	return j;
}

/* The target without the values of its parameters, any of which may be a password. */
static void
put_target(struct buf *out, struct slice target, bool raw)
{
	struct slice query;
	size_t at = slice_find(target, '?');

	if (raw || at == SIZE_MAX) {
		buf_put(out, target);
		return;
	}
	buf_put(out, slice_head(target, at + 1));
	query = slice_from(target, at + 1);
	while (query.n > 0) {
		struct slice value = slice_cut(&query, '&'), name = slice_cut(&value, '=');

		if (value.p != NULL) {
			buf_put(out, name);
			buf_putc(out, '=');
		}
		buf_put(out, S("***"));
		if (query.n > 0)
			buf_putc(out, '&');
	}
}

/* The second word of the request line; empty without a head that can be opened. */
static struct slice
target_of(struct slice head)
{
	struct slice line = slice_cut(&head, '\n');

	(void)slice_cut(&line, ' ');
	return slice_cut(&line, ' ');
}

/* The row knows only that there was a query: what it was is in the head. */
static json_t *
target_text(const struct vault *k, const struct inbox_delivery *d, bool raw, size_t max)
{
	struct buf b, room;
	struct slice whole;
	json_t *j;

	buf_init(&b, LIMIT_REQUEST_LINE_BYTES + LIMIT_HEAD_BYTES);
	buf_init(&room, 2 * LIMIT_HEAD_BYTES);
	whole = target_of(vault_clear_head(k, d->head, &room));
	if (whole.n > 0) {
		put_target(&b, whole, raw);
	} else {
		size_t at = slice_find(d->target, '?');

		buf_put(&b, slice_head(d->target, at));
		if (at != SIZE_MAX)
			buf_put(&b, S("?***"));
	}
	j = shown_text(buf_slice(&b), max);
	buf_fini(&room);
	buf_fini(&b);
	return j;
}

/* The head with credentials hidden. */
static void
put_head(const struct vault *k, struct buf *out, struct slice head, bool raw)
{
	struct slice line;

	if (raw) {
		buf_put(out, head);
		return;
	}
	line = slice_cut(&head, '\n');
	{
		struct slice rest = line, method = slice_cut(&rest, ' '),
			     target = slice_cut(&rest, ' ');

		buf_put(out, method);
		buf_putc(out, ' ');
		put_target(out, target, false);
		buf_putc(out, ' ');
		buf_put(out, rest);
		buf_putc(out, '\n');
	}
	while (head.n > 0) {
		struct slice value, name;

		line = value = slice_cut(&head, '\n');
		name = slice_cut(&value, ':');
		if (value.p != NULL && vault_is_secret(k, name)) { /* the empty line has no name */
			buf_put(out, name);
			buf_put(out, S(": ***\r"));
		} else {
			buf_put(out, line);
		}
		buf_putc(out, '\n');
	}
}

/* --- rows --- */

json_t *
shown_row(const struct vault *k, const struct inbox_delivery *d, bool whole, bool raw)
{
	json_t *o = json_object();

	json_object_set_new(o, "id", json_integer((json_int_t)d->id));
	json_object_set_new(o, "state", json_string(inbox_state_text(d->state)));
	json_object_set_new(o, "account", shown_text(d->account, 64));
	json_object_set_new(o, "tunnel", shown_text(d->tunnel, 64));
	json_object_set_new(o, "event", shown_text(d->event, 128));
	json_object_set_new(o, "repository", shown_text(d->order_key, 200));
	json_object_set_new(o, "provider_id", shown_text(d->provider_id, 128));
	json_object_set_new(o, "method", shown_text(d->method, 32));
	json_object_set_new(o, "target",
	    target_text(k, d, raw, whole ? LIMIT_REQUEST_LINE_BYTES : TARGET_SHOWN));
	json_object_set_new(o, "attempts", json_integer(d->attempts));
	json_object_set_new(o, "received_ms", json_integer((json_int_t)d->received_ms));
	json_object_set_new(o, "bytes", json_integer((json_int_t)d->bytes));
	json_object_set_new(o, "note", shown_text(d->note, 320));
	if (d->state == INBOX_QUEUED) {
		json_object_set_new(o, "due_ms",
		    json_integer((json_int_t)(d->due_ms > 0 ? d->due_ms : 0)));
		json_object_set_new(o, "waits", json_boolean(d->waits));
	}
	if (d->replay_of != 0)
		json_object_set_new(o, "replay_of", json_integer((json_int_t)d->replay_of));
	return o;
}

bool
shown_bytes(const struct vault *k, const struct inbox_delivery *d, bool raw, struct buf *all,
    size_t *ret_n_head)
{
	struct buf room;

	buf_init(&room, 2 * LIMIT_HEAD_BYTES);
	put_head(k, all, vault_clear_head(k, d->head, &room), raw);
	*ret_n_head = all->n;
	buf_put(all, d->body);
	buf_fini(&room);
	return !all->failed;
}
