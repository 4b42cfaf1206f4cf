/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the status screen shows, as one value, and the picture of it: pure, without clock, terminal or
 * link.  The first word is the state as it is known, by a question that came back.
 *
 *	online   asked through the tunnel 3 s ago: 14 ms                        adit 0.2
 *	edge     alice @ tunnel.example.org
 *	jenkins  https://jenkins.tunnel.example.org -> 127.0.0.1:8080             online
 *	         3 wait (oldest 4 m), 1 parked; 1,284 requests; p50 12, p90 85 ms
 *	--------------------------------------------------------------------------------
 *	TIME     STATE        CODE REPOSITORY, BRANCH           SIGNATURE   TOOK  NUMBER
 *	12:59:41 * delivered   200 acme/web main                ok         31 ms   #8814
 *	--------------------------------------------------------------------------------
 *	Enter show  / filter  y copy URL  ? keys  q quit                       following
 */
#ifndef ADIT_AGENT_CONSOLE_VIEW_H
#define ADIT_AGENT_CONSOLE_VIEW_H

#include "agent/capture/rows.h"
#include "agent/console/grid.h"
#include "base/buf.h"

enum view_state {
	VIEW_CONNECTING,
	VIEW_ASKING, /* the link is there, no question has come back yet */
	VIEW_ONLINE,
	VIEW_FAILING, /* no local server answers */
	VIEW_RECONNECTING,
	VIEW_REFUSED,
	VIEW_STOPPING,
};

/* Of one tunnel, and of its local server. */
enum view_health {
	VIEW_HEALTH_UNKNOWN, /* there is no link */
	VIEW_HEALTH_ASKING,
	VIEW_HEALTH_ONLINE,
	VIEW_HEALTH_FAILING,
	VIEW_HEALTH_REFUSED,  /* by the edge */
	VIEW_HEALTH_REPLACED, /* a newer agent serves it */
};

struct view_tunnel {
	const char *name, *url, *origin; /* url "": not known yet */
	enum view_health health;
	const char *why; /* a sentence, "": none */
	unsigned status; /* of the local server's last answer, 0: not known */
	int64_t us;      /* that it took, -1: not known */
	bool open;       /* it stores what nobody has signed */
	bool stores;     /* the edge keeps its webhooks while it is away */
	struct tunnel_figures figures;
	/* What to set up at the sender of its webhooks, "": nothing. */
	const char *hook_path, *secret_file, *events, *next;
};

enum view_page { VIEW_LIST, VIEW_KEYS, VIEW_DETAIL };

/* Keys that do something here. */
enum view_can { VIEW_CAN_REPLAY = 1 << 0, VIEW_CAN_OPEN = 1 << 1 };

#define VIEW_ATTEMPTS 16

/* Strings and rows are the caller's. */
struct view {
	int64_t now_ms; /* wall clock */
	enum view_state state;
	const char *why;  /* "": none */
	int64_t again_ms; /* RECONNECTING: until the next attempt, 0: it runs */
	unsigned attempt; /* number of it */
	unsigned n_open;  /* STOPPING: what is still open */
	int64_t asked_ms; /* since a question came back, -1: none has */
	int64_t asked_us; /* that it took */
	int64_t link_us;  /* round trip of the link, 0: not known */
	int64_t up_ms;    /* since it is up, or since it was lost */
	int64_t run_ms;   /* since the agent was started */
	const char *version, *account, *edge;
	const char *web; /* address of the inspector, "": there is none */
	const struct view_tunnel *tunnels;
	size_t n_tunnels;
	enum view_page page;
	const struct capture_row *rows; /* that are shown, newest first */
	size_t n_rows;
	size_t n_newer;            /* above the first of them */
	bool n_newer_more;         /* and others */
	uint64_t selected;         /* id of a row, 0: none */
	bool following;            /* the first row is the newest */
	const char *filter;        /* "": none */
	bool typing;               /* it is being typed */
	const char *filter_wrong;  /* what does not make sense of it, "": nothing */
	struct capture_row detail; /* VIEW_DETAIL: what is shown, id 0: it is forgotten */
	struct capture_row attempts[VIEW_ATTEMPTS]; /* of the same delivery, newest first */
	size_t n_attempts;
	size_t scroll;      /* lines of the page above the first one that is shown */
	const char *notice; /* what happened last, "": nothing */
	unsigned can;       /* enum view_can */
};

/* How many rows of the list have room on a grid of this size: to be gathered before. */
size_t view_room(const struct view *v, unsigned columns, unsigned lines);
void view_draw(const struct view *v, struct grid *g);

/* Lines that stay when the screen goes: why it ended, which tunnels there were and how they did. */
void view_summary(const struct view *v, struct buf *out);

#endif
