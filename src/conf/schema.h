/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A YAML file read into a struct by rows that say which keys a mapping may have, of which kind they
 * are, in which bounds, and where their values go.  A key that is in no row is refused, with the
 * nearest one that is.  Rows end with one without a key.
 */
#ifndef ADIT_CONF_SCHEMA_H
#define ADIT_CONF_SCHEMA_H

#include "conf/yamldoc.h"

struct schema_read {
	const char *path; /* of the file; relative paths in it begin in its folder */
	struct yamldoc_error error;
};

/* Any kind of node, into dst. False and r->error. */
typedef bool (*schema_fn)(struct schema_read *r, const struct yamldoc_node *n, void *dst);

struct schema_row {
	const char *key; /* first: suggest() */
	enum {
		SCHEMA_INT,  /* int64_t */
		SCHEMA_BOOL, /* bool */
		SCHEMA_TEXT, /* char[max]; without max a char *, malloced */
		SCHEMA_PATH, /* the same */
		SCHEMA_WORD, /* int64_t: index of one of `words` */
		SCHEMA_MAP,  /* by `rows`, into the same struct */
		SCHEMA_CALL,
	} kind;
	size_t at;                /* offset of the value in the struct */
	int64_t min, max;         /* INT: bounds */
	const char *const *words; /* ends with NULL */
	const struct schema_row *rows;
	schema_fn call;
};

/*
 * Reads the whole file into dst; `whole` (may be NULL) gets the outermost mapping in the end, for
 * what only all of it can tell. False and r->error; what was read by then is in dst.
 */
bool schema_parse(struct schema_read *r, const struct schema_row *rows, schema_fn whole,
    struct slice text, void *dst) must_use;
/* For a schema_fn: one mapping by rows of its own. A key without a value is an empty mapping. */
bool schema_apply(struct schema_read *r, const struct schema_row *rows,
    const struct yamldoc_node *map, void *dst) must_use;
/* Fills in r->error with the node's path and the place of its value, or of
 * its key; always false. */
bool schema_fault(struct schema_read *r, const struct yamldoc_node *n, const char *fmt, ...)
    printf_like(3, 4);
bool schema_fault_key(struct schema_read *r, const struct yamldoc_node *n, const char *fmt, ...)
    printf_like(3, 4);
/* A text of one's own in place of *dst, which is freed. False and r->error without memory. */
bool schema_text(struct schema_read *r, const struct yamldoc_node *n, const char *text,
    char **dst) must_use;

#endif
