/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of a request that hold no credential: what may be shown to people, and need not be sealed. */
#ifndef ADIT_HOOK_HARMLESS_H
#define ADIT_HOOK_HARMLESS_H

#include "base/slice.h"

/* What no sender puts a credential into; every other field may be one. Case is ignored. */
bool harmless_is(struct slice field);

#endif
