/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slice is a pointer and a length, passed by value (HAProxy's ist).  It never
 * owns what it points to and is not terminated by a NUL.
 */
#ifndef ADIT_BASE_SLICE_H
#define ADIT_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

struct slice {
	/* NULL only where n is 0; slice_cut() says with it that no separator followed. */
	const char *p;
	size_t n;
};

/* A slice of a string literal. */
#define S(lit) ((struct slice){ "" lit, sizeof(lit) - 1 })
/* For printf("%.*s", PS(s)). */
#define PS(s) (int)(s).n, (s).p

static inline struct slice
slice_of(const void *p, size_t n)
{
	return (struct slice){ p, n };
}

static inline struct slice
slice_str(const char *z)
{
	return (struct slice){ z, z == NULL ? 0 : strlen(z) };
}

static inline bool
slice_eq(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Equal apart from ASCII case. */
static inline bool
slice_ieq(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || strncasecmp(a.p, b.p, a.n) == 0);
}

static inline bool
slice_starts(struct slice s, struct slice prefix)
{
	return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline bool
slice_ends(struct slice s, struct slice suffix)
{
	return s.n >= suffix.n &&
	       (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

/* The part from `at` on; an `at` past the end gives an empty slice. */
static inline struct slice
slice_from(struct slice s, size_t at)
{
	if (at > s.n)
		at = s.n;
	/* NULL + 0 is undefined. */
	return (struct slice){ at == 0 ? s.p : s.p + at, s.n - at };
}

static inline struct slice
slice_head(struct slice s, size_t n)
{
	return (struct slice){ s.p, n < s.n ? n : s.n };
}

/* Index of the first `c`, or SIZE_MAX. */
static inline size_t
slice_find(struct slice s, char c)
{
	const char *at = s.n == 0 ? NULL : memchr(s.p, c, s.n);

	return at == NULL ? SIZE_MAX : (size_t)(at - s.p);
}

/* True when `part` stands somewhere in it, apart from ASCII case. */
bool slice_iholds(struct slice s, struct slice part);

/* Without SP and HTAB at both ends (RFC 9110 OWS). */
struct slice slice_trim(struct slice s);

/*
 * Cuts `*s` at the first `sep`: returns what stands before it and leaves what
 * follows in `*s`.  Without a `sep`, returns all and leaves `*s` empty with p NULL.
 */
struct slice slice_cut(struct slice *s, char sep);

/* Decimal number of digits only, no sign, no overflow, at least one digit. */
bool slice_u64(struct slice s, uint64_t *ret_value);

/* Copies to a NUL-terminated string; false when it does not fit or holds a NUL. */
bool slice_z(struct slice s, char *dst, size_t cap);
/* The same, cut where it does not fit: for logs and people. */
void slice_copy(struct slice s, char *dst, size_t cap);

#endif
