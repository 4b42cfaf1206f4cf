/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a visitor that speaks HTTP/2 has beside his connection: the session, and a front for each
 * stream that is under way.  It belongs to a struct visitor, whose state is VISITOR_H2 as long as
 * this lives; that one knows how he came, whom he counts for, and how he ends.
 *
 * Bytes are read as they come and given to the session; what it wants to say is drained at the end
 * of the turn, for all streams at once, and only while the connection takes it.
 */
#ifndef ADIT_EDGE_VISIT_H2_VISITOR_H
#define ADIT_EDGE_VISIT_H2_VISITOR_H

#include "edge/visit/h2_front.h"
#include "edge/visit/visitor.h"

/* What is drained at once. */
#define H2_ROOM_BYTES (64 * 1024)

struct h2_visitor {
	struct visitor *visitor; /* NULL: over */
	struct h2 *h2;
	struct list fronts, ticked; /* the second: those whose time is not looked at yet */
	struct buf out;             /* drained, and not taken by the connection yet */
	struct loop_task flush;
	struct lobby_guest guest; /* of visit->h2_memory, by KiB, while he holds much */
	struct loop_grave grave;
	int64_t busy_us;   /* when a stream was last seen */
	int64_t rx_us;     /* when a byte last came */
	int64_t moving_us; /* when the connection last took a byte, or nothing waited for it */
	size_t unacked;    /* of it, when last looked at */
};

/* Makes v->h2, whose connection is attached. False without memory. */
bool h2_visitor_start(struct visitor *v) must_use;
/* All streams end; the connection stays the visitor's. Harmless where he has no v->h2. */
void h2_visitor_end(struct visitor *v);
/* Edges of the connection. */
void h2_visitor_event(struct h2_visitor *v, unsigned events);
void h2_visitor_tick(struct h2_visitor *v, int64_t now_us);
/* No new streams; the connection ends when those under way have. */
void h2_visitor_drain(struct h2_visitor *v);
/* Something is to be sent: at the end of this turn. */
void h2_visitor_kick(struct h2_visitor *v);
bool h2_visitor_is_idle(const struct h2_visitor *v);

#endif
