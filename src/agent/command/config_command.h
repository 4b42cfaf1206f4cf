/* SPDX-License-Identifier: Apache-2.0 */
/* `adit config check`: is adit.yml right? */
#ifndef ADIT_AGENT_COMMAND_CONFIG_COMMAND_H
#define ADIT_AGENT_COMMAND_CONFIG_COMMAND_H

#include "agent/command/command.h"

/* 0; 1 where the file cannot be read; 2 after saying what is wrong in it, and where. */
int config_command(const struct options *o);

#endif
