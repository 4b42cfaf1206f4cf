/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of the search box: any is read, its words lie in it, and a row with it is looked at. */
#include "agent/inspect/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct slice text = slice_of(data, n);
	const struct capture_row r = {
		.status = 404, .target = text, .host = text, .name = S("jenkins"), .delivery = 1
	};
	struct filter f;

	filter_parse(&f, text);
	check(f.n <= LIMIT_INSPECT_WORDS);
	for (size_t i = 0; i < f.n; i++)
		check(f.words[i].value.n > 0 && f.words[i].value.p >= text.p &&
		      f.words[i].value.p + f.words[i].value.n <= text.p + n);
	(void)filter_lets(&f, &r, 0);
	return 0;
}
