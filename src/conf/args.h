/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command lines: rows that say which options there are, what they take and which commands take
 * them.  The same rows parse them and print them in help.
 *
 *	--name VALUE   --name=VALUE   -f VALUE   -fVALUE   --switch   -- (only words follow)
 */
#ifndef ADIT_CONF_ARGS_H
#define ADIT_CONF_ARGS_H

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct args_row {
	const char *name;  /* first: suggest() */
	const char *value; /* its name in help; NULL: a switch */
	size_t at;         /* of a const char * (a switch: a bool) in what is filled */
	unsigned group;    /* bits: the commands that take it */
	const char *what;
	int n_max;         /* how often it may be given: the member is an array; 0: once */
	uint64_t min, max; /* the value is a number from min to max; max 0: any text */
	const char *brief; /* "-f", the same option; NULL: none */
};

struct args {
	const struct args_row *rows;
	size_t n_rows;
	void *dst; /* what is filled; zeroed by the caller */
	/* What is no option, in its order; `words` has room for words_max of them. */
	const char **words;
	int n_words, words_max;
	char why[256]; /* what is wrong */
};

/* argv: behind the program's or the command's name. NULL, or a->why. */
const char *args_parse(struct args *a, unsigned groups, int argc, char **argv) must_use;
/* Where the command is known only after parsing with `groups`: what was given must be in `allowed`,
 * too. NULL, or a->why. */
const char *args_allow(struct args *a, unsigned groups, unsigned allowed) must_use;
/* True when a switch stands among argv: for what must be known before anything is parsed. */
bool args_has(const char *name, int argc, char **argv);
/* One line per option of the groups. */
void args_help(const struct args_row *rows, size_t n_rows, unsigned groups, FILE *f);

#endif
