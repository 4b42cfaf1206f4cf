/* SPDX-License-Identifier: Apache-2.0 */
/* Hides values on their way out of the capture. */
#include "agent/capture/redact.h"

#include "hook/harmless.h"
#include "hook/peek.h"

#include <stdlib.h>

#define POINTERS_MAX 32
#define PATH_BYTES 256

bool
redact_hides(const struct redact *r, struct slice field)
{
	for (size_t i = 0; r->names != NULL && r->names[i] != NULL; i++)
		if (slice_ieq(field, slice_str(r->names[i])))
			return true;
	return !r->named_alone && !harmless_is(field);
}

void
redact_target(const struct redact *r, struct slice target, struct buf *out)
{
	size_t at = slice_find(target, '?');
	struct slice query;

	if (at == SIZE_MAX || r->named_alone) {
		buf_put(out, target);
		return;
	}
	buf_put(out, slice_head(target, at + 1));
	query = slice_from(target, at + 1);
	while (query.n > 0) {
		struct slice value = slice_cut(&query, '&'), name = slice_cut(&value, '=');

		if (value.p != NULL) {
			buf_put(out, name);
			buf_putc(out, '=');
		}
		buf_put(out, S("***"));
		if (query.n > 0)
			buf_putc(out, '&');
	}
}

/* A first line has a version; a target stands in a request's alone. */
static void
put_first(const struct redact *r, struct slice line, struct buf *out)
{
	struct slice rest = line, method = slice_cut(&rest, ' '), target = slice_cut(&rest, ' ');

	if (slice_starts(line, S("HTTP/"))) {
		buf_put(out, line);
		return;
	}
	buf_put(out, method);
	buf_putc(out, ' ');
	redact_target(r, target, out);
	buf_putc(out, ' ');
	buf_put(out, rest);
}

void
redact_head(const struct redact *r, struct slice head, struct buf *out)
{
	bool first = true;

	while (head.n > 0) {
		struct slice line = slice_cut(&head, '\n'), value = line,
			     name = slice_cut(&value, ':');

		if (first && slice_find(name, ' ') != SIZE_MAX) {
			put_first(r, line, out);
		} else if (value.p != NULL && redact_hides(r, name)) {
			buf_put(out, name);
			buf_put(out, S(": ***\r"));
		} else {
			buf_put(out, line);
		}
		buf_putc(out, '\n');
		first = false;
	}
}

bool
redact_has_pointers(const struct redact *r)
{
	for (size_t i = 0; r->names != NULL && r->names[i] != NULL; i++)
		if (r->names[i][0] == '/')
			return true;
	return false;
}

/* "/a/0/b" as peek.h writes it: "a.0.b". */
static bool
path_of(const char *pointer, char dst[PATH_BYTES])
{
	size_t n = strlen(pointer + 1);

	if (n == 0 || n >= PATH_BYTES)
		return false;
	memcpy(dst, pointer + 1, n + 1);
	for (size_t i = 0; i < n; i++)
		if (dst[i] == '/')
			dst[i] = '.';
	return true;
}

static int
by_place(const void *a, const void *b)
{
	const struct slice *x = a, *y = b;

	return (x->p > y->p) - (x->p < y->p);
}

bool
redact_json(const struct redact *r, struct slice body, struct buf *out)
{
	char paths[POINTERS_MAX][PATH_BYTES];
	struct peek wants[POINTERS_MAX] = { 0 };
	struct slice hidden[POINTERS_MAX];
	size_t n = 0, n_hidden = 0;

	for (size_t i = 0; r->names != NULL && r->names[i] != NULL && n < POINTERS_MAX; i++) {
		if (r->names[i][0] == '/' && path_of(r->names[i], paths[n])) {
			wants[n].path = paths[n];
			n++;
		}
	}
	if (n > 0 && !peek_json(body, wants, n))
		return false;
	for (size_t i = 0; i < n; i++)
		if (wants[i].kind == PEEK_STRING || wants[i].kind == PEEK_NUMBER)
			hidden[n_hidden++] = wants[i].value;
	qsort(hidden, n_hidden, sizeof(*hidden), by_place);
	for (size_t i = 0; i < n_hidden; i++) {
		if (hidden[i].p < body.p)
			continue; /* the same value under two pointers */
		buf_put(out, slice_of(body.p, (size_t)(hidden[i].p - body.p)));
		/* A string keeps its quotes, a number gets some: it stays JSON. */
		buf_put(out,
		    hidden[i].p > body.p && hidden[i].p[-1] == '"' ? S("***") : S("\"***\""));
		body = slice_from(body, (size_t)(hidden[i].p - body.p) + hidden[i].n);
	}
	buf_put(out, body);
	return !out->failed;
}
