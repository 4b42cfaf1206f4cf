/* SPDX-License-Identifier: Apache-2.0 */
/* Splits the text of a head into fields (h2_lines.h). */
#include "h2/h2_lines.h"

size_t
h2_lines_whole(struct slice bytes)
{
	const char *p = bytes.p, *end = bytes.p + bytes.n;

	/* From line to line: memmem() prepares itself for longer than this takes. */
	while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		p++;
		if (p - bytes.p >= 4 && memcmp(p - 4, "\r\n\r\n", 4) == 0)
			return (size_t)(p - bytes.p);
	}
	return 0;
}

/*
 * Each answer has another one: kept in the table of the other side it would push out what comes again, and
 * stand in a row with its likes that is searched for each of them.
 */
static bool
is_new_each_time(struct slice name)
{
	return slice_eq(name, S("adit-request-id"));
}

void
h2_lines_put(struct h2_lines *l, struct slice name, struct slice value)
{
	if (l->n == H2_LINES_MAX)
		return;
	l->nv[l->n++] = (nghttp2_nv){
		.name = (uint8_t *)(uintptr_t)name.p,
		.namelen = name.n,
		.value = (uint8_t *)(uintptr_t)value.p,
		.valuelen = value.n,
		.flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE,
	};
	if (is_new_each_time(name))
		l->nv[l->n - 1].flags |= NGHTTP2_NV_FLAG_NO_INDEX;
}

/* What is said of a connection has no place in HTTP/2 (RFC 9113 8.2.2). */
static bool
is_hop(struct slice name)
{
	switch (name.n) {
	case 7:
		return slice_eq(name, S("upgrade"));
	case 10:
		return slice_eq(name, S("connection")) || slice_eq(name, S("keep-alive"));
	case 16:
		return slice_eq(name, S("proxy-connection"));
	case 17:
		return slice_eq(name, S("transfer-encoding"));
	default:
		return false;
	}
}

static void
lower(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] = (char)(p[i] + 'a' - 'A');
}

void
h2_lines_fields(struct h2_lines *l, char *text, size_t n)
{
	struct slice left = slice_of(text, n);

	while (left.n > 0) {
		struct slice line = slice_cut(&left, '\n');
		char *at = text + (line.p - text);
		size_t colon = slice_find(line, ':');
		struct slice name, value;

		if (colon == SIZE_MAX || colon == 0)
			continue; /* the empty line */
		lower(at, colon);
		name = slice_of(at, colon);
		value = slice_from(line, colon + 1);
		if (value.n > 0 && value.p[value.n - 1] == '\r')
			value.n--;
		if (!is_hop(name))
			h2_lines_put(l, name, slice_trim(value));
	}
}

int
h2_lines_response(struct h2_lines *l, char *text, size_t n)
{
	struct slice left = slice_of(text, n), line = slice_cut(&left, '\n'), status;

	slice_cut(&line, ' ');
	status = slice_head(line, 3);
	if (status.n < 3)
		return 0;
	h2_lines_put(l, S(":status"), status);
	h2_lines_fields(l, text + n - left.n, left.n);
	if (l->n == H2_LINES_MAX)
		return 0;
	return (status.p[0] - '0') * 100 + (status.p[1] - '0') * 10 + status.p[2] - '0';
}
