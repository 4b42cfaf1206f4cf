/* SPDX-License-Identifier: Apache-2.0 */
/* adit name list|release: the names and ports that the account has, over a link without tunnels. */
#ifndef ADIT_AGENT_COMMAND_NAME_COMMAND_H
#define ADIT_AGENT_COMMAND_NAME_COMMAND_H

#include "agent/command/command.h"

int name_command(const struct options *o);

#endif
