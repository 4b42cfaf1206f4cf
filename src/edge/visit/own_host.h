/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What visitors ask of the edge itself, at its bare domain or its address: rows of method, path and
 * function.  A function gets the head and a body of at most LIMIT_OWN_BODY_BYTES, and answers once:
 * at once, or after an errand.
 *
 *	own_ask  ->  row->fn(ask)  ->  own_answer(ask, ...)
 *
 * The visitor may go while the function waits (ask->x is NULL then); the answer is owed all the
 * same, since it frees the ask.
 */
#ifndef ADIT_EDGE_VISIT_OWN_HOST_H
#define ADIT_EDGE_VISIT_OWN_HOST_H

#include "edge/visit/exchange.h"

struct own_row;

struct own_ask {
	struct exchange *x; /* NULL: the visitor has gone */
	struct worker *worker;
	const struct own_row *row;
	struct buf head, body;
	struct lobby_guest guest; /* of worker->visit->callers while its body comes */
};

/* True: this request is for the edge itself and was taken. bytes: from the head's first one on. */
bool own_host_start(struct exchange *x, struct slice bytes) must_use;
/* EXCHANGE_OWN: the connection has more of the body, or an end. */
void own_host_readable(struct exchange *x);
/* EXCHANGE_OWN: the body has not come in time. */
void own_host_late(struct exchange *x);
/* The exchange ends: a function that waits goes on without it. */
void own_host_abandon(struct exchange *x);

/* --- for the functions --- */

/* While ask->x is there. The value of the first field of that name; p NULL: there is none. */
struct slice own_field(const struct own_ask *a, struct slice name);
struct slice own_query(const struct own_ask *a);
/* fields: whole lines. Frees the ask. */
void own_answer(struct own_ask *a, int status, const char *fields, struct slice type,
    struct slice body);
/* The same with a page for people. */
void own_answer_error(struct own_ask *a, enum close_code code);

#endif
