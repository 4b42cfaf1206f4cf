/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of a listener that stands behind proxies: each begins with a PROXY header
 * (net/proxyproto.h), which is taken off here before anybody else sees the connection.  It goes on
 * with the address that the header names.  Whoever is no such proxy, sends another first byte, or
 * none in time, is cut.
 */
#ifndef ADIT_EDGE_CORE_GREETING_H
#define ADIT_EDGE_CORE_GREETING_H

#include "edge/core/listener.h"

/* Takes over fd; calls l->accepted when the header is there. */
void greeting_start(struct listener *l, int fd, const struct sockaddr_storage *ss);
/* Those that are under way end: the listener closes. */
void greetings_end(struct listener *l);

#endif
