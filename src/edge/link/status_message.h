/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `adit doctor` and `adit status` ask over a link: {"type":"probe","name":"jenkins"} (or "host":
 * a public host).  The agent is told what the edge knows of a tunnel of its own account, and gets a
 * ticket for it (ticket.h):
 *
 *	{"type":"probe","name","state":"up|away|released|unknown|other","url","edge","now_ms","since_ms","ticket",
 *	 "policy":{...},"link":{...},"inbox":{...},"last":{...},"notes":[...]}
 *
 * With "through":true the edge asks the local server itself, through whichever link serves the
 * tunnel (health.h), and the answer has "origin":{"probe":"ok","status":200,"us":4200}.
 */
#ifndef ADIT_EDGE_LINK_STATUS_MESSAGE_H
#define ADIT_EDGE_LINK_STATUS_MESSAGE_H

#include "edge/link/session.h"

#include <jansson.h>

/* A CONTROL message of type "probe", of a session that is up. */
void status_message(struct session *s, const json_t *question);
/* The session is over. */
void status_abandon(struct session *s);

#endif
