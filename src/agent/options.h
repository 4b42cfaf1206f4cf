/* SPDX-License-Identifier: Apache-2.0 */
/* The options of all sub-commands: rows that parse them and print them in help. */
#ifndef ADIT_AGENT_OPTIONS_H
#define ADIT_AGENT_OPTIONS_H

#include "base/check.h"
#include "base/limits.h"

#include <stdbool.h>
#include <stdio.h>

/* Which rows a sub-command takes. */
enum option_group {
	OPTIONS_LINK = 1 << 0,   /* reaching the edge */
	OPTIONS_SCREEN = 1 << 1, /* what is printed */
	OPTIONS_ORIGIN = 1 << 2, /* an HTTP origin */
	OPTIONS_NAME = 1 << 3,
	OPTIONS_PORT = 1 << 4,
	OPTIONS_START = 1 << 5,
	OPTIONS_FILE = 1 << 6,
};

struct options {
	const char *edge, *ca, *token_file, *log_level, *file;
	const char *name, *port, *origin_host, *origin_ca;
	bool origin_insecure, json, all, help;
	const char *args[LIMIT_TUNNELS_PER_LINK + 1]; /* what is no option */
	int n_args;
};

/*
 * argv: behind the sub-command's name.  groups: enum option_group together.  NULL, or a sentence in `why`.
 * "--name=x" and "--name x"; "--" ends the options.
 */
const char *options_parse(struct options *o, unsigned groups, int argc, char **argv, char *why,
    size_t why_cap) must_use;
/* One line per option of the groups. */
void options_help(FILE *f, unsigned groups);

#endif
