/* SPDX-License-Identifier: Apache-2.0 */
/* A command line of the name ngrok, as it was typed: one dash or two, "--x=y" and "--x y". */
#ifndef ADIT_AGENT_COMMAND_NGROK_WORDS_H
#define ADIT_AGENT_COMMAND_NGROK_WORDS_H

#include "base/check.h"

#include <jansson.h>
#include <stdbool.h>

#define NGROK_ARGS_MAX 64
#define NGROK_CONFIGS_MAX 8

struct ngrok_words {
	const char *args[NGROK_ARGS_MAX]; /* what is no option */
	int n_args;
	const char *configs[NGROK_CONFIGS_MAX];
	int n_configs;
	const char *authtoken, *log, *log_format, *log_level;
	bool none, all, help, version;
	json_t *tunnel; /* options of one tunnel, by the keys of a body of the API */
	char why[200];
};

/* argv behind the program's name. False: w->why. w->tunnel is to be json_decref()ed in either case. */
bool ngrok_words_parse(struct ngrok_words *w, int argc, char **argv) must_use;

#endif
