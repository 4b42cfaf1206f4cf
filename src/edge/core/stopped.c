/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the store which tunnels are meant to be off. */
#include "edge/core/stopped.h"

#include <stdio.h>
#include <stdlib.h>

/* On the store's thread.  What it could not keep is forgotten by a restart, and nothing else. */
static void
on_stored(struct store_req *req)
{
	store_req_fini(req);
	free(req);
}

void
stopped_tell(struct edge *e, struct route *route, uint64_t generation, bool stopped)
{
	struct slice key = slice_str(route->key);
	struct store_req *req;
	uint64_t port;

	if (!directory_stopped(e->directory, route, generation, stopped))
		return;
	req = calloc(1, sizeof(*req));
	if (req == NULL)
		return;
	*req =
	    (struct store_req){ .op = STORE_STOPPED, .done = on_stored, .route.stopped = stopped };
	if (slice_starts(key, S("tcp:")) && slice_u64(slice_from(key, 4), &port))
		req->route.port = (uint16_t)port;
	else
		snprintf(req->route.name, sizeof(req->route.name), "%s", route->key);
	store_submit(e->store, req);
}
