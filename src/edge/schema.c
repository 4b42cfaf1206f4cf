/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/schema.h"

#include "base/limits.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WORD_MAX 40

/* "listen.https" or "certificates[2].key". */
static void
path_of(const struct yamldoc_node *n, char *dst, size_t cap)
{
	const struct yamldoc_node *up[LIMIT_CONFIG_DEPTH + 2], *in;
	size_t depth = 0, at = 0;
	int index;

	dst[0] = '\0';
	for (; n->parent != NULL && depth < sizeof(up) / sizeof(*up); n = n->parent)
		up[depth++] = n;
	while (depth-- > 0 && at < cap) {
		if (up[depth]->key != NULL) {
			at += (size_t)snprintf(
			    dst + at, cap - at, "%s%.60s", at > 0 ? "." : "", up[depth]->key);
			continue;
		}
		index = 1;
		for (in = up[depth]->parent->first; in != up[depth]; in = in->next)
			index++;
		at += (size_t)snprintf(dst + at, cap - at, "[%d]", index);
	}
}

static bool
fault_at(struct schema_read *r, int line, int column, const struct yamldoc_node *n, const char *fmt,
    va_list ap)
{
	char path[200];
	size_t cap = sizeof(r->error->text);
	int at;

	path_of(n, path, sizeof(path));
	at = snprintf(r->error->text, cap, "%s%s", path, path[0] == '\0' ? "" : ": ");
	vsnprintf(r->error->text + at, cap - (size_t)at, fmt, ap);
	r->error->line = line;
	r->error->column = column;
	return false;
}

bool
schema_fault(struct schema_read *r, const struct yamldoc_node *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fault_at(r, n->line, n->column, n, fmt, ap);
	va_end(ap);
	return false;
}

static bool printf_like(3, 4)
    fault_key(struct schema_read *r, const struct yamldoc_node *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fault_at(r, n->key_line, n->key_column, n, fmt, ap);
	va_end(ap);
	return false;
}

/* Letters to change, add or drop until a is b (Levenshtein); large for long words. */
static int
distance(const char *a, const char *b)
{
	int row[WORD_MAX + 1];
	size_t na = strlen(a), nb = strlen(b);

	if (na > WORD_MAX || nb > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= nb; j++)
		row[j] = (int)j;
	for (size_t i = 1; i <= na; i++) {
		int corner = row[0];

		row[0] = (int)i;
		for (size_t j = 1; j <= nb; j++) {
			int up = row[j], best = corner + (a[i - 1] != b[j - 1]);

			if (up + 1 < best)
				best = up + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			corner = up;
			row[j] = best;
		}
	}
	return row[nb];
}

static bool
fault_unknown(struct schema_read *r, const struct schema_row *rows, const struct yamldoc_node *n)
{
	const char *nearest = NULL;
	int least = 3;

	for (; rows->key != NULL; rows++) {
		int d = distance(n->key, rows->key);

		if (d < least && (size_t)d < strlen(rows->key)) {
			least = d;
			nearest = rows->key;
		}
	}
	if (nearest == NULL)
		return fault_key(r, n, "no such key");
	return fault_key(r, n, "no such key; did you mean \"%s\"?", nearest);
}

static bool
read_int(
    struct schema_read *r, const struct schema_row *row, const struct yamldoc_node *n, int64_t *dst)
{
	uint64_t v;

	if (!slice_u64(slice_str(n->text), &v))
		return schema_fault(r, n, "\"%.40s\" is not a number", n->text);
	if (v > INT64_MAX || (int64_t)v < row->min || (int64_t)v > row->max)
		return schema_fault(r, n, "%.40s is not between %lld and %lld", n->text,
		    (long long)row->min, (long long)row->max);
	*dst = (int64_t)v;
	return true;
}

static bool
read_bool(struct schema_read *r, const struct yamldoc_node *n, bool *dst)
{
	if (strcmp(n->text, "true") != 0 && strcmp(n->text, "false") != 0)
		return schema_fault(r, n, "\"%.40s\" is neither true nor false", n->text);
	*dst = strcmp(n->text, "true") == 0;
	return true;
}

static bool
read_word(
    struct schema_read *r, const struct schema_row *row, const struct yamldoc_node *n, int64_t *dst)
{
	char all[100] = "";
	size_t at = 0;

	for (int64_t i = 0; row->words[i] != NULL; i++) {
		if (strcmp(row->words[i], n->text) == 0) {
			*dst = i;
			return true;
		}
		at += (size_t)snprintf(
		    all + at, sizeof(all) - at, "%s%s", i > 0 ? ", " : "", row->words[i]);
	}
	return schema_fault(r, n, "\"%.40s\" is none of: %s", n->text, all);
}

bool
schema_path(struct schema_read *r, const struct yamldoc_node *n, char *dst, size_t cap)
{
	int used;

	if (n->text[0] == '\0')
		return schema_fault(r, n, "a path is wanted");
	if (n->text[0] == '/' || r->dir[0] == '\0')
		used = snprintf(dst, cap, "%s", n->text);
	else
		used = snprintf(dst, cap, "%s/%s", r->dir, n->text);
	return (size_t)used < cap || schema_fault(r, n, "longer than %zu bytes", cap - 1);
}

static bool
read_row(struct schema_read *r, const struct schema_row *row, const struct yamldoc_node *n)
{
	void *dst = (char *)r->dst + row->at;

	if (row->kind == SCHEMA_CALL)
		return row->call(r, n);
	if (row->kind == SCHEMA_MAP)
		return schema_apply(r, row->rows, n);
	if (n->kind != YAMLDOC_SCALAR)
		return schema_fault(r, n, "one value is wanted, not a list or mapping");
	switch (row->kind) {
	case SCHEMA_INT:
		return read_int(r, row, n, dst);
	case SCHEMA_BOOL:
		return read_bool(r, n, dst);
	case SCHEMA_WORD:
		return read_word(r, row, n, dst);
	case SCHEMA_PATH:
		return schema_path(r, n, dst, (size_t)row->max);
	case SCHEMA_TEXT:
		return slice_z(slice_str(n->text), dst, (size_t)row->max) ||
		       schema_fault(r, n, "longer than %lld bytes", (long long)row->max - 1);
	case SCHEMA_MAP:
	case SCHEMA_CALL:
		break;
	}
	return true;
}

bool
schema_apply(struct schema_read *r, const struct schema_row *rows, const struct yamldoc_node *map)
{
	if (map->kind != YAMLDOC_MAP)
		return schema_fault(r, map, "\"key: value\" lines are wanted here");
	for (const struct yamldoc_node *n = map->first; n != NULL; n = n->next) {
		const struct schema_row *row = rows;

		while (row->key != NULL && strcmp(row->key, n->key) != 0)
			row++;
		if (row->key == NULL)
			return fault_unknown(r, rows, n);
		if (!read_row(r, row, n))
			return false;
	}
	return true;
}
