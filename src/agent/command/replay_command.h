/* SPDX-License-Identifier: Apache-2.0 */
/* `adit replay FILE|DIR`: requests of files go to the local server by the agent that runs here. */
#ifndef ADIT_AGENT_COMMAND_REPLAY_COMMAND_H
#define ADIT_AGENT_COMMAND_REPLAY_COMMAND_H

#include "agent/command/command.h"

/* 0; 1 where one could not be sent; 2 where nothing can be read. */
int replay_command(const struct options *o);

#endif
