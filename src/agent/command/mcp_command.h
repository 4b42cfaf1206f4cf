/* SPDX-License-Identifier: Apache-2.0 */
/* `adit mcp`: tools for coding agents, on standard input and output. */
#ifndef ADIT_AGENT_COMMAND_MCP_COMMAND_H
#define ADIT_AGENT_COMMAND_MCP_COMMAND_H

#include "agent/command/command.h"

/* Until standard input ends: 0. 2: wrong usage. */
int mcp_command(const struct options *o);

struct mcp_tools;

/* Address and token of the agent that runs here; web: of --web, or NULL. False: it is another machine's. */
bool mcp_find_agent(struct mcp_tools *t, const char *web);

#endif
