/* SPDX-License-Identifier: Apache-2.0 */
/* The text of the unit that `adit service install` writes: systemd.service(5). */
#ifndef ADIT_AGENT_COMMAND_SERVICE_UNIT_H
#define ADIT_AGENT_COMMAND_SERVICE_UNIT_H

#include "base/buf.h"

/* The first line of it: a file without it is not ours to write over, or to remove. */
#define SERVICE_UNIT_MARK "# Written by adit service install; adit service uninstall removes it."
#define SERVICE_UNIT_BYTES 16384

struct service_unit {
	const char *user;    /* of a unit of the system; NULL: a unit of systemctl --user */
	const char *program; /* absolute */
	const char
	    *folder; /* where it runs, so that relative paths mean what they did; NULL: anywhere */
	const char *const *words; /* the command line behind the program */
	int n_words;
};

/*
 * One word of a command line as systemd reads it: in quotes, with its own characters kept from it
 * (% of specifiers, $ of variables).  False: it has a character that a unit cannot hold.
 */
bool service_unit_word(struct buf *out, const char *word) must_use;

/* False: a word has such a character, or there is no room. */
bool service_unit_write(struct buf *out, const struct service_unit *u) must_use;

#endif
