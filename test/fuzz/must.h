/* SPDX-License-Identifier: Apache-2.0 */
/* What a fuzz target holds to be true of every input. */
#ifndef ADIT_TEST_FUZZ_MUST_H
#define ADIT_TEST_FUZZ_MUST_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MUST(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #cond);       \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#endif
