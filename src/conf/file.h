/* SPDX-License-Identifier: Apache-2.0 */
/* Small files, whole: configuration, tokens, secrets. */
#ifndef ADIT_CONF_FILE_H
#define ADIT_CONF_FILE_H

#include "base/check.h"
#include "base/slice.h"

#include <sys/types.h>

/*
 * The bytes of a file (NULL: standard input) with a NUL behind them, for file_free(). NULL and
 * errno; EFBIG when there are more than max. *ret_others (may be NULL): what the permissions of a
 * regular file let others than its owner do, of 077.
 */
char *file_read(const char *path, size_t max, struct slice *ret, mode_t *ret_others) must_use;
/* The same from a descriptor, which stays open. */
char *file_read_fd(int fd, size_t max, struct slice *ret) must_use;
/* Wipes them: there may be a secret among them. NULL is fine. */
void file_free(char *bytes, struct slice read);

/* Makes the folders that a path leads through, for their owner alone.  What goes wrong is told by
 * whoever opens the file. */
void file_make_folders(const char *path);

#endif
