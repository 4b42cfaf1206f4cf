/* SPDX-License-Identifier: Apache-2.0 */
/* What the pages of the screen are drawn with. */
#ifndef ADIT_AGENT_CONSOLE_VIEW_PRIVATE_H
#define ADIT_AGENT_CONSOLE_VIEW_PRIVATE_H

#include "agent/console/view.h"

#include <stdio.h>

/* Below this nothing but state and URL is shown. */
#define VIEW_COLUMNS_MIN 40
#define VIEW_LINES_MIN 8
/* From here on there is room for event, method and path. */
#define VIEW_COLUMNS_WIDE 110

/* Writes along a line. */
struct pen {
	struct grid *g;
	unsigned x, y, end; /* the column behind the last one that it may use */
};

void pen_put(struct pen *p, unsigned style, struct slice text);
void pen_printf(struct pen *p, unsigned style, const char *fmt, ...) printf_like(3, 4);

/* Short texts, into 32 bytes: "31 ms", "3 h 12 m", "1,284". */
#define VIEW_SHORT_BYTES 32
const char *view_took(int64_t us, char dst[VIEW_SHORT_BYTES]);
const char *view_ago(int64_t ms, char dst[VIEW_SHORT_BYTES]);
/* "85", "0.8": milliseconds without their unit. */
const char *view_ms(int64_t us, char dst[VIEW_SHORT_BYTES]);
const char *view_count(uint64_t n, char dst[VIEW_SHORT_BYTES]);
/* "12:59:41" here. */
const char *view_clock(int64_t ms, char dst[VIEW_SHORT_BYTES]);
/* Of a path with a query the path: queries hold secrets (S-23). */
struct slice view_path(const struct capture_row *r);

struct view_word {
	const char *sign, *word;
	unsigned style;
};
struct view_word view_state_word(const struct capture_row *r);
/* short_: one that fits into nine columns. */
const char *view_verdict_word(const struct capture_row *r, bool short_);

/* The list of rows, on lines `from` to `to` (not with it). */
void view_draw_list(const struct view *v, struct grid *g, unsigned from, unsigned to);
/* Pages that take the place of the list. */
void view_draw_keys(const struct view *v, struct grid *g, unsigned from, unsigned to);
void view_draw_detail(const struct view *v, struct grid *g, unsigned from, unsigned to);

#endif
