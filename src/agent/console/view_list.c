/* SPDX-License-Identifier: Apache-2.0 */
/* The list of exchanges: one line each, in columns that fit the screen. */
#include "agent/console/view_private.h"

#include <stdio.h>
#include <time.h>

/* --- short texts --- */

const char *
view_took(int64_t us, char dst[VIEW_SHORT_BYTES])
{
	if (us < 0)
		dst[0] = '\0';
	else if (us < 1000)
		snprintf(dst, VIEW_SHORT_BYTES, "0.%lld ms", (long long)us / 100);
	else if (us < 1000000)
		snprintf(dst, VIEW_SHORT_BYTES, "%lld ms", (long long)us / 1000);
	else if (us < 100000000)
		snprintf(dst, VIEW_SHORT_BYTES, "%lld.%lld s", (long long)us / 1000000,
		    (long long)us / 100000 % 10);
	else
		view_ago(us / 1000, dst);
	return dst;
}

const char *
view_ago(int64_t ms, char dst[VIEW_SHORT_BYTES])
{
	long long s = ms < 0 ? 0 : ms / 1000;

	if (s < 100)
		snprintf(dst, VIEW_SHORT_BYTES, "%lld s", s);
	else if (s < 6000)
		snprintf(dst, VIEW_SHORT_BYTES, "%lld m", s / 60);
	else if (s < 172800)
		snprintf(dst, VIEW_SHORT_BYTES, "%lld h %lld m", s / 3600, s / 60 % 60);
	else
		snprintf(dst, VIEW_SHORT_BYTES, "%lld d", s / 86400);
	return dst;
}

const char *
view_ms(int64_t us, char dst[VIEW_SHORT_BYTES])
{
	if (us < 10000)
		snprintf(dst, VIEW_SHORT_BYTES, "%lld.%lld", (long long)us / 1000,
		    (long long)us / 100 % 10);
	else
		snprintf(dst, VIEW_SHORT_BYTES, "%lld", ((long long)us + 500) / 1000);
	return dst;
}

/* With commas: they are read at a glance. */
const char *
view_count(uint64_t n, char dst[VIEW_SHORT_BYTES])
{
	char digits[VIEW_SHORT_BYTES];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n), at = 0;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			dst[at++] = ',';
		dst[at++] = digits[i];
	}
	dst[at] = '\0';
	return dst;
}

const char *
view_clock(int64_t ms, char dst[VIEW_SHORT_BYTES])
{
	time_t at = (time_t)(ms / 1000);
	struct tm tm;

	if (localtime_r(&at, &tm) == NULL || strftime(dst, VIEW_SHORT_BYTES, "%H:%M:%S", &tm) == 0)
		dst[0] = '\0';
	return dst;
}

struct slice
view_path(const struct capture_row *r)
{
	size_t query = slice_find(r->target, '?');

	return query == SIZE_MAX ? r->target : slice_head(r->target, query);
}

/* --- words --- */

struct view_word
view_state_word(const struct capture_row *r)
{
	static const struct view_word words[] = {
		[ROW_OPEN] = { ">", "open", 0 },
		[ROW_ANSWERED] = { "*", "answered", GRID_GREEN },
		[ROW_FAILED] = { "x", "failed", GRID_RED },
		[ROW_REFUSED] = { "x", "refused", GRID_RED },
		[ROW_QUEUED] = { "=", "queued", 0 },
		[ROW_SENDING] = { ">", "sending", 0 },
		[ROW_RETRYING] = { "~", "retrying", GRID_YELLOW },
		[ROW_DELIVERED] = { "*", "delivered", GRID_GREEN },
		[ROW_PARKED] = { "!", "parked", GRID_YELLOW },
		[ROW_DROPPED] = { "-", "dropped", GRID_DIM },
		[ROW_DEAD] = { "X", "dead", GRID_RED },
		[ROW_REPLAY] = { "+", "replay", GRID_MAGENTA },
	};

	return r->state < sizeof(words) / sizeof(*words) ? words[r->state]
							 : (struct view_word){ "?", "?", 0 };
}

const char *
view_verdict_word(const struct capture_row *r, bool short_)
{
	static const char *const words[] = {
		[VERDICT_NONE] = "",
		[VERDICT_UNCHECKED] = "unchecked",
		[VERDICT_OK] = "ok",
		[VERDICT_WRONG] = "wrong secret",
		[VERDICT_MISSING] = "missing",
		[VERDICT_ALTERED] = "body altered",
		[VERDICT_CLOCK] = "wrong clock",
	};
	static const char *const shorts[] = {
		[VERDICT_WRONG] = "wrong", [VERDICT_ALTERED] = "altered", [VERDICT_CLOCK] = "clock"
	};

	if (r->verdict >= sizeof(words) / sizeof(*words))
		return "";
	if (short_ && r->verdict < sizeof(shorts) / sizeof(*shorts) && shorts[r->verdict] != NULL)
		return shorts[r->verdict];
	return words[r->verdict];
}

