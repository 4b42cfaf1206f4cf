/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes requests as files of other tools: a script of curl, HAR 1.2, a test of pytest, a tar of .http files.
 * Whatever stands in a request is quoted so that the tool sends those bytes and does nothing else.
 * Without I/O.
 *
 *	script_begin(), script_put() for each, script_end()
 */
#ifndef ADIT_AGENT_REPLAY_SCRIPT_H
#define ADIT_AGENT_REPLAY_SCRIPT_H

#include "base/buf.h"

enum script_form { SCRIPT_CURL, SCRIPT_HAR, SCRIPT_PYTEST, SCRIPT_HTTP };

struct script_request {
	uint64_t id;
	int64_t at_ms, took_us; /* took: -1: it runs */
	unsigned status;        /* of the answer, 0: there was none */
	struct slice event;     /* "" where it is not known */
	struct slice head, body;
	struct slice answer_head, answer_body; /* HAR alone; "": there is none */
	bool has_gap;                          /* not all of the body is in it */
};

/* False: there is no such form. */
bool script_form_of(struct slice word, enum script_form *ret);
/* "requests.sh", and its type. */
const char *script_file_name(enum script_form f);
const char *script_type(enum script_form f);

void script_begin(enum script_form f, struct buf *out);
/* The i-th, from 0 on. */
void script_put(enum script_form f, const struct script_request *r, size_t i, struct buf *out);
void script_end(enum script_form f, struct buf *out);

/* --- between its files --- */

/* Takes the next field from lines; false at their end. Those that frame the message, and those that
 * concern one connection, are passed over. */
bool script_field(struct slice *lines, struct slice *ret_name, struct slice *ret_value);
/* Method and target of a head, whose fields are left in *head. */
void script_line(struct slice *head, struct slice *ret_method, struct slice *ret_target);
/* Its value, "": there is none. */
struct slice script_find(struct slice head, struct slice name);
bool script_is_utf8(struct slice s);
void script_put_har(const struct script_request *r, struct buf *out);
void script_put_base64(struct slice s, struct buf *out);

#endif
