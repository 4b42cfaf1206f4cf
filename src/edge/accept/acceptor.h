/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The acceptor: a thread of its own that accepts on the HTTPS port and does TLS handshakes, so that a
 * storm of them delays nobody who is connected.  A finished connection goes to a worker: a link by
 * its ALPN, a visitor to where the tunnel of its SNI is.  One whose TLS ends at the agent goes there
 * before any handshake (first.h).
 *
 * Nobody is known here, so whoever waits does so in a lobby: one for who has not sent a whole
 * ClientHello yet and costs next to nothing, then one for visitors and one for links, so that
 * neither takes the other's place.
 */
#ifndef ADIT_EDGE_ACCEPT_ACCEPTOR_H
#define ADIT_EDGE_ACCEPT_ACCEPTOR_H

#include "edge/core/edge.h"
#include "net/tls.h"

struct acceptor;

/* Takes over the listening descriptor and a reference to the certificates. NULL and errno. */
struct acceptor *acceptor_new(struct edge *e, int fd, struct tls_server *server) must_use;
/* -1 and errno. */
int acceptor_start(struct acceptor *g) must_use;
/* New handshakes use these certificates; the reference is taken over. From the main thread. */
void acceptor_use_server(struct acceptor *g, struct tls_server *server);
/* Stops to accept; handshakes under way go on. */
void acceptor_drain(struct acceptor *g);
/* Ends the handshakes under way and the thread; harmless before acceptor_start(). */
void acceptor_stop(struct acceptor *g);
void acceptor_free(struct acceptor *g);
/* Handshakes that were begun, failed. */
void acceptor_counters(const struct acceptor *g, uint64_t *ret_begun, uint64_t *ret_failed);

#endif