static unsigned
verdict_style(const struct capture_row *r)
{
	return r->verdict == VERDICT_OK || r->verdict == VERDICT_NONE ? 0
	       : r->verdict == VERDICT_UNCHECKED                      ? GRID_DIM
								      : GRID_RED;
}

/* --- columns --- */

/* Where each begins and how wide it is; 0: it is not there. */
struct columns {
	unsigned state, state_w, code, event, event_w, what, what_w, verdict, verdict_w, path,
	    path_w, took, number;
};

#define TIME_W 8
#define CODE_W 4
#define TOOK_W 7
#define NUMBER_W 7

static struct columns
place(unsigned columns)
{
	bool wide = columns >= VIEW_COLUMNS_WIDE;
	struct columns c = { .state = TIME_W + 1, .state_w = columns < 60 ? 1 : 11 };
	unsigned x, rest;

	c.code = c.state + c.state_w + (columns < 60 ? 0 : 2);
	x = c.code + CODE_W + 1;
	c.number = columns >= 60 ? columns - NUMBER_W : 0;
	c.took = (c.number != 0 ? c.number - 1 : columns) - TOOK_W;
	if (!wide) {
		c.verdict_w = columns >= 70 ? 9 : 0;
		c.what = x;
		c.what_w = c.took - 1 - x - (c.verdict_w != 0 ? c.verdict_w + 1 : 0);
		c.verdict = c.verdict_w != 0 ? c.what + c.what_w + 1 : 0;
		return c;
	}
	/* What is left is shared by repository and path; the event needs little. */
	c.event = x;
	c.event_w = columns >= 140 ? 26 : 21;
	c.verdict_w = 12;
	rest = c.took - 1 - (c.event + c.event_w + 1) - (c.verdict_w + 2);
	c.what = c.event + c.event_w + 1;
	c.what_w = rest * (columns >= 140 ? 45 : columns >= 120 ? 62 : 50) / 100;
	c.verdict = c.what + c.what_w + 1;
	c.path = c.verdict + c.verdict_w + 1;
	c.path_w = c.took - 1 - c.path;
	return c;
}

static void
draw_heads(const struct columns *c, struct grid *g, unsigned y)
{
	grid_put(g, 0, y, TIME_W, GRID_DIM, S("TIME"));
	grid_put(g, c->state, y, c->state_w, GRID_DIM, c->state_w > 1 ? S("STATE") : S(" "));
	grid_put_right(g, c->code, y, CODE_W, GRID_DIM, S("CODE"));
	grid_put(g, c->event, y, c->event_w, GRID_DIM, S("EVENT"));
	grid_put(g, c->what, y, c->what_w, GRID_DIM,
	    c->what_w >= 18 ? S("REPOSITORY, BRANCH") : S("REPOSITORY"));
	grid_put(g, c->verdict, y, c->verdict_w, GRID_DIM, S("SIGNATURE"));
	grid_put(g, c->path, y, c->path_w, GRID_DIM, S("METHOD, PATH"));
	grid_put_right(g, c->took, y, TOOK_W, GRID_DIM, S("TOOK"));
	if (c->number != 0)
		grid_put_right(g, c->number, y, NUMBER_W, GRID_DIM, S("NUMBER"));
}

static void
put_request(struct pen *p, unsigned style, const struct capture_row *r)
{
	pen_put(p, style, r->method);
	if (r->method.n > 0)
		pen_put(p, style, S(" "));
	pen_put(p, style, view_path(r));
}

/* What it is about: of a webhook the repository, of others the request. */
static void
put_what(struct grid *g, unsigned x, unsigned y, unsigned w, bool has_path,
    const struct capture_row *r)
{
	struct pen p = { g, x, y, x + w };

	if (r->repository.n > 0) {
		pen_put(&p, 0, r->repository);
		if (r->branch.n > 0) {
			pen_put(&p, 0, S(" "));
			pen_put(&p, 0, r->branch);
		}
	} else if (!has_path) {
		put_request(&p, 0, r);
	} else if (r->parent != 0) {
		pen_printf(&p, 0, "same as %llu", (unsigned long long)r->parent);
	}
}

