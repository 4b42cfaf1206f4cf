/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of plain bytes: a connection of its own to the origin, both directions end
 * on their own (half-close). */
#ifndef ADIT_AGENT_SERVE_BYTE_STREAM_H
#define ADIT_AGENT_SERVE_BYTE_STREAM_H

#include "agent/serve/serve.h"

struct bytes {
	struct serve *serve;
	struct flow flow;
	struct origin_conn *conn;
	bool in_done, out_done, dead;
	struct loop_grave grave;
};

/* -1 without memory; the stream is the caller's then. */
int byte_stream_open(struct serve *s, struct carrier *c, struct stream *stream,
    struct agent_tunnel *t) must_use;

#endif
