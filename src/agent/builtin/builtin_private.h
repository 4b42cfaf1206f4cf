/* SPDX-License-Identifier: Apache-2.0 */
/* Between builtin.c, thread and connections, and what is answered. */
#ifndef ADIT_AGENT_BUILTIN_BUILTIN_PRIVATE_H
#define ADIT_AGENT_BUILTIN_BUILTIN_PRIVATE_H

#include "agent/builtin/builtin.h"
#include "http/h1.h"
#include "net/conn.h"

#include <sys/stat.h>

struct builtin_site {
	_Atomic unsigned refs;
	enum builtin_kind kind;
	int root; /* of files */
	bool listing, hidden;
	struct sink *sink;
};

/* A head as the agent sends it. */
#define BUILTIN_IN_BYTES (LIMIT_HEAD_BYTES + H1_INSIDE_BYTES + 1024)
#define BUILTIN_OUT_BYTES (LIMIT_SINK_HEADER_BYTES + 1024)

enum builtin_state {
	BUILTIN_READING,    /* a head.  When it is whole, what is answered is decided. */
	BUILTIN_DISCARDING, /* a body that nobody wants.  Its end leaves it. */
	BUILTIN_WAITING,    /* as long as a rule says.  The timer leaves it. */
	BUILTIN_SENDING, /* head and body.  Their end leaves it for READING, or the connection goes. */
	BUILTIN_GONE,
};

struct builtin_conn {
	struct conn conn;
	struct builtin *builtin;
	struct builtin_site *site;
	struct list node;
	enum builtin_state state;
	struct h1 h1;
	char *in; /* BUILTIN_IN_BYTES */
	size_t in_n;
	bool keep_alive, head_only;
	struct buf out; /* the head, and short bodies behind it */
	size_t out_at;
	const char *body; /* of the rules, or of `list` */
	size_t body_n, body_at;
	struct buf list;          /* a folder as a page */
	struct sink_rules *rules; /* that body is of */
	int delay_ms;
	int file;                    /* -1: none */
	uint64_t file_at, file_left; /* what is still to be sent of it */
	struct loop_timer delay;
	struct loop_grave grave;
};

/* --- answers.c: the head is whole, `in` has it; these fill in out, body and file --- */

/* A short answer. fields: more header fields, each with its line's end, or "". */
void builtin_say(struct builtin_conn *c, int status, const char *fields, const char *text);
const char *builtin_reason(int status);

/* --- files.c --- */
void builtin_files(struct builtin_conn *c);

/* --- listing.c: the folder's page into c->list. False: it cannot be read. --- */
bool builtin_list(struct builtin_conn *c, int fd) must_use;

#endif
