/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second process of an edge that was started as root.  It stays able to read any file when the
 * edge has become another user, and does one thing: asked by the edge, it opens the configuration
 * that the edge was started with, and the certificates and keys that stand in it, and hands over
 * the open files.  So a reload finds renewed keys that only root may read, and an edge that was
 * broken into can ask for nothing but those files.
 *
 * The edge asks with a number; each answer is one message with that number and
 * at most one descriptor.
 */
#ifndef ADIT_EDGE_DAEMON_READER_H
#define ADIT_EDGE_DAEMON_READER_H

#include "edge/daemon/options.h"

struct reader;

/* To be called as root, before threads and keys.  The process becomes the user too, but keeps the
 * right to read.  NULL and a malloced sentence. */
struct reader *reader_start(const struct daemon_options *o, const struct settings *s,
    char **ret_error) must_use;
/* Settings as options_settings() makes them, with the contents of certificates and keys.  Takes at
 * most READER_MS.  NULL and a malloced sentence. */
struct settings *reader_settings(struct reader *r, char **ret_error) must_use;
/* The process ends.  NULL is fine. */
void reader_stop(struct reader *r);

#endif
