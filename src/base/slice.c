/* SPDX-License-Identifier: Apache-2.0 */
/* Searching, comparing, trimming and converting slices. */
#include "base/slice.h"

#include "base/check.h"

static bool
ows(char c)
{
	return c == ' ' || c == '\t';
}

/* By trying each place: what is searched is the beginning of an answer, or a line. */
bool
slice_iholds(struct slice s, struct slice part)
{
	for (size_t i = 0; i + part.n <= s.n; i++) {
		if (slice_ieq(slice_from(slice_head(s, i + part.n), i), part))
			return true;
	}
	return false;
}

struct slice
slice_trim(struct slice s)
{
	while (s.n > 0 && ows(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && ows(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct slice
slice_cut(struct slice *s, char sep)
{
	size_t at = slice_find(*s, sep);
	struct slice before;

	if (at == SIZE_MAX) {
		before = *s;
		*s = (struct slice){ NULL, 0 };
		return before;
	}
	before = slice_head(*s, at);
	*s = slice_from(*s, at + 1);
	return before;
}

bool
slice_u64(struct slice s, uint64_t *ret_value)
{
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned d = (unsigned char)s.p[i] - (unsigned)'0';

		/* The second half: v * 10 + d would pass the largest number. */
		if (d > 9 || v > (UINT64_MAX - d) / 10)
			return false;
		v = v * 10 + d;
	}
	*ret_value = v;
	return true;
}

void
slice_copy(struct slice s, char *dst, size_t cap)
{
	check(cap > 0); /* a NUL always fits */
	if (s.n >= cap)
		s.n = cap - 1;
	if (s.n > 0)
		memcpy(dst, s.p, s.n);
	dst[s.n] = '\0';
}

bool
slice_z(struct slice s, char *dst, size_t cap)
{
	if (s.n >= cap || (s.n > 0 && memchr(s.p, 0, s.n) != NULL))
		return false;
	if (s.n > 0)
		memcpy(dst, s.p, s.n);
	dst[s.n] = '\0';
	return true;
}
