/* SPDX-License-Identifier: Apache-2.0 */
/* `adit hook create|list|test|delete bitbucket OWNER/REPO`: the webhook at the sender (adit.1). */
#ifndef ADIT_AGENT_COMMAND_HOOK_COMMAND_H
#define ADIT_AGENT_COMMAND_HOOK_COMMAND_H

#include "agent/command/command.h"

/* Exit code: EXIT_REFUSED where Bitbucket refuses the token, EXIT_BROKE where it fails, or where
 * there is no such webhook. */
int hook_command(const struct options *o);

#endif
