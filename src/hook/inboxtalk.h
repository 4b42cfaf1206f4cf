/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conversation of `adit inbox` and `aditd inbox` with an edge: which requests a command
 * takes, and what people or scripts read of the answers.  Requests and answers are those of
 * edge/inbox/query.h without their envelope; nothing is sent or printed here, and no more than one
 * answer is held at a time.
 *
 *	list    [filter]                   a table, newest first
 *	show    ID                         all about one, with head and body
 *	replay  ID ... | --state S [filter] [--to TUNNEL]
 *	drop    ID ... | --state S [filter]
 *	export  [filter]                   one JSON object a line, oldest first
 *	tail    [filter]                   what comes in from now on
 *	stat                               how many in which state
 */
#ifndef ADIT_HOOK_INBOXTALK_H
#define ADIT_HOOK_INBOXTALK_H

#include "base/buf.h"
#include "base/check.h"

#include <jansson.h>

#define INBOXTALK_IDS 64

/* As people gave it; NULL: not. */
struct inboxtalk_options {
	const char *account; /* the operator's filter */
	const char *tunnel, *event, *repository;
	const char *states;        /* "parked,dead" */
	const char *since, *until; /* "2026-11-24T18:00:00Z", "2026-11-24", "30m", "12h", "7d" */
	const char *limit, *to;
	bool json, raw;
};

struct inboxtalk {
	struct inboxtalk_options o;
	const struct inboxtalk_command *command;
	json_t *request; /* the next one; read by the caller */
	char why[256];   /* what went wrong */
	char code[32];   /* a word for it: the edge's, or "failed" */
	/* private */
	uint64_t ids[INBOXTALK_IDS];
	size_t n_ids, at;
	uint64_t left; /* rows that may still be shown */
	uint64_t changed;
	json_t *row, *attempts; /* show, export: what the bytes belong to */
	struct buf bytes;
	uint64_t head_bytes;
	bool titled;
};

enum inboxtalk_step {
	INBOXTALK_ASK,  /* send t->request, give its answer to inboxtalk_next() */
	INBOXTALK_WAIT, /* tail: nothing new; ask again in a second */
	INBOXTALK_DONE,
	INBOXTALK_FAILED, /* t->why */
};

/* args: behind "inbox". now_ms: for "30m". ASK, or FAILED with a sentence. */
enum inboxtalk_step inboxtalk_start(struct inboxtalk *t, const struct inboxtalk_options *o,
    int n_args, const char *const *args, int64_t now_ms) must_use;
/* Appends to out what is to be printed. The answer stays the caller's. */
enum inboxtalk_step inboxtalk_next(struct inboxtalk *t, json_t *answer, struct buf *out) must_use;
void inboxtalk_fini(struct inboxtalk *t);

/* "30m" ago, or a date, as wall clock ms; -1 when it is neither. */
int64_t inboxtalk_time(struct slice text, int64_t now_ms);

#endif
