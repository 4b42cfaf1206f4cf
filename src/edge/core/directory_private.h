/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the directory: routes under its lock. */
#ifndef ADIT_EDGE_CORE_DIRECTORY_PRIVATE_H
#define ADIT_EDGE_CORE_DIRECTORY_PRIVATE_H

#include "edge/core/directory.h"

#include <pthread.h>

struct directory {
	pthread_rwlock_t lock;
	struct map routes;
	_Atomic size_t n_tls; /* routes with tls, so that who needs not know takes no lock */
};

/* Under the lock, for reading at least. What was found stays: routes are never freed alone. NULL: none. */
struct route *directory_route(const struct directory *d, struct slice key);

#endif
