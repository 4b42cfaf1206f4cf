/* SPDX-License-Identifier: Apache-2.0 */
/* adit name list|release: the names and ports that the account has, over a link without tunnels. */
#ifndef ADIT_AGENT_COMMAND_NAME_COMMAND_H
#define ADIT_AGENT_COMMAND_NAME_COMMAND_H

#include "agent/command/command.h"

/* 0: done; 1: the edge refused, or gave no answer; 2: wrong usage, or no edge or token. */
int name_command(const struct options *o);

#endif
