/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences about what went wrong at the start, for whoever started it. */
#ifndef ADIT_EDGE_SENTENCE_H
#define ADIT_EDGE_SENTENCE_H

#include "base/check.h"

/* printf into fresh memory, which the caller frees; NULL without memory. */
char *sentence(const char *fmt, ...) printf_like(1, 2) must_use;

#endif
