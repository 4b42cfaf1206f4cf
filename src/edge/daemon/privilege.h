/* SPDX-License-Identifier: Apache-2.0 */
/* What the process may do: descriptors, folders, users; and what it tells its supervisor. */
#ifndef ADIT_EDGE_DAEMON_PRIVILEGE_H
#define ADIT_EDGE_DAEMON_PRIVILEGE_H

#include "base/check.h"
#include "edge/core/settings.h"

/* As many descriptors as the hard limit allows; no core dumps, which would hold
 * keys and tokens (S-23). */
void privilege_limits(void);
/* NULL, or a malloced sentence: user or group of the settings do not exist. */
char *privilege_user(const struct settings *s) must_use;
/* Makes a folder of the daemon (0700) unless it is there, owned by the user that it will run as;
 * gives an empty one of root to that user. NULL, or a malloced sentence. */
char *privilege_folder(const char *path, const struct settings *s) must_use;
/* An empty folder of root, and we are root: one with somebody's files in it stays theirs. */
bool privilege_gives(const char *path) must_use;
/* Gives a file to the user. */
char *privilege_give(const char *path, const struct settings *s) must_use;
/* Becomes user and group of the settings for good, when started as root; who was not root gives up
 * the right to open ports, if the supervisor gave it. Before there is a second thread: a thread's
 * rights are its own. NULL, or a malloced sentence. */
char *privilege_drop(const struct settings *s) must_use;
/* The same, but the right to read any file is kept, and nothing else of root. */
char *privilege_keep_reading(const struct settings *s) must_use;
/* The user who runs may not read it. NULL: there is none. */
bool privilege_is_denied(const char *path) must_use;
/* The first certificate or key of the settings that the user who runs may not read; NULL: none. */
const char *privilege_denied(const struct settings *s) must_use;
/* Takes a sentence on why certificates and keys cannot be used (malloced), and gives it back with
 * what to type where the reason is that only root can read one of them, and we are not root. */
char *privilege_explain(char *error, const struct settings *s) must_use;
/* "READY=1" and the like, to systemd or whoever set NOTIFY_SOCKET. */
void privilege_notify(const char *state);

#endif
