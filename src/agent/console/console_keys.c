/* SPDX-License-Identifier: Apache-2.0 */
/* What keys do: moving through the list, pages, the filter, the clipboard. */
#include "agent/console/console_private.h"

#include <stdio.h>
#include <stdlib.h>

/* --- moving --- */

static size_t
index_of(const struct console *c, uint64_t id)
{
	for (size_t i = 0; i < c->n_ids; i++)
		if (c->ids[i] == id)
			return i;
	return SIZE_MAX;
}

static void
follow(struct console *c)
{
	c->following = true;
	c->selected = 0;
}

/* The list stands still from here on, however much comes. */
static void
stand_still(struct console *c)
{
	if (c->following && c->n_ids > 0)
		c->top = c->ids[0];
	c->following = false;
}

static void
move_down(struct console *c)
{
	size_t at = index_of(c, c->selected);
	struct capture_row r;

	if (c->n_ids == 0)
		return;
	stand_still(c);
	if (at == SIZE_MAX) {
		c->selected = c->ids[0];
	} else if (at + 1 < c->n_ids) {
		c->selected = c->ids[at + 1];
	} else if (console_older(c, c->selected, &r)) {
		c->selected = r.id;
		c->top = c->ids[c->n_ids > 1 ? 1 : 0];
		/* Of the next frame; a second key may come before it. */
		memmove(c->ids, c->ids + 1, (c->n_ids - 1) * sizeof(*c->ids));
		c->ids[c->n_ids - 1] = r.id;
	}
}

static void
move_up(struct console *c)
{
	size_t at = index_of(c, c->selected);
	struct capture_row r;

	if (c->following || c->n_ids == 0)
		return;
	if (at != 0 && at != SIZE_MAX) {
		c->selected = c->ids[at - 1];
	} else if (console_newer(c, c->top, &r)) {
		c->selected = c->top = r.id;
		memmove(c->ids + 1, c->ids, (c->n_ids - 1) * sizeof(*c->ids));
		c->ids[0] = r.id;
	} else {
		follow(c);
	}
}

static void
move_to_end(struct console *c)
{
	struct capture_row r;

	if (!rows_oldest(c->rows, &r))
		return;
	/* The oldest one that is looked at, then up by a screen. */
	if (!sieve_lets(&c->sieve, &r, 0) && !console_newer(c, r.id, &r))
		return;
	c->following = false;
	c->selected = c->top = r.id;
	for (size_t i = 1; i < c->room && console_newer(c, c->top, &r); i++)
		c->top = r.id;
}

static void
move_page_down(struct console *c)
{
	if (c->n_ids == 0)
		return;
	stand_still(c);
	c->top = c->selected = c->ids[c->n_ids - 1];
}

static void
move_page_up(struct console *c)
{
	struct capture_row r;

	if (c->following)
		return;
	for (size_t i = 1; i < c->room; i++) {
		if (!console_newer(c, c->top, &r)) {
			follow(c);
			return;
		}
		c->top = r.id;
	}
	c->selected = c->top;
}

static void
click(struct console *c)
{
	unsigned first = c->next.lines - 2 - (unsigned)c->room;
	size_t at = c->keys.line - first;

	if (c->keys.line < first || at >= c->n_ids)
		return;
	stand_still(c);
	c->selected = c->ids[at];
}

/* --- what else --- */

/* Of the tunnel of the row, else of the first that has one. */
static void
copy_url(struct console *c)
{
	const struct serve *s = c->client->serve;
	struct capture_row r;
	size_t i = 0;

	if (c->selected != 0 && rows_find(c->rows, c->selected, &r) && r.tunnel < s->n_tunnels)
		i = r.tunnel;
	while (i < s->n_tunnels && s->tunnels[i].url[0] == '\0')
		i++;
	if (i >= s->n_tunnels)
		return;
	paint_copy(slice_str(s->tunnels[i].url), &c->out);
	console_notice(c, "copied %s", s->tunnels[i].url);
}

/* The row that is marked, or the newest one. 0: there is none. */
static uint64_t
marked(const struct console *c)
{
	return c->selected != 0 ? c->selected : c->n_ids > 0 ? c->ids[0] : 0;
}

static void
send_again(struct console *c)
{
	const struct replay_wish w = { .tunnel = REPLAY_WHERE_IT_WENT, .times = 1 };
	uint64_t id = marked(c);
	struct replay_ids *ids;
	enum replay_result result;

	if (c->replay == NULL || id == 0)
		return;
	ids = calloc(1, sizeof(*ids));
	if (ids == NULL)
		return;
	result = replay_captured(c->replay, id, &w, ids);
	if (result == REPLAY_OK)
		console_notice(c, "sent again, byte by byte; its row says what became of it");
	else
		console_notice(c, "%s %s", replay_words[result].text, replay_words[result].todo);
	free(ids);
}

