/* SPDX-License-Identifier: Apache-2.0 */
/* Between event_senders.c, where the rows of the senders stand, and event.c, which reads them. */
#ifndef ADIT_HOOK_EVENT_PRIVATE_H
#define ADIT_HOOK_EVENT_PRIVATE_H

#include "hook/event.h"

/* What a path of the body is for. */
enum event_what {
	WANT_KEY,
	WANT_ID, /* of the delivery, where headers have none */
	WANT_REPOSITORY,
	WANT_PROJECT, /* stands before WANT_SLUG */
	WANT_SLUG,
	WANT_REF,      /* branch or tag; refs/heads/ is taken off */
	WANT_REF_TYPE, /* "branch", where the ref itself does not say it */
	WANT_REF_GONE, /* its name where it was deleted */
	WANT_CHANGES,  /* array of changed refs */
	WANT_DELETED,  /* true, null, "DELETE" or a hash of zeros: the ref was deleted */
	WANT_REQUEST,  /* number of a pull request */
	WANT_ACTOR,
};

struct event_want {
	enum event_what what;
	const char *path;
};

#define EVENT_WANTS 16
#define EVENT_IDS 4

/* Where the event's key, the ids of a delivery and the rest stand. */
struct event_row {
	const char *key_header;
	const char *ids[EVENT_IDS];     /* the first that is there */
	const char *hook_header;        /* goes into the dedupe key with it */
	const struct event_want *wants; /* EVENT_WANTS rows; an empty one ends them */
};

extern const struct event_row event_rows[]; /* by enum event_sender */
extern const size_t event_rows_n;

#endif
