/* SPDX-License-Identifier: Apache-2.0 */
/* Small files, whole: configuration, tokens, secrets. */
#ifndef ADIT_CONF_FILE_H
#define ADIT_CONF_FILE_H

#include "base/check.h"
#include "base/slice.h"

/*
 * The bytes of a file (NULL: standard input) with a NUL behind them, for file_free(). NULL and
 * errno; EFBIG when there are more than max. *ret_open (may be NULL): others than the file's owner
 * may read or write it.
 */
char *file_read(const char *path, size_t max, struct slice *ret, bool *ret_open) must_use;
/* The same from a descriptor, which stays open. */
char *file_read_fd(int fd, size_t max, struct slice *ret) must_use;
/* Wipes them: there may be a secret among them. NULL is fine. */
void file_free(char *bytes, struct slice read);

/* Makes the folders that a path leads through, for their owner alone.  What goes wrong is told by
 * whoever opens the file. */
void file_make_folders(const char *path);

#endif
