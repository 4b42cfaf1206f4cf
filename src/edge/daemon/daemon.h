/* SPDX-License-Identifier: Apache-2.0 */
/* The whole edge: binds, gives up root, starts the threads, obeys signals, stops in order. */
#ifndef ADIT_EDGE_DAEMON_DAEMON_H
#define ADIT_EDGE_DAEMON_DAEMON_H

#include "edge/daemon/options.h"

/* Runs until it is told to stop. Exit status. */
int daemon_run(const struct daemon_options *o) must_use;

#endif
