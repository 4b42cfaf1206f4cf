/* SPDX-License-Identifier: Apache-2.0 */
/* The web server of an agent that runs tunnels, and who brings its rows. */
#ifndef ADIT_AGENT_COMMAND_WEB_SIDE_H
#define ADIT_AGENT_COMMAND_WEB_SIDE_H

#include "agent/inspect/inspector.h"
#include "agent/inspect/web.h"
#include "agent/ngrok/api.h"
#include "agent/replay/replay.h"

struct web_side {
	struct inspect_web web;
	struct replay replay;
	struct inspector inspector;
	struct ngrok_api api;
	struct agent_guest *guests[5]; /* of these; others may be added behind them */
	size_t n_guests;
};

/* address: of --web, or NULL; usual: how /api/ is where the configuration does not say; edge: for people. */
void web_side_init(struct web_side *s, const char *address, const struct config_web *config,
    enum config_web_api usual, const char *edge);

#endif
