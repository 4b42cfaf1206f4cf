/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences about what went wrong, for whoever started the program. */
#ifndef ADIT_BASE_SENTENCE_H
#define ADIT_BASE_SENTENCE_H

#include "base/check.h"

/*
 * printf into fresh memory, which the caller frees.  Never NULL, which often means that all is
 * well: without memory the program ends, so this is for its start and not for what runs on.
 */
char *sentence(const char *fmt, ...) printf_like(1, 2) must_use;

#endif
