/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of activity: what is understood is written again and understood the same. */
#include "base/check.h"
#include "base/limits.h"
#include "tunnel/activity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
again(const struct activity_row *r)
{
	static struct activity_row back;
	struct activity_reader reader;
	struct buf row, out;

	buf_init(&row, LIMIT_ACTIVITY_MESSAGE_BYTES / 2);
	buf_init(&out, LIMIT_CONTROL_BYTES);
	activity_put_row(&row, r);
	check(!row.failed); /* the longest one fits */
	activity_put(&out, 0, buf_slice(&row), S(""));
	check(!out.failed && activity_begin(&reader, buf_slice(&out)));
	check(activity_next_row(&reader, &back));
	check(memcmp(&back.path, &r->path, strlen(r->path) + 1) == 0);
	check(strcmp(back.text, r->text) == 0 && strcmp(back.event, r->event) == 0);
	check(strcmp(back.request, r->request) == 0 && strcmp(back.branch, r->branch) == 0);
	check(back.what == r->what && back.state == r->state && back.verdict == r->verdict);
	check(back.id == r->id && back.at_ms == r->at_ms && back.took_us == r->took_us);
	check(back.due_ms == r->due_ms && back.bytes == r->bytes && back.status == r->status);
	check(!activity_next_row(&reader, &back));
	activity_end(&reader);
	buf_fini(&row);
	buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct activity_row row;
	struct activity_reader reader;
	struct activity_inbox inbox;

	if (!activity_begin(&reader, slice_of(data, n)))
		return 0;
	while (activity_next_row(&reader, &row))
		again(&row);
	while (activity_next_inbox(&reader, &inbox))
		check(inbox.tunnel != 0);
	activity_end(&reader);
	return 0;
}
