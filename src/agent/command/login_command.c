/* SPDX-License-Identifier: Apache-2.0 */
/* `adit login`: tries edge and token before it stores them, so that what is
 * stored has worked once. */
#include "agent/command/login_command.h"

#include "agent/link/agent.h"
#include "agent/core/config_file.h"
#include "agent/core/exit_code.h"
#include "agent/core/lines.h"
#include "agent/core/login.h"
#include "base/plain.h"
#include "base/tell.h"

#include <stdlib.h>
#include <unistd.h>

/* Writes the login down. The CA's path is made absolute: the configuration is read from other
 * folders, too. account: the edge's text, shown in plain characters. */
static int
store(const struct options *o, const struct login *e, const char *account)
{
	char *ca = o->ca == NULL ? NULL : realpath(o->ca, NULL), *error;
	struct buf who;

	check(account[0] != '\0' && e->path[0] != '\0');
	error = o->ca != NULL && ca == NULL
		    ? strdup("--ca: no such file")
		    : config_file_save_login(e->path, e->edge, ca, e->token);
	free(ca);
	if (error != NULL) {
		tell_error("failed", "%s", error);
		free(error);
		return EXIT_BROKE;
	}
	buf_init(&who, 4 * strlen(account) + 1);
	plain_put(&who, slice_str(account));
	fprintf(stderr, "logged in to %s as %.*s; stored in %s\n", e->edge, PS(buf_slice(&who)),
	    e->path);
	buf_fini(&who);
	return EXIT_STOPPED;
}

int
login_command(const struct options *o)
{
	struct options with_edge = *o;
	struct login e;
	struct lines lines;
	struct agent_params p = { .screen = &lines.screen, .once = true };
	char account[64] = "";
	int rc;

	if (o->edge != NULL)
		return usage_error("the edge is given once: adit login URL");
	if (o->token_file == NULL && getenv("ADIT_TOKEN") == NULL)
		return usage_error(
		    "give the token by --token-file FILE, - for standard input, or ADIT_TOKEN");
	/* The word is what --edge is elsewhere; the file's edge and CA are those
	 * of an older login. */
	with_edge.edge = o->args[0];
	rc = login_open(&e, &with_edge);
	if (rc != 0)
		return rc;
	p.edge = e.edge;
	p.ca = e.ca;
	p.token = e.token;
	lines_init(&lines, STDOUT_FILENO, o->json ? LINES_JSON : LINES_PLAIN, false);
	if (e.path[0] == '\0')
		rc = usage_error(
		    "no place to store a login: neither XDG_CONFIG_HOME nor HOME is set");
	else
		rc = agent_run(&p, account);
	lines_fini(&lines);
	/* A signal ends it in order, too, but then nobody was welcomed and there
	 * is nothing to store. */
	if (rc == EXIT_STOPPED)
		rc = account[0] == '\0' ? EXIT_BROKE : store(o, &e, account);
	login_close(&e);
	return rc;
}
