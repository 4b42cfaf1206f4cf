/* SPDX-License-Identifier: Apache-2.0 */
/* Paths, ranges, tags and dates of requests for files: what comes out names nothing outside. */
#include "agent/builtin/file_match.h"
#include "agent/builtin/file_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
judge(struct slice s, bool hidden)
{
	struct file_path p;
	struct slice rest;

	if (file_path(s, hidden, &p) != FILE_PATH_OK)
		return;
	rest = slice_str(p.text);
	check(rest.n > 0 && rest.n < sizeof(p.text));
	if (slice_eq(rest, S(".")))
		return;
	while (rest.p != NULL) {
		struct slice name = slice_cut(&rest, '/');

		check(name.n > 0 && name.n <= FILE_NAME_BYTES);
		check(!slice_eq(name, S(".")) && !slice_eq(name, S("..")));
		check(hidden || name.p[0] != '.');
	}
	(void)file_type(p.text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct slice s = slice_of(data, n);
	uint64_t first = 0, count = 0;
	char again[FILE_DATE_BYTES];
	time_t t;

	judge(s, false);
	judge(s, true);
	for (uint64_t size = 0; size <= 1000; size += 500)
		if (file_range(s, size, &first, &count) == FILE_RANGE_PART)
			check(count > 0 && first < size && count <= size - first);
	(void)file_tag_listed(s, S("\"1\""));
	t = file_date_read(s);
	if (t >= 0) {
		file_date(t, again);
		check(slice_eq(s, slice_str(again)));
	}
	return 0;
}
