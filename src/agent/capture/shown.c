/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies without the values that the configuration hides (shown.h). */
#include "agent/capture/shown.h"

#include "agent/capture/redact.h"
#include "base/limits.h"

enum shown_as
shown_body(struct capture *c, struct captured *e, enum tap_side side, struct buf *out)
{
	const struct redact hide = { .names = capture_redacted(c) };
	uint64_t n = exchange_body_bytes(e, side);
	struct buf body;
	bool ok;

	if (!redact_has_pointers(&hide) || n == 0)
		return SHOWN_WHOLE;
	if (n > LIMIT_INSPECT_REDACT_BYTES)
		return SHOWN_NOT;
	buf_init(&body, n);
	ok = buf_room(&body, n) != NULL;
	while (ok && body.n < n) {
		size_t got = exchange_read(e, side, body.n, body.p + body.n, n - body.n);

		body.n += got;
		ok = got > 0;
	}
	ok = ok && redact_json(&hide, buf_slice(&body), out);
	buf_fini(&body);
	return ok ? SHOWN_REDACTED : SHOWN_NOT;
}
