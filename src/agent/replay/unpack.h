/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads requests out of files, without I/O: HAR, one .http file, or a tar of them (script.h writes all three).
 * The bytes are anybody's: an entry that is no request is told as a note, and the others are taken.
 */
#ifndef ADIT_AGENT_REPLAY_UNPACK_H
#define ADIT_AGENT_REPLAY_UNPACK_H

#include "base/buf.h"

struct unpack;

struct unpacked {
	struct buf head, body;               /* of the request; a whole head with its empty line */
	struct buf answer_head, answer_body; /* HAR alone; empty: there is none */
	unsigned status;
	char note[160]; /* not "": what is wrong; without a head there is no request */
};

/* bytes: live as long as it. NULL, and a sentence in why: it is none of the three, or no memory. */
struct unpack *unpack_new(struct slice bytes, char *why, size_t cap) must_use;
void unpack_free(struct unpack *u);
/* The next one, to be given to unpacked_fini(); false behind the last. */
bool unpack_next(struct unpack *u, struct unpacked *ret);
void unpacked_fini(struct unpacked *u);

#endif
