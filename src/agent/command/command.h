/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sub-commands: one row each, from which `adit help` is printed.  A new one is a row in
 * command.c and a function in a file of its own (passwd_command.c has
 * passwd_command()).
 */
#ifndef ADIT_AGENT_COMMAND_COMMAND_H
#define ADIT_AGENT_COMMAND_COMMAND_H

#include "agent/core/options.h"

struct command {
	const char *name;                    /* first: suggest() */
	const char *sub;                     /* its second word, args[0]; NULL: it has none */
	const char *usage;                   /* behind these */
	int args_min, args_max;              /* behind these, too */
	unsigned options;                    /* enum option_group together */
	int (*run)(const struct options *o); /* gives an exit code (exit_code.h) */
	const char *what;                    /* one line for the list */
};

/* The whole program but for main(). Gives the exit code (adit.1, EXIT STATUS). */
int command_main(int argc, char **argv);

#endif
