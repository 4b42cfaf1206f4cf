/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the table of limits. */
#include "base/limits.h"

const struct limit limits_table[] = {
#define X(name, value, unit, what) { #name, (value), unit, what },
	LIMITS(X)
#undef X
};
const size_t limits_n = sizeof(limits_table) / sizeof(*limits_table);
