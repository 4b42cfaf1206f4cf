/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The failures that lie on the way from a hook to a build, in the order of that way, as rows of one
 * table. The doctor above this room finds them; what it says stands here.
 */
#ifndef ADIT_HOOK_DOCTOR_H
#define ADIT_HOOK_DOCTOR_H

#include "base/buf.h"
#include "base/check.h"
#include "base/slice.h"

enum doctor_stage {
	DOCTOR_HOOK,
	DOCTOR_DNS,
	DOCTOR_TCP,
	DOCTOR_TLS,
	DOCTOR_EDGE,
	DOCTOR_LINK,
	DOCTOR_ORIGIN,
	DOCTOR_INBOX,
	DOCTOR_JOB,
};
/* "hook", "dns" ... */
const char *doctor_stage_name(enum doctor_stage s);

enum doctor_severity { DOCTOR_INFO, DOCTOR_WARNING, DOCTOR_FAILURE };
const char *doctor_severity_name(enum doctor_severity s);

struct doctor_row {
	const char *code; /* stable: "hook-localhost" */
	uint8_t number;   /* stable, from 1 */
	enum doctor_stage stage;
	enum doctor_severity severity;
	const char *text;   /* one sentence; {host} {port} {path} {preset} ... are filled in by
			       doctor_text() */
	const char *remedy; /* what to do, likewise */
};

extern const struct doctor_row doctor_rows[];
extern const size_t doctor_rows_n;
const struct doctor_row *doctor_find(struct slice code);

struct doctor_value {
	const char *key;
	struct slice value;
};
/* Appends `template` with {key} replaced; an unknown key stays readable without its braces. Control
 * characters become '?'. */
void doctor_text(const char *template, const struct doctor_value *values, size_t n,
    struct buf *out);

#endif
