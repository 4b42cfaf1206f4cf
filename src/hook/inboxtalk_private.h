/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of inboxtalk: the commands, what they read of people's options, and what they print. */
#ifndef ADIT_HOOK_INBOXTALK_PRIVATE_H
#define ADIT_HOOK_INBOXTALK_PRIVATE_H

#include "hook/inboxtalk.h"

struct inboxtalk_command {
	const char *name, *op;
	bool ids, needs_one; /* takes ids; exactly one */
	enum inboxtalk_step (*take)(struct inboxtalk *t, json_t *answer, struct buf *out);
};

/* t->why is "WHICH: WHAT", or WHAT alone when which is "". */
enum inboxtalk_step inboxtalk_fail(struct inboxtalk *t, const char *what, const char *which);

/* A member of an answer; "" and 0 when it is none or not of that kind. */
const char *inboxtalk_text_at(const json_t *o, const char *key);
uint64_t inboxtalk_number_at(const json_t *o, const char *key);
void inboxtalk_set_number(json_t *o, const char *key, uint64_t n);
void inboxtalk_set_op(struct inboxtalk *t, const char *op);

/* --- inboxtalk_options.c: ASK, or FAILED --- */

/* The filter and all other options, as members of t->request. */
enum inboxtalk_step inboxtalk_set_options(struct inboxtalk *t, int64_t now_ms) must_use;
/* What stands behind the command's name; the first id goes into t->request. */
enum inboxtalk_step inboxtalk_set_ids(struct inboxtalk *t, int n, const char *const *args) must_use;

/* --- inboxtalk_print.c --- */

void inboxtalk_put_date(struct buf *out, uint64_t ms);
void inboxtalk_put_json(struct buf *out, const json_t *j);
/* A delivery as a line of the table, whose title comes before the first; or as JSON. */
void inboxtalk_put_row(struct inboxtalk *t, const json_t *r, struct buf *out);
/* t->row with the head and body of t->bytes. */
void inboxtalk_put_whole(struct inboxtalk *t, struct buf *out);

#endif
