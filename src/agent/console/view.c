/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of the screen: its state, the tunnels, what is between the rules, the keys. */
#include "agent/console/view_private.h"

#include "base/buf.h"

#include <stdarg.h>

/* The names of tunnels, and of what else stands in the first column. */
#define NAME_COLUMNS 8
#define NAME_COLUMNS_MAX 20
/* Below so many columns a tunnel's URL has a line of its own. */
#define NARROW 60

void
pen_put(struct pen *p, unsigned style, struct slice text)
{
	if (p->x < p->end)
		p->x += grid_put(p->g, p->x, p->y, p->end - p->x, style, text);
}

void
pen_printf(struct pen *p, unsigned style, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	pen_put(p, style, slice_str(text));
}

/* --- the first lines --- */

static const struct {
	const char *word;
	unsigned style;
} states[] = {
	[VIEW_CONNECTING] = { "connecting", GRID_YELLOW | GRID_BOLD },
	[VIEW_ASKING] = { "connected", GRID_YELLOW | GRID_BOLD },
	[VIEW_ONLINE] = { "online", GRID_GREEN | GRID_BOLD },
	[VIEW_FAILING] = { "failing", GRID_RED | GRID_BOLD },
	[VIEW_RECONNECTING] = { "reconnecting", GRID_RED | GRID_BOLD },
	[VIEW_REFUSED] = { "refused", GRID_RED | GRID_BOLD },
	[VIEW_STOPPING] = { "stopping", GRID_YELLOW | GRID_BOLD },
};

static void
say_asked(const struct view *v, struct pen *p)
{
	char ago[VIEW_SHORT_BYTES], took[VIEW_SHORT_BYTES];

	if (v->asked_ms < 0)
		return;
	pen_printf(p, 0, "asked through the tunnel %s ago: %s", view_ago(v->asked_ms, ago),
	    view_took(v->asked_us, took));
	if (v->link_us > 0 && p->end - p->x >= 40)
		pen_printf(p, 0, ", link %s", view_took(v->link_us, took));
	if (p->end - p->x >= 24)
		pen_printf(p, 0, ", up %s", view_ago(v->up_ms, ago));
}

static void
say_state(const struct view *v, struct pen *p)
{
	char ago[VIEW_SHORT_BYTES];

	pen_put(p, states[v->state].style, slice_str(states[v->state].word));
	switch (v->state) {
	case VIEW_CONNECTING:
		pen_printf(p, 0, " to %s", v->edge);
		break;
	case VIEW_ASKING:
		pen_put(p, 0, S("  the edge asks through the tunnel"));
		break;
	case VIEW_ONLINE:
		pen_put(p, 0, S("   "));
		say_asked(v, p);
		break;
	case VIEW_FAILING:
	case VIEW_REFUSED:
		pen_printf(p, 0, "  %s", v->why);
		break;
	case VIEW_RECONNECTING:
		if (v->again_ms > 0)
			pen_printf(p, 0, " in %s (attempt %u): %s",
			    view_ago(v->again_ms + 999, ago), v->attempt, v->why);
		else
			pen_printf(p, 0, " now (attempt %u): %s", v->attempt, v->why);
		break;
	case VIEW_STOPPING:
		pen_printf(p, 0, "  %u still open; q once more ends them", v->n_open);
		break;
	}
}

static void
draw_state(const struct view *v, struct grid *g)
{
	char version[64];
	int n = snprintf(version, sizeof(version), "adit %s", v->version);
	unsigned right = n > 0 && g->columns >= 60 ? (unsigned)n + 1 : 0;
	struct pen p = { g, 0, 0, g->columns - right };

	say_state(v, &p);
	if (right > 0)
		grid_put_right(g, 0, 0, g->columns, GRID_DIM, slice_str(version));
}

static bool
is_away(const struct view *v)
{
	return v->state == VIEW_RECONNECTING;
}

