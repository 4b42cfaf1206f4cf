/* SPDX-License-Identifier: Apache-2.0 */
/* What a request says about the part and the age of a file that it wants (RFC 9110 13, 14): pure. */
#ifndef ADIT_AGENT_BUILTIN_FILE_MATCH_H
#define ADIT_AGENT_BUILTIN_FILE_MATCH_H

#include "base/check.h"
#include "base/slice.h"

#include <stdint.h>
#include <time.h>

enum file_range {
	FILE_RANGE_NONE, /* all of it: there is no Range, several, or one that is no range of bytes */
	FILE_RANGE_PART,
	FILE_RANGE_BEYOND, /* 416 */
};

/* value: of Range. *ret_first and *ret_n: of PART. */
enum file_range file_range(struct slice value, uint64_t size, uint64_t *ret_first,
    uint64_t *ret_n) must_use;

/* Does a list of entity tags, or "*", name this one? Weak ones are compared without their W/. */
bool file_tag_listed(struct slice list, struct slice tag);

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
#define FILE_DATE_BYTES 48
void file_date(time_t t, char dst[FILE_DATE_BYTES]);
/* The same read; -1: it is none (the two old forms are none: no caller needs an answer to them). */
time_t file_date_read(struct slice s) must_use;

#endif
