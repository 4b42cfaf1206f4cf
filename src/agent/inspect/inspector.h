/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inspector: what the pages of src/web/ui ask for at /v1/ of the agent's web server
 * (doc/inspector-api.md).  Lists and states are of memory, exchanges are read from the capture.
 */
#ifndef ADIT_AGENT_INSPECT_INSPECTOR_H
#define ADIT_AGENT_INSPECT_INSPECTOR_H

#include "agent/inspect/edge_ask.h"
#include "agent/inspect/web.h"

struct replay;
struct doctor_run;

struct inspector {
	struct agent_guest guest; /* behind the web server's */
	/* private */
	const char *edge;      /* as people call it */
	struct replay *replay; /* the caller's; begins before it and ends before it */
	/* What `adit doctor` is to be given, each NULL: nothing; set by the caller after inspector_init(). */
	struct {
		const char *ca, *file, *origin, *secret_file;
		struct doctor_run *run; /* private; NULL: none runs */
	} doctor;
	struct client *client; /* NULL before it begins and after its end */
	struct rows *rows;     /* the capture's */
	struct rows_listener listener;
	struct list watchers;     /* of struct inspect_watcher: pages that follow */
	struct edge_asks asks;    /* questions to the edge */
	uint64_t inbox;           /* what was told of the figures of the inbox last, as a sum */
	size_t n_searches;        /* that run */
	struct loop_timer pace;   /* rows are told again when it rings, while somebody follows */
	struct loop_timer states; /* the same of the state */
	bool pacing;
	char *state; /* as it was told last, malloced */
	/* Equal hidden values have equal marks, and only until the agent ends. */
	unsigned char key[32];
	/* What was counted when rows_seq() was that. */
	uint64_t counted;
	struct {
		uint64_t all, needs_you, waiting, delivered, refused, replays;
	} counts;
};

/* Rows for inspect_web_add(). edge: as in the configuration; replay: what sends requests again. */
void inspector_init(struct inspector *i, const char *edge, struct replay *replay,
    struct inspect_part *ret_part);

#endif
