/* SPDX-License-Identifier: Apache-2.0 */
/* `adit completions bash|zsh|fish`, a script for the shell, and `tunnels`, which the script asks. */
#ifndef ADIT_AGENT_COMMAND_COMPLETIONS_COMMAND_H
#define ADIT_AGENT_COMMAND_COMPLETIONS_COMMAND_H

#include "agent/command/command.h"

int completions_command(const struct options *o);

#endif
