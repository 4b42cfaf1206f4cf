/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket: a Unix socket (0600) on the main loop, for this user and root alone
 * (SO_PEERCRED).  A request is one line of JSON, {"op":"token.add","account":"ci"}, and so is its
 * answer, {"ok":true,...} or
 * {"ok":false,"code":"...","text":"..."}.  One request at a time on a connection.
 */
#ifndef ADIT_EDGE_CONTROL_CONTROL_H
#define ADIT_EDGE_CONTROL_CONTROL_H

#include "edge/core/edge.h"
#include "net/loop.h"

#include <jansson.h>

struct control;
struct inbox_counts;

struct control_ops {
	/* False and *ret_text: it did not work out. */
	bool (*reload)(void *owner, char *ret_text, size_t cap);
	void (*stop)(void *owner);
	/* Why the last reload was refused; "": it was not. */
	const char *(*not_reloaded)(void *owner);
	/* What the name server has done; NULL: there is none. */
	json_t *(*dns)(void *owner);
	/* As housekeeping has counted last; NULL: not yet. */
	const struct inbox_counts *(*inbox)(void *owner);
	/* Those that hold now. */
	const struct settings *(*settings)(void *owner);
	/* No new visitors are taken. */
	bool (*stopping)(void *owner);
	/* A visitor who asks for the domain is shown some certificate. */
	bool (*certified)(void *owner);
	/* Requests about the dashboard; see dashboard.h. */
	json_t *(*dashboard)(void *owner, const json_t *request);
	/* Handshakes begun and failed. */
	void (*handshakes)(void *owner, uint64_t *ret_begun, uint64_t *ret_failed);
};

/* Takes over the listening descriptor. NULL and errno. */
struct control *control_new(struct edge *e, int fd, const struct control_ops *ops,
    void *owner) must_use;
/* No new clients; those who wait are cut. */
void control_close(struct control *c);
/* After the store has finished. */
void control_free(struct control *c);
/* A route is served now: answers those who wait for it. */
void control_route_up(struct control *c, const char *key);

#endif
