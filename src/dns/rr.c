/* SPDX-License-Identifier: Apache-2.0 */
/* The table of record types as rows. */
#include "dns/rr.h"

static const struct rr_shape shapes[] = {
#define X(symbol, number, before, names, after, compressed, tail)                                  \
	{ number, before, names, after, compressed, RR_TAIL_##tail },
	RR_TYPES(X)
#undef X
};

const struct rr_shape *
rr_shape(uint16_t type)
{
	static const struct rr_shape unknown = { .tail = RR_TAIL_ANY };

	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
		if (shapes[i].type == type)
			return &shapes[i];
	return &unknown;
}

static bool
is_text(struct slice s)
{
	if (s.n == 0)
		return false;
	while (s.n > 0) {
		size_t n = 1u + (unsigned char)s.p[0];

		if (n > s.n)
			return false;
		s = slice_from(s, n);
	}
	return true;
}

static bool
is_caa(struct slice s)
{
	size_t tag_n = s.n < 2 ? 0 : (unsigned char)s.p[1];

	if (tag_n == 0 || s.n < 2 + tag_n)
		return false;
	for (size_t i = 2; i < 2 + tag_n; i++) {
		char c = (char)(s.p[i] | 0x20);

		if (!(c >= 'a' && c <= 'z') && !(s.p[i] >= '0' && s.p[i] <= '9'))
			return false;
	}
	return true;
}

bool
rr_tail_ok(enum rr_tail tail, struct slice s)
{
	switch (tail) {
	case RR_TAIL_NONE:
		return s.n == 0;
	case RR_TAIL_ANY:
		return true;
	case RR_TAIL_TEXT:
		return is_text(s);
	case RR_TAIL_CAA:
		return is_caa(s);
	}
	return false;
}

bool
rr_is_data(uint16_t type)
{
	return type != 0 && type != RR_OPT && type != RR_DNAME && !(type >= 128 && type <= 255);
}
