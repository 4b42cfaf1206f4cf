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
struct pinning;

struct capture_options {
	uint64_t bytes_max; /* of the disk */
	int64_t age_ms_max;
	/* Names with commas between them, NULL: none; they are copied. Values of these header fields, and of
	 * these parameters of a query ("?name"), never come to the disk; what redact.h hides beside its own. */
	const char *never_store, *redact;
};

/* How often something was left out, since the start: exchanges. */
struct capture_cuts {
	uint64_t size, disk, rate;
};

struct capture_state {
	bool on;         /* exchanges are written to the disk */
	const char *why; /* they are not; "" where they are */
	uint64_t bytes, bytes_max;
	int64_t age_ms_max;
	struct capture_cuts cuts;
};

/* NULL without memory. */
struct capture *capture_new(struct loop *l) must_use;
/*
 * A tunnel of the agent takes the place `index` of its list, at most LIMIT_AGENT_TUNNELS of them;
 * its figures begin anew. name: what people call it.
 */
void capture_tunnel(struct capture *c, size_t index, const char *name, enum capture_level level);
enum capture_level capture_level(const struct capture *c, size_t index);
/*
 * Opens the folder, reads what is there into the list, and writes from now on, until the
 * disk fails: then `stopped` is called once with why, if it is not NULL. NULL, or a malloced sentence: then rows are
 * all that there is.
 */
char *capture_store(struct capture *c, const char *path, const struct capture_options *o,
    void (*stopped)(void *owner, const char *why), void *owner) must_use;
/* For redact.h: what capture_store() was told. */
const char *const *capture_redacted(const struct capture *c);
/*
 * An exchange that has ended, and lies in our own folder, is copied to where the limits do not reach it, or
 * is left to them again.  A slice each turn of the loop, one exchange after another; then `done` is called once, with
 * NULL or a sentence for people.  NULL: no memory, or too many wait.
 */
struct pinning *capture_pin(struct capture *c, uint64_t id, bool pinned,
    void (*done)(void *owner, const char *why), void *owner) must_use;
/* Before done() was called: it will not be, but the work goes on. */
void capture_pin_leave(struct pinning *p);
/* Forgets all but what is pinned, on the disk, too, but for what other agents have written. */
void capture_clear(struct capture *c);
void capture_state(struct capture *c, struct capture_state *ret);
/* What waits for a tenth of a second goes to the writer now: before files are looked through. */
void capture_flush(struct capture *c);
/* All taps must have ended. NULL is harmless. */
void capture_free(struct capture *c);
struct rows *capture_rows(struct capture *c);

/*
 * A row for an exchange that will be sent from here, so that it has an id before its turn comes; about: what is
 * known of it, its texts are copied.  tap_opening.id takes it over. Its id, 0: there is no room.
 */
uint64_t capture_promise(struct capture *c, size_t tunnel, const struct capture_row *about);
/* It was not sent, or not told to a tap: why, a word. Nothing where its tap has ended it. */
void capture_unsent(struct capture *c, uint64_t id, struct slice code);

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
