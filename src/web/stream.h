/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live updates: an answer of the type text/event-stream that does not end.  At most
 * LIMIT_WEB_STREAM_BYTES wait for a client; what comes then is lost and counted.  When it has taken
 * what waits it is told so (event "lost", data {"n":N}), and r->more is called: its owner sends
 * a fresh snapshot.  r->gone tells the end.  A comment every LIMIT_WEB_HEARTBEAT_MS keeps it going.
 */
#ifndef ADIT_WEB_STREAM_H
#define ADIT_WEB_STREAM_H

#include "web/reply.h"

void web_stream_begin(struct web_request *r);
/*
 * event: one word of ours; takes the reference.  False: it was lost.  An event of more than
 * LIMIT_WEB_EVENT_BYTES is always lost: cut it into several.
 */
bool web_stream_event(struct web_request *r, const char *event, json_t *json);
/* Nothing waits: a good time to send what may be left out else. */
bool web_stream_is_idle(const struct web_request *r);
/* The server's end of it; r is nothing after it. */
void web_stream_end(struct web_request *r);

#endif