/* Of the marked row, where the link says nothing else behind its "#". */
static void
show_link(struct console *c)
{
	char link[320];

	if (c->link == NULL || c->link[0] == '\0')
		return;
	if (c->selected != 0 && strchr(c->link, '#') == NULL)
		snprintf(link, sizeof(link), "%s/#/r/%llu", c->link,
		    (unsigned long long)c->selected);
	else
		snprintf(link, sizeof(link), "%s", c->link);
	paint_copy(slice_str(link), &c->out);
	console_notice(c, "copied %s", link);
}

static void
toggle_mouse(struct console *c)
{
	c->mouse = !c->mouse;
	buf_put(&c->out, c->mouse ? S(PAINT_MOUSE_ON) : S(PAINT_MOUSE_OFF));
	console_notice(c, c->mouse ? "the mouse is ours; hold Shift to select text"
				   : "the mouse is the terminal's");
}

static void
turn_to(struct console *c, enum view_page page)
{
	c->page = page;
	c->scroll = 0;
}

static void
show(struct console *c)
{
	if (c->selected == 0 && c->n_ids > 0) {
		stand_still(c);
		c->selected = c->ids[0];
	}
	if (c->selected != 0)
		turn_to(c, VIEW_DETAIL);
}

static void
set_filter(struct console *c, struct slice text)
{
	char copy[SIEVE_BYTES];

	slice_copy(text, copy, sizeof(copy));
	sieve_set(&c->sieve, slice_str(copy));
	follow(c);
}

/* A key while the filter is typed. Whole characters of UTF-8 are erased. */
static void
type(struct console *c, enum key_typed key)
{
	struct slice text = slice_str(c->sieve.text);
	char more[SIEVE_BYTES];

	if (key == KEY_ENTER) {
		c->typing = false;
	} else if (key == KEY_ESCAPE) {
		c->typing = false;
		set_filter(c, S(""));
	} else if (key == KEY_ERASE || key == 8) {
		while (text.n > 0 && ((unsigned char)text.p[text.n - 1] & 0xc0) == 0x80)
			text.n--;
		if (text.n > 0)
			text.n--;
		set_filter(c, text);
	} else if (key == 21) { /* Ctrl-U */
		set_filter(c, S(""));
	} else if (key >= ' ' && key < 256 && text.n + 1 < sizeof(more)) {
		memcpy(more, text.p, text.n);
		more[text.n] = (char)key;
		set_filter(c, slice_of(more, text.n + 1));
	}
}

/* Back to the list; from there the filter goes, then the place. */
static void
go_back(struct console *c)
{
	if (c->page != VIEW_LIST)
		turn_to(c, VIEW_LIST);
	else if (c->sieve.text[0] != '\0')
		set_filter(c, S(""));
	else
		follow(c);
}

static void
scroll(struct console *c, int lines)
{
	if (lines < 0 && c->scroll < (size_t)-lines)
		c->scroll = 0;
	else
		c->scroll += (size_t)lines;
	if (c->scroll > 64)
		c->scroll = 64;
}

/* Keys that move; false: it is none. */
static bool
move(struct console *c, enum key_typed key)
{
	bool list = c->page == VIEW_LIST;

	switch ((int)key) {
	case 'j':
	case KEY_DOWN:
	case KEY_WHEEL_DOWN:
		move_down(c);
		break;
	case 'k':
	case KEY_UP:
	case KEY_WHEEL_UP:
		move_up(c);
		break;
	case 'g':
	case KEY_HOME:
		follow(c);
		break;
	case 'G':
	case KEY_END:
		move_to_end(c);
		break;
	case ' ':
	case KEY_PAGE_DOWN:
		list ? move_page_down(c) : scroll(c, 8);
		break;
	case 'b':
	case KEY_PAGE_UP:
		list ? move_page_up(c) : scroll(c, -8);
		break;
	case KEY_CLICK:
		if (list)
			click(c);
		break;
	default:
		return false;
	}
	return true;
}

void
console_key(struct console *c, enum key_typed key)
{
	if (c->typing) {
		type(c, key);
		return;
	}
	if (move(c, key))
		return;
	switch ((int)key) {
	case KEY_ENTER:
		c->page == VIEW_LIST ? show(c) : turn_to(c, VIEW_LIST);
		break;
	case KEY_ESCAPE:
		go_back(c);
		break;
	case '?':
		turn_to(c, c->page == VIEW_KEYS ? VIEW_LIST : VIEW_KEYS);
		break;
	case '/':
		turn_to(c, VIEW_LIST);
		c->typing = true;
		break;
	case 'y':
		copy_url(c);
		break;
	case 'r':
		send_again(c);
		break;
	case 'o':
		show_link(c);
		break;
	case 'm':
		toggle_mouse(c);
		break;
	case 12: /* Ctrl-L */
		c->known = false;
		break;
	case 'q':
		client_stop(c->client);
		break;
	}
	/* What was asked of the terminal, beside the next frame. */
	console_flush(c);
}
