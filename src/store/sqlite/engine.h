/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine on SQLite, for one edge: a file, in WAL mode with synchronous=FULL.  Exactly one
 * connection writes and checkpoints (SQLite before 3.51.3 can corrupt a WAL otherwise), and a lock
 * file keeps a second process out.  An fsync or write that failed is fatal: nothing is retried.
 * Migrations are numbered and run in one transaction each; a database that is newer than the
 * program is refused.
 */
#ifndef ADIT_STORE_SQLITE_ENGINE_H
#define ADIT_STORE_SQLITE_ENGINE_H

#include "store/engine.h"

/* Where: the path of the file, which is made (0600) when there is none. */
extern const struct engine_ops sqlite_engine;

#endif
