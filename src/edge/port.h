/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP tunnels: a listening socket on a port of the edge, and the byte streams of its visitors
 * ("pipes").  Both directions end each for itself: half-close survives.
 */
#ifndef ADIT_EDGE_PORT_H
#define ADIT_EDGE_PORT_H

#include "edge/tunnel.h"

struct pipe;

/* A listening socket for the port: that of an older link of the account, or a new one. -1 and
 * errno. */
int port_listen(struct worker *w, uint16_t port) must_use;
/* Starts to accept for the tunnel, which is in the directory. fd is taken over. -1: no memory. */
int port_open(struct tunnel *t, int fd) must_use;
void port_close(struct tunnel *t);

/* Called about once a second for each pipe. */
void pipe_tick(struct pipe *p, int64_t now_us);
struct pipe *pipe_of(struct list *node);
void pipe_close(struct pipe *p);
extern const size_t pipe_bytes;

#endif