static const char *
event_of(const struct capture_row *r, char dst[64])
{
	static const char *const kinds[] = { [ROW_KIND_WEBSOCKET] = "websocket",
		[ROW_KIND_GRPC] = "grpc",
		[ROW_KIND_SSE] = "event stream",
		[ROW_KIND_BYTES] = "bytes" };

	slice_copy(r->event, dst, 64);
	if (r->event.n == 0 && r->kind < sizeof(kinds) / sizeof(*kinds) && kinds[r->kind] != NULL)
		snprintf(dst, 64, "%s", kinds[r->kind]);
	return dst;
}

static void
draw_row(const struct view *v, const struct columns *c, struct grid *g, unsigned y,
    const struct capture_row *r)
{
	struct view_word word = view_state_word(r);
	char text[64], number[VIEW_SHORT_BYTES];
	struct pen p = { g, c->state, y, c->state + c->state_w };

	grid_put(g, 0, y, TIME_W, GRID_DIM, slice_str(view_clock(r->begun_ms, number)));
	pen_put(&p, word.style, slice_str(word.sign));
	if (c->state_w > 1) {
		pen_put(&p, word.style, S(" "));
		pen_put(&p, word.style, slice_str(word.word));
	}
	snprintf(text, sizeof(text), "%u", r->status);
	if (r->status != 0)
		grid_put_right(g, c->code, y, CODE_W, r->status >= 500 ? GRID_RED : 0,
		    slice_str(text));
	grid_put(g, c->event, y, c->event_w, 0, slice_str(event_of(r, text)));
	put_what(g, c->what, y, c->what_w, c->path_w > 0, r);
	grid_put(g, c->verdict, y, c->verdict_w, verdict_style(r),
	    slice_str(view_verdict_word(r, c->verdict_w < 12)));
	if (c->path_w > 0) {
		struct pen path = { g, c->path, y, c->path + c->path_w };

		put_request(&path, 0, r);
	}
	grid_put_right(g, c->took, y, TOOK_W, 0,
	    slice_str(view_took(r->took_us >= 0 ? r->took_us : (v->now_ms - r->begun_ms) * 1000,
		number)));
	snprintf(number, sizeof(number), "#%llu", (unsigned long long)r->delivery);
	if (r->delivery != 0 && c->number != 0)
		grid_put_right(g, c->number, y, NUMBER_W, GRID_DIM, slice_str(number));
	if (r->id == v->selected)
		grid_mark(g, 0, y, g->columns, GRID_INVERSE);
}

/* What goes where at the sender of the webhooks; the line behind it. */
static unsigned
draw_hook(const struct view_tunnel *t, struct grid *g, unsigned y, unsigned to)
{
	const struct {
		const char *what, *text;
	} rows[] = { { "URL to paste", t->url }, { "secret is in", t->secret_file },
		{ "events to tick", t->events }, { "then", t->next } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows) && y < to; i++) {
		struct pen p = { g, 2, y, g->columns };

		if (rows[i].text == NULL || rows[i].text[0] == '\0')
			continue;
		pen_put(&p, GRID_DIM, slice_str(rows[i].what));
		p.x = 18;
		pen_put(&p, i == 0 ? GRID_BOLD : 0, slice_str(rows[i].text));
		if (i == 0)
			pen_put(&p, GRID_BOLD, slice_str(t->hook_path));
		y++;
	}
	return y + 1;
}

static void
draw_none(const struct view *v, struct grid *g, unsigned from, unsigned to)
{
	struct pen p = { g, 2, from + 1, g->columns };
	unsigned hook = p.y + 2;

	if (v->filter[0] != '\0') {
		pen_put(&p, 0, S("Nothing matches this filter. Esc clears it."));
		return;
	}
	pen_put(&p, 0, S("No request has come yet."));
	for (size_t i = 0; i < v->n_tunnels && hook < to; i++)
		if (v->tunnels[i].stores && v->tunnels[i].hook_path != NULL)
			hook = draw_hook(&v->tunnels[i], g, hook, to);
	if (hook > p.y + 2)
		return;
	for (size_t i = 0; i < v->n_tunnels; i++)
		if (strncmp(v->tunnels[i].url, "http", 4) == 0 && p.y + 2 < to) {
			p = (struct pen){ g, 2, p.y + 2, g->columns };
			pen_put(&p, GRID_DIM, S("Try  "));
			pen_printf(&p, GRID_BOLD, "curl %s/", v->tunnels[i].url);
			return;
		}
}

void
view_draw_list(const struct view *v, struct grid *g, unsigned from, unsigned to)
{
	struct columns c = place(g->columns);

	if (v->n_rows == 0) {
		draw_none(v, g, from, to);
		return;
	}
	draw_heads(&c, g, from);
	for (unsigned i = 0; i < v->n_rows && from + 1 + i < to; i++)
		draw_row(v, &c, g, from + 1 + i, &v->rows[i]);
}
