/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the inbox needs from time to time, on the main loop: old deliveries are deleted, accounts
 * are kept within their bytes, and an alert (alert.h) is given when something was parked or is
 * late.
 */
#ifndef ADIT_EDGE_INBOX_HOUSEKEEPING_H
#define ADIT_EDGE_INBOX_HOUSEKEEPING_H

#include "edge/core/edge.h"

#include <jansson.h>

struct upkeep;

/* NULL without memory. n_pending: what the store works at, must be 0 before upkeep_free(). */
struct upkeep *upkeep_start(struct edge *e, struct settings *s) must_use;
void upkeep_use_settings(struct upkeep *u, struct settings *s);
/* No more is begun; an alert command that still runs is left alone. */
void upkeep_stop(struct upkeep *u);
/* After the store has finished. */
void upkeep_free(struct upkeep *u);

/* Counters of all workers, and the histogram of the time from received to delivered. */
json_t *upkeep_counters(const struct edge *e) must_use;

#endif
