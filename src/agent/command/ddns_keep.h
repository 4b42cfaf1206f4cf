/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that follow the addresses of this machine.  Each link shows the edge one of them, so a link
 * that comes back is the news, and nothing is polled; the other family is asked for by a short
 * connection at the start, after changes of an address, and once an hour.
 */
#ifndef ADIT_AGENT_COMMAND_DDNS_KEEP_H
#define ADIT_AGENT_COMMAND_DDNS_KEEP_H

#include "agent/core/login.h"
#include "agent/core/screen.h"
#include "agent/link/client.h"
#include "agent/link/edge_seen.h"

#include <netinet/in.h>

enum { KEEP_V4, KEEP_V6, KEEP_FAMILIES };

/* What is known of one family of addresses. */
struct ddns_keep_family {
	char address[INET6_ADDRSTRLEN]; /* that others reach us at; "": not known */
	bool linked;                    /* the link is of this family */
	bool had;                       /* the name has such an address in DNS */
	int64_t gone_us; /* had, and neither known nor linked, since then; 0: not so */
};

/*
 * What the edge is to be told: an address, "link", "no", or NULL: nothing, it stays as it is.  One that
 * has gone is removed after LIMIT_DDNS_GONE_MS, and never replaced by the other family.
 */
const char *ddns_keep_wish(struct ddns_keep_family *f, int64_t now_us);

struct ddns_keep_name {
	const char *name;
	struct in6_addr iid;
	bool has_iid;   /* another machine: `iid` in our network */
	char told[400]; /* what people were told last */
};

struct ddns_keep {
	struct login login; /* open while it runs */
	struct ddns_keep_name *names;
	size_t n_names;
	uint16_t port;
	bool or_tunnel;
	/* private */
	struct client *client;
	struct ddns_keep_family families[KEEP_FAMILIES];
	struct edge_seen seen[KEEP_FAMILIES];
	char tickets[KEEP_FAMILIES][120]; /* "TICKET ADDRESS"; "": none */
	size_t n_asked;                   /* of seen, under way */
	size_t next;                      /* name that is asked for */
	bool asking, again;
	struct loop_timer patience, look, settle;
};

/* name is NAME, or with `host` NAME=::1:2:3:4. False: the latter is none. */
bool ddns_keep_name(struct ddns_keep_name *n, const char *text, bool host, char room[64]) must_use;

/* Of struct agent_params. */
void ddns_keep_talk(struct client *c, struct slice json, void *owner);
void ddns_keep_changed(void *owner);
void ddns_keep_ended(void *owner);

#endif
