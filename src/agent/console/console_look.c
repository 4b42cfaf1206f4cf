/* SPDX-License-Identifier: Apache-2.0 */
/* What a frame shows: the client's state, each tunnel's, and the rows that are looked at. */
#include "agent/console/console_private.h"

#include "agent/link/uplink.h"
#include "base/clock.h"
#include "http/close.h"

/* Newer rows are counted up to this many. */
#define NEWER_MAX 999

/* --- rows --- */

bool
console_older(const struct console *c, uint64_t id, struct capture_row *ret)
{
	int64_t now = clock_wall_ms();
	size_t left = LIMIT_SCREEN_SCAN;

	for (bool more = rows_before(c->rows, id, ret); more && left-- > 0;
	     more = rows_before(c->rows, ret->id, ret))
		if (sieve_lets(&c->sieve, ret, now))
			return true;
	return false;
}

bool
console_newer(const struct console *c, uint64_t id, struct capture_row *ret)
{
	int64_t now = clock_wall_ms();
	size_t left = LIMIT_SCREEN_SCAN;

	for (bool more = rows_after(c->rows, id, ret); more && left-- > 0;
	     more = rows_after(c->rows, ret->id, ret))
		if (sieve_lets(&c->sieve, ret, now))
			return true;
	return false;
}

/* From the newest one on, or from where the list was left; as many as there is room for. */
static void
gather(struct console *c, struct view *v)
{
	struct capture_row r;
	uint64_t id = c->following ? UINT64_MAX : c->top + 1;

	c->n_ids = 0;
	while (c->n_ids < c->room && c->n_ids < LIMIT_SCREEN_LINES && console_older(c, id, &r)) {
		c->rows_shown[c->n_ids] = r;
		id = c->ids[c->n_ids++] = r.id;
	}
	v->rows = c->rows_shown;
	v->n_rows = c->n_ids;
	if (c->following)
		return;
	for (id = c->top; v->n_newer < NEWER_MAX && console_newer(c, id, &r); id = r.id)
		v->n_newer++;
	v->n_newer_more = v->n_newer == NEWER_MAX;
}

static void
gather_detail(struct console *c, struct view *v)
{
	struct capture_row r;
	size_t left = LIMIT_SCREEN_SCAN;

	if (!rows_find(c->rows, c->selected, &v->detail))
		v->detail = (struct capture_row){ 0 };
	if (v->detail.delivery == 0)
		return;
	for (bool more = rows_newest(c->rows, &r);
	     more && v->n_attempts < VIEW_ATTEMPTS && left-- > 0;
	     more = rows_before(c->rows, r.id, &r))
		if (r.delivery == v->detail.delivery)
			v->attempts[v->n_attempts++] = r;
}

/* --- tunnels --- */

static enum view_health
health_of(const struct console *c, size_t i)
{
	const struct agent_tunnel *t = &c->client->serve->tunnels[i];

	if (t->state == TUNNEL_REFUSED)
		return VIEW_HEALTH_REFUSED;
	if (t->state == TUNNEL_REPLACED)
		return VIEW_HEALTH_REPLACED;
	if (c->client->session == NULL)
		return VIEW_HEALTH_UNKNOWN;
	if (t->state != TUNNEL_UP || t->probing)
		return VIEW_HEALTH_ASKING;
	if (t->failing)
		return VIEW_HEALTH_FAILING;
	/* Of bytes nobody can ask a question; the edge sends visitors here. */
	if (t->ask.kind != TUNNEL_HTTP || strcmp(c->tunnels[i].code, "ok") == 0)
		return VIEW_HEALTH_ONLINE;
	return c->tunnels[i].code[0] == '\0' ? VIEW_HEALTH_ASKING : VIEW_HEALTH_FAILING;
}

static const char *
why_of(const struct console *c, size_t i, enum view_health health)
{
	const struct close_row *row = close_find(slice_str(c->tunnels[i].code));

	switch (health) {
	case VIEW_HEALTH_FAILING:
		return row != NULL ? row->what : c->tunnels[i].code;
	case VIEW_HEALTH_REFUSED:
		return c->tunnels[i].why;
	case VIEW_HEALTH_REPLACED:
		return "a newer agent of this account serves it";
	case VIEW_HEALTH_UNKNOWN:
	case VIEW_HEALTH_ASKING:
	case VIEW_HEALTH_ONLINE:
		break;
	}
	return "";
}

