/* SPDX-License-Identifier: Apache-2.0 */
/* adit passwd NAME: a password becomes a line for --user-file. */
#ifndef ADIT_AGENT_COMMAND_PASSWD_COMMAND_H
#define ADIT_AGENT_COMMAND_PASSWD_COMMAND_H

#include "agent/core/options.h"

/* 0: a line was printed; 1: it could not be hashed or written; 2: wrong usage. */
int passwd_command(const struct options *o);

#endif
