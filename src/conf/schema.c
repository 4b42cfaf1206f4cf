/* SPDX-License-Identifier: Apache-2.0 */
/* Walks a YAML tree by rows and reports every fault with its position. */
#include "conf/schema.h"

#include "base/limits.h"
#include "base/suggest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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
	check(n->parent == NULL); /* yamldoc refuses what is nested deeper than `up` is long */
	while (depth-- > 0 && at < cap) {
		/* The loop above wrote up[0..depth). */
		/* cppcheck-suppress uninitvar */
		if (up[depth]->key != NULL) {
			at += (size_t)snprintf(dst + at, cap - at, "%s%.60s", at > 0 ? "." : "",
			    up[depth]->key);
			continue;
		}
		index = 1;
		for (in = up[depth]->parent->first; in != up[depth]; in = in->next)
			index++;
		at += (size_t)snprintf(dst + at, cap - at, "[%d]", index);
	}
}

/* "PATH: what is wrong", with the path of the node in the file's own words. */
static void printf_like(3, 0)
    set_error(struct schema_read *r, const struct yamldoc_node *n, const char *fmt, va_list ap)
{
	char path[200];
	size_t cap = sizeof(r->error.text);
	int at;

	path_of(n, path, sizeof(path));
	at = snprintf(r->error.text, cap, "%s%s", path, path[0] == '\0' ? "" : ": ");
	check(at >= 0 && (size_t)at < cap); /* path is shorter than the error's text */
	vsnprintf(r->error.text + at, cap - (size_t)at, fmt, ap);
}

bool
schema_fault(struct schema_read *r, const struct yamldoc_node *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_error(r, n, fmt, ap);
	va_end(ap);
	r->error.line = n->line;
	r->error.column = n->column;
	return false;
}

bool
schema_fault_key(struct schema_read *r, const struct yamldoc_node *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_error(r, n, fmt, ap);
	va_end(ap);
	r->error.line = n->key_line;
	r->error.column = n->key_column;
	return false;
}

/*
 * A key that is in no row is refused, not passed over: a protection that is misspelt would
 * silently be none.
 */
static bool
fault_unknown(struct schema_read *r, const struct schema_row *rows, const struct yamldoc_node *n)
{
	const char *near;
	size_t count = 0;

	while (rows[count].key != NULL)
		count++;
	near = suggest(slice_str(n->key), rows, count, sizeof(*rows));
	if (near == NULL)
		return schema_fault_key(r, n, "no such key");
	return schema_fault_key(r, n, "no such key; did you mean \"%s\"?", near);
}

static bool
read_int(struct schema_read *r, const struct schema_row *row, const struct yamldoc_node *n,
    int64_t *dst)
{
	uint64_t v;

	check(row->min <= row->max);
	if (!slice_u64(slice_str(n->text), &v))
		return schema_fault(r, n, "\"%.40s\" is not a number", n->text);
	if (v > INT64_MAX || (int64_t)v < row->min || (int64_t)v > row->max)
		return schema_fault(r, n, "%.40s is not between %lld and %lld", n->text,
		    (long long)row->min, (long long)row->max);
	*dst = (int64_t)v;
	return true;
}

/* yes and no are what people wrote in YAML 1.1; nothing else is taken for a truth. */
static bool
read_bool(struct schema_read *r, const struct yamldoc_node *n, bool *dst)
{
	bool yes = strcmp(n->text, "true") == 0 || strcmp(n->text, "yes") == 0;

	if (!yes && strcmp(n->text, "false") != 0 && strcmp(n->text, "no") != 0)
		return schema_fault(r, n, "\"%.40s\" is neither true nor false", n->text);
	*dst = yes;
	return true;
}

static bool
read_word(struct schema_read *r, const struct schema_row *row, const struct yamldoc_node *n,
    int64_t *dst)
{
	char all[100] = "";
	size_t at = 0;

	for (int64_t i = 0; row->words[i] != NULL; i++) {
		if (strcmp(row->words[i], n->text) == 0) {
			*dst = i;
			return true;
		}
		at += (size_t)snprintf(all + at, sizeof(all) - at, "%s%s", i > 0 ? ", " : "",
		    row->words[i]);
		check(at < sizeof(all)); /* a row's words fit into the sentence */
	}
	return schema_fault(r, n, "\"%.40s\" is not one of: %s", n->text, all);
}

