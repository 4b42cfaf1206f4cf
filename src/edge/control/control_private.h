/* SPDX-License-Identifier: Apache-2.0 */
/* What control.c (connections) and control_op.c (requests) share. */
#ifndef ADIT_EDGE_CONTROL_CONTROL_PRIVATE_H
#define ADIT_EDGE_CONTROL_CONTROL_PRIVATE_H

#include "base/buf.h"
#include "edge/control/asker.h"
#include "edge/core/errand.h"
#include "edge/core/keyring.h"
#include "edge/core/listener.h"
#include "net/conn.h"

#include <jansson.h>

struct audit;

struct control {
	struct edge *edge;
	const struct control_ops *ops;
	void *owner;
	struct listener listener;
	struct list clients;
	size_t n_clients;
	struct errands errands;
	struct audit *audit;
	bool closed;
};

/* A client of the socket. */
struct control_client {
	struct asker asker;
	struct conn conn;
	struct list node;
	struct loop_grave grave;
	struct buf in, out;
	bool eof, dead;
};

/* A request that the store works at. */
struct control_job {
	struct errand errand;
	struct control *control;
	struct asker *client; /* NULL: it has gone */
	struct store_req req;
	/* token.add: a key for signed DNS updates, in clear and as it is stored. */
	bool has_key;
	unsigned char secret[KEYRING_SECRET_BYTES];
	struct buf sealed;
};

/* --- asker.c --- */

/* Takes over the object; NULL: there was no memory. */
void control_answer(struct asker *c, json_t *answer);
void control_refuse(struct asker *c, const char *code, const char *text);
void control_wait_over(struct asker *c, bool up);

/* --- control_cert.c --- */

/* False: there is no such request about certificates. */
bool control_cert(struct asker *c, const char *op, json_t *request);

/* --- control_status.c: requests that are answered at once --- */

void control_status(struct asker *c, json_t *request);
void control_metrics(struct asker *c, json_t *request);
void control_refused(struct asker *c, json_t *request);
void control_limits(struct asker *c, json_t *request);
void control_audit(struct asker *c, json_t *request);
void control_log(struct asker *c, json_t *request);
void control_config(struct asker *c, json_t *request);

/* --- overview.c --- */

void control_overview(struct asker *c, json_t *request);

/* --- control_tunnels.c --- */

void control_tunnel_list(struct asker *c, json_t *request);
void control_tunnel_disconnect(struct asker *c, json_t *request);
/* "up", "away", "stopped", "disabled", "unused" or "released"; under the directory's lock. */
const char *control_tunnel_state(const struct route *r);

/* --- control_store.c --- */

/* Absent: *dst stays. False also below 0 and above max. */
bool control_number(json_t *request, const char *key, int64_t max, int64_t *dst);
void control_store(struct asker *c, json_t *request, enum store_op op);
void control_token_add(struct asker *c, json_t *request);
void control_name_reserve(struct asker *c, json_t *request);

/* Who asked has gone; the job goes on alone. */
void control_job_abandon(struct asker *c);

#endif
