/* SPDX-License-Identifier: Apache-2.0 */
/* The listening socket of a TCP tunnel, on a port of the edge. */
#ifndef ADIT_EDGE_TCP_TCP_PORT_H
#define ADIT_EDGE_TCP_TCP_PORT_H

#include "edge/core/tunnel.h"

/* A listening socket for the port: that of an older link of the account, or a new
 * one. -1 and errno. */
int tcp_port_listen(struct worker *w, uint16_t port) must_use;
/* Starts to accept for the tunnel, which is in the directory. fd is taken over. -1: no memory. */
int tcp_port_open(struct tunnel *t, int fd) must_use;
/* Harmless without one. Pipes that are open go on: they are the worker's, not the port's. */
void tcp_port_close(struct tunnel *t);

#endif