bool
schema_text(struct schema_read *r, const struct yamldoc_node *n, const char *text, char **dst)
{
	char *fresh = strdup(text);

	if (fresh == NULL)
		return schema_fault(r, n, "out of memory");
	free(*dst);
	*dst = fresh;
	return true;
}

static bool
read_text(struct schema_read *r, const struct schema_row *row, const struct yamldoc_node *n,
    const char *text, void *dst)
{
	check(row->max >= 0); /* a size, or 0 */
	if (row->max == 0)
		return schema_text(r, n, text, dst);
	return slice_z(slice_str(text), dst, (size_t)row->max) ||
	       schema_fault(r, n, "longer than %lld bytes", (long long)row->max - 1);
}

/* Relative paths begin in the folder of the file that names them. */
static bool
read_path(struct schema_read *r, const struct schema_row *row, const struct yamldoc_node *n,
    void *dst)
{
	const char *slash = strrchr(r->path, '/');
	char *whole;
	bool ok;

	if (n->text[0] == '/' || slash == NULL)
		return read_text(r, row, n, n->text, dst);
	if (asprintf(&whole, "%.*s/%s", (int)(slash - r->path), r->path, n->text) < 0)
		return schema_fault(r, n, "out of memory");
	ok = read_text(r, row, n, whole, dst);
	free(whole);
	return ok;
}

static bool
read_row(struct schema_read *r, const struct schema_row *row, const struct yamldoc_node *n,
    void *object)
{
	void *dst = (char *)object + row->at;

	if (row->kind == SCHEMA_CALL)
		return row->call(r, n, dst);
	if (row->kind == SCHEMA_MAP)
		return schema_apply(r, row->rows, n, object);
	/* From here on one value is meant; calls and mappings look at the node themselves. */
	if (n->kind != YAMLDOC_SCALAR)
		return schema_fault(r, n, "one value is wanted, not a list or mapping");
	if (n->text[0] == '\0')
		return schema_fault(r, n, "the value is missing");
	switch (row->kind) {
	case SCHEMA_INT:
		return read_int(r, row, n, dst);
	case SCHEMA_BOOL:
		return read_bool(r, n, dst);
	case SCHEMA_WORD:
		return read_word(r, row, n, dst);
	case SCHEMA_PATH:
		return read_path(r, row, n, dst);
	case SCHEMA_TEXT:
		return read_text(r, row, n, n->text, dst);
	case SCHEMA_MAP:
	case SCHEMA_CALL:
		break;
	}
	return true;
}

/* `key:` without a value is an empty mapping: all its keys have been commented out. */
bool
schema_apply(struct schema_read *r, const struct schema_row *rows, const struct yamldoc_node *map,
    void *dst)
{
	if (map->kind != YAMLDOC_MAP && (map->kind != YAMLDOC_SCALAR || map->text[0] != '\0'))
		return schema_fault(r, map, "\"key: value\" lines are wanted here");
	for (const struct yamldoc_node *n = map->first; n != NULL; n = n->next) {
		const struct schema_row *row = rows;

		while (row->key != NULL && strcmp(row->key, n->key) != 0)
			row++;
		if (row->key == NULL)
			return fault_unknown(r, rows, n);
		if (!read_row(r, row, n, dst))
			return false;
	}
	return true;
}

bool
schema_parse(struct schema_read *r, const struct schema_row *rows, schema_fn whole,
    struct slice text, void *dst)
{
	struct yamldoc_node nothing = { .kind = YAMLDOC_MAP, .line = 1, .column = 1 };
	const struct yamldoc_node *root;
	struct yamldoc doc;
	bool ok = yamldoc_parse(&doc, text, &r->error);

	/* An empty file has no root, but its rows may demand something all the same. */
	root = doc.root != NULL ? doc.root : &nothing;
	ok = ok && schema_apply(r, rows, root, dst) && (whole == NULL || whole(r, root, dst));
	yamldoc_fini(&doc);
	return ok;
}
