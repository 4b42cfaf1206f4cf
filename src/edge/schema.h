/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows that say which keys a mapping of a YAML file may have, of which kind they are, in which
 * bounds, and where their values go.  A key that is in no row is refused, with the nearest one that
 * is.
 */
#ifndef ADIT_EDGE_SCHEMA_H
#define ADIT_EDGE_SCHEMA_H

#include "edge/yamldoc.h"

struct schema_read {
	void *dst; /* the struct that offsets are of */
	struct yamldoc_error *error;
	const char *dir; /* relative paths begin here */
};

struct schema_row {
	const char *key;
	enum {
		SCHEMA_INT,
		SCHEMA_BOOL,
		SCHEMA_TEXT,
		SCHEMA_PATH,
		SCHEMA_WORD,
		SCHEMA_MAP,
		SCHEMA_CALL
	} kind;
	size_t at;                     /* int64_t, bool or char[]; not used by MAP and CALL */
	int64_t min, max;              /* INT: bounds; TEXT, PATH: max is the size of the array */
	const char *const *words;      /* WORD: ends with NULL; its index is stored as int64_t */
	const struct schema_row *rows; /* MAP: ends with a row without key */
	bool (*call)(struct schema_read *r, const struct yamldoc_node *n); /* any kind of node */
};

/* False and r->error. `map` must be a mapping. */
bool schema_apply(
    struct schema_read *r, const struct schema_row *rows, const struct yamldoc_node *map) must_use;
/* Fills in r->error with the node's place and its path; always false. */
bool schema_fault(struct schema_read *r, const struct yamldoc_node *n, const char *fmt, ...)
    printf_like(3, 4);
/* The text of a scalar as a path, relative ones below r->dir; false when it does not fit or is
 * empty. */
bool schema_path(struct schema_read *r, const struct yamldoc_node *n, char *dst, size_t cap);

#endif
