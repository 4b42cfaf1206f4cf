/* SPDX-License-Identifier: Apache-2.0 */
/* Pages in place of the list: the keys, and one exchange with what became of it and why. */
#include "agent/console/view_private.h"

#include "http/close.h"

/* A page of which some lines are above the screen. */
struct view_sheet {
	struct grid *g;
	unsigned from, to;
	size_t skip, line;
};

/* The next line, with what names it in front; false: it is not on the screen. */
static bool
next_line(struct view_sheet *p, const char *name, struct pen *ret)
{
	size_t line = p->line++;

	*ret = (struct pen){ .g = p->g };
	if (line < p->skip || line - p->skip >= p->to - p->from)
		return false;
	*ret = (struct pen){ p->g, 0, p->from + (unsigned)(line - p->skip), p->g->columns };
	pen_put(ret, GRID_DIM, slice_str(name));
	ret->x = 12;
	return true;
}

static void
put_line(struct view_sheet *p, const char *name, unsigned style, struct slice text)
{
	struct pen pen;

	if (next_line(p, name, &pen))
		pen_put(&pen, style, text);
}

/* A sentence, over as many lines as it needs; cut at spaces. */
static void
put_text(struct view_sheet *p, const char *name, unsigned style, struct slice text)
{
	unsigned room = p->g->columns > 24 ? p->g->columns - 12 : 12;

	while (text.n > 0) {
		size_t n = text.n, space;

		if (n > room) {
			for (space = room; space > 0 && text.p[space] != ' '; space--)
				;
			n = space > 0 ? space : room;
		}
		put_line(p, name, style, slice_head(text, n));
		name = "";
		text = slice_from(text, n);
		while (text.n > 0 && text.p[0] == ' ')
			text = slice_from(text, 1);
	}
}

void
view_draw_keys(const struct view *v, struct grid *g, unsigned from, unsigned to)
{
	static const struct {
		const char *key, *what;
		unsigned can;
	} rows[] = {
		{ "j  k", "next and previous row; the arrows do the same", 0 },
		{ "Home  End", "newest row, and follow what comes; oldest row", 0 },
		{ "PgDn  PgUp", "a screen further", 0 },
		{ "Enter", "show the row: what became of it, and why; Esc goes back", 0 },
		{ "r", "send this request once more", VIEW_CAN_REPLAY },
		{ "/", "filter: state:parked status:5xx method:POST path:/x", 0 },
		{ "", "repo:acme/web branch:main event:push from:github tunnel:web", 0 },
		{ "", "code:x is:replay since:1h; -word: not; other words: anywhere", 0 },
		{ "y", "copy the URL: your terminal must allow it (OSC 52)", 0 },
		{ "o", "copy the inspector's link, with the row that is marked", VIEW_CAN_OPEN },
		{ "m", "mouse on and off; while it is on, hold Shift to select text", 0 },
		{ "Ctrl-L", "draw everything anew", 0 },
		{ "Ctrl-Z", "suspend; fg comes back", 0 },
		{ "q", "quit; once more: at once", 0 },
	};
	struct view_sheet p = { g, from, to, v->scroll, 0 };
	struct pen pen;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (rows[i].can != 0 && (v->can & rows[i].can) == 0)
			continue;
		if (!next_line(&p, "", &pen))
			continue;
		pen.x = 1;
		pen_put(&pen, GRID_BOLD, slice_str(rows[i].key));
		pen.x = 13;
		pen_put(&pen, 0, slice_str(rows[i].what));
	}
}

/* --- one exchange --- */

static const char *
verdict_text(const struct capture_row *r)
{
	switch (r->verdict) {
	case VERDICT_OK:
		return "signed with the right secret";
	case VERDICT_WRONG:
		return "signed with another secret than the tunnel's";
	case VERDICT_MISSING:
		return "not signed: the sender has no secret, or another scheme";
	case VERDICT_ALTERED:
		return "the body is not the one that was signed: something on the way changed it";
	case VERDICT_CLOCK:
		return "the time in the signature is too far from the edge's clock";
	case VERDICT_UNCHECKED:
		return "not checked";
	}
	return "";
}

/* What the state means for the reader. */
static const char *
state_text(const struct capture_row *r)
{
	switch (r->state) {
	case ROW_OPEN:
		return "the local server has not answered yet";
	case ROW_ANSWERED:
		return "the local server answered";
	case ROW_FAILED:
		return "the local server did not answer";
	case ROW_REFUSED:
		return "the edge refused it; the local server never saw it";
	case ROW_QUEUED:
		return "the edge has stored it and will deliver it";
	case ROW_SENDING:
		return "the edge delivers it now";
	case ROW_RETRYING:
		return "an attempt failed; the edge tries again";
	case ROW_DELIVERED:
		return "the local server has taken it";
	case ROW_PARKED:
		return "the local server refuses it; the edge keeps it until you replay or drop it";
	case ROW_DROPPED:
		return "it was dropped: somebody did, or a newer push took its place";
	case ROW_DEAD:
		return "every attempt failed; the edge has given up";
	case ROW_REPLAY:
		return "it was sent again from here";
	}
	return "";
}

