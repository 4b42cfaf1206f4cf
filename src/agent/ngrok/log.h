/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of an agent that was called by the name ngrok: the lines that wrappers wait for, in logfmt or
 * JSON, each written at once.  It is a screen (agent/core/screen.h) and what the API tells.
 */
#ifndef ADIT_AGENT_NGROK_LOG_H
#define ADIT_AGENT_NGROK_LOG_H

#include "agent/core/screen.h"
#include "agent/ngrok/api.h"
#include "base/buf.h"

struct ngrok_log {
	struct screen screen;
	int fd;           /* -1: nothing is written */
	bool json, debug; /* debug: also what Ruby's wrappers read */
	struct buf line;
};

void ngrok_log_init(struct ngrok_log *l, int fd, bool json, bool debug);
void ngrok_log_fini(struct ngrok_log *l);
/* As ngrok_api.told, of the log that the client's screen is. */
void ngrok_log_told(struct ngrok_api *api, const struct agent_tunnel *t);

#endif
