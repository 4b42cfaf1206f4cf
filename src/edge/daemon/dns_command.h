/* SPDX-License-Identifier: Apache-2.0 */
/* Commands about the DNS of this edge, which need none that runs. */
#ifndef ADIT_EDGE_DAEMON_DNS_COMMAND_H
#define ADIT_EDGE_DAEMON_DNS_COMMAND_H

#include "edge/daemon/command_line.h"

/* aditd dns-plan: which records to add at the provider. Exit status. */
int dns_command_plan(const struct command_line *cl);
/* aditd doctor: is the world's view of this edge what the configuration wants? */
int dns_command_doctor(const struct command_line *cl);

#endif
