/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name server: a thread of its own that answers DNS over UDP and TCP for the one zone of this
 * edge, so that a flood of questions delays nobody who is connected.
 *
 *	mode challenge	_acme-challenge.DOMAIN: what CAs look for, and nothing else
 *	mode zone	DOMAIN: the edge's addresses for it and for every name below, too
 */
#ifndef ADIT_EDGE_DNS_NAME_SERVER_H
#define ADIT_EDGE_DNS_NAME_SERVER_H

#include "edge/core/edge.h"

struct name_server;

/* One address that is listened on, by both transports. */
struct name_server_socket {
	int udp, tcp; /* -1: not open, or somebody took it */
};

/*
 * Takes over the sockets; the secrets of settings->dns are read already, and copied here. It gives
 * NULL and errno where it cannot.
 */
struct name_server *name_server_new(struct edge *e, const struct settings *s,
    struct name_server_socket *sockets, size_t n) must_use;
/* -1 and errno. */
int name_server_start(struct name_server *ns) must_use;
/*
 * Ends connections and the thread; harmless before name_server_start(). The store must run still:
 * what was asked of it comes home first.
 */
void name_server_stop(struct name_server *ns);
/*
 * What it has done since its start, for people. X(member, what)
 */
/* clang-format off */
#define NAME_SERVER_COUNTERS(X) \
	X(serial, "of the zone")                                                                   \
	X(udp, "messages over UDP")                                                                \
	X(tcp, "messages over TCP")                                                                \
	X(limited, "answers over UDP that their network has had too many of")                      \
	X(updates, "changes by UPDATE")                                                            \
	X(asks, "changes by the edge itself")                                                      \
	X(transfers, "to secondaries and others")                                                  \
	X(notified, "secondaries that have answered to a NOTIFY")
/* clang-format on */

/* Each counter; from any thread. */
void name_server_counters(const struct name_server *ns,
    void (*each)(void *arg, const char *name, uint64_t n), void *arg);

/* When the store is closed, whose thread may touch the loop that it has answered. Harmless with NULL. */
void name_server_free(struct name_server *ns);

#endif
