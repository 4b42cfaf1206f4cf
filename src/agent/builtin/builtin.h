/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Origins that are in the agent itself: a small server of HTTP/1.1 on a thread of its own, to which the
 * agent's loop talks over pairs of sockets as it talks to any origin.  So files are read, which may
 * wait for a disk, where nobody else waits; and whatever is done with the answers of origins, capture
 * first of all, is done with these.
 */
#ifndef ADIT_AGENT_BUILTIN_BUILTIN_H
#define ADIT_AGENT_BUILTIN_BUILTIN_H

#include "agent/builtin/sink.h"
#include "agent/core/builtin_origin.h"

struct builtin;
/* One origin: a folder, or the sink. Counted: connections outlive their tunnel. */
struct builtin_site;

struct builtin_wish {
	enum builtin_kind kind;
	const char *folder;
	bool listing; /* a folder without index.html is shown as a list */
	bool hidden;  /* names that begin with a dot are served, too */
	struct sink *sink;
};

/* NULL and errno. The thread runs. */
struct builtin *builtin_new(void) must_use;
/* Its connections are closed, and the thread has ended. NULL is harmless. */
void builtin_free(struct builtin *b);

/* NULL and errno: there is no such folder, or it must not be entered. */
struct builtin_site *builtin_site_new(const struct builtin_wish *w) must_use;
void builtin_site_unref(struct builtin_site *s);

/* Our end of a new connection to the site, non-blocking. -1 and errno. */
int builtin_connect(struct builtin *b, struct builtin_site *s) must_use;

#endif
