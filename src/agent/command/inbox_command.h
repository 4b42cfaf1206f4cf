/* SPDX-License-Identifier: Apache-2.0 */
/* adit inbox ...: the account's stored webhooks, over a link of its own without tunnels. */
#ifndef ADIT_AGENT_COMMAND_INBOX_COMMAND_H
#define ADIT_AGENT_COMMAND_INBOX_COMMAND_H

#include "agent/core/options.h"

/* 0: done; 1: the edge refused, could not be reached, or the output could not be
 * written; 2: wrong usage. */
int inbox_command(const struct options *o);

#endif
