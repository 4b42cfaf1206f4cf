/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A YAML file as a list of (depth, key, value) in its order: mappings of scalars and of mappings,
 * which is all that adit.yml needs.  Everything else that YAML can do (anchors, tags, sequences,
 * several documents, a key twice) is refused with file, line and column.
 */
#ifndef ADIT_AGENT_YAML_H
#define ADIT_AGENT_YAML_H

#include "base/check.h"
#include "base/slice.h"

struct yaml_node {
	char *key, *value; /* value NULL: a mapping begins; both NULL: it ends */
	int line, column;  /* of the key, from 1 */
	int value_line, value_column;
	int last_line; /* on which the value ends */
};

struct yaml {
	const char *path; /* for messages; not owned */
	struct yaml_node *nodes;
	size_t n, cap;
	bool flow; /* the outermost mapping is written with braces */
};

/* NULL, or a malloced sentence; y is to be yaml_fini()ed in either case. */
char *yaml_parse(struct yaml *y, struct slice text, const char *path) must_use;
/* Wipes the values: there may be a token among them. */
void yaml_fini(struct yaml *y);

/* A malloced "path:line:column: ..." */
char *
yaml_error(const char *path, int line, int column, const char *fmt, ...) printf_like(4, 5) must_use;

#endif
