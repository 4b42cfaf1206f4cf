/* SPDX-License-Identifier: Apache-2.0 */
/* Between shell.c, what all shells have, and a file for each of them. */
#ifndef ADIT_CONF_SHELL_PRIVATE_H
#define ADIT_CONF_SHELL_PRIVATE_H

#include "conf/shell.h"

/* A value that can be completed; words: in a buffer of the caller, "" but for SHELL_WORDS. */
struct shell_choice {
	enum shell_kind kind;
	char words[1024];
};

void shell_choice(const struct shell_program *p, const char *option, const char *value,
    struct shell_choice *ret);
/* The same of what stands behind a command. */
void shell_choice_usage(const struct shell_program *p, const struct shell_command *c,
    struct shell_choice *ret);
/* Is this the first row of its name? Rows of one name stand together or apart. */
bool shell_is_first(const struct shell_program *p, size_t i);
/* The first option of that name: an option has a row for each group of commands. */
bool shell_takes_value(const struct shell_program *p, size_t i);
/* Every option that takes a value, with `between` between them. */
void shell_put_valued(struct buf *out, const struct shell_program *p, const char *between);
/* Text inside of single quotes of a shell, with a backslash in front of each of `special`. */
void shell_put_quoted(struct buf *out, const char *text, const char *special);

void shell_bash(struct buf *out, const struct shell_program *p);
void shell_zsh(struct buf *out, const struct shell_program *p);
void shell_fish(struct buf *out, const struct shell_program *p);

#endif
