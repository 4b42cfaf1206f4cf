/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A YAML file as a tree of mappings, lists and scalars with their positions.  What makes YAML
 * surprising is refused: anchors, aliases, tags, several documents, a key twice, keys that
 * are not plain words.
 */
#ifndef ADIT_CONF_YAMLDOC_H
#define ADIT_CONF_YAMLDOC_H

#include "base/check.h"
#include "base/slice.h"

enum yamldoc_kind { YAMLDOC_SCALAR, YAMLDOC_MAP, YAMLDOC_LIST };

struct yamldoc_node {
	enum yamldoc_kind kind;
	char *key;        /* in a mapping; NULL in a list and for the root */
	char *text;       /* of a scalar, without NUL inside */
	int line, column; /* of the value, from 1 */
	int last_line;    /* on which a scalar ends */
	int key_line, key_column;
	struct yamldoc_node *next; /* sibling */
	struct yamldoc_node *first, *last;
	struct yamldoc_node *parent;
	struct yamldoc_node *all; /* chain of all nodes, for freeing */
	int mark;                 /* whoever builds the tree keeps here what it has to know */
};

struct yamldoc {
	/* Owned by the document, like all nodes and their texts. */
	struct yamldoc_node *root; /* NULL: the file holds nothing */
	struct yamldoc_node *all;
	size_t n;
	bool flow; /* the outermost mapping is written with braces */
};

/* What is wrong, and where. */
struct yamldoc_error {
	int line, column;
	char text[400];
};

/* False and *ret_error. doc is to be yamldoc_fini()ed in either case. */
bool yamldoc_parse(struct yamldoc *doc, struct slice text,
    struct yamldoc_error *ret_error) must_use;
/* Wipes the values: there may be a token among them. */
void yamldoc_fini(struct yamldoc *doc);

#endif
