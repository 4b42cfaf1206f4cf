/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forms of a page: a first byte says where the text is cut into target, name, value and the parent's head.
 * Whatever comes, what is made is one head that the strict parser reads whole, with no field that was not asked for.
 */
#include "agent/replay/compose.h"

#include "fuzz/must.h"
#include "http/h1.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice rest = slice_of(data, n), parts[5];
	struct compose_field fields[3];
	struct compose_draft d = { .fields = fields, .n_fields = 3, .host = S("a.example") };
	struct buf out;
	struct h1 h1;

	for (size_t i = 0; i < 5; i++)
		parts[i] = i == 4 ? rest : slice_cut(&rest, '\x01');
	d.method = parts[0];
	d.target = parts[1];
	fields[0] = (struct compose_field){ parts[2], parts[3] };
	fields[1] = (struct compose_field){ parts[2], { 0 } };
	fields[2] = (struct compose_field){ S("X-Last"), S("last") };
	d.n_fields = parts[3].n % 4 > 2 ? 2 : 3;
	d.parent = parts[4];
	d.body_n = n % 3;
	buf_init(&out, 65536);
	if (compose_head(&d, &out) && out.n <= LIMIT_HEAD_BYTES) {
		h1_init(&h1, H1_REQUEST);
		h1.inside = true;
		/* It may still be refused, for a Host that is none; but it never is two heads. */
		if (h1_head(&h1, buf_slice(&out)) == H1_DONE) {
			MUST(h1.head.n_bytes == out.n && h1.head.n_fields <= d.n_fields + 2);
			MUST(h1.head.framing != H1_CHUNKED);
			MUST(h1.head.framing != H1_LENGTH || h1.head.length == d.body_n);
		}
	}
	buf_fini(&out);
	return 0;
}
