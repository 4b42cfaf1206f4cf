/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of a sink in adit.yml: made into JSON, and read as that (sink_rule.h). */
#include "agent/core/sink_rule.h"

#include <stdlib.h>

/* "Name: value" as a pair. NULL: it is none. */
static json_t *
header_of(const char *text)
{
	struct slice value = slice_str(text), name = slice_cut(&value, ':');

	if (value.p == NULL)
		return NULL;
	while (value.n > 0 && value.p[0] == ' ')
		value = slice_from(value, 1);
	return json_pack("[s%,s%]", name.p, name.n, value.p, value.n);
}

/* NULL: no memory, no UTF-8, or not what belongs there; the reader says what does. */
static json_t *
value_of(const struct yamldoc_node *n)
{
	json_t *list;
	uint64_t number;

	if (n->kind == YAMLDOC_MAP)
		return NULL;
	if (n->kind == YAMLDOC_SCALAR) {
		bool counts = strcmp(n->key, "status") == 0 || strcmp(n->key, "delay_ms") == 0;

		return counts && slice_u64(slice_str(n->text), &number) && number < INT32_MAX
			   ? json_integer((json_int_t)number)
			   : json_string(n->text);
	}
	list = json_array();
	for (const struct yamldoc_node *k = n->first; k != NULL; k = k->next)
		if (json_array_append_new(list,
			k->kind == YAMLDOC_SCALAR ? header_of(k->text) : NULL) != 0)
			json_array_append_new(list, json_null());
	return list;
}

/* One rule alone, so that a fault has its place. */
static json_t *
rule_of(struct schema_read *r, const struct yamldoc_node *n)
{
	char why[SINK_WHY_BYTES];
	struct sink_rules *tried;
	json_t *o, *list;
	size_t at;

	if (n->kind != YAMLDOC_MAP) {
		schema_fault(r, n, "a rule is a mapping, such as { path: /hooks/*, status: 204 }");
		return NULL;
	}
	o = json_object();
	for (const struct yamldoc_node *k = n->first; k != NULL; k = k->next)
		if (json_object_set_new(o, k->key, value_of(k)) != 0)
			json_object_set_new(o, k->key, json_null());
	list = json_pack("[O]", o);
	tried = sink_rules_read(list, why, &at);
	json_decref(list);
	if (tried == NULL) {
		schema_fault(r, n, "%s", why);
		json_decref(o);
		return NULL;
	}
	sink_rules_unref(tried);
	return o;
}

bool
sink_rules_yaml(struct schema_read *r, const struct yamldoc_node *list, void *dst)
{
	struct sink_rules **rules = dst;
	char why[SINK_WHY_BYTES];
	json_t *all = json_array();
	bool good = list->kind == YAMLDOC_LIST ||
		    schema_fault(r, list, "a list of rules is wanted, such as [{ status: 204 }]");
	size_t at;

	for (const struct yamldoc_node *n = list->first; good && n != NULL; n = n->next) {
		json_t *rule = rule_of(r, n);

		good = rule != NULL && json_array_append_new(all, rule) == 0;
		if (good && json_array_size(all) > LIMIT_SINK_RULES)
			good = schema_fault(r, n, "more than %d rules", LIMIT_SINK_RULES);
	}
	if (good) {
		*rules = sink_rules_read(all, why, &at);
		good = *rules != NULL || schema_fault(r, list, "%s", why);
	}
	json_decref(all);
	return good;
}
