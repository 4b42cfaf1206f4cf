/* SPDX-License-Identifier: Apache-2.0 */
/* Notes what a request has moved. */
#include "store/sqlite/inbox_moved.h"

#include <stdlib.h>

/* Rows of a request come one by one, at most LIMIT_INBOX_STEP: room grows by pieces. */
#define PIECE 32

void
inbox_moved_note(struct inbox_req *req, const struct delivery *d, enum inbox_state to)
{
	struct inbox_moved *m = req->moved;

	if (req->n_moved % PIECE == 0) {
		m = reallocarray(m, req->n_moved + PIECE, sizeof(*m));
		if (m == NULL)
			return;
		req->moved = m;
	}
	m += req->n_moved;
	*m = (struct inbox_moved){ .id = (uint64_t)d->id, .state = to };
	if (slice_z(d->account, m->account, sizeof(m->account)) &&
	    slice_z(d->tunnel, m->tunnel, sizeof(m->tunnel)))
		req->n_moved++;
}
