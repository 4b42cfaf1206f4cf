/* SPDX-License-Identifier: Apache-2.0 */
/* One secret text on its way into the store: sealed, put as an item, and the answer at home. */
#ifndef ADIT_EDGE_CERT_KEEP_H
#define ADIT_EDGE_CERT_KEEP_H

#include "base/buf.h"
#include "edge/core/edge.h"
#include "edge/core/errand.h"

#define KEEP_CERTIFICATE "certificate" /* kinds of items, and what their texts are sealed for */
#define KEEP_CA "ca"

/* Zeroed: nothing is on its way. One at a time. */
struct keep {
	struct errand errand;
	struct item_req req;
	struct buf sealed;
	/* ok: it is on the disk. *why: a sentence for people, else. It may free the struct. */
	void (*done)(struct keep *k, bool ok, const char *why);
};

/* text is copied. version: of the item that it replaces; the new one stands in k->req.version. */
void keep_put(struct keep *k, struct errands *home, const struct edge *e, const char *kind,
    const char *name, const char *account, uint64_t version, const char *text);
void keep_del(struct keep *k, struct errands *home, const struct edge *e, const char *kind,
    const char *name);
static inline bool
keep_is_busy(const struct keep *k)
{
	return k->errand.home != NULL;
}
/* The text of an item's bytes, which row_free_text() frees; NULL: it cannot be opened. */
char *keep_open(const struct edge *e, const char *kind, struct slice sealed) must_use;

#endif
