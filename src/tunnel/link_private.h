/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of a link tell each other. */
#ifndef ADIT_TUNNEL_LINK_PRIVATE_H
#define ADIT_TUNNEL_LINK_PRIVATE_H

#include "tunnel/link.h"

#define CREDIT_MAX INT32_MAX
/* Of LINK_OUT_BYTES, what a connection is given at once until it has shown that it is fast. */
#define LINK_OUT_ROOM_MIN (4 * LIMIT_DATA_FRAME_BYTES)

/* --- link.c --- */

/* The link is over: the other side broke the protocol, or something of ours overflowed. Once. */
void link_fail(struct link *l, enum link_code code);
/* The opened stream of that number, NULL when there is none (any more). */
struct stream *link_find(const struct link *l, uint32_t id);
/* NULL: too many, or no memory. */
struct stream *stream_new(struct link *l, void *owner);
void stream_delete(struct stream *s);
/* The number is used up; everything up to it counts as seen. */
void link_use_id(struct link *l, uint32_t id);
/* The stream is opened under this number, or under the next free one. */
void stream_set_id(struct stream *s, uint32_t id);
void stream_take_id(struct stream *s);

/* --- link_judge.c --- */

/* The frame whose header has come: its phase is set, or it is refused. */
enum link_code link_judge(struct link *l) must_use;
/* A SYN with its opening, whole; what follows of the frame is data. */
enum link_what link_on_syn(struct link *l, struct slice p, struct link_event *ev) must_use;
/* A payload of fixed size has come whole. */
enum link_what link_on_small(struct link *l, struct link_event *ev) must_use;
/* The link fails, and the event tells of it. */
enum link_what link_bad(struct link *l, struct link_event *ev, enum link_code code) must_use;

/* --- link_out.c --- */

/* Puts a control frame into the queue. */
void link_put(struct link *l, const struct frame *f, struct slice payload);
/* A PING, unless one is under way. */
void link_ping(struct link *l);
/* False: the pool is at its end. */
bool link_have_block(struct link *l);
/* Gives the memory of what is empty back. */
void link_out_trim(struct link *l);
static inline bool
link_out_pending(const struct link *l)
{
	return l->out_to > l->out_from || l->ctl_to > l->ctl_from;
}

/* --- link_send.c --- */

/* Credit has come. */
void stream_unblock(struct stream *s);
/* RST was sent or came: nothing moves any more. */
void stream_kill(struct stream *s);

/* --- window.c --- */

/* Window for a stream that has shown nothing yet. */
uint32_t window_first(const struct link *l);
/* The stream exists on the wire: `credit` is what the other side may send at once. */
void window_open(struct stream *s, uint32_t credit);
/* No byte will be asked for any more: what is held still counts. */
void window_close(struct stream *s);
/* Everything of the stream has gone. */
void window_drop(struct stream *s);
/* n bytes of data came, within the credit. */
void window_arrived(struct stream *s, uint32_t n);
/* Credit that is worth a WINDOW frame now, taken as sent; 0: none. */
uint32_t window_take_due(struct stream *s);
/* A PING came back. */
void window_rtt(struct link *l, int64_t rtt_us);
/* The budget follows what was measured. */
void window_update(struct link *l);

#endif
