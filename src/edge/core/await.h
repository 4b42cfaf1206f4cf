/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to the store that a start waits for: the store answers on its own thread, and nothing else
 * happens in this one yet.  Once there are loops, errands (errand.h) ask.
 */
#ifndef ADIT_EDGE_CORE_AWAIT_H
#define ADIT_EDGE_CORE_AWAIT_H

#include "base/check.h"
#include "store/item.h"
#include "store/store.h"

/* Submits and waits; what it gives is the caller's until store_req_fini(), item_req_fini(). */
enum store_result await_store(struct store *s, struct store_req *req) must_use;
enum store_result await_item(struct store *s, struct item_req *req) must_use;
/*
 * All items of a kind, page after page in the order of their names.  take(): false without memory, and
 * then STORE_FULL is the result.
 */
enum store_result await_items(struct store *s, const char *kind,
    bool (*take)(const struct item_req *page, void *arg), void *arg) must_use;

#endif
