/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands of aditd that talk to a running one: token, name, port, status, limits, wait,
 * reload, stop, inbox. */
#ifndef ADIT_EDGE_ADMIN_ADMIN_H
#define ADIT_EDGE_ADMIN_ADMIN_H

#include "base/check.h"
#include "hook/inboxtalk.h"

#include <stdbool.h>

struct admin_options {
	const char *socket;   /* path of the control socket */
	bool configured;      /* the configuration names it */
	const char *label;    /* token add --label */
	const char *days;     /* token add --days */
	const char *ddns;     /* token add --ddns */
	bool tsig;            /* token add --tsig */
	const char *timeout;  /* wait --timeout, seconds */
	const char *resolver; /* doctor --resolver */
	const char *reason;   /* cert revoke --reason */
	bool json;            /* answers as they come, a line each */
	struct inboxtalk_options inbox;
};

/* Options that only some commands take: struct args_row's groups. */
enum admin_group {
	ADMIN_TOKEN = 1 << 4, /* the lower ones are command_line.c's */
	ADMIN_WAIT = 1 << 5,
	ADMIN_FILTER = 1 << 6, /* which deliveries of the inbox */
	ADMIN_LIST = 1 << 7,
	ADMIN_REPLAY = 1 << 8,
	ADMIN_RAW = 1 << 9,
	ADMIN_STAT = 1 << 10,
	ADMIN_REVOKE = 1 << 11,
	ADMIN_LOCAL = 1 << 12, /* not of a running edge: main.c answers it */
	ADMIN_DOCTOR = 1 << 13,
	ADMIN_SETUP = 1 << 14,
};

struct admin_command {
	const char *name;       /* first: suggest() */
	const char *sub;        /* its second word; NULL: it has none */
	const char *usage;      /* behind these */
	int args_min, args_max; /* behind these, too */
	unsigned options;       /* enum admin_group together */
	const char *what;
	const char *op;      /* of the request; NULL: of the inbox */
	const char *args[2]; /* members that the arguments go to */
	const char *cursor;  /* lists: the member of a row that the next page begins after */
	void (*show_row)(const json_t *row);
	void (*show)(const json_t *answer);
	/* Asks more on the same connection, and adds it to the answer. */
	void (*add)(int fd, const json_t *request, json_t *answer);
};
extern const struct admin_command admin_commands[];
extern const size_t admin_commands_n;

/* argv: the command's words and its arguments. Exit status: 0, 1 refused or no edge, 2 usage. */
int admin_run(const struct admin_options *o, const struct admin_command *cmd, int argc,
    const char *const *argv) must_use;
/* Connects to the socket; -1: it was said why. */
int admin_dial(const struct admin_options *o) must_use;
/* One request, which is consumed, and its answer; NULL: it was said why. */
json_t *admin_ask(int fd, json_t *request) must_use;

#endif
