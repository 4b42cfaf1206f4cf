/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of a sink: any JSON is read or refused; what is read prints as what reads the same. */
#include "agent/core/sink_rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice rest = slice_of(data, n), pattern = slice_cut(&rest, '\n');
	char why[SINK_WHY_BYTES];
	json_error_t error;
	json_t *json = json_loadb((const char *)data, n, 0, &error), *printed;
	struct sink_rules *rules, *again;
	size_t at;

	check(sink_glob(pattern, pattern) || slice_find(pattern, '*') != SIZE_MAX);
	(void)sink_glob(pattern, rest);
	rules = json == NULL ? NULL : sink_rules_read(json, why, &at);
	json_decref(json);
	if (rules == NULL)
		return 0;
	for (size_t i = 0; i < rules->n; i++)
		for (size_t k = 0; k + 1 < rules->rules[i].head_n; k++)
			check(rules->rules[i].head[k] != '\n' || k > 0);
	(void)sink_rules_find(rules, S("POST"), pattern);
	printed = sink_rules_json(rules);
	again = printed == NULL ? NULL : sink_rules_read(printed, why, &at);
	check(again != NULL && again->n == rules->n);
	json_decref(printed);
	sink_rules_unref(again);
	sink_rules_unref(rules);
	return 0;
}
