/* SPDX-License-Identifier: Apache-2.0 */
/* What lines are made of, for lines.c and lines_tunnel.c. */
#ifndef ADIT_AGENT_CORE_LINES_PRIVATE_H
#define ADIT_AGENT_CORE_LINES_PRIVATE_H

#include "agent/core/lines.h"
#include "base/list.h"

/* Of one value, so that a long one costs itself its end, and not the line. */
#define LINES_VALUE_BYTES_MAX 768

/* The object of a call. */
static inline struct lines *
lines_of(struct screen *s)
{
	return list_of(s, struct lines, screen);
}

/* For scripts: which event it is, in logfmt when, and how many lines were lost before this one. */
void lines_begin(struct lines *s, const char *event);
/* A line is written once, when it is whole. */
void lines_end(struct lines *s);
/* A text in JSON, or in logfmt, where one without spaces needs no quotes. */
void lines_member(struct lines *s, const char *key, struct slice value);
/* A number, or true. */
void lines_word(struct lines *s, const char *key, const char *fmt, ...) printf_like(3, 4);
void lines_ms(struct lines *s, int64_t us);
/* A text of somebody else's, for people. */
void lines_plain(struct buf *b, struct slice s);
/* "18:04:05" here. */
void lines_clock(struct buf *b);

/* As in struct screen_calls. */
void lines_up(struct screen *screen, const char *name, const char *url, const char *origin,
    enum screen_tls tls, const struct screen_probe *probe, const struct screen_hook *hook);
void lines_online(struct screen *screen, const char *name);
void lines_certificate(struct screen *screen, const char *name, const char *host,
    const char *issuer, const char *until, const char *caa);
void lines_no_certificate(struct screen *screen, const char *name, const char *why,
    int64_t again_s);
void lines_domain(struct screen *screen, const struct screen_domain *d);
void lines_address(struct screen *screen, const char *name, const struct screen_address *a);
void lines_activity(struct screen *screen, const char *name, const struct activity_row *r);
void lines_inbox(struct screen *screen, const char *name, const struct activity_inbox *f);
void lines_activity_lost(struct screen *screen, uint64_t n);

#endif