static void
look_at_tunnels(struct console *c, struct view *v)
{
	const struct serve *s = c->client->serve;

	for (size_t i = 0; i < s->n_tunnels && i < LIMIT_AGENT_TUNNELS; i++) {
		const struct agent_tunnel *t = &s->tunnels[i];
		enum view_health health = health_of(c, i);
		struct view_tunnel *to = &c->views[v->n_tunnels];

		if (t->state == TUNNEL_REMOVED)
			continue;
		*to = (struct view_tunnel){ .name = t->label,
			.url = t->url,
			.origin = t->origin.text,
			.health = health,
			.why = why_of(c, i, health),
			.status = c->tunnels[i].status,
			.us = c->tunnels[i].us,
			.open = t->policy.is_open,
			.stores = strcmp(t->policy.mode, "store") == 0 ||
				  strcmp(t->policy.mode, "relay") == 0,
			.hook_path = t->policy.path,
			.secret_file = t->policy.secret,
			.events = t->policy.events != NULL ? t->policy.events : "",
			.next = t->policy.next != NULL ? t->policy.next : "" };
		rows_figures(c->rows, i, &to->figures);
		v->n_tunnels++;
	}
	v->tunnels = c->views;
}

/* --- the whole --- */

/* The link is up: what its tunnels say. */
static enum view_state
state_of_tunnels(const struct view *v, const char **ret_why)
{
	size_t n_asking = 0, n_refused = 0;

	for (size_t i = 0; i < v->n_tunnels; i++) {
		if (v->tunnels[i].health == VIEW_HEALTH_ONLINE)
			return VIEW_ONLINE;
		n_asking += v->tunnels[i].health == VIEW_HEALTH_ASKING;
		n_refused += v->tunnels[i].health == VIEW_HEALTH_REFUSED;
	}
	if (n_asking > 0)
		return VIEW_ASKING;
	*ret_why = v->n_tunnels == 1           ? v->tunnels[0].why
		   : n_refused == v->n_tunnels ? "the edge serves none of these tunnels"
					       : "no local server answers";
	return VIEW_FAILING;
}

static void
look_at_link(struct console *c, struct view *v, int64_t now)
{
	const struct client *client = c->client;

	v->why = c->why;
	v->attempt = client->retry.n_failed + (client->state == CLIENT_WAITING ? 0 : 1);
	v->up_ms = now - c->moved_ms;
	if (client->session != NULL)
		v->link_us = client->session->carrier.rtt_us;
	switch (client->state) {
	case CLIENT_OFF:
	case CLIENT_DIALLING:
	case CLIENT_GREETING:
		v->state = c->why[0] == '\0' ? VIEW_CONNECTING : VIEW_RECONNECTING;
		break;
	case CLIENT_WAITING:
		v->state = VIEW_RECONNECTING;
		v->again_ms = c->again_ms > now ? c->again_ms - now : 0;
		break;
	case CLIENT_UP:
		v->state = state_of_tunnels(v, &v->why);
		break;
	case CLIENT_STOPPING:
	case CLIENT_OVER:
		v->state = VIEW_STOPPING;
		v->n_open = (unsigned)c->n_open;
		break;
	}
	if (c->refused[0] != '\0') {
		v->state = VIEW_REFUSED;
		v->why = c->refused;
	}
}

/* The newest answer of all tunnels. */
static void
look_at_answers(const struct console *c, struct view *v, int64_t now)
{
	int64_t newest = -1;

	v->asked_ms = -1;
	for (size_t i = 0; i < LIMIT_AGENT_TUNNELS; i++) {
		const struct console_tunnel *t = &c->tunnels[i];

		if (strcmp(t->code, "ok") != 0 || t->at_ms <= newest)
			continue;
		newest = t->at_ms;
		v->asked_ms = now - t->at_ms;
		v->asked_us = t->us;
	}
}

void
console_look(struct console *c, struct view *ret)
{
	int64_t now = console_now_ms(c);

	*ret = (struct view){ .now_ms = clock_wall_ms(),
		.run_ms = now - c->begun_ms,
		.version = ADIT_VERSION,
		.account = c->client->account,
		.edge = c->client->dial.tls_name,
		.web = c->link == NULL ? "" : c->link,
		.can = (c->replay != NULL ? VIEW_CAN_REPLAY : 0) |
		       (c->link != NULL && c->link[0] != '\0' ? VIEW_CAN_OPEN : 0),
		.page = c->page,
		.selected = c->selected,
		.following = c->following,
		.filter = c->sieve.text,
		.typing = c->typing,
		.filter_wrong = c->sieve.wrong,
		.scroll = c->scroll,
		.notice = c->notice[0] != '\0' && now - c->notice_ms < CONSOLE_NOTICE_MS ? c->notice
											 : "" };
	look_at_tunnels(c, ret);
	look_at_link(c, ret, now);
	look_at_answers(c, ret, now);
	c->room = view_room(ret, c->next.columns, c->next.lines);
	if (c->page == VIEW_LIST)
		gather(c, ret);
	else if (c->page == VIEW_DETAIL)
		gather_detail(c, ret);
}
