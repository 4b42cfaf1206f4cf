/* SPDX-License-Identifier: Apache-2.0 */
/* Writes and reads the 8 bytes before each frame. */
#include "tunnel/frame.h"

#include "base/check.h"

void
frame_decode(const char *p, struct frame *ret_frame)
{
	uint32_t word = frame_u32(p);

	ret_frame->length = word >> 8;
	ret_frame->type = word >> 4 & 15;
	ret_frame->flags = word & 15;
	ret_frame->stream = frame_u32(p + 4);
}

void
frame_encode(const struct frame *f, char *p)
{
	check(f->length >> 24 == 0); /* 24 bits stand in the header */
	frame_put_u32(p, f->length << 8 | (uint32_t)(f->type & 15) << 4 | (f->flags & 15));
	frame_put_u32(p + 4, f->stream);
}

/* For logs and people; a number of a later version has no name here. */
const char *
link_code_name(uint32_t code)
{
	static const char *const names[] = {
#define X(symbol, value, name, ...) [value] = name,
		LINK_CODES(X)
#undef X
	};

	return code < sizeof(names) / sizeof(*names) ? names[code] : "unknown";
}
