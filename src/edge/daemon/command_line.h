/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of aditd: one table of its options, one of its commands (admin.h), and help that
 * is printed from both. */
#ifndef ADIT_EDGE_DAEMON_COMMAND_LINE_H
#define ADIT_EDGE_DAEMON_COMMAND_LINE_H

#include "edge/admin/admin.h"
#include "edge/daemon/daemon.h"
#include "edge/setup/setup.h"

#define COMMAND_LINE_FILE "/etc/aditd.yml" /* unless another one is named */

struct command_line {
	struct daemon_options daemon;
	struct admin_options admin;
	struct setup_options setup; /* what is its alone */
	bool check, limits, help, version;
	const struct admin_command *command; /* NULL: none, aditd itself is to run */
	/* The command's words and its arguments. */
	const char *words[INBOXTALK_IDS + 2];
	int n_words;
};

/* `aditd completions bash|zsh|fish`: prints a script for that shell. The exit status. */
int command_line_completions(const struct command_line *cl);

/* Says what is wrong, or prints the help that was asked for. -1: go on; else the exit status. */
int command_line_read(struct command_line *cl, int argc, char **argv) must_use;

#endif
