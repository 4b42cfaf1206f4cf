/* SPDX-License-Identifier: Apache-2.0 */
/* What the edge tells of its own work for the tunnels of this agent. */
#ifndef ADIT_AGENT_LINK_UPLINK_ACTIVITY_H
#define ADIT_AGENT_LINK_UPLINK_ACTIVITY_H

#include "agent/link/uplink.h"

/* A message of type activity. It decides nothing, and ends nothing. */
void uplink_activity(struct uplink *s, struct slice json);

#endif
