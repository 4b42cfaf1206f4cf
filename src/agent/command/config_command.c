/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the configuration as the other commands do, and dials nothing. */
#include "agent/command/config_command.h"

#include "agent/core/config_file.h"
#include "agent/core/exit_code.h"
#include "base/tell.h"

#include <stdio.h>
#include <stdlib.h>

int
config_command(const struct options *o)
{
	const char *file = o->n_args > 1 ? o->args[1] : o->file;
	char path[512];
	struct config *c = calloc(1, sizeof(*c));
	bool missing = false;
	char *error;
	int rc = EXIT_STOPPED;

	if (c == NULL)
		return EXIT_BROKE;
	if (file != NULL) {
		snprintf(path, sizeof(path), "%s", file);
	} else if (!config_file_path(path, sizeof(path))) {
		free(c);
		return usage_error("name the file: neither XDG_CONFIG_HOME nor HOME is set");
	}
	error = config_file_read(path, c, &missing);
	if (error != NULL && missing) {
		tell_error("failed", "%s", error);
		rc = EXIT_BROKE;
	} else if (error != NULL) {
		tell_usage("%s", error);
		rc = EXIT_USAGE;
	} else {
		printf(o->json ? "{\"event\":\"config\",\"ok\":true,\"tunnels\":%zu}\n"
			       : "no mistakes; tunnels: %zu\n",
		    c->n_tunnels);
	}
	free(error);
	config_fini(c);
	free(c);
	return rc;
}
