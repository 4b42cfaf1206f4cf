/* SPDX-License-Identifier: Apache-2.0 */
/* The parameters of a form or query in the order that a signature wants: by name, then by value. */
#ifndef ADIT_HOOK_PARAMS_H
#define ADIT_HOOK_PARAMS_H

#include "base/limits.h"
#include "hook/hook.h"

struct params {
	struct hook_field pairs[LIMIT_HOOK_PARAMS];
	size_t n;
	char *space; /* what the slices point into */
};

/*
 * Reads `form` (urlencoded). encoded: names and values are written anew with RFC 3986's escapes,
 * else they are decoded. False: too many, too long, or no memory; nothing to free then.
 */
bool params_read(struct params *p, struct slice form, bool encoded) must_use;
void params_fini(struct params *p);

#endif
