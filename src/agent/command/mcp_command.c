/* SPDX-License-Identifier: Apache-2.0 */
/* Lines in, lines out, until the client closes standard input. */
#include "agent/command/mcp_command.h"

#include "agent/core/config_file.h"
#include "agent/core/exit_code.h"
#include "agent/mcp/mcp_tools.h"
#include "base/tell.h"
#include "conf/file.h"
#include "net/addr.h"

#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A line of a file in the folder of the agent's state; "" where there is none. */
static void
read_state(const char *name, char *dst, size_t cap)
{
	char folder[512], path[600];
	struct slice text = S("");
	char *bytes = NULL;

	dst[0] = '\0';
	if (!config_state_folder(folder, sizeof(folder)))
		return;
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	bytes = file_read(path, 4096, &text, NULL);
	if (bytes != NULL)
		slice_copy(slice_head(text, slice_find(text, '\n')), dst, cap);
	file_free(bytes, text);
}

/* The token would go to another machine in the clear. */
static bool
is_ours(const char *address)
{
	struct addr a;

	return addr_parse(slice_str(address), &a) == NULL &&
	       (a.kind == ADDR_UNIX || a.host[0] == '\0' || strcmp(a.host, "localhost") == 0 ||
		   strncmp(a.host, "127.", 4) == 0);
}

/* Commands that are run see the edge and the file that we were told. */
static void
pass(const struct options *o, const char *words[10])
{
	const struct {
		const char *option, *value;
	} rows[] = { { "--edge", o->edge }, { "--ca", o->ca }, { "--token-file", o->token_file },
		{ "--file", o->file } };
	size_t n = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].value != NULL) {
			words[n++] = rows[i].option;
			words[n++] = rows[i].value;
		}
	words[n] = NULL;
}

static int
serve(struct mcp *m, struct mcp_tools *t)
{
	struct slice line;
	bool too_long;
	struct buf out;
	int rc = EXIT_STOPPED;

	buf_init(&out, 16 * (size_t)LIMIT_MCP_ANSWER_BYTES);
	while (rc == EXIT_STOPPED && mcp_pipe_line(&t->pipe, &line, &too_long)) {
		if (too_long)
			mcp_too_long(&out);
		else if (slice_trim(line).n > 0)
			mcp_line(m, line, &out);
		if (out.n > 0 && !tell_answer(&out))
			rc = EXIT_BROKE;
	}
	buf_fini(&out);
	return rc;
}

bool
mcp_find_agent(struct mcp_tools *t, const char *web)
{
	if (web != NULL)
		snprintf(t->address, sizeof(t->address), "%s", web);
	else
		read_state("web-address", t->address, sizeof(t->address));
	if (t->address[0] == '\0')
		snprintf(t->address, sizeof(t->address), "127.0.0.1:4040");
	if (!is_ours(t->address))
		return false;
	read_state("web-token", t->token, sizeof(t->token));
	return true;
}

int
mcp_command(const struct options *o)
{
	struct mcp_tools t = { 0 };
	struct mcp m = {
		.tools = mcp_tools, .may_send = o->allow_replay, .call = mcp_tools_call, .owner = &t
	};
	const char *passed[10];
	int rc;

	if (!mcp_find_agent(&t, o->web))
		return usage_error("--web %s: an address of this machine is wanted", t.address);
	pass(o, passed);
	t.passed = passed;
	signal(SIGPIPE, SIG_IGN);
	mcp_pipe_init(&t.pipe, STDIN_FILENO);
	rc = serve(&m, &t);
	mcp_pipe_fini(&t.pipe);
	OPENSSL_cleanse(t.token, sizeof(t.token));
	return rc;
}
