/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who changed what by the control socket or the dashboard: a line of JSON each, appended to a file, and the last of them in
 * memory.  A full file becomes FILE.1 and takes the place of the one before.  Members of a request that say what it is about
 * are noted, secrets are not.
 *
 *	{"at_ms":1764000000123,"who":"session 1a2b3c4d (operator)","op":"token.revoke","about":"76ArwSWy6rtq","code":"ok"}
 */
#ifndef ADIT_EDGE_CONTROL_AUDIT_H
#define ADIT_EDGE_CONTROL_AUDIT_H

#include "base/check.h"

#include <jansson.h>

struct audit;

/* Reads what is in the folder's files. One that cannot be written is told by the log, once. NULL without memory. */
struct audit *audit_open(const char *folder) must_use;
/* NULL is fine. */
void audit_close(struct audit *a);
/* What a request is about, into dst: its id, name and so on; "" where it says nothing. */
void audit_about(const json_t *request, char *dst, size_t cap);
/* a NULL: nowhere. code: "ok", or that of the refusal. */
void audit_put(struct audit *a, const char *who, const char *op, const char *about,
    const char *code);
/* The last LIMIT_AUDIT_SHOWN, the newest first; a reference of the caller's. */
json_t *audit_list(const struct audit *a) must_use;

#endif
