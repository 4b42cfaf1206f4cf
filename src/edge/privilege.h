/* SPDX-License-Identifier: Apache-2.0 */
/* What the process may do: descriptors, folders, users; and what it tells its supervisor. */
#ifndef ADIT_EDGE_PRIVILEGE_H
#define ADIT_EDGE_PRIVILEGE_H

#include "base/check.h"
#include "edge/settings.h"

/* As many descriptors as the hard limit allows; no core dumps, which would hold keys and tokens
 * (S-23). */
void privilege_limits(void);
/* Makes a folder of the daemon (0700) unless it is there, owned by the user that it will run as.
 * NULL, or a malloced sentence. */
char *privilege_folder(const char *path, const struct settings *s) must_use;
/* The same for a file that is there. */
char *privilege_give(const char *path, const struct settings *s) must_use;
/* Becomes user and group of the settings for good, when started as root. NULL, or a malloced
 * sentence. */
char *privilege_drop(const struct settings *s) must_use;
/* "READY=1" and the like, to systemd or whoever set NOTIFY_SOCKET. */
void privilege_notify(const char *state);

#endif
