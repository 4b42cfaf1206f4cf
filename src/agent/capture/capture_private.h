/* SPDX-License-Identifier: Apache-2.0 */
/* The capture as its parts see it. */
#ifndef ADIT_AGENT_CAPTURE_CAPTURE_PRIVATE_H
#define ADIT_AGENT_CAPTURE_CAPTURE_PRIVATE_H

#include "agent/capture/capture.h"
#include "agent/capture/disk.h"
#include "agent/capture/governor.h"
#include "agent/capture/tap.h"
#include "agent/capture/writer.h"
#include "base/limits.h"
#include "base/slab.h"

/* What is kept of an exchange that passes through. */
enum tap_kept {
	TAP_ROW,   /* its row alone */
	TAP_HEADS, /* heads, too */
	TAP_ALL,
};

struct tap {
	struct capture *capture;
	struct list node; /* in capture->running */
	enum tap_kept kept;
	uint64_t last; /* place of its last record, 0: none */
	uint32_t n_records;
	/* Of each side's body: bytes that are kept, and that nothing more is. */
	uint64_t body[2];
	bool cut[2];
	uint16_t flags; /* of its row */
	uint64_t id;    /* of its row, 0: none yet */
	uint64_t parent;
	bool ours, imported; /* people have asked for it; it came from a file */
	uint64_t promised;   /* id of a row that is there for it, 0: none */
	int64_t begun_ms;
	int64_t begun_us; /* the same on the loop's clock */
	size_t tunnel;
	enum row_kind kind;
	bool switched; /* its answer was 101 */
	char request_id[40], client[48];
};

struct capture {
	struct loop *loop;
	struct rows *rows;
	struct slab taps;
	struct capture_place {
		char name[64];
		enum capture_level level;
	} tunnels[LIMIT_AGENT_TUNNELS];
	uint64_t last_id;               /* of a row */
	struct list running;            /* taps */
	struct capture_options options; /* without its strings */
	char **never_store, **redact;   /* names, each list ends with NULL; NULL: none */
	char *blank; /* CAPTURE_BLANK_BYTES: a head without what is never stored */
	/* The disk. has_disk: what is there can be read; writer: more is written, NULL: not. */
	bool has_disk;
	struct disk disk;
	struct writer *writer;
	struct writer *spent; /* one that has failed: its last mail may be on its way */
	struct list seeks;    /* searches */
	struct list pinnings; /* pin.c: exchanges that are being pinned; the first one runs */
	size_t n_pinnings;
	struct loop_task pin_turn;
	struct governor governor;
	struct capture_cuts cuts;
	char why[200]; /* nothing is written, "": it is */
	void (*stopped)(void *owner, const char *why);
	void *stopped_owner;
};

/* A list of names, in one piece of memory to be freed; NULL without memory, or where there are none. */
char **capture_names(const char *list);
#define CAPTURE_BLANK_BYTES (2 * LIMIT_HEAD_BYTES)
/* Puts stars in the place of values that are never stored; *lines is a copy then. first: they begin
 * with the first line of a head. False: there was none. */
bool capture_blank(struct capture *c, struct slice *lines, bool first);
/* A record of a row, which becomes its last one. Nothing where nothing is written. */
void capture_keep_row(struct capture *c, struct capture_row *r);
/* Place of the last record of an exchange, by its row's and by what passes now. */
uint64_t capture_last_place(const struct capture *c, uint64_t id, uint64_t at);

/* --- pin.c --- */
void pin_init(struct capture *c);
void pin_fini(struct capture *c);
/* capture_keep_row() of what is pinned: it lies beside the rest of it, whatever happens to the segments. */
void pin_keep_row(struct capture *c, struct capture_row *r);

/* The next id: the time, so that it grows over restarts, too. */
uint64_t capture_next_id(struct capture *c);

#endif