static unsigned
draw_addresses(const struct view *v, struct grid *g, unsigned y, unsigned name)
{
	struct pen p = { g, name + 1, y, g->columns };
	char who[192];

	snprintf(who, sizeof(who), "%s%s%s", v->account, v->account[0] != '\0' ? " @ " : "",
	    v->edge);
	if (v->web[0] == '\0') {
		if (who[0] == '\0')
			return 0;
		grid_put(g, 0, y, name, GRID_DIM, S("edge"));
		pen_put(&p, GRID_DIM, slice_str(who));
		return 1;
	}
	grid_put(g, 0, y, name, GRID_DIM, S("web"));
	pen_put(&p, GRID_CYAN, slice_str(v->web));
	grid_link(g, name + 1, y, p.x - name - 1, slice_str(v->web));
	if (p.x + 3 + width_of(slice_str(who)) <= g->columns)
		grid_put_right(g, 0, y, g->columns, GRID_DIM, slice_str(who));
	return 1;
}

/* --- tunnels --- */

static const struct {
	const char *word;
	unsigned style;
} healths[] = {
	[VIEW_HEALTH_UNKNOWN] = { "unknown", GRID_YELLOW },
	[VIEW_HEALTH_ASKING] = { "asking", GRID_YELLOW },
	[VIEW_HEALTH_ONLINE] = { "online", GRID_GREEN },
	[VIEW_HEALTH_FAILING] = { "failing", GRID_RED | GRID_BOLD },
	[VIEW_HEALTH_REFUSED] = { "refused", GRID_RED | GRID_BOLD },
	[VIEW_HEALTH_REPLACED] = { "replaced", GRID_YELLOW | GRID_BOLD },
};

/* "http://" is what everybody expects. */
static struct slice
short_origin(const struct view_tunnel *t)
{
	struct slice s = slice_str(t->origin);

	return slice_starts(s, S("http://")) ? slice_from(s, 7) : s;
}

/* Name, URL, where it leads, how it is; right-aligned. Returns the columns of the last. */
static unsigned
draw_health(const struct view_tunnel *t, struct grid *g, unsigned y)
{
	char text[64] = "", took[VIEW_SHORT_BYTES];
	unsigned word = (unsigned)strlen(healths[t->health].word), n;

	if (t->health == VIEW_HEALTH_ONLINE && t->status != 0 && g->columns >= VIEW_COLUMNS_WIDE)
		snprintf(text, sizeof(text), " %u in %s", t->status, view_took(t->us, took));
	n = word + (unsigned)strlen(text);
	grid_put(g, g->columns - n, y, word, healths[t->health].style,
	    slice_str(healths[t->health].word));
	grid_put(g, g->columns - n + word, y, n - word, 0, slice_str(text));
	return n;
}

static void
draw_way(const struct view_tunnel *t, struct grid *g, unsigned y, unsigned name)
{
	bool leads = t->health == VIEW_HEALTH_ONLINE || t->health == VIEW_HEALTH_ASKING;
	struct slice url = slice_str(t->url), origin = short_origin(t);
	unsigned right = draw_health(t, g, y);
	struct pen p = { g, name + 1, y, g->columns - right - 1 };
	unsigned room = p.end > p.x ? p.end - p.x : 0;
	size_t wide = width_of(origin) + 4;

	grid_put(g, 0, y, name, GRID_BOLD, slice_str(t->name));
	/* Where both do not fit the URL is what people want, and some of the rest. */
	if (url.n > 0) {
		if (width_of(url) + wide > room)
			p.end = p.x + (room > 12 + width_of(url) ? (unsigned)width_of(url)
					  : room > 40            ? room - 16
								 : room);
		pen_put(&p, GRID_CYAN, url);
		grid_link(g, name + 1, y, p.x - name - 1,
		    slice_starts(url, S("http")) ? url : S(""));
		p.end = g->columns - right - 1;
		if (p.end < p.x + 8)
			return;
		pen_put(&p, leads ? GRID_GREEN : GRID_RED, leads ? S(" -> ") : S(" -/ "));
	}
	pen_put(&p, 0, origin);
}

