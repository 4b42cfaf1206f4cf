/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the known word that is nearest to a misspelt one. */
#include "base/suggest.h"

#include "base/check.h"

#define WORD_BYTES_MAX 32

static unsigned
least(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Levenshtein's distance with swaps of neighbours counted once; both at most WORD_BYTES_MAX. */
static unsigned
distance(struct slice a, struct slice b)
{
	unsigned rows[3][WORD_BYTES_MAX + 1];
	unsigned *before = rows[0], *last = rows[1], *now = rows[2], *spare;

	check(a.n <= WORD_BYTES_MAX && b.n <= WORD_BYTES_MAX); /* b is the index into rows */
	/* Three rows of the usual table are enough, as a swap looks two back. */
	for (unsigned j = 0; j <= b.n; j++)
		last[j] = j;
	for (unsigned i = 1; i <= a.n; i++) {
		now[0] = i;
		for (unsigned j = 1; j <= b.n; j++) {
			unsigned cost = a.p[i - 1] == b.p[j - 1] ? 0 : 1;

			now[j] = least(last[j] + 1, now[j - 1] + 1, last[j - 1] + cost);
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] &&
			    a.p[i - 2] == b.p[j - 1] && before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
		}
		spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[b.n];
}

const char *
suggest(struct slice word, const void *words, size_t n, size_t stride)
{
	const char *best = NULL, *candidate;
	unsigned best_distance = 3; /* two mistakes at most, and fewer than half of the word */

	if (word.n > WORD_BYTES_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		unsigned d;

		memcpy(&candidate, (const char *)words + i * stride, sizeof(candidate));
		if (strlen(candidate) > WORD_BYTES_MAX)
			continue;
		d = distance(word, slice_str(candidate));
		if (d < best_distance && 2 * d < strlen(candidate) + 1) {
			best_distance = d;
			best = candidate;
		}
	}
	return best;
}
