/* SPDX-License-Identifier: Apache-2.0 */
/* The sub-commands that run tunnels: adit http, adit tcp, adit start. */
#ifndef ADIT_AGENT_COMMAND_TUNNEL_COMMAND_H
#define ADIT_AGENT_COMMAND_TUNNEL_COMMAND_H

#include "agent/command/command.h"

int tunnels_http_command(const struct options *o);
int tunnels_tcp_command(const struct options *o);
int tunnels_start_command(const struct options *o);

#endif
