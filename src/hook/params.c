/* SPDX-License-Identifier: Apache-2.0 */
/* Sorts the parameters of a form or a query. */
#include "hook/params.h"

#include <stdlib.h>

/* By bytes, a prefix first: the order that both schemes sort by, whatever the locale. */
static int
compare(struct slice a, struct slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n == 0 ? 0 : memcmp(a.p, b.p, n);

	return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}

static int
by_name_and_value(const void *a, const void *b)
{
	const struct hook_field *x = a, *y = b;
	int c = compare(x->name, y->name);

	return c != 0 ? c : compare(x->value, y->value);
}

/* RFC 3986 unreserved bytes as they are, others as %XX; dst has room for 3 * s.n. */
static size_t
encode(struct slice s, char *dst)
{
	static const char hex[] = "0123456789ABCDEF";
	static const char plain[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c != 0 && strchr(plain, c) != NULL) {
			dst[n++] = (char)c;
			continue;
		}
		dst[n++] = '%';
		dst[n++] = hex[c >> 4];
		dst[n++] = hex[c & 15];
	}
	return n;
}

/* One name or value into the space at *at. */
static struct slice
place(struct slice raw, bool encoded, char *space, size_t *at)
{
	/* Decoded it is never longer than it was, so it fits in the last third of its room. */
	char *dst = space + *at, *plain = encoded ? dst + 2 * raw.n : dst;
	ptrdiff_t n = hook_form_decode(raw, plain, raw.n);
	size_t made = n < 0 ? 0 : (size_t)n;

	check(made <= raw.n); /* what plain has room for */
	if (encoded)
		made = encode(slice_of(plain, made), dst);
	*at += made;
	return slice_of(dst, made);
}

bool
params_read(struct params *p, struct slice form, bool encoded)
{
	struct slice name, value;
	size_t at = 0, size = form.n * (encoded ? 3 : 1);

	p->n = 0;
	p->space = NULL;
	if (form.n > LIMIT_HOOK_FORM_BYTES)
		return false;
	/*
	 * One piece for all: each byte becomes at most three (%XX). +1, as malloc(0)
	 * may be NULL.
	 */
	p->space = malloc(size + 1);
	if (p->space == NULL)
		return false;
	while (hook_form_next(&form, &name, &value)) {
		/*
		 * Not cut: a signature over some of the parameters would say nothing
		 * of the rest.
		 */
		if (p->n == LIMIT_HOOK_PARAMS) {
			params_fini(p);
			return false;
		}
		p->pairs[p->n].name = place(name, encoded, p->space, &at);
		p->pairs[p->n++].value = place(value, encoded, p->space, &at);
	}
	check(at <= size); /* names and values are parts of the form, and none is read twice */
	qsort(p->pairs, p->n, sizeof(*p->pairs), by_name_and_value);
	return true;
}

void
params_fini(struct params *p)
{
	free(p->space);
	p->space = NULL;
}
