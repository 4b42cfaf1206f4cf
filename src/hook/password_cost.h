/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a password hash costs to check.  Who writes the hash chooses the cost, and the edge pays it
 * for every guess of a stranger: so only kinds whose cost can be read are taken, up to a ceiling of
 * about half a second and 64 MiB.
 */
#ifndef ADIT_HOOK_PASSWORD_COST_H
#define ADIT_HOOK_PASSWORD_COST_H

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>

/* False, and a sentence that says what is allowed. */
bool password_cost_ok(const char *hash, char *why, size_t cap) must_use;

#endif
