/* SPDX-License-Identifier: Apache-2.0 */
/* store_token_ok() on anything; what it accepts is a token whose every changed byte it refuses. */
#include "store/store.h"
#include "store/token.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char copy[TOKEN_BYTES];

	if (!store_token_ok(slice_of(data, n)))
		return 0;
	if (n != TOKEN_BYTES || token_id(slice_of(data, n)).n != TOKEN_ID_BYTES)
		abort();
	for (size_t i = 0; i < n; i++) {
		memcpy(copy, data, n);
		copy[i] ^= 1;
		if (store_token_ok(slice_of(copy, n)))
			abort();
	}
	return 0;
}
