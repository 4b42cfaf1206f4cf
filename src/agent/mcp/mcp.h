/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Model Context Protocol, as a server with tools: lines of JSON-RPC 2.0 come in, lines go out.
 * Revision 2026-07-28, in which every request brings its version, and for older clients those that
 * begin with `initialize`.  What a tool does is its caller's affair
 * (mcp_tools.h); nothing here reads or writes.
 */
#ifndef ADIT_AGENT_MCP_MCP_H
#define ADIT_AGENT_MCP_MCP_H

#include "base/buf.h"
#include "base/check.h"
#include "base/limits.h"

#include <jansson.h>

/* A tool as a client sees it. Rows end with one without a name. */
struct mcp_tool {
	const char *name, *title, *what;
	const char *schema; /* properties, the inside of an object of JSON Schema */
	const char *needed; /* names of those that must be there, as a list in JSON */
	bool sends; /* it sends a request to somebody's server: only where that is allowed */
	int tag;    /* for mcp.call */
};

struct mcp {
	const struct mcp_tool *tools;
	bool may_send;
	/*
	 * Does it. The text of the answer; NULL and a sentence in why: it failed.  args: an object.
	 * While it waits, it may look whether `cancelled` was set.
	 */
	char *(*call)(struct mcp *m, const struct mcp_tool *t, const json_t *args, char why[512]);
	void *owner;
	/* private */
	json_t *running; /* id of the call under way, borrowed; NULL: none */
	bool cancelled;  /* nobody waits for its answer any more */
};

/* One line without its end. The answer, a line with its end, is put into out; none for some. */
void mcp_line(struct mcp *m, struct slice line, struct buf *out);
/* A line that came while a call is under way: true when it only says that this one is cancelled,
 * so that it need not be kept. */
bool mcp_cancels(struct mcp *m, struct slice line);
/* The answer to a line that was too long to be read. */
void mcp_too_long(struct buf *out);

#endif
