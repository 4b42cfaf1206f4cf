/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean": the known word that is nearest to a misspelt one. */
#ifndef ADIT_BASE_SUGGEST_H
#define ADIT_BASE_SUGGEST_H

#include "base/slice.h"

/*
 * words: n entries of `stride` bytes, each beginning with a `const char *` (so that a table of rows
 * can be searched as it stands).  NULL when nothing is near.
 */
const char *suggest(struct slice word, const void *words, size_t n, size_t stride);

#endif
