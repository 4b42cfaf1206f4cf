/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The capture of an agent: the list of what has passed (rows.h), and, where there is a folder for it, the
 * exchanges themselves on the disk.  Taps fill it (tap.h), exchange.h and seek.h read it.
 *
 * Of the agent's loop thread alone.
 */
#ifndef ADIT_AGENT_CAPTURE_CAPTURE_H
#define ADIT_AGENT_CAPTURE_CAPTURE_H

#include "agent/capture/rows.h"

/* What is kept of a tunnel's exchanges (inspect: in adit.yml). */
enum capture_level {
	CAPTURE_ON,    /* heads and bodies; the default */
	CAPTURE_HEADS, /* heads alone */
	CAPTURE_OFF,   /* nothing on the disk; the row lives in memory, without its query */
};

struct capture;

/* NULL without memory. */
struct capture *capture_new(struct loop *l) must_use;
/*
 * A tunnel of the agent takes the place `index` of its list, at most LIMIT_AGENT_TUNNELS of them;
 * its figures begin anew. name: what people call it.
 */
void capture_tunnel(struct capture *c, size_t index, const char *name, enum capture_level level);
/* All taps must have ended. NULL is harmless. */
void capture_free(struct capture *c);
struct rows *capture_rows(struct capture *c);

/* What the edge says that it did, beside passing exchanges on (doc/protocol.txt). */
struct edge_row {
	size_t tunnel; /* index in the agent's list */
	int64_t at_ms;
	int64_t took_us;          /* -1: not known */
	uint64_t delivery;        /* 0: none */
	uint64_t bytes;           /* body of the request */
	uint32_t attempt;         /* 0: none yet */
	uint16_t status;          /* of the edge's answer, or of the origin's in the last attempt */
	enum row_state state;     /* REFUSED, or one of a delivery */
	enum row_verdict verdict; /* NONE: not told */
	struct slice request_id, code, method, target, host, event, repository, branch, provider,
	    client;
};

/* Adds a row, or changes the one of the same delivery or request: what the edge does not say stays. */
void capture_edge_row(struct capture *c, const struct edge_row *e);

#endif
