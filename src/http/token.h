/* SPDX-License-Identifier: Apache-2.0 */
/* Names of fields and tokens compared without regard to case; inline: it is
 * done for every field. */
#ifndef ADIT_HTTP_TOKEN_H
#define ADIT_HTTP_TOKEN_H

#include "base/slice.h"

/*
 * `p` against `lower`, n bytes, which holds a-z, 0-9 and '-' only.  Or-ing 0x20 folds A-Z, and
 * makes no other byte that a token may hold into one of these.
 */
static inline bool
token_is_n(const char *p, const char *lower, size_t n)
{
	unsigned diff = 0;

	for (size_t i = 0; i < n; i++)
		diff |= ((unsigned char)p[i] | 0x20u) ^ (unsigned char)lower[i];
	return diff == 0;
}

/* The same for a slice of any bytes, of which or-ing would fold a CR into a '-'. */
static inline bool
token_is(struct slice s, struct slice lower)
{
	if (s.n != lower.n)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 'A' && c <= 'Z')
			c |= 0x20;
		if (c != (unsigned char)lower.p[i])
			return false;
	}
	return true;
}

/* Equal apart from ASCII case, whatever the locale. */
static inline bool
token_eq(struct slice a, struct slice b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		unsigned char c = (unsigned char)a.p[i], d = (unsigned char)b.p[i];

		if (c == d)
			continue;
		c |= 0x20;
		if (c != (d | 0x20) || c < 'a' || c > 'z')
			return false;
	}
	return true;
}

/* The next element of a comma list (RFC 9110 5.6.1), trimmed, not empty; false at the end. */
static inline bool
token_next(struct slice *list, struct slice *ret_token)
{
	while (list->n > 0) {
		struct slice token = slice_trim(slice_cut(list, ','));

		if (token.n > 0) {
			*ret_token = token;
			return true;
		}
	}
	return false;
}

#endif
