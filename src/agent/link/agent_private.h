/* SPDX-License-Identifier: Apache-2.0 */
/* Between agent.c, the program from its start to its end, and agent_tunnels.c. */
#ifndef ADIT_AGENT_LINK_AGENT_PRIVATE_H
#define ADIT_AGENT_LINK_AGENT_PRIVATE_H

#include "agent/link/agent.h"
#include "net/watchdog.h"

/* All of it lives as long as agent_run(); one loop runs it. */
struct agent {
	const struct agent_params *params;
	struct loop *loop;
	struct resolver *resolver;
	struct screen silent; /* where nobody is to be told */
	struct screen *screen;
	struct serve serve;
	struct client client;
	struct netwatch watch;
	struct watchdog watchdog;
	struct loop_io signals, output;
	struct agent_tunnel *tunnels; /* LIMIT_AGENT_TUNNELS places */
	uint16_t last_id;             /* of tunnels: each gets the next one that is free */
	size_t n_guests;              /* that have begun */
	int exit_code;
	const char *why; /* of `once` */
};

/* --- agent_tunnels.c --- */

/* Those of the parameters. NULL, or a malloced sentence; close and free take back what there is
 * in either case. */
char *agent_tunnels_open(struct agent *a) must_use;
/* What they have on the loop, while it is still there; harmless twice. */
void agent_tunnels_close(struct agent *a);
void agent_tunnels_free(struct agent *a);

#endif
