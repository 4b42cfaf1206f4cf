/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands of aditd that talk to a running one: token, name, port, status, limits, wait,
 * reload, stop, inbox. */
#ifndef ADIT_EDGE_ADMIN_H
#define ADIT_EDGE_ADMIN_H

#include "base/check.h"
#include "hook/inboxtalk.h"

#include <stdbool.h>

struct admin_options {
	const char *socket;  /* path of the control socket */
	const char *label;   /* token add --label */
	const char *days;    /* token add --days */
	const char *timeout; /* wait --timeout, seconds */
	bool json;           /* answers as they come, a line each */
	struct inboxtalk_options inbox;
};

/* argv: the subcommand and its arguments. Exit status: 0, 1 refused or no edge, 2 usage. */
int admin_run(const struct admin_options *o, int argc, char **argv) must_use;
/* True when the word is a subcommand. */
bool admin_knows(const char *word);
/* Connects to the socket; -1: it was said why. */
int admin_dial(const char *path) must_use;
/* One request, which is consumed, and its answer; NULL: it was said why. */
json_t *admin_ask(int fd, json_t *request) must_use;

#endif
