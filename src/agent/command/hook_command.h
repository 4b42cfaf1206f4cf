/* SPDX-License-Identifier: Apache-2.0 */
/* `adit hook create|list|test|delete bitbucket OWNER/REPO`: the webhook at the sender (adit.1). */
#ifndef ADIT_AGENT_COMMAND_HOOK_COMMAND_H
#define ADIT_AGENT_COMMAND_HOOK_COMMAND_H

#include "agent/command/command.h"

int hook_command(const struct options *o);

#endif
