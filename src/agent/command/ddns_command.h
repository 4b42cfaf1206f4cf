/* SPDX-License-Identifier: Apache-2.0 */
/* `adit ddns`: keeps names at this machine's addresses, or prints what a router is to be told. */
#ifndef ADIT_AGENT_COMMAND_DDNS_COMMAND_H
#define ADIT_AGENT_COMMAND_DDNS_COMMAND_H

#include "agent/core/options.h"

int ddns_command(const struct options *o);

#endif
