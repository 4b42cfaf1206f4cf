/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which rows a filter lets through.  Its words must all be true of a row; one with "-" in front must not:
 *
 *	state:parked status:404 status:5xx method:POST path:/x repo:acme/web branch:main event:push
 *	from:bitbucket tunnel:jenkins code:edge-rate is:pinned is:replay is:refused since:1h
 *
 * Any other word stands somewhere in path, repository, branch, event or code.  Case does not matter.
 */
#ifndef ADIT_AGENT_CONSOLE_SIEVE_H
#define ADIT_AGENT_CONSOLE_SIEVE_H

#include "agent/capture/row.h"

#define SIEVE_BYTES 128
#define SIEVE_WORDS 16

struct sieve {
	char text[SIEVE_BYTES]; /* as it was typed */
	struct sieve_word {
		bool not ;
		uint8_t key; /* private */
		struct slice value;
		int64_t number;
	} words[SIEVE_WORDS];
	size_t n;
	char wrong[64]; /* why a word means nothing, "": all do */
};

/* Words that mean nothing are passed over; more than fit are cut off. */
void sieve_set(struct sieve *s, struct slice text);
bool sieve_lets(const struct sieve *s, const struct capture_row *r, int64_t now_ms);

#endif
