/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events as lines on standard output: plain, one JSON object each, or logfmt, each written at once
 * and whole.  A reader that does not read costs lines, never traffic: what the pipe cannot take is
 * counted and dropped.
 *
 * Names, addresses and sentences come from the edge and paths from visitors: in plain text every
 * byte that a terminal could obey is shown as \xNN.
 */
#ifndef ADIT_AGENT_CORE_LINES_H
#define ADIT_AGENT_CORE_LINES_H

#include "agent/core/screen.h"
#include "base/buf.h"

enum lines_form { LINES_PLAIN, LINES_JSON, LINES_LOGFMT };

struct lines {
	struct screen screen; /* what the agent tells */
	int fd;               /* -1: lines go nowhere */
	enum lines_form form;
	char link[256];   /* of the web interface, until people were told; "" */
	uint64_t dropped; /* lines since the last that was written */
	struct buf line;
};

/* fd stays the caller's. */
void lines_init(struct lines *s, int fd, enum lines_form form, bool requests);
void lines_fini(struct lines *s);

#endif
