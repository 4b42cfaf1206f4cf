/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens what is below a folder and nothing else: openat2(2) with RESOLVE_BENEATH, so that no link leads
 * out; where the kernel has none of it, name by name, and then no link at all is followed.
 */
#ifndef ADIT_AGENT_BUILTIN_FILE_OPEN_H
#define ADIT_AGENT_BUILTIN_FILE_OPEN_H

#include "base/check.h"

#include <stdbool.h>
#include <sys/stat.h>

/* The folder itself, for the calls below. -1 and errno. */
int file_root(const char *path) must_use;

/*
 * A regular file or a folder, for reading; anything else, such as a device or a pipe, is not even
 * opened.  -1 and errno: ENOENT, EACCES, and EXDEV or ELOOP where a link leads out.
 */
int file_open(int root, const char *path, struct stat *ret_st) must_use;

/* For tests: as where the kernel has no openat2(2). */
extern bool file_open_by_names;

#endif