static void
say_inbox(const struct view *v, const struct tunnel_figures *f, struct pen *p)
{
	char n[VIEW_SHORT_BYTES], ago[VIEW_SHORT_BYTES];

	pen_printf(p, 0, "%s wait", view_count(f->wait, n));
	if (f->wait > 0 && f->oldest_ms > 0 && !is_away(v))
		pen_printf(p, 0, " (oldest %s)", view_ago(v->now_ms - f->oldest_ms, ago));
	pen_put(p, 0, S(", "));
	pen_printf(p, f->parked > 0 ? GRID_YELLOW | GRID_BOLD : 0, "%s parked",
	    view_count(f->parked, n));
}

static void
say_figures(const struct view *v, const struct view_tunnel *t, struct pen *p)
{
	const struct tunnel_figures *f = &t->figures;
	char n[VIEW_SHORT_BYTES], more[VIEW_SHORT_BYTES];

	if (t->open)
		pen_put(p, GRID_RED | GRID_BOLD, S("NOT CHECKED: anybody can store here; "));
	if (t->stores || f->wait > 0 || f->parked > 0) {
		say_inbox(v, f, p);
		pen_put(p, 0, S("; "));
	}
	pen_printf(p, 0, "%s request%s", view_count(f->requests, n), f->requests == 1 ? "" : "s");
	if (f->unlisted > 0)
		pen_printf(p, 0, ", %s of them not listed", view_count(f->unlisted, n));
	if (f->open > 0)
		pen_printf(p, 0, ", %s open", view_count(f->open, n));
	if (f->failed > 0)
		pen_printf(p, GRID_RED, ", %s failed", view_count(f->failed, n));
	if (f->refused > 0)
		pen_printf(p, 0, ", %s refused", view_count(f->refused, n));
	if (f->p99_us > 0)
		pen_printf(p, 0, "; p50 %s, p90 %s ms", view_ms(f->p50_us, n),
		    view_ms(f->p90_us, more));
	if (f->p99_us > 0 && p->end - p->x > 16)
		pen_printf(p, 0, ", p99 %s ms", view_ms(f->p99_us, n));
}

/* The line below a tunnel: how much, or why not. */
static void
draw_more(const struct view *v, const struct view_tunnel *t, struct grid *g, unsigned y,
    unsigned name)
{
	const struct tunnel_figures *f = &t->figures;
	struct pen p = { g, name + 1, y, g->columns };
	char ago[VIEW_SHORT_BYTES];

	if (t->health == VIEW_HEALTH_ONLINE || t->health == VIEW_HEALTH_ASKING) {
		say_figures(v, t, &p);
		return;
	}
	if (t->why[0] != '\0')
		pen_printf(&p, 0, "%s%s", t->why, t->stores ? "; " : "");
	if (t->stores && t->health != VIEW_HEALTH_REFUSED && t->health != VIEW_HEALTH_REPLACED)
		pen_put(&p, 0, S("the edge keeps storing"));
	else if (t->why[0] == '\0' && is_away(v))
		pen_put(&p, 0, S("visitors get a page of the edge that says so"));
	if (is_away(v) && (f->wait > 0 || f->parked > 0)) {
		pen_printf(&p, 0, "; last known %s ago: ", view_ago(v->up_ms, ago));
		say_inbox(v, f, &p);
	}
}

/* Where a line has no room for more the URL gets one of its own. */
static void
draw_narrow(const struct view_tunnel *t, struct grid *g, unsigned y)
{
	struct slice url = slice_str(t->url);
	unsigned right = draw_health(t, g, y), n;

	grid_put(g, 0, y, g->columns - right - 1, GRID_BOLD, slice_str(t->name));
	n = grid_put(g, 2, y + 1, g->columns - 2, GRID_CYAN, url);
	grid_link(g, 2, y + 1, n, slice_starts(url, S("http")) ? url : S(""));
}

