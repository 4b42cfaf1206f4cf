/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Visitors whose TLS ends at the agent.  Their hello was looked at and not read; from here on all of
 * their bytes pass as those of a TCP tunnel's visitor do, and no key of the edge opens them.
 */
#ifndef ADIT_EDGE_TCP_PASSTHROUGH_H
#define ADIT_EDGE_TCP_PASSTHROUGH_H

#include "edge/core/tunnel.h"
#include "net/clienthello.h"

/* Sends the connection, which is detached, to the worker that has the tunnel. -1 without memory: it
 * stays the caller's. */
int passthrough_send(struct worker *w, struct conn *conn, const struct sockaddr_storage *ss,
    const char *peer, const struct clienthello *hello) must_use;
/* Takes over the connection of an arrival of kind ARRIVAL_TLS. */
void passthrough_arrived(struct worker *w, struct arrival *a);

/*
 * Closes a plain connection whose hello was not answered, after an alert that says why: an end without
 * one would look like a broken network.  The agent is away, or there is no room: internal_error, as
 * nothing is wrong with the visitor, and unrecognized_name would say that there is no such name.
 */
void passthrough_refuse(int fd);

#endif
