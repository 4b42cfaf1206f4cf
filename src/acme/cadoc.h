/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of a CA: every member may be missing, of another kind, or a lie. */
#ifndef ADIT_ACME_CADOC_H
#define ADIT_ACME_CADOC_H

#include "base/check.h"
#include "base/limits.h"
#include "base/slice.h"

#include <jansson.h>

/* An object with no name twice, which the caller gives back with json_decref(); NULL otherwise. */
json_t *cadoc_read(struct slice text) must_use;
/* A string member; empty for everything else. It lives as long as o, which may be NULL. */
struct slice cadoc_text(const json_t *o, const char *name);
/* An https URL of printable ASCII that fits; false, and "" in dst, otherwise. */
bool cadoc_url(struct slice url, char dst[LIMIT_ACME_URL_BYTES]);
/* The elements of an array of strings at `i`; empty past its end. */
struct slice cadoc_item(const json_t *o, const char *name, size_t i);
/*
 * The targets of rel="alternate" in the values of Link fields, joined by commas (RFC 8288): up to
 * `max` of them that are URLs as above. Returns how many.
 */
size_t cadoc_alternates(struct slice link, char (*dst)[LIMIT_ACME_URL_BYTES], size_t max);

#endif
