/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: one line an event, logfmt or JSON, written with one write(2), so that
 * lines of several threads never mix.  A log that nobody reads makes no thread
 * wait: lines that find no room are lost, and "log-lost" tells how many there
 * were before the next line that finds some.  Bytes from outside go in only as values
 * of kind LOG_S, which are escaped: a line stays one line whatever they hold.
 *
 *	log_event(LOG_INFO, "link-up", LOG_S("account", account), LOG_U("streams", n));
 *
 * Secrets are never passed here (S-23).  Libraries do not log; programs do, once.
 */
#ifndef ADIT_BASE_LOG_H
#define ADIT_BASE_LOG_H

#include "base/slice.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_LOGFMT, LOG_JSON };

struct log_field {
	const char *key;
	enum { LOG_KIND_END, LOG_KIND_TEXT, LOG_KIND_INT } kind;
	struct slice text;
	int64_t number;
};

#define LOG_S(k, s) ((struct log_field){ .key = (k), .kind = LOG_KIND_TEXT, .text = (s) })
#define LOG_Z(k, z) LOG_S(k, slice_str(z))
#define LOG_U(k, v) ((struct log_field){ .key = (k), .kind = LOG_KIND_INT, .number = (int64_t)(v) })

/* Before the threads start.  Lines above `level` are dropped; fd is not closed. */
void log_init(int fd, enum log_level level, enum log_format format);
/* The same lines go to another descriptor, or what this one is has changed. */
void log_move(int fd);
/* "error", "warn", "info", "debug"; false for another word. */
bool log_level_parse(struct slice s, enum log_level *ret_level);
bool log_wants(enum log_level level);

/* The empty field in front is there for the comma alone. */
#define log_event(level, event, ...)                                                               \
	do {                                                                                       \
		if (log_wants(level))                                                              \
			log_write(level, event,                                                    \
			    (const struct log_field[]){ { 0 }, ##__VA_ARGS__, { 0 } } + 1);        \
	} while (0)

void log_write(enum log_level level, const char *event, const struct log_field *fields);

/* From now on the last LIMIT_LOG_TAIL_BYTES of lines are kept in memory, too. Before the threads start. */
void log_keep(void);
/*
 * Whole lines that were written after this position, the newest where there are more than cap; returns how many bytes they
 * have.  *ret_next: the position behind them. 0 is before all.
 */
size_t log_tail(uint64_t after, char *dst, size_t cap, uint64_t *ret_next);

/* For log_write and its tests: one line with its newline into dst; returns its length. */
size_t log_line(enum log_format format, enum log_level level, int64_t wall_ms, const char *event,
    const struct log_field *fields, char *dst, size_t cap);

#endif
