/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the inbox needs from time to time, on the main loop: old deliveries are deleted,
 * accounts are kept within their bytes, and an alert (alert.h) is given when something was
 * parked or is late.
 */
#ifndef ADIT_EDGE_INBOX_HOUSEKEEPING_H
#define ADIT_EDGE_INBOX_HOUSEKEEPING_H

#include "edge/core/edge.h"

#include <jansson.h>

struct housekeeping;
struct inbox_counts;

/* NULL without memory. n_pending: what the store works at, must be 0 before housekeeping_free(). */
struct housekeeping *housekeeping_start(struct edge *e, struct settings *s) must_use;
void housekeeping_use_settings(struct housekeeping *u, struct settings *s);
/* Of all accounts, as they were counted last, about LIMIT_HOUSEKEEPING_MS ago; NULL: not yet. */
const struct inbox_counts *housekeeping_counts(const struct housekeeping *u);
/* No more is begun; an alert command that still runs is left alone. */
void housekeeping_stop(struct housekeeping *u);
/* After the store has finished. */
void housekeeping_free(struct housekeeping *u);

/* Counters of all workers, and the histogram of the time from received to delivered. */
json_t *counters_json(const struct edge *e) must_use;

#endif
