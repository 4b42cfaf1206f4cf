/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pipe: the byte stream of one visitor of a TCP tunnel, or of one whose TLS ends at the agent
 * (passthrough.h).  Both directions end each for itself: half-close survives.
 */
#ifndef ADIT_EDGE_TCP_TCP_PIPE_H
#define ADIT_EDGE_TCP_TCP_PIPE_H

#include "edge/core/shares.h"
#include "edge/core/tunnel.h"

struct tcp_pipe {
	struct conn conn;
	struct flow flow;
	struct worker *worker;
	struct list node; /* in worker->tcp->list */
	struct source *source;
	struct share share; /* of worker->tcp->shares */
	struct loop_grave grave;
	int64_t start_us;
	char tunnel[DIRECTORY_KEY_BYTES], peer[PEER_TEXT_BYTES], id[17];
	bool tls; /* his TLS passes through */
	bool in_over, out_over, dead;
};

/* Who comes; texts live during the call. */
struct tcp_visitor {
	int fd;
	struct source *source; /* NULL: not counted */
	const char *peer, *local;
	struct slice sni, alpn; /* TLS: that he asks for, and offers */
};

/* Takes over fd, and the visitor's place in the worker's sources. */
void tcp_pipe_start(struct worker *w, struct tunnel *t, const struct tcp_visitor *v);
/* Called about once a second for each pipe. */
void tcp_pipe_tick(struct tcp_pipe *p, int64_t now_us);
/* Now: the visitor sees a reset. Harmless twice; freed at the end of the turn. */
void tcp_pipe_close(struct tcp_pipe *p);

#endif
