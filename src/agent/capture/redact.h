/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people see of a captured exchange unless they ask for more: values of header fields that may be a
 * credential, all values of the query, and what the configuration names are shown as "***". The list
 * of harmless fields is that of the edge's inbox (hook/harmless.h).  Files hold the bytes as they
 * were: without them nothing could be sent again, and no signature checked.
 */
#ifndef ADIT_AGENT_CAPTURE_REDACT_H
#define ADIT_AGENT_CAPTURE_REDACT_H

#include "base/buf.h"

/* names: further ones, ends with NULL; NULL: none. "X-Field", or "/json/pointer" of a value in a body. */
struct redact {
	const char *const *names;
	bool named_alone; /* what is no name of these is shown: programs that ask for all of it */
};

bool redact_hides(const struct redact *r, struct slice field);
/* A path with its query. */
void redact_target(const struct redact *r, struct slice target, struct buf *out);
/* A whole head, or the lines of trailers. */
void redact_head(const struct redact *r, struct slice head, struct buf *out);
/*
 * A body of JSON in which strings and numbers at the configured pointers are hidden. False: it cannot be said
 * what is in it (it is no JSON), so that it must not be shown where a pointer is configured.
 */
bool redact_json(const struct redact *r, struct slice body, struct buf *out);
/* True where bodies of JSON have to go through redact_json(). */
bool redact_has_pointers(const struct redact *r);

#endif
