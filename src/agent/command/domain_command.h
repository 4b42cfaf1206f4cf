/* SPDX-License-Identifier: Apache-2.0 */
/* adit domain add|list|remove: own domains of the account, over a link without tunnels. */
#ifndef ADIT_AGENT_COMMAND_DOMAIN_COMMAND_H
#define ADIT_AGENT_COMMAND_DOMAIN_COMMAND_H

#include "agent/command/command.h"

/*
 * 0: done, also where a domain was added whose records are not there yet; 1: the edge refused, or
 * gave no answer; 2: wrong usage, or no edge or token.
 */
int domain_command(const struct options *o);

#endif
