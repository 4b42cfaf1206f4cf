/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The access log in a file of its own: a line for each request, as the log would have it, or in the
 * combined format of other web servers.  One write(2) a line to a file that is open for appending, so
 * that lines of several workers never mix.  Any thread writes; the main thread opens, at the start and
 * at each reload: a file that was moved away (logrotate) is made anew then.
 *
 * Bytes from outside are escaped in each format: a line stays one line, and a quote ends no field.
 */
#ifndef ADIT_EDGE_CORE_ACCESS_LOG_H
#define ADIT_EDGE_CORE_ACCESS_LOG_H

#include "base/buf.h"
#include "base/check.h"
#include "base/log.h"

enum access_format { ACCESS_LOGFMT, ACCESS_JSON, ACCESS_COMBINED };

/* What the combined format has of a request, all from outside; "": a dash. */
struct access_line {
	const char *peer, *method, *path, *proto, *referer, *agent;
	unsigned status; /* 0: the visitor left before any answer */
	uint64_t bytes;
	int64_t wall_ms;
};

/* path "": none from now on. NULL, or a malloced sentence; the file that is open stays then. */
char *access_log_open(const char *path) must_use;
/* At a reload, also where nothing has changed: the file may have been moved away. The log
 * has what went wrong. */
void access_log_reopen(const char *path);
/* One line, with its end. What cannot be written is lost: a full disk stops no traffic. */
void access_log_write(struct slice line);
/* "ADDRESS - - [30/Nov/2026:07:43:30 +0000] "GET / HTTP/1.1" 200 2 "-" "-"", with its end. */
void access_log_combined(const struct access_line *l, struct buf *out);

#endif
