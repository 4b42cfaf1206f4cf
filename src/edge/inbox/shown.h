/* SPDX-License-Identifier: Apache-2.0 */
/* What people see of a delivery, as JSON: clean texts, secrets hidden unless `raw`. */
#ifndef ADIT_EDGE_INBOX_SHOWN_H
#define ADIT_EDGE_INBOX_SHOWN_H

#include "base/buf.h"
#include "base/check.h"
#include "store/inbox.h"

#include <jansson.h>

struct vault;

/* The most that shown_bytes() makes. */
#define SHOWN_BYTES (2 * LIMIT_HEAD_BYTES + LIMIT_INBOX_BODY_BYTES)

/* About max bytes of it, as plain_put() writes them. */
json_t *shown_text(struct slice s, size_t max);
/* A row of a list. whole: its target is not cut. */
json_t *shown_row(const struct vault *k, const struct inbox_delivery *d, bool whole, bool raw);
/* Appends head and body, as they go to the origin. False: no memory. */
bool shown_bytes(const struct vault *k, const struct inbox_delivery *d, bool raw, struct buf *all,
    size_t *ret_n_head) must_use;

#endif
