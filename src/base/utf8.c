/* SPDX-License-Identifier: Apache-2.0 */
/* Recognises one well-formed sequence of UTF-8. */
#include "base/utf8.h"

#include <stdint.h>

size_t
utf8_next(struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (s.n == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	/*
	 * RFC 3629 section 4. C0 and C1 could only begin overlong forms; behind F4 8F the
	 * code space ends.
	 */
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (s.n < n)
		return 0;
	/*
	 * The second byte decides the rest: overlong (E0, F0), surrogates (ED),
	 * past U+10FFFF (F4).
	 */
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

uint32_t
utf8_code(struct slice sequence)
{
	uint32_t c = (unsigned char)sequence.p[0];

	if (sequence.n > 1)
		c &= 0xffu >> (sequence.n + 1);
	for (size_t i = 1; i < sequence.n; i++)
		c = c << 6 | ((unsigned char)sequence.p[i] & 0x3f);
	return c;
}

bool
utf8_is_shown(struct slice sequence)
{
	static const struct {
		uint32_t from, to;
	} hidden[] = { { 0, 0x1f }, { 0x7f, 0x9f }, { 0xad, 0xad }, { 0x34f, 0x34f },
		{ 0x61c, 0x61c }, { 0x115f, 0x1160 }, { 0x17b4, 0x17b5 }, { 0x180b, 0x180e },
		{ 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0x3164, 0x3164 },
		{ 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 }, { 0xfff0, 0xfffb }, { 0xe0000, 0xe0fff } };
	uint32_t c = utf8_code(sequence);

	if (c >= ' ' && c < 0x7f)
		return true;
	for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++)
		if (c >= hidden[i].from && c <= hidden[i].to)
			return false;
	return true;
}
