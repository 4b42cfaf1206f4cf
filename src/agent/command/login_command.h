/* SPDX-License-Identifier: Apache-2.0 */
/* adit login: tries edge and token, and stores them. */
#ifndef ADIT_AGENT_COMMAND_LOGIN_COMMAND_H
#define ADIT_AGENT_COMMAND_LOGIN_COMMAND_H

#include "agent/command/command.h"

/* 0: edge and token are good and stored; else an exit code (core/exit_code.h), and the file
 * is as it was. */
int login_command(const struct options *o);

#endif
