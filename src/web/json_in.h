/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as it comes from outside: one value, no name twice, not deeper than LIMIT_WEB_JSON_DEPTH. */
#ifndef ADIT_WEB_JSON_IN_H
#define ADIT_WEB_JSON_IN_H

#include "base/check.h"
#include "base/slice.h"

#include <jansson.h>

/* NULL: *why is one sentence with the place, in text. */
#define WEB_WHY_BYTES 256
json_t *web_json_in(struct slice s, char why[WEB_WHY_BYTES]) must_use;
/* "application/json", with parameters or without, in any case. */
bool web_is_json_type(struct slice content_type);

#endif
