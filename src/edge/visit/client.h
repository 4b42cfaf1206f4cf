/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who the visitor of an exchange is: whoever is connected, or, when that is a proxy of
 * trusted_proxies, the address that it names (http/forwarded.h).  Rules of addresses, rates, limits
 * of guesses, logs and the agent go by this one; connections are counted by who is connected.
 */
#ifndef ADIT_EDGE_VISIT_CLIENT_H
#define ADIT_EDGE_VISIT_CLIENT_H

#include "edge/visit/exchange.h"

/* Once a request, when its head is there. */
void client_find(struct exchange *x, struct slice bytes);
/* AF_UNSPEC for a visitor by a Unix socket, and for one that has gone. */
void client_sockaddr(const struct exchange *x, struct sockaddr_storage *ret);
/* As policies count by it; false: he has none. */
bool client_key(const struct exchange *x, struct source_key *ret_key);
/* "192.0.2.1:4711"; of a proxy's word the port is 0. */
void client_text(const struct exchange *x, char dst[PEER_TEXT_BYTES]);

#endif