/* How the lines of a screen are given away. */
struct view_layout {
	unsigned name;    /* columns of the first column */
	unsigned tunnels; /* tunnels that are shown */
	unsigned per;     /* lines of one of them, 2 or 1 */
	unsigned rest;    /* 1: a line says how many others there are */
	unsigned list;    /* first line of the list, below its rule */
	unsigned end;     /* the rule below it */
};

static struct view_layout
lay_out(const struct view *v, unsigned lines)
{
	unsigned top = v->web[0] != 0 || v->account[0] != 0 || v->edge[0] != 0 ? 2 : 1;
	unsigned room = (lines - top - 3) / 2, n = (unsigned)v->n_tunnels;
	struct view_layout l = { .name = NAME_COLUMNS, .per = 2, .tunnels = n };

	for (size_t i = 0; i < v->n_tunnels; i++) {
		size_t w = width_of(slice_str(v->tunnels[i].name));

		if (w > l.name)
			l.name = w > NAME_COLUMNS_MAX ? NAME_COLUMNS_MAX : (unsigned)w;
	}
	if (n * 2 > room)
		l.per = 1;
	if (n * l.per > room && n > 1) {
		l.tunnels = room > 1 ? room - 1 : 1;
		l.rest = room > 1;
	}
	l.list = top + l.tunnels * l.per + l.rest + 1;
	l.end = lines - 2;
	return l;
}

static void
draw_tunnels(const struct view *v, struct grid *g, const struct view_layout *l, unsigned y)
{
	unsigned n_bad = 0;

	for (unsigned i = 0; i < l->tunnels; i++, y += l->per) {
		if (g->columns < NARROW && l->per == 2) {
			draw_narrow(&v->tunnels[i], g, y);
			continue;
		}
		draw_way(&v->tunnels[i], g, y, l->name);
		if (l->per == 2)
			draw_more(v, &v->tunnels[i], g, y + 1, l->name);
	}
	if (l->rest == 0)
		return;
	for (size_t i = l->tunnels; i < v->n_tunnels; i++)
		n_bad += v->tunnels[i].health != VIEW_HEALTH_ONLINE;
	{
		struct pen p = { g, 0, y, g->columns };

		pen_printf(&p, GRID_DIM, "and %zu more tunnels", v->n_tunnels - l->tunnels);
		if (n_bad > 0)
			pen_printf(&p, GRID_RED, ", %u of them not online", n_bad);
	}
}

/* --- the last lines --- */

static void
draw_rules(const struct view *v, struct grid *g, const struct view_layout *l)
{
	struct pen above = { g, 3, l->list - 1, g->columns - 3 };
	struct pen below = { g, 3, l->end, g->columns - 3 };

	grid_rule(g, l->list - 1, GRID_DIM, '-');
	grid_rule(g, l->end, GRID_DIM, '-');
	if (v->filter[0] != '\0' && v->page == VIEW_LIST)
		pen_printf(&above, GRID_CYAN, " filter: %s ", v->filter);
	if (v->notice[0] != '\0')
		pen_printf(&below, GRID_YELLOW, " %s ", v->notice);
}

struct key_word {
	const char *key, *what;
	unsigned can; /* 0: always */
};

static void
draw_key_words(const struct view *v, struct grid *g, const struct key_word *words, size_t n,
    unsigned end)
{
	unsigned x = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned key = (unsigned)strlen(words[i].key),
			 what = (unsigned)strlen(words[i].what);

		if (words[i].can != 0 && (v->can & words[i].can) == 0)
			continue;
		if (x + key + 1 + what > end)
			return;
		grid_put(g, x, g->lines - 1, key, GRID_BOLD, slice_str(words[i].key));
		grid_put(g, x + key + 1, g->lines - 1, what, 0, slice_str(words[i].what));
		x += key + what + 3;
	}
}

