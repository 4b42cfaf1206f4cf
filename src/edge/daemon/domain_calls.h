/* SPDX-License-Identifier: Apache-2.0 */
/* What own domains ask of certificates: the rooms edge/domain and edge/cert do not know each other. */
#ifndef ADIT_EDGE_DAEMON_DOMAIN_CALLS_H
#define ADIT_EDGE_DAEMON_DOMAIN_CALLS_H

#include "edge/daemon/daemon_private.h"

struct domains_calls domain_calls(struct daemon *d);

#endif
