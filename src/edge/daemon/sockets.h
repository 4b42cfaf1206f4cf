/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets that the edge listens on, opened while it may still be root. */
#ifndef ADIT_EDGE_DAEMON_SOCKETS_H
#define ADIT_EDGE_DAEMON_SOCKETS_H

#include "base/limits.h"
#include "edge/core/settings.h"
#include "edge/dns/name_server.h"

struct sockets {
	struct addr https, http;                           /* as they were bound */
	int https_fd, control_fd, http_fds[LIMIT_WORKERS]; /* -1: not open, or somebody took it */
	struct name_server_socket dns[SETTINGS_DNS_LISTEN];
};

/* Nothing is open, for sockets_close() to be harmless. */
void sockets_init(struct sockets *k);
/* NULL, or a malloced sentence; sockets_close() in either case. */
char *sockets_open(struct sockets *k, const struct settings *s, unsigned n_workers) must_use;
void sockets_close(struct sockets *k);

#endif
