/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's own web server, at 127.0.0.1:4040 or the next free port, for as long as the agent runs.
 * What it answers is brought by several owners: each adds its rows before the agent starts, and its
 * handlers ask for their owner by inspect_web_owner().
 *
 * Who asks is known by the kernel (web/peer.h) or by a token, which is kept in a file of mode 0600.
 * An address that other machines reach knows its clients by the token alone.
 */
#ifndef ADIT_AGENT_INSPECT_WEB_H
#define ADIT_AGENT_INSPECT_WEB_H

#include "agent/core/config.h"
#include "agent/link/agent.h"
#include "web/server.h"

#define INSPECT_PARTS 4
#define INSPECT_ROWS 96 /* of all parts together */

/* The rows of one owner. */
struct inspect_part {
	const struct web_route *rows;
	size_t n_rows;
	void *owner;
	/* Only with the token, whoever asks; rows of WEB_OPEN stay open. */
	bool by_token;
};

struct inspect_web {
	struct agent_guest guest; /* for agent_params: it listens before anything is dialled */
	/* private */
	const struct config_web *config;
	const char *address; /* of --web; NULL: as the configuration says */
	const struct web_assets *assets;
	struct client *client;
	struct web_server *server;
	struct inspect_part parts[INSPECT_PARTS];
	size_t n_parts, n_rows;
	struct web_route rows[INSPECT_ROWS];
	unsigned char part_of[INSPECT_ROWS]; /* whose row it is */
	char *hosts;                         /* cut at its commas */
	char token[64];
	char bound[160]; /* "127.0.0.1:4040", "": it does not listen */
	char link[256];  /* what people open; with the token where that is needed */
};

/* address: of --web, NULL where none was given, "off": no server; assets: NULL: no pages. */
void inspect_web_init(struct inspect_web *w, const struct config_web *config, const char *address,
    const struct web_assets *assets);
/* Before the agent runs. */
void inspect_web_add(struct inspect_web *w, const struct inspect_part *part);
/* Is there to be a server? */
bool inspect_web_wanted(const struct inspect_web *w);
/* Is the address one that this machine alone reaches? */
bool inspect_web_is_local(const struct inspect_web *w);
/* Of the part that this request is for. */
void *inspect_web_owner(const struct web_request *r);

#endif
