/* SPDX-License-Identifier: Apache-2.0 */
/* `adit check-url URL`: what Bitbucket would say to it, and what to do about that (adit.1). */
#ifndef ADIT_AGENT_COMMAND_CHECKURL_COMMAND_H
#define ADIT_AGENT_COMMAND_CHECKURL_COMMAND_H

#include "agent/command/command.h"

/* Exit code: 0 Bitbucket accepts the URL, 1 it saves it but hooks may not arrive, 2 it refuses
 * it, or wrong usage. */
int checkurl_command(const struct options *o);

#endif
