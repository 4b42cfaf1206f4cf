/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spare: a file beside the store that holds some space of the disk.  When others have filled
 * the disk to its last byte, it is given up, so that an operator can drop deliveries, revoke a
 * token, and old deliveries can be deleted.  It is made again when there is space.
 */
#ifndef ADIT_STORE_SQLITE_SPARE_H
#define ADIT_STORE_SQLITE_SPARE_H

#include "base/check.h"

#include <stdbool.h>

/* Beside the store at `path`. True when it is there now. */
bool spare_make(const char *path);
/* True when there was one. */
bool spare_give(const char *path);

#endif
