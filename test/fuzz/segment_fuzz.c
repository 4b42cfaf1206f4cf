/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the capture, whatever is in them: looked through, and rows read. */
#include "agent/capture/history.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice all = slice_of(data, n), rest, payload;
	struct segment_record r;
	struct capture_row row;
	struct buf index, again;
	uint32_t number = 0;
	size_t good;
	char text[SEGMENT_ROW_BYTES];

	if (!segment_file_head_read(all, &number))
		return 0;
	buf_init(&index, 16 * 1024 * 1024);
	MUST(history_index(all, number, true, &index, &good));
	MUST(good <= n);
	/* What was made is whole, and what its rows say can be written again. */
	rest = slice_from(buf_slice(&index), SEGMENT_FILE_BYTES);
	while (segment_read(rest, true, &r, &payload) == SEGMENT_WHOLE) {
		if (segment_row_read(payload, &row)) {
			size_t len = segment_row_write(&row, text);

			MUST(segment_row_read(slice_of(text, len), &row));
		}
		rest = slice_from(rest, segment_bytes(&r));
	}
	MUST(rest.n == 0);
	/* Cut at the last good record, it says the same. */
	buf_init(&again, 16 * 1024 * 1024);
	MUST(history_index(slice_head(all, good), number, true, &again, &good));
	MUST(slice_eq(buf_slice(&index), buf_slice(&again)));
	buf_fini(&index);
	buf_fini(&again);
	return 0;
}
