/* SPDX-License-Identifier: Apache-2.0 */
/* Finds edge and token for the commands that need them. */
#include "agent/core/login.h"

#include "agent/core/config_file.h"
#include "agent/core/exit_code.h"
#include "base/tell.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <unistd.h>

/* The variable is wiped: it would stay readable in /proc for as long as the agent runs. */
static char *
token_from_environment(char *dst, size_t cap)
{
	char *value = getenv("ADIT_TOKEN");

	if (value == NULL || value[0] == '\0')
		return NULL;
	if (strlen(value) >= cap)
		return strdup("ADIT_TOKEN is no token: too long");
	memcpy(dst, value, strlen(value) + 1);
	OPENSSL_cleanse(value, strlen(value));
	return NULL;
}

/* NULL, or a malloced sentence. A variable that is set wins over the file: it is of this run. */
static char *
find_token(struct login *e, const struct options *o)
{
	const struct config *c = &e->config;
	char *error;

	if (o->token_file != NULL)
		return config_file_token(o->token_file, e->token, sizeof(e->token));
	error = token_from_environment(e->token, sizeof(e->token));
	if (error != NULL || e->token[0] != '\0')
		return error;
	/* One that is too long is none of an edge's; what is said then is how to get one. */
	if (c->token != NULL && strlen(c->token) < sizeof(e->token)) {
		memcpy(e->token, c->token, strlen(c->token) + 1);
		return NULL;
	}
	if (c->token_file != NULL)
		return config_file_token(c->token_file, e->token, sizeof(e->token));
	return strdup("no token: adit login URL --token-file FILE stores one, --token-file FILE or "
		      "ADIT_TOKEN gives one for this run");
}

/* A login's file need not be there; one that was named must. */
static char *
read_config(struct login *e, const struct options *o)
{
	bool missing = false;
	char *error;

	if (o->file != NULL)
		snprintf(e->path, sizeof(e->path), "%s", o->file);
	else if (!config_file_path(e->path, sizeof(e->path)))
		return NULL;
	error = config_file_read(e->path, &e->config, &missing);
	if (error != NULL && missing && o->file == NULL) {
		free(error);
		return NULL;
	}
	return error;
}

static const char no_edge[] =
    "no edge: an edge is the server that gives tunnels their public names and passes visitors on "
    "to this machine. Somebody in your team may run one: adit login URL stores it, --edge URL "
    "gives it for this run. To run your own on a host that the internet reaches, see aditd(8); to "
    "try "
    "it all on this machine: aditd --dev DIR, then adit http 8080 with --edge, --ca and "
    "--token-file as it prints them";

int
login_open(struct login *e, const struct options *o)
{
	char *error;

	*e = (struct login){ 0 };
	error = read_config(e, o);
	e->edge = o->edge != NULL ? o->edge : e->config.edge;
	/* The CA of a login belongs to the edge of that login. */
	e->ca = o->ca != NULL || o->edge != NULL ? o->ca : e->config.ca;
	if (error == NULL && e->edge == NULL)
		error = strdup(no_edge);
	if (error == NULL)
		error = find_token(e, o);
	if (error == NULL) {
		check(e->edge != NULL && memchr(e->token, '\0', sizeof(e->token)) != NULL);
		return 0;
	}
	tell_usage("%s", error);
	free(error);
	login_close(e);
	return EXIT_USAGE;
}

void
login_close(struct login *e)
{
	OPENSSL_cleanse(e->token, sizeof(e->token));
	config_fini(&e->config);
}
