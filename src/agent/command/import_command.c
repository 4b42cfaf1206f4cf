/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the file, says what became of it, and writes what came out. */
#include "agent/command/import_command.h"

#include "agent/core/config_file.h"
#include "agent/core/exit_code.h"
#include "agent/core/user_line.h"
#include "agent/import/import.h"
#include "base/tell.h"
#include "conf/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void
tell_notes(const struct import *im)
{
	struct slice all = buf_slice(&im->notes);

	while (all.n > 0) {
		struct slice line = slice_cut(&all, '\n');
		char mark = line.n > 0 ? line.p[0] : IMPORT_WARNED;

		line = slice_from(line, 1);
		if (mark == IMPORT_REFUSED)
			tell_error("refused", "%.*s", PS(line));
		else
			tell_note("%.*s", PS(line));
	}
}

/* The file of a policy, in the folder of output. False where it is too long a path. */
static bool
beside(const char *output, const char *name, char *dst, size_t cap)
{
	const char *slash = strrchr(output, '/');
	int n = snprintf(dst, cap, "%.*s%s", slash == NULL ? 0 : (int)(slash - output) + 1, output,
	    name);

	return n > 0 && (size_t)n < cap;
}

/* 0, or an exit code after saying why. Nothing is written unless all may be. */
static int
may_write(const struct import *im, const struct options *o)
{
	char path[4200];

	for (size_t i = 0; i <= im->n_files; i++) {
		const char *name = i < im->n_files ? im->files[i].name : NULL;

		if (name != NULL && !beside(o->output, name, path, sizeof(path)))
			return usage_error("%s: the path is too long", o->output);
		if (!o->force && access(name != NULL ? path : o->output, F_OK) == 0)
			return usage_error("%s is there already: name another file, or --force",
			    name != NULL ? path : o->output);
	}
	return 0;
}

/* Policies first: adit.yml names them. */
static int
write_files(const struct import *im, const struct options *o)
{
	char path[4200], *error = NULL;
	int rc = may_write(im, o);

	for (size_t i = 0; rc == 0 && error == NULL && i < im->n_files; i++)
		if (beside(o->output, im->files[i].name, path, sizeof(path)))
			error = config_file_replace(path, slice_str(im->files[i].text));
	if (rc == 0 && error == NULL)
		error = config_file_replace(o->output, buf_slice(&im->yml));
	if (error != NULL) {
		tell_error("failed", "%s", error);
		free(error);
		return EXIT_BROKE;
	}
	return rc;
}

static int
run(struct import *im, struct slice text, const struct options *o)
{
	int rc;

	if (!import_run(im, text)) {
		tell_usage("%s", im->why);
		return EXIT_USAGE;
	}
	tell_notes(im);
	if (o->output != NULL)
		rc = write_files(im, o);
	else
		rc = tell_answer(&im->yml) ? 0 : EXIT_BROKE;
	if (rc == 0 && im->n_refused > 0) {
		tell_error("refused", "left out: %zu; imported: %zu", im->n_refused, im->n_tunnels);
		rc = EXIT_BROKE;
	}
	return rc;
}

int
import_command(const struct options *o)
{
	const char *path = o->args[1];
	struct import *im = calloc(1, sizeof(*im));
	struct slice text = S("");
	char *bytes;
	int rc;

	if (im == NULL)
		return EXIT_BROKE;
	im->path = path;
	im->hash = user_line;
	im->beside = o->output != NULL;
	if (o->from != NULL && !import_from_word(o->from, &im->from)) {
		free(im);
		return usage_error("--from: ngrok, cloudflared or frp is wanted");
	}
	bytes = file_read(path, LIMIT_CONFIG_BYTES + 1, &text, NULL);
	if (bytes == NULL) {
		tell_error("failed", "%s: %s", path, strerror(errno));
		rc = EXIT_BROKE;
	} else {
		rc = run(im, text, o);
	}
	file_free(bytes, text);
	import_fini(im);
	free(im);
	return rc;
}
