/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the inspector. */
#ifndef ADIT_AGENT_INSPECT_INSPECT_PRIVATE_H
#define ADIT_AGENT_INSPECT_INSPECT_PRIVATE_H

#include "agent/inspect/inspector.h"
#include "web/reply.h"
#include "web/stream.h"

#include <jansson.h>

/* A page that follows what happens. */
struct inspect_watcher {
	struct inspector *inspector;
	struct web_request *request;
	struct list node; /* in inspector->watchers */
	uint64_t seen;    /* rows_seq() that it was told */
};

struct inspector *inspector_of(const struct web_request *r);

/* --- row_json.c --- */
/* Bytes of anybody's as a text: what is no UTF-8 becomes '?'. */
json_t *inspect_text(struct slice s);
json_t *inspect_number(uint64_t n);
json_t *inspect_row(const struct capture_row *r);
/* "path?a=(hidden)"; target: up to its end or a '#'. */
void inspect_hide_query(struct slice target, struct buf *out);

/* --- state_json.c --- */
/* now: with the clock, which is no change. */
json_t *inspect_state(struct inspector *i, bool now);

/* --- sink_page.c --- */
/* Does a tunnel go to the sink? */
bool inspect_sink_on(struct inspector *i);
void inspect_sink(struct web_request *r);
void inspect_sink_put(struct web_request *r);

/* --- watch.c --- */
void inspect_events(struct web_request *r);
void inspect_watch_begin(struct inspector *i);
void inspect_watch_end(struct inspector *i);
/* Rows have gone: all pages ask for the list again. */
void inspect_watch_lost(struct inspector *i);
/* Something in the edge's inbox has changed. */
void inspect_watch_inbox(struct inspector *i);

/* --- doctor_run.c --- */
void inspect_doctor(struct web_request *r);

/* --- inbox.c --- */
/* Tags of their rows. */
enum { INSPECT_REPLAY, INSPECT_DROP };
void inspect_inbox(struct web_request *r);
void inspect_inbox_one(struct web_request *r);
void inspect_inbox_change(struct web_request *r);

/* --- keep.c --- */
/* Tags of their rows. */
enum { INSPECT_UNPIN, INSPECT_PIN };
void inspect_pin(struct web_request *r);
void inspect_clear(struct web_request *r);

/* --- exchange_json.c --- */
void inspect_one(struct web_request *r);
void inspect_reveal(struct web_request *r);

/* --- search.c --- */
void inspect_search(struct web_request *r);

/* --- why.c --- */
void inspect_why(struct web_request *r);

/* --- send.c --- */
void inspect_replay(struct web_request *r);
void inspect_send(struct web_request *r);

/* --- export.c --- */
void inspect_export(struct web_request *r);

/* --- import.c --- */
void inspect_import(struct web_request *r);

/* --- body.c --- */
/* Tags of their rows. */
enum { INSPECT_REQUEST, INSPECT_RESPONSE };
void inspect_body(struct web_request *r);
void inspect_pieces(struct web_request *r);

/* The row of the path's id; false: that there is none was answered. */
bool inspect_find(struct web_request *r, struct capture_row *ret);
/* A field's value in a head; .p NULL: there is none. */
struct slice inspect_field(struct slice head, struct slice name);

#endif
