/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the table of counters: each value by its row, so that nobody lists the names again. */
#include "edge/core/counters.h"

const struct counter counters_table[] = {
#define X(where, name, kind, unit, help)                                                           \
	{ #name, offsetof(struct worker_counters, name), COUNTER_OF_##where, COUNTER_##kind, unit, \
		help },
	COUNTERS(X)
#undef X
};
const size_t counters_n = sizeof(counters_table) / sizeof(*counters_table);

uint64_t
counter_at(const struct worker_counters *w, size_t at)
{
	check(at < sizeof(*w) && at % sizeof(uint64_t) == 0); /* a member, not between two */
	return atomic_load_explicit((const _Atomic uint64_t *)(const void *)((const char *)w + at),
	    memory_order_relaxed);
}

void
counters_add_json(json_t *o, enum counter_where where, const struct worker_counters *w)
{
	for (size_t i = 0; i < counters_n; i++) {
		const struct counter *c = &counters_table[i];
		json_int_t so_far;

		if (c->where != where)
			continue;
		so_far = json_integer_value(json_object_get(o, c->name));
		json_object_set_new(o, c->name,
		    json_integer(so_far + (json_int_t)counter_at(w, c->at)));
	}
}
