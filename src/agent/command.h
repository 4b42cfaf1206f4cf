/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sub-commands: one row each, from which `adit help` is printed.  A new one is a row in
 * command.c and a function in a file of its own (doctor.c exports doctor_command()).
 */
#ifndef ADIT_AGENT_COMMAND_H
#define ADIT_AGENT_COMMAND_H

#include "agent/config.h"
#include "agent/options.h"

struct command {
	const char *name;                    /* first: suggest() */
	const char *sub;                     /* its second word, args[0]; NULL: it has none */
	const char *usage;                   /* behind these */
	int args_min, args_max;              /* behind these, too */
	unsigned options;                    /* enum option_group together */
	int (*run)(const struct options *o); /* gives an exit code (client.h) */
	const char *what;
};

/* The whole program but for main(). */
int command_main(int argc, char **argv);

/* --- for the commands that reach the edge --- */

/* Where the edge is and who we are: options first, then the environment (the token), then the file.
 */
struct command_edge {
	const char *edge, *ca; /* of options or config */
	char token[128];
	struct config config; /* of -f or of the login */
	char path[512];       /* where it was read from, or would have been */
};
/* 0, or an exit code after saying why. need_token, need_edge: their lack is an error. */
int command_edge_open(struct command_edge *e, const struct options *o) must_use;
/* Wipes the token. */
void command_edge_close(struct command_edge *e);
/* tell_usage(), and EXIT_USAGE. */
int command_usage(const char *fmt, ...) printf_like(1, 2);

#endif
