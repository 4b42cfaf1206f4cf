/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Standard input as lines, and answers of others that are waited for meanwhile: while a tool waits, a
 * line may cancel it.  At most MCP_LINES lines are kept until their turn; then the client waits.
 */
#ifndef ADIT_AGENT_MCP_MCP_PIPE_H
#define ADIT_AGENT_MCP_MCP_PIPE_H

#include "agent/mcp/mcp.h"

struct mcp_pipe {
	int fd;        /* lines come from it */
	struct buf in; /* what has come, in which some lines are whole */
	size_t seen;   /* of it: looked through for cancels */
	bool ended;
};

void mcp_pipe_init(struct mcp_pipe *p, int fd);
void mcp_pipe_fini(struct mcp_pipe *p);
/* The next line, in `in` until the next call. False: there is none any more.  Waits.
 * *ret_long: it was too long; line is empty then. */
bool mcp_pipe_line(struct mcp_pipe *p, struct slice *ret, bool *ret_long);
/*
 * Reads fd to its end into out, at most until out is full.  NULL, or why not: it took too long, it
 * was cancelled, it does not fit.
 */
const char *mcp_pipe_read(struct mcp_pipe *p, struct mcp *m, int fd, int ms, struct buf *out);

#endif
