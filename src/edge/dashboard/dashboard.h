/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's pages, and what scrapers and supervisors ask, on listeners of their own and on the main
 * loop.  Pages ask by the same requests as the commands of aditd (POST /v1/ask), as the role of their session
 * lets them; so whatever they show a command prints, too.
 *
 *	GET    /, /dashboard/...              the pages, which show nothing without a session
 *	GET    /metrics, /healthz, /readyz    for everybody who can connect
 *	POST   /v1/session {"code"}           the code of a link for a token
 *	GET    /v1/session                    whose session it is
 *	DELETE /v1/session                    ends it
 *	POST   /v1/ask {"op",...}             as a line of the control socket
 */
#ifndef ADIT_EDGE_DASHBOARD_DASHBOARD_H
#define ADIT_EDGE_DASHBOARD_DASHBOARD_H

#include "edge/control/control.h"

#include <jansson.h>

struct dashboard;

struct dashboard_config {
	struct edge *edge;
	const struct control_ops *ops; /* of the figures; the control socket's */
	void *owner;                   /* of ops */
	struct control *control;       /* answers the requests */
	const struct settings *settings;
	bool any_port; /* --dev: a free one, whatever the settings say */
};

/* NULL and a malloced sentence, also where an address that the settings name cannot be listened on. */
struct dashboard *dashboard_new(const struct dashboard_config *config, char **ret_error) must_use;
/* Where people reach it: "127.0.0.1:4041" or "unix:/path"; "": nowhere. */
const char *dashboard_address(const struct dashboard *d);
/*
 * {"op":"dashboard.link","role":...,"account":...}, "dashboard.sessions", or "dashboard.end" with an "id", as
 * an operator asks by the control socket.
 */
json_t *dashboard_request(struct dashboard *d, const json_t *request) must_use;
/* Closes all; what was asked goes on without an answer. Before control_close(). NULL is fine. */
void dashboard_free(struct dashboard *d);

#endif