static void
draw_request(struct view_sheet *p, const struct capture_row *r)
{
	char text[64], a[VIEW_SHORT_BYTES], b[VIEW_SHORT_BYTES];
	struct pen pen;

	if (next_line(p, "request", &pen)) {
		pen_put(&pen, GRID_BOLD, r->method);
		pen_put(&pen, 0, S(" "));
		pen_put(&pen, GRID_BOLD, view_path(r));
		if (view_path(r).n < r->target.n)
			pen_put(&pen, GRID_DIM, S("?... (the query is not shown)"));
	}
	if (r->host.n > 0)
		put_line(p, "host", 0, r->host);
	if (r->client.n > 0)
		put_line(p, "from", 0, r->client);
	if ((r->event.n > 0 || r->repository.n > 0) && next_line(p, "webhook", &pen)) {
		pen_put(&pen, 0, r->provider);
		pen_put(&pen, 0, r->provider.n > 0 ? S(" ") : S(""));
		pen_put(&pen, GRID_CYAN, r->event);
		pen_put(&pen, 0, S(" "));
		pen_put(&pen, 0, r->repository);
		pen_put(&pen, 0, S(" "));
		pen_put(&pen, 0, r->branch);
	}
	snprintf(text, sizeof(text), "%s bytes up, %s bytes down", view_count(r->tx_bytes, a),
	    view_count(r->rx_bytes, b));
	put_line(p, "bodies", 0, slice_str(text));
}

/* Signature, what the edge or the local server said, and what to do. */
static void
draw_why(struct view_sheet *p, const struct capture_row *r)
{
	struct view_word word = view_state_word(r);
	const struct close_row *row = r->code.n > 0 ? close_find(r->code) : NULL;
	struct pen pen;

	if (next_line(p, "state", &pen)) {
		pen_printf(&pen, word.style | GRID_BOLD, "%s %s", word.sign, word.word);
		if (r->status != 0)
			pen_printf(&pen, r->status >= 500 ? GRID_RED : 0, " %u", r->status);
		pen_printf(&pen, 0, "; %s", state_text(r));
	}
	if (verdict_text(r)[0] != '\0')
		put_text(p, "signature", r->verdict == VERDICT_OK ? GRID_GREEN : GRID_RED,
		    slice_str(verdict_text(r)));
	if (r->code.n > 0 && !slice_eq(r->code, S("ok")))
		put_line(p, "code", GRID_YELLOW, r->code);
	if (row != NULL) {
		put_text(p, "why", 0, slice_str(row->what));
		put_text(p, "what to do", GRID_BOLD, slice_str(row->remedy));
	}
}

static void
draw_attempts(const struct view *v, struct view_sheet *p)
{
	char clock[VIEW_SHORT_BYTES], took[VIEW_SHORT_BYTES];
	struct pen pen;

	put_line(p, "", 0, S(" "));
	for (size_t i = 0; i < v->n_attempts; i++) {
		const struct capture_row *r = &v->attempts[i];
		struct view_word word = view_state_word(r);

		if (!next_line(p, i == 0 ? "attempts" : "", &pen))
			continue;
		pen_printf(&pen, GRID_DIM, "%s ", view_clock(r->begun_ms, clock));
		if (r->attempt != 0)
			pen_printf(&pen, 0, "%u. ", r->attempt);
		pen_printf(&pen, word.style, "%s %s", word.sign, word.word);
		if (r->status != 0)
			pen_printf(&pen, 0, " %u", r->status);
		pen_printf(&pen, 0, " %s ", view_took(r->took_us, took));
		pen_put(&pen, GRID_DIM, r->code);
	}
}

void
view_draw_detail(const struct view *v, struct grid *g, unsigned from, unsigned to)
{
	struct view_sheet p = { g, from, to, v->scroll, 0 };
	const struct capture_row *r = &v->detail;
	char clock[VIEW_SHORT_BYTES], took[VIEW_SHORT_BYTES];
	struct pen pen;

	if (r->id == 0) {
		put_line(&p, "", 0, S("Too many others have come since: it is no longer listed."));
		return;
	}
	if (next_line(&p, "began", &pen)) {
		pen_printf(&pen, 0, "%s, ", view_clock(r->begun_ms, clock));
		if (r->took_us < 0)
			pen_put(&pen, 0, S("runs"));
		else
			pen_printf(&pen, 0, "took %s", view_took(r->took_us, took));
		if (r->delivery != 0)
			pen_printf(&pen, 0, ", number %llu in the inbox",
			    (unsigned long long)r->delivery);
		if (r->parent != 0)
			pen_printf(&pen, 0, ", sent again from %llu",
			    (unsigned long long)r->parent);
	}
	draw_request(&p, r);
	draw_why(&p, r);
	if (r->name.n > 0)
		put_line(&p, "tunnel", 0, r->name);
	if (r->request_id.n > 0)
		put_line(&p, "request id", GRID_DIM, r->request_id);
	if (v->n_attempts > 1)
		draw_attempts(v, &p);
}
