/* SPDX-License-Identifier: Apache-2.0 */
/* What control.c (connections) and control_op.c (requests) share. */
#ifndef ADIT_EDGE_CONTROL_CONTROL_PRIVATE_H
#define ADIT_EDGE_CONTROL_CONTROL_PRIVATE_H

#include "base/buf.h"
#include "edge/control/control.h"
#include "edge/core/errand.h"
#include "edge/core/keyring.h"
#include "edge/core/listener.h"
#include "net/conn.h"

#include <jansson.h>

struct control {
	struct edge *edge;
	const struct control_ops *ops;
	void *owner;
	struct listener listener;
	struct list clients;
	size_t n_clients;
	struct errands errands;
	bool closed;
};

struct control_client {
	struct conn conn;
	struct control *control;
	struct list node;
	struct loop_grave grave;
	struct buf in, out;
	struct control_job *job;    /* the store works for it */
	struct query *query;        /* the same, for a request of the inbox */
	struct certs_job *cert_job; /* a CA is asked for it */
	struct domain_ask *domain;  /* own domains are asked for */
	bool eof, dead;
	/* {"op":"wait"} */
	char wait_key[DIRECTORY_KEY_BYTES]; /* "": does not wait */
	struct loop_timer wait_timer;
};

/* A request that the store works at. */
struct control_job {
	struct errand errand;
	struct control *control;
	struct control_client *client; /* NULL: it has gone */
	struct store_req req;
	/* token.add: a key for signed DNS updates, in clear and as it is stored. */
	bool has_key;
	unsigned char secret[KEYRING_SECRET_BYTES];
	struct buf sealed;
};

/* --- control.c --- */

/* Takes over the object. Goes on with the next request. */
void control_answer(struct control_client *c, json_t *answer);
void control_refuse(struct control_client *c, const char *code, const char *text);

/* --- control_cert.c --- */

/* False: there is no such request about certificates. */
bool control_cert(struct control_client *c, const char *op, json_t *request);

/* --- control_status.c: requests that are answered at once --- */

void control_status(struct control_client *c, json_t *request);
void control_metrics(struct control_client *c, json_t *request);
void control_limits(struct control_client *c, json_t *request);

/* --- control_op.c --- */

/* Answers at once, or later through control_answer(). */
void control_request(struct control_client *c, json_t *request);
void control_wait_over(struct control_client *c, bool up);
/* The client has gone; its job goes on alone. */
void control_job_abandon(struct control_client *c);

#endif
