/* SPDX-License-Identifier: Apache-2.0 */
/* Values of aditd.yml that are names: the domain, or an address in its place; who is asked for names. */
#ifndef ADIT_EDGE_CORE_SETTINGS_NAMES_H
#define ADIT_EDGE_CORE_SETTINGS_NAMES_H

#include <stdbool.h>

struct schema_read;
struct yamldoc_node;

/* Each a schema_fn; dst is the member of struct settings. */
bool settings_read_domain(struct schema_read *r, const struct yamldoc_node *n, void *dst);
bool settings_read_resolver(struct schema_read *r, const struct yamldoc_node *n, void *dst);
/* dst: the settings. */
bool settings_read_metrics_tunnels(struct schema_read *r, const struct yamldoc_node *n, void *dst);
bool settings_read_default_tunnel(struct schema_read *r, const struct yamldoc_node *n, void *dst);

#endif