static void
draw_keys_line(const struct view *v, struct grid *g)
{
	static const struct key_word list[] = { { "Enter", "show", 0 },
		{ "r", "replay", VIEW_CAN_REPLAY }, { "/", "filter", 0 }, { "y", "copy URL", 0 },
		{ "o", "open", VIEW_CAN_OPEN }, { "?", "keys", 0 }, { "q", "quit", 0 } };
	static const struct key_word page[] = { { "Esc", "back", 0 },
		{ "r", "replay", VIEW_CAN_REPLAY }, { "j k", "next, previous", 0 },
		{ "q", "quit", 0 } };
	char text[64];
	bool live = v->state == VIEW_ONLINE || v->state == VIEW_FAILING || v->state == VIEW_ASKING;
	unsigned style = GRID_GREEN;

	if (v->typing) {
		struct pen p = { g, 0, g->lines - 1, g->columns };

		pen_put(&p, GRID_BOLD, S("/"));
		pen_put(&p, 0, slice_str(v->filter));
		pen_put(&p, GRID_INVERSE, S(" "));
		if (p.x + 3 < p.end)
			pen_printf(&p, GRID_DIM, "  %s",
			    v->filter_wrong[0] != '\0'
				? v->filter_wrong
				: "state:parked  status:5xx  repo:acme/web  -word; Enter, Esc");
		return;
	}
	snprintf(text, sizeof(text), "following");
	if (!live) {
		snprintf(text, sizeof(text), "not live");
		style = GRID_YELLOW | GRID_BOLD;
	} else if (v->page != VIEW_LIST) {
		text[0] = '\0';
	} else if (!v->following) {
		snprintf(text, sizeof(text), v->n_newer > 0 ? "%zu%s newer" : "standing still",
		    v->n_newer, v->n_newer_more ? "+" : "");
		style = GRID_CYAN;
	}
	grid_put_right(g, 0, g->lines - 1, g->columns, style, slice_str(text));
	draw_key_words(v, g, v->page == VIEW_LIST ? list : page,
	    v->page == VIEW_LIST ? sizeof(list) / sizeof(*list) : sizeof(page) / sizeof(*page),
	    g->columns - (unsigned)strlen(text));
}

/* --- the whole --- */

static bool
is_small(unsigned columns, unsigned lines)
{
	return columns < VIEW_COLUMNS_MIN || lines < VIEW_LINES_MIN;
}

size_t
view_room(const struct view *v, unsigned columns, unsigned lines)
{
	struct view_layout l;

	if (is_small(columns, lines))
		return 0;
	l = lay_out(v, lines);
	return l.end > l.list + 1 ? l.end - l.list - 1 : 0;
}

void
view_draw(const struct view *v, struct grid *g)
{
	struct view_layout l;
	unsigned y = 1;

	grid_clear(g);
	if (g->lines == 0 || g->columns == 0)
		return;
	draw_state(v, g);
	if (is_small(g->columns, g->lines)) {
		for (size_t i = 0; i < v->n_tunnels && y < g->lines; i++, y++)
			grid_put(g, 0, y, g->columns, GRID_CYAN, slice_str(v->tunnels[i].url));
		return;
	}
	l = lay_out(v, g->lines);
	y += draw_addresses(v, g, y, l.name);
	draw_tunnels(v, g, &l, y);
	draw_rules(v, g, &l);
	switch (v->page) {
	case VIEW_LIST:
		view_draw_list(v, g, l.list, l.end);
		break;
	case VIEW_KEYS:
		view_draw_keys(v, g, l.list, l.end);
		break;
	case VIEW_DETAIL:
		view_draw_detail(v, g, l.list, l.end);
		break;
	}
	draw_keys_line(v, g);
}
