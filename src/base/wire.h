/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cursors over bytes in network order whose failure is sticky: read everything,
 * test once.  A read past the end gives zero or an empty slice.
 */
#ifndef ADIT_BASE_WIRE_H
#define ADIT_BASE_WIRE_H

#include "base/check.h"
#include "base/slice.h"

/* What is still to be read; borrowed from the caller. */
struct wire_in {
	struct slice left;
	bool failed;
};

static inline struct wire_in
wire_in(struct slice s)
{
	return (struct wire_in){ .left = s };
}

static inline struct slice
wire_bytes(struct wire_in *w, size_t n)
{
	struct slice s = { w->left.p, n };

	if (w->failed || n > w->left.n) {
		w->failed = true;
		return (struct slice){ NULL, 0 };
	}
	w->left = slice_from(w->left, n);
	return s;
}

static inline uint64_t
wire_uint(struct wire_in *w, size_t n)
{
	struct slice s = wire_bytes(w, n);
	uint64_t v = 0;

	check(n <= sizeof(v)); /* the format's own widths, never a number that was read */
	for (size_t i = 0; i < s.n; i++)
		v = v << 8 | (unsigned char)s.p[i];
	return v;
}

/* A byte string after a length of `n` bytes. */
static inline struct slice
wire_vec(struct wire_in *w, size_t n)
{
	return wire_bytes(w, (size_t)wire_uint(w, n));
}

/* cap bytes of the caller at p, n of them written. */
struct wire_out {
	char *p;
	size_t n, cap;
	bool failed;
};

static inline struct wire_out
wire_out(void *p, size_t cap)
{
	return (struct wire_out){ .p = p, .cap = cap };
}

static inline void
wire_put(struct wire_out *w, struct slice s)
{
	if (w->failed || s.n > w->cap - w->n) {
		w->failed = true;
		return;
	}
	if (s.n > 0)
		memcpy(w->p + w->n, s.p, s.n);
	w->n += s.n;
}

static inline void
wire_put_uint(struct wire_out *w, uint64_t v, size_t n)
{
	char b[8];

	check(n <= sizeof(b));
	for (size_t i = 0; i < n; i++)
		b[i] = (char)(v >> (8 * (n - 1 - i)));
	wire_put(w, slice_of(b, n));
}

/* A length of `n` bytes and the string; fails when the length does not fit into n bytes. */
static inline void
wire_put_vec(struct wire_out *w, struct slice s, size_t n)
{
	if (n < sizeof(size_t) && s.n >> (8 * n) != 0) {
		w->failed = true;
		return;
	}
	wire_put_uint(w, s.n, n);
	wire_put(w, s);
}

#endif
