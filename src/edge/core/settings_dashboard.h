/* SPDX-License-Identifier: Apache-2.0 */
/* The mapping "dashboard" of aditd.yml. */
#ifndef ADIT_EDGE_CORE_SETTINGS_DASHBOARD_H
#define ADIT_EDGE_CORE_SETTINGS_DASHBOARD_H

#include <stdbool.h>

struct schema_read;
struct yamldoc_node;

/* A schema_fn; dst: struct settings_dashboard. */
bool settings_read_dashboard(struct schema_read *r, const struct yamldoc_node *n, void *dst);

#endif
