/* SPDX-License-Identifier: Apache-2.0 */
/* The sub-commands that run tunnels: adit http, adit tcp, adit start. */
#ifndef ADIT_AGENT_COMMAND_TUNNEL_COMMAND_H
#define ADIT_AGENT_COMMAND_TUNNEL_COMMAND_H

#include "agent/command/command.h"

/* Each runs until it is stopped, refused or replaced, and gives an exit code (core/exit_code.h). */
int tunnels_http_command(const struct options *o);
int tunnels_tcp_command(const struct options *o);
int tunnels_tls_command(const struct options *o);
int tunnels_start_command(const struct options *o);

#endif
