/* SPDX-License-Identifier: Apache-2.0 */
/* Headers of the PROXY protocol: byte by byte the same as at once, and never beyond what is there. */
#include "fuzz/must.h"
#include "net/proxyproto.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	enum proxyproto_result once, r = PROXYPROTO_MORE;
	struct slice in = slice_of((const char *)data, n);
	struct proxyproto whole, said;
	const char *why = NULL;

	once = proxyproto_read(in, &whole, &why);
	MUST((once == PROXYPROTO_BAD) == (why != NULL));
	for (size_t i = 1; i <= n && r == PROXYPROTO_MORE; i++) {
		char *copy = malloc(i); /* to its last byte: a sanitizer sees one more */

		MUST(copy != NULL);
		memcpy(copy, data, i);
		r = proxyproto_read(slice_of(copy, i), &said, &why);
		if (r == PROXYPROTO_DONE)
			MUST(said.n_bytes == i);
		free(copy);
	}
	MUST(n == 0 || r == once || once == PROXYPROTO_BAD);
	if (once == PROXYPROTO_DONE)
		MUST(whole.n_bytes <= n && (whole.local || whole.from.ss_family != AF_UNSPEC));
	return 0;
}
