/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the head of a request, without I/O, of what somebody has written in a form.  What a page is not
 * shown, values of header fields and of the query, it names, and they are taken from the head of the request
 * that is edited.
 */
#ifndef ADIT_AGENT_REPLAY_COMPOSE_H
#define ADIT_AGENT_REPLAY_COMPOSE_H

#include "base/buf.h"

/* Stands in a target for a value of the parent's query: of the same name, else at the same place. */
#define COMPOSE_HIDDEN "(hidden)"

struct compose_field {
	struct slice name;
	struct slice value; /* .p NULL: the parent's, of its fields of that name the next one */
};

struct compose_draft {
	struct slice method, target;
	const struct compose_field *fields;
	size_t n_fields;
	struct slice host;   /* where no field says another */
	uint64_t body_n;     /* bytes of the body */
	struct slice parent; /* its head, "": there is none */
};

/*
 * Fields that say how the message is framed, or that concern one connection, are left out.  False: it is no
 * request, or the parent has no such value; out is to be thrown away then.
 */
bool compose_head(const struct compose_draft *d, struct buf *out);
/* A field that says how the message is framed, or that concerns one connection. */
bool compose_is_left_out(struct slice name);

#endif
