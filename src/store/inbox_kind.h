/* SPDX-License-Identifier: Apache-2.0 */
/* The store's side of inbox.h. */
#ifndef ADIT_STORE_INBOX_KIND_H
#define ADIT_STORE_INBOX_KIND_H

#include "store/delivery.h"
#include "store/job.h"

extern const struct store_job_kind inbox_kind;

/* The route's row; 0 when there is none or db->fault. */
int64_t inbox_route(struct db *db, const char *account, const char *tunnel, int64_t *ret_bytes);
/* As inbox_route(), but makes one; 0 when the account is not known. */
int64_t inbox_route_make(struct db *db, const char *account, const char *tunnel);
/* What a PUT and a copying REPLAY write: the row and its payload; sets d->id. */
bool inbox_add(struct db *db, struct delivery *d, int64_t copy_of, struct slice head,
    struct slice body) must_use;

#endif
