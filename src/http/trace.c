/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and makes traceparent fields. */
#include "http/trace.h"

#include "base/text.h"

#include <stdio.h>

/*
 *	00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
 *	|  trace id, 32 digits              parent id, 16    flags
 *	version; behind a later one than 00 more may follow, after another "-"
 */
enum { VALUE_BYTES = 55, ID_AT = 3, PARENT_AT = 36, FLAGS_AT = 53 };

/* Lower case alone, as the specification says (3.2.2). */
static bool
is_hex(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= '0' && s.p[i] <= '9') && !(s.p[i] >= 'a' && s.p[i] <= 'f'))
			return false;
	return true;
}

static bool
is_zero(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '0')
			return false;
	return true;
}

bool
trace_parse(struct slice value, char ret_id[TRACE_ID_BYTES])
{
	struct slice version, id, parent;

	if (value.n < VALUE_BYTES || value.p[ID_AT - 1] != '-' || value.p[PARENT_AT - 1] != '-' ||
	    value.p[FLAGS_AT - 1] != '-')
		return false;
	version = slice_head(value, 2);
	id = slice_head(slice_from(value, ID_AT), 32);
	parent = slice_head(slice_from(value, PARENT_AT), 16);
	if (!is_hex(version) || !is_hex(id) || !is_hex(parent) ||
	    !is_hex(slice_head(slice_from(value, FLAGS_AT), 2)) || is_zero(id) || is_zero(parent))
		return false;
	if (slice_eq(version, S("ff")) ||
	    (value.n > VALUE_BYTES && (is_zero(version) || value.p[VALUE_BYTES] != '-')))
		return false;
	slice_copy(id, ret_id, TRACE_ID_BYTES);
	return true;
}

bool
trace_of(const struct h1_head *h, struct slice bytes, char ret_id[TRACE_ID_BYTES])
{
	const struct h1_field *f;
	size_t at = 0;

	f = h1_find(h, bytes, S("traceparent"), &at);
	return f != NULL && h1_find(h, bytes, S("traceparent"), &at) == NULL &&
	       trace_parse(h1_text(bytes, f->value), ret_id);
}

size_t
trace_make(const unsigned char random[24], char dst[TRACE_LINE_BYTES], char ret_id[TRACE_ID_BYTES])
{
	char parent[17];
	int n;

	text_hex(random, 16, ret_id);
	text_hex(random + 16, 8, parent);
	n = snprintf(dst, TRACE_LINE_BYTES, "traceparent: 00-%s-%s-01\r\n", ret_id, parent);
	check(n > 0 && n < TRACE_LINE_BYTES);
	return (size_t)n;
}
