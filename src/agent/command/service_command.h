/* SPDX-License-Identifier: Apache-2.0 */
/* `adit service install|uninstall|status`: the agent as a service of systemd. */
#ifndef ADIT_AGENT_COMMAND_SERVICE_COMMAND_H
#define ADIT_AGENT_COMMAND_SERVICE_COMMAND_H

#include "agent/command/command.h"

int service_command(const struct options *o);

#endif
