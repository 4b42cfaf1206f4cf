/* SPDX-License-Identifier: Apache-2.0 */
/* From the path of a request to the path of a file below a folder: without I/O. */
#ifndef ADIT_AGENT_BUILTIN_FILE_PATH_H
#define ADIT_AGENT_BUILTIN_FILE_PATH_H

#include "base/check.h"
#include "base/slice.h"

#define FILE_PATH_BYTES 4096
#define FILE_NAME_BYTES 255 /* of one name, as file systems have it */

enum file_path_result {
	FILE_PATH_OK,
	FILE_PATH_BAD, /* no path: an escape that is none, "..", a slash or NUL that was encoded */
	FILE_PATH_HIDDEN, /* a name begins with a dot */
	FILE_PATH_LONG,   /* no file has such a name */
};

struct file_path {
	/* Without a slash at either end, names separated by one; "." for the folder itself. */
	char text[FILE_PATH_BYTES];
	bool folder; /* a slash stood at its end: a folder is wanted */
};

/*
 * path: of a request, as it came, without its query.  Escapes are decoded once, after the path was cut
 * at its slashes, so that no escape makes a slash or a name of dots.  hidden: names that begin with a
 * dot are names like others.
 */
enum file_path_result file_path(struct slice path, bool hidden, struct file_path *ret) must_use;

/* "text/html; charset=utf-8" by the end of a name. */
const char *file_type(const char *name);

#endif
