/* SPDX-License-Identifier: Apache-2.0 */
/* Between client.c, the client from its start to its end, and client_links.c,
 * what its links say. */
#ifndef ADIT_AGENT_LINK_CLIENT_PRIVATE_H
#define ADIT_AGENT_LINK_CLIENT_PRIVATE_H

#include "agent/link/client.h"

/* How often links that are drained are looked at, and whether the last stream has ended. */
#define CLIENT_SWEEP_US 50000

/* --- client.c --- */

/* The only writer of the state. Stops the state's timer: the next state sets its own. */
void client_move(struct client *c, enum client_state to);
/* Decides on the end; the first call says with which exit code. */
void client_end(struct client *c, int exit_code);
/* True while an end is decided on, or has come. */
bool client_is_ending(const struct client *c);
/* No new streams; those that are open may go on: for a while after a signal, for as long as they
 * like where a newer agent serves the tunnels. */
void client_wind_down(struct client *c, int exit_code);
/* From OFF or WAITING. */
void client_dial(struct client *c);
/* There is no link now: another try after a pause, or, with `once`, the end. why: for people. */
void client_retry(struct client *c, const char *why);

/* --- client_bind.c --- */

void client_on_sync(struct loop_timer *t);
/* In UP: the edge is asked for what was added, and told what was removed. */
void client_sync(struct client *c);
/* A link with another set of tunnels was dialled, or could not be. */
void client_relinked(struct client *c, struct conn *conn);

/* --- client_links.c --- */

/* The edge opens no more streams on this link, or will not soon. */
void client_drain(struct client *c, struct uplink *s);

/* The edge has promised to say what its probes found, and has not. */
void client_on_probed(struct loop_timer *t);
/* A link that was doubted has had its time to answer. */
void client_on_probe(struct loop_timer *t);

#endif
