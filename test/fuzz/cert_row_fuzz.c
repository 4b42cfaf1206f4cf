/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate's text out of the store, damaged in any way: it is a row or none, and a row is
 * written as it is read again.
 */
#include "edge/cert/plan.h"
#include "edge/cert/row.h"
#include "fuzz/must.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = slice_of(data, n), registered;
	struct row r, again;
	char *text, *second;

	registered = plan_registered(in);
	MUST(slice_ends(in, registered));
	if (!row_read(in, &r)) {
		MUST(r.live.chain == NULL && r.live.key == NULL && r.pending.text == NULL);
		return 0;
	}
	MUST(r.n_names > 0 && r.n_names <= ROW_NAMES);
	text = row_write(&r);
	/* What is no UTF-8 never came out of jansson. */
	MUST(text != NULL && row_read(slice_str(text), &again));
	second = row_write(&again);
	MUST(strcmp(text, second) == 0);
	row_free_text(text);
	row_free_text(second);
	row_fini(&r);
	row_fini(&again);
	return 0;
}
