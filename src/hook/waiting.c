/* SPDX-License-Identifier: Apache-2.0 */
/* Counts what is not finished in the answer of `inbox stat`. */
#include "hook/waiting.h"

#include "base/check.h"

#include <stdio.h>
#include <string.h>

/*
 * In the order in which a delivery lives. Numbers are the edge's, so they may be anything: a
 * text that does not fit is cut, and negative ones count as none.
 */
void
waiting_read(const json_t *states, struct waiting *ret)
{
	static const char *const open[] = { "received", "queued", "leased", "parked", "dead" };
	size_t what = 0, list = 0;

	*ret = (struct waiting){ 0 };
	for (size_t i = 0; i < sizeof(open) / sizeof(*open); i++) {
		json_int_t n =
		    json_integer_value(json_object_get(json_object_get(states, open[i]), "n"));

		if (n <= 0)
			continue;
		what += (size_t)snprintf(ret->what + what, sizeof(ret->what) - what, "%s%lld %s",
		    ret->n > 0 ? ", " : "", (long long)n, open[i]);
		list += (size_t)snprintf(ret->states + list, sizeof(ret->states) - list, "%s%s",
		    ret->n > 0 ? "," : "", open[i]);
		check(list < sizeof(ret->states)); /* all five names fit */
		ret->n += (uint64_t)n;
	}
}
