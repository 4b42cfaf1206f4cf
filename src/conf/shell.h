/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completions of a program for bash, zsh and fish, made from the rows that also parse its command line
 * and print its help (args.h).  The scripts hold all words and options themselves; only for names of
 * tunnels do they ask the program, with `PROGRAM completions tunnels`.
 */
#ifndef ADIT_CONF_SHELL_H
#define ADIT_CONF_SHELL_H

#include "base/buf.h"
#include "conf/args.h"

#define SHELL_SCRIPT_BYTES (512 * 1024)

struct shell_command {
	const char *name, *sub; /* sub NULL: it has no second word */
	const char *usage;      /* what stands behind them */
	const char *what;
	unsigned options; /* groups of rows, those of every command, too */
};

enum shell_kind {
	SHELL_NOTHING, /* only the user knows */
	SHELL_FILES,
	SHELL_FOLDERS,
	SHELL_TUNNELS,
	SHELL_COMMANDS, /* of the program itself */
	SHELL_WORDS,
};

/* What a value may be, where its name in help does not say so itself (as FILE and on|off do). */
struct shell_value {
	const char *key; /* an option, the name of its value, or a command's usage */
	enum shell_kind kind;
	const char *words; /* of SHELL_WORDS, with blanks between them */
};

struct shell_program {
	const char *name;
	const struct args_row *rows;
	size_t n_rows;
	const struct shell_command *commands;
	size_t n_commands;
	unsigned alone; /* groups of options without a command; 0: a command comes first */
	const struct shell_value *values;
	size_t n_values;
};

/* shell: "bash", "zsh" or "fish". False: it is none of them. The buffer says whether all fitted. */
bool shell_write(struct buf *out, const struct shell_program *p, const char *shell) must_use;

#endif
