/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which user is on the other side of a connection from this machine: of a Unix socket by SO_PEERCRED, of TCP by
 * asking the kernel for the one socket with these two addresses (sock_diag(7), unprivileged).  It is
 * not known where the other side is another machine or network namespace, where the kernel lacks tcp_diag or
 * a sandbox forbids netlink, and where that socket was closed already: its user would be given as root.
 */
#ifndef ADIT_WEB_PEER_H
#define ADIT_WEB_PEER_H

#include "web/request.h"

#include <sys/socket.h>

/* ss: what accept() gave. Never waits. */
void web_peer_ask(int fd, const struct sockaddr_storage *ss, socklen_t len, struct web_peer *ret);

#endif
