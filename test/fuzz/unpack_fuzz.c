/* SPDX-License-Identifier: Apache-2.0 */
/* Files of requests: HAR, tar, .http. Each head that comes out is one that the strict parser takes whole. */
#include "agent/replay/unpack.h"

#include "fuzz/must.h"
#include "http/h1.h"

static void
must_be_head(enum h1_kind kind, const struct buf *head)
{
	struct h1 h1;

	h1_init(&h1, kind);
	h1.inside = true;
	MUST(head->n == 0 ||
	     (h1_head(&h1, buf_slice(head)) == H1_DONE && h1.head.n_bytes == head->n));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char why[120];
	struct unpack *u = unpack_new(slice_of(data, n), why, sizeof(why));
	struct unpacked one;
	size_t count = 0;

	while (u != NULL && unpack_next(u, &one)) {
		MUST(count++ <= n);
		MUST(one.head.n > 0 || one.note[0] != '\0');
		MUST(one.body.n <= n && one.answer_body.n <= n);
		must_be_head(H1_REQUEST, &one.head);
		must_be_head(H1_RESPONSE, &one.answer_head);
		unpacked_fini(&one);
	}
	unpack_free(u);
	return 0;
}
