/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a sink answers: rules of adit.yml(5) and of the inspector, both read from JSON of the shape of
 * doc/inspector-api.md.  The first rule that fits a request answers it.
 */
#ifndef ADIT_AGENT_CORE_SINK_RULE_H
#define ADIT_AGENT_CORE_SINK_RULE_H

#include "base/buf.h"
#include "base/limits.h"
#include "conf/schema.h"

#include <jansson.h>

struct sink_rule {
	char method[24]; /* "*": any */
	char *path;      /* a pattern: see sink_glob() */
	int status, delay_ms;
	char *head; /* header fields as they are sent, each with its line's end */
	char *body;
	size_t head_n, body_n;
	uint64_t hits;
	json_t *headers; /* as they were given */
};

struct sink_rules {
	_Atomic unsigned refs;
	size_t n;
	struct sink_rule rules[LIMIT_SINK_RULES];
};

/* '*' is any number of characters, slashes too; '?' is one; all else is itself. Takes no longer than
 * both lengths multiplied. */
bool sink_glob(struct slice pattern, struct slice text);

#define SINK_WHY_BYTES 256
/* A list of rules. NULL: why says what is wrong, and *ret_at with which of them. */
struct sink_rules *sink_rules_read(const json_t *list, char why[SINK_WHY_BYTES],
    size_t *ret_at) must_use;
void sink_rules_unref(struct sink_rules *r); /* NULL is harmless */
/* The same shape, with hits. NULL without memory. */
json_t *sink_rules_json(const struct sink_rules *r) must_use;
/* NULL: none fits. path: without its query. */
struct sink_rule *sink_rules_find(struct sink_rules *r, struct slice method, struct slice path);

/* As schema_row.call: dst is a struct sink_rules *. Headers are "Name: value". */
bool sink_rules_yaml(struct schema_read *r, const struct yamldoc_node *list, void *dst);

#endif
