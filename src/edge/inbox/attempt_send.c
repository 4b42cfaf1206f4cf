/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a stored delivery into a stream: opening, head, our own fields, body. */
#include "edge/inbox/courier_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "relay/head_fields.h"
#include "edge/core/vault.h"

#include <stdio.h>

#define EXTRA_BYTES 256

/* Our own fields, before the empty line that ends the stored head. */
static size_t
write_fields(const struct inbox_delivery *item, char *dst, size_t cap)
{
	char when[32];

	clock_rfc3339(item->received_ms, when, sizeof(when));
	return (size_t)snprintf(dst, cap,
	    "adit-delivery: %llu\r\nadit-attempt: %u\r\nadit-received-at: %s\r\n\r\n",
	    (unsigned long long)item->id, item->attempts + 1, when);
}

/*
 * The stored head ends with an empty line: it is cut off, our own fields follow, and
 * end the head.
 */
static int
send_parts(struct courier *c, const struct inbox_delivery *item, struct flow *f, struct slice head)
{
	char fields[EXTRA_BYTES], id[32];
	struct slice added = { fields, write_fields(item, fields, sizeof(fields)) }, none = { 0 };
	struct opening o = {
		.kind = OPENING_HTTP,
		.request_id = slice_of(id, (size_t)snprintf(id, sizeof(id), "d%llu-%u",
					       (unsigned long long)item->id, item->attempts + 1)),
		.visitor = S("inbox"),
		.local = S("inbox"),
	};

	if (!slice_ends(head, S("\r\n\r\n")))
		return -1;
	head.n -= 2;
	if (tunnel_send_head(c->tunnel, f, &o, head) != 0 || flow_send_head(f, none, added) != 0 ||
	    flow_send_head(f, none, item->body) != 0)
		return -1;
	return flow_inlet(f, FLOW_NONE, NULL, none);
}

/* --- signing anew --- */

/* The head as it is to be sent: itself, or in `room` with a signature of now. */
static struct slice
sign_again(const struct courier *c, const struct inbox_delivery *item, struct slice head,
    struct buf *room)
{
	struct hook_field fields[LIMIT_HEAD_FIELDS + H1_INSIDE_FIELDS];
	struct sign_output made;
	struct hook_request req = { .fields = fields, .body = item->body };
	struct h1 h1;

	h1_init(&h1, H1_REQUEST);
	h1.inside = true;
	if (h1_head(&h1, head) != H1_DONE)
		return head;
	check(h1.head.n_fields <= sizeof(fields) / sizeof(*fields)); /* h1 refuses more */
	req.n_fields = head_fields(&h1.head, head, fields);
	req.now_ms = clock_wall_ms();
	if (!hook_sign_again(&c->policy->sign, &req, &made))
		return head;
	head_with(&h1.head, head, made.fields, made.n_fields, false, room);
	log_event(LOG_INFO, "signed-anew", LOG_U("id", item->id), LOG_Z("tunnel", c->name));
	return room->failed ? head : buf_slice(room);
}

int
courier_send(struct courier *c, const struct inbox_delivery *item, struct flow *f)
{
	struct buf room, anew;
	struct slice head;
	int rc;

	buf_init(&room, 2 * LIMIT_HEAD_BYTES);
	buf_init(&anew, 2 * LIMIT_HEAD_BYTES);
	head = vault_clear_head(c->worker->edge->vault, item->head, &room);
	if (c->policy->resign)
		head = sign_again(c, item, head, &anew);
	rc = send_parts(c, item, f, head);
	buf_fini(&room);
	buf_fini(&anew);
	return rc;
}
