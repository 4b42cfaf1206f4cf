/* SPDX-License-Identifier: Apache-2.0 */
/* Answers a CA that looks for a challenge. */
#include "edge/visit/challenge_answer.h"

#include "edge/core/board.h"
#include "edge/visit/local_reply.h"

#define FOLDER S("/.well-known/acme-challenge/")
/* A key authorisation: token, dot and thumbprint. */
#define BODY_BYTES 512

bool
challenge_answer(struct exchange *x, struct slice bytes)
{
	const struct h1_head *h = &x->req.head;
	struct slice path = h1_text(bytes, h->path), method = h1_text(bytes, h->method);
	char body[BODY_BYTES];

	if (!slice_starts(path, FOLDER) ||
	    (!slice_eq(method, S("GET")) && !slice_eq(method, S("HEAD"))))
		return false;
	if (!board_http(x->worker->edge->board, slice_from(path, FOLDER.n), body, sizeof(body)))
		return false;
	x->req_head = slice_eq(method, S("HEAD"));
	counter_add(&x->worker->counters.requests, 1);
	local_reply_own(x, 200, "", S("application/octet-stream"), slice_str(body),
	    slice_from(bytes, h->n_bytes));
	return true;
}
