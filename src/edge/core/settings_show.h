/* SPDX-License-Identifier: Apache-2.0 */
/* The settings that hold, for an operator who asks: what he wrote, and what is the default. */
#ifndef ADIT_EDGE_CORE_SETTINGS_SHOW_H
#define ADIT_EDGE_CORE_SETTINGS_SHOW_H

#include "edge/core/settings.h"

#include <jansson.h>

struct schema_row;

/* Of the outermost mapping (settings.c). */
extern const struct schema_row settings_rows[];

/* An array of {"key":"limits.visitors","value":...}; what can hold a secret is only said to be set. */
json_t *settings_show(const struct settings *s) must_use;

#endif
