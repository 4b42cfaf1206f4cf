/* SPDX-License-Identifier: Apache-2.0 */
/* `adit config import`: an adit.yml of another program's configuration. */
#ifndef ADIT_AGENT_COMMAND_IMPORT_COMMAND_H
#define ADIT_AGENT_COMMAND_IMPORT_COMMAND_H

#include "agent/command/command.h"

/* 0; 1 where a tunnel was left out since it would lose what keeps people out, or a file cannot be
 * read or written; 2 after saying what is wrong in it, and where. */
int import_command(const struct options *o);

#endif
