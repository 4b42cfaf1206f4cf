/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of the inspector's search box, as doc/inspector-api.md says: fields, each of which may be
 * negated by "-", with "double quotes" around spaces; every other word stands somewhere in a row's
 * texts.  All of them must be true.  Without I/O; the text is anybody's.
 */
#ifndef ADIT_AGENT_INSPECT_FILTER_H
#define ADIT_AGENT_INSPECT_FILTER_H

#include "agent/capture/row.h"
#include "base/limits.h"

struct filter_word {
	uint8_t key; /* private */
	bool negated;
	struct slice value; /* borrowed from the text */
	int64_t number;     /* of since: */
};

struct filter {
	struct filter_word words[LIMIT_INSPECT_WORDS]; /* what is more is passed over */
	size_t n;
};

void filter_parse(struct filter *f, struct slice text);
bool filter_lets(const struct filter *f, const struct capture_row *r, int64_t now_ms);
/* The same but for the words that must be somewhere: those are looked for in bodies, too. */
bool filter_lets_fields(const struct filter *f, const struct capture_row *r, int64_t now_ms);
/* The i-th word that must be somewhere; false behind the last. */
bool filter_wanted(const struct filter *f, size_t i, struct slice *ret);
/* Is it in one of the row's texts? */
bool filter_row_holds(const struct capture_row *r, struct slice word);

#endif
