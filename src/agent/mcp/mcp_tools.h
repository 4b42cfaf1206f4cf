/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tools of `adit mcp` do: they ask the running agent's web server on this machine
 * (doc/inspector-api.md), or run another command of this program and hand on what it prints.
 */
#ifndef ADIT_AGENT_MCP_MCP_TOOLS_H
#define ADIT_AGENT_MCP_MCP_TOOLS_H

#include "agent/mcp/mcp_pipe.h"

struct mcp_tools {
	struct mcp_pipe pipe;
	char address[160];         /* of the agent's web server: "127.0.0.1:4040" or "unix:/path" */
	char token[64];            /* its token, "": none */
	const char *const *passed; /* options for commands that are run; ends with NULL */
};

extern const struct mcp_tool mcp_tools[];
/* As mcp.call; m->owner is a struct mcp_tools. */
char *mcp_tools_call(struct mcp *m, const struct mcp_tool *t, const json_t *args, char why[512]);

/* --- between its files --- */

/* A text; "" where it is not given. False: it is no text, or would be read as an option. */
bool mcp_text_arg(const json_t *args, const char *key, const char **ret, char why[512]) must_use;
/* Ids are numbers; some clients send them as such. */
bool mcp_id_arg(const json_t *args, const char *key, char dst[24], char why[512]) must_use;
/* json: taken. malloced text, with a warning in front where strangers had a hand in it; NULL and why. */
char *mcp_told(json_t *json, bool strangers, char why[512]) must_use;
json_t *mcp_exchange(struct mcp *m, const char *id, char why[512]) must_use;
/* The bytes of the body of "request" or "response". False: there are none that can be read. */
bool mcp_body(struct mcp *m, const char *id, const char *which, struct buf *out) must_use;

/* --- mcp_send.c --- */
char *mcp_replay(struct mcp *m, const json_t *args, char why[512]) must_use;
char *mcp_edit(struct mcp *m, const json_t *args, char why[512]) must_use;

/* --- mcp_ask.c --- */

/* One request to the agent's server: the body of its answer, into out. body: JSON, NULL: a GET.
 * False, and a sentence in why. */
bool mcp_ask(struct mcp *m, const char *method, const char *path, const char *body, struct buf *out,
    char why[512]) must_use;
/* The same, parsed. NULL, and a sentence in why. */
json_t *mcp_ask_json(struct mcp *m, const char *method, const char *path, const char *body,
    char why[512]) must_use;
/* Runs this program with words (ends with NULL) and the options that are passed on; what it prints,
 * malloced. NULL, and a sentence in why. */
char *mcp_run(struct mcp *m, const char *const *words, char why[512]) must_use;

/* --- mcp_diff.c --- */

/* What differs between two exchanges, as an object. bodies: of both requests. */
json_t *mcp_diff(const json_t *a, const json_t *b, struct slice body_a, struct slice body_b);

#endif
