/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a configuration needs of this machine: `aditd -n` looks before a start, a reload looks
 * before it takes anything over.
 */
#ifndef ADIT_EDGE_DAEMON_SELFCHECK_H
#define ADIT_EDGE_DAEMON_SELFCHECK_H

#include "edge/daemon/options.h"

/* aditd -n: reads configuration and certificates, looks at user, ports and folders, the last as
 * the user that will run. Says what is wrong. Exit status. */
int selfcheck_run(const struct daemon_options *o) must_use;

/* The same for a reload: `now` runs already. NULL, or a malloced sentence. */
char *selfcheck_reload(const struct settings *now, const struct settings *next) must_use;

#endif
