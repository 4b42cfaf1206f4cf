/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a row's states, verdicts and kinds. */
#include "agent/capture/row.h"

static const char *const states[] = {
#define X(symbol, word) word,
	ROW_STATES(X)
#undef X
};
static const char *const verdicts[] = {
#define X(symbol, word) word,
	ROW_VERDICTS(X)
#undef X
};
static const char *const kinds[] = {
#define X(symbol, word) word,
	ROW_KINDS(X)
#undef X
};

#define N(words) (sizeof(words) / sizeof(*(words)))

/* Rows come from files, too, whose bytes may be anybody's. */
static const char *
word_of(const char *const *words, size_t n, uint8_t i)
{
	return i < n ? words[i] : "unknown";
}

static bool
index_of(const char *const *words, size_t n, struct slice word, uint8_t *ret)
{
	for (size_t i = 0; i < n; i++) {
		if (slice_eq(word, slice_str(words[i]))) {
			*ret = (uint8_t)i;
			return true;
		}
	}
	return false;
}

const char *
row_state_word(uint8_t state)
{
	return word_of(states, N(states), state);
}

const char *
row_verdict_word(uint8_t verdict)
{
	return word_of(verdicts, N(verdicts), verdict);
}

const char *
row_kind_word(uint8_t kind)
{
	return word_of(kinds, N(kinds), kind);
}

bool
row_state_of(struct slice word, uint8_t *ret)
{
	return index_of(states, N(states), word, ret);
}

bool
row_verdict_of(struct slice word, uint8_t *ret)
{
	return index_of(verdicts, N(verdicts), word, ret);
}
