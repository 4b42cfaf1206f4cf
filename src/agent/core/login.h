/* SPDX-License-Identifier: Apache-2.0 */
/* Where the edge is and who we are: options first, then the environment (the
 * token), then the file. */
#ifndef ADIT_AGENT_CORE_LOGIN_H
#define ADIT_AGENT_CORE_LOGIN_H

#include "agent/core/config.h"
#include "agent/core/options.h"

struct login {
	const char *edge, *ca; /* of options or config */
	char token[128];       /* wiped by login_close() */
	struct config config;  /* of -f or of the login */
	char path[512];        /* where it was read from, or would have been */
};

/*
 * Finds them in this order: options; the environment (ADIT_TOKEN, which is wiped there);
 * the file of -f, else of the login. o must live on. 0; or an exit code after saying why,
 * and *l needs no close.
 */
int login_open(struct login *l, const struct options *o) must_use;
/* Wipes the token. */
void login_close(struct login *l);

#endif
