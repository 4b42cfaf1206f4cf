/* SPDX-License-Identifier: Apache-2.0 */
/* Makes text of other machines harmless for a terminal. */
#include "agent/plain.h"

void
plain_put(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i],
			      next = i + 1 < s.n ? (unsigned char)s.p[i + 1] : 0;

		if (c < ' ' || c == 0x7f) {
			buf_putc(out, '?');
		} else if (c == 0xc2 && next >= 0x80 && next < 0xa0) {
			buf_putc(out, '?');
			i++;
		} else {
			buf_putc(out, s.p[i]);
		}
	}
}
