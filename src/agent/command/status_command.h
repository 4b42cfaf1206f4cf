/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `adit status [NAME ...]`: what of the account's tunnels is online, as the edge's own
 * requests to the local servers found it (edge/link/health.h), over a link without tunnels:
 * it takes nothing over.
 */
#ifndef ADIT_AGENT_COMMAND_STATUS_COMMAND_H
#define ADIT_AGENT_COMMAND_STATUS_COMMAND_H

#include "agent/command/command.h"

/* 0: all are online; 1: something is not; 2: wrong usage, or the edge cannot be asked. */
int status_command(const struct options *o);

#endif
