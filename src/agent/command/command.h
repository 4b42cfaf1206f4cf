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

/*
 * Would these words run tunnels?  NULL, or a sentence, perhaps in `why`, on what is wrong with them.
 * *ret_o: what they say.
 */
const char *command_judge(int n, const char *const *words, struct options *ret_o,
    char why[256]) must_use;

/* All of them, those of one name together. */
const struct command *command_rows(size_t *ret_n);

/* The whole program but for main(). Gives the exit code (adit.1, EXIT STATUS). */
int command_main(int argc, char **argv);

#endif
