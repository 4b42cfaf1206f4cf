/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program when it is called by the name ngrok, which a link of that name does (adit ngrok-link DIR):
 * the words and options that wrappers and scripts type, with this agent's edge behind them.
 */
#ifndef ADIT_AGENT_COMMAND_NGROK_COMMAND_H
#define ADIT_AGENT_COMMAND_NGROK_COMMAND_H

#include "agent/command/command.h"

/* Was the program called so? */
bool ngrok_is_name(const char *argv0);
/* argv: of main. The exit code: 0, or 1 after saying why. */
int ngrok_main(int argc, char **argv);
/* `adit ngrok-link DIR`: makes DIR/ngrok a link to this program. */
int ngrok_link_command(const struct options *o);

#endif
