/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's state for the pages: link, tunnels, counts, what is kept. */
#include "agent/inspect/inspect_private.h"

#include "agent/link/uplink.h"
#include "base/clock.h"

static const char *
link_state(const struct inspector *i)
{
	const struct client *c = i->client;

	switch (c->state) {
	case CLIENT_UP:
		for (size_t k = 0; k < c->serve->n_tunnels; k++)
			if (c->serve->tunnels[k].failing)
				return "failing";
		return "online";
	case CLIENT_STOPPING:
	case CLIENT_OVER:
		return "stopped";
	case CLIENT_OFF:
	case CLIENT_DIALLING:
	case CLIENT_GREETING:
	case CLIENT_WAITING:
		break;
	}
	return c->account[0] != '\0' ? "reconnecting" : "connecting";
}

static const char *
tunnel_state(const struct inspector *i, const struct agent_tunnel *t)
{
	if (t->state == TUNNEL_REFUSED || t->state == TUNNEL_REPLACED)
		return "away";
	if (i->client->state != CLIENT_UP || t->state != TUNNEL_UP || t->probing)
		return "unknown";
	return t->failing ? "failing" : "online";
}

static json_t *
figures_of(struct inspector *i, size_t index)
{
	struct tunnel_figures f;
	int64_t now = clock_wall_ms();

	rows_figures(i->rows, index, &f);
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "requests", (json_int_t)f.requests,
	    "open", (json_int_t)f.open, "p50_us", (json_int_t)f.p50_us, "p90_us",
	    (json_int_t)f.p90_us, "p99_us", (json_int_t)f.p99_us, "wait", (json_int_t)f.wait,
	    "parked", (json_int_t)f.parked, "oldest_ms",
	    (json_int_t)(f.oldest_ms == 0 || f.oldest_ms > now ? 0 : now - f.oldest_ms));
}

/* What there is not for every tunnel. */
static void
add_known(json_t *o, const struct agent_tunnel *t)
{
	if (t->answer.status != 0) {
		json_object_set_new(o, "status", json_integer(t->answer.status));
		json_object_set_new(o, "us", json_integer(t->answer.us));
	}
	if (t->policy.scheme != NULL)
		json_object_set_new(o, "scheme", json_string(t->policy.scheme));
	if (t->policy.provider != NULL)
		json_object_set_new(o, "provider", json_string(t->policy.provider));
	if (t->policy.path[0] != '\0')
		json_object_set_new(o, "hook", json_string(t->policy.path));
}

static json_t *
tunnels_of(struct inspector *i)
{
	static const char *const kinds[] = {
		[TUNNEL_HTTP] = "http", [TUNNEL_TCP] = "tcp", [TUNNEL_TLS] = "tls"
	};
	static const char *const levels[] = {
		[CAPTURE_ON] = "on", [CAPTURE_HEADS] = "heads", [CAPTURE_OFF] = "off"
	};
	const struct capture *kept = i->client->serve->capture;
	json_t *list = json_array();

	for (size_t k = 0; k < i->client->serve->n_tunnels; k++) {
		const struct agent_tunnel *t = &i->client->serve->tunnels[k];
		const char *why = t->text[0] != '\0' ? t->text
				  : t->failing       ? "The local server does not answer."
						     : "";
		json_t *o;

		if (t->state == TUNNEL_REMOVED)
			continue;
		o = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:b,s:s,s:o}", "name", t->label, "kind",
		    kinds[t->ask.kind], "url", t->url, "origin", t->origin.text, "state",
		    tunnel_state(i, t), "why", why, "store", strcmp(t->policy.mode, "store") == 0,
		    "inspect", levels[capture_level(kept, k)], "figures", figures_of(i, k));
		add_known(o, t);
		json_array_append_new(list, o);
	}
	return list;
}

/* All rows are looked at, and again only when one has changed. */
static void
count(struct inspector *i)
{
	struct capture_row r;

	if (i->counted == rows_seq(i->rows) && i->counted != 0)
		return;
	i->counted = rows_seq(i->rows);
	memset(&i->counts, 0, sizeof(i->counts));
	for (bool more = rows_newest(i->rows, &r); more; more = rows_before(i->rows, r.id, &r)) {
		i->counts.all++;
		i->counts.replays += r.parent != 0;
		i->counts.refused += r.state == ROW_REFUSED;
		i->counts.delivered += r.state == ROW_DELIVERED;
		i->counts.needs_you +=
		    r.state == ROW_PARKED || r.state == ROW_DEAD || r.state == ROW_FAILED;
		i->counts.waiting +=
		    r.state == ROW_QUEUED || r.state == ROW_SENDING || r.state == ROW_RETRYING;
	}
}

static json_t *
capture_of(struct inspector *i)
{
	struct capture_state s;

	capture_state(i->client->serve->capture, &s);
	return json_pack("{s:b,s:I,s:I,s:I,s:{s:I,s:I,s:I},s:s}", "on", s.on, "bytes",
	    (json_int_t)s.bytes, "max_bytes", (json_int_t)s.bytes_max, "days",
	    (json_int_t)(s.age_ms_max / 86400000), "cut", "size", (json_int_t)s.cuts.size, "disk",
	    (json_int_t)s.cuts.disk, "rate", (json_int_t)s.cuts.rate, "why",
	    s.why == NULL ? "" : s.why);
}

/* Why the state is what it is, in the page's words or those of whatever failed. */
static const char *
why_of(const struct inspector *i)
{
	const struct client *c = i->client;

	if (c->state != CLIENT_UP)
		return c->why;
	for (size_t k = 0; k < c->serve->n_tunnels; k++)
		if (c->serve->tunnels[k].failing)
			return "a local server does not answer";
	return "the link to the edge is up";
}

/* The edge's own questions, and attempts to reach it. */
static void
add_link(json_t *o, const struct client *c)
{
	bool waits = c->state == CLIENT_WAITING;

	if (c->through.at_ms != 0)
		json_object_set_new(o, "probe",
		    json_pack("{s:I,s:I,s:i}", "us", (json_int_t)c->through.us, "at_ms",
			(json_int_t)c->through.at_ms, "status", (int)c->through.status));
	if (waits || c->state == CLIENT_DIALLING || c->state == CLIENT_GREETING)
		json_object_set_new(o, "attempt", json_integer(c->retry.n_failed + !waits));
}

/* What always moves: alone it is no news. */
static void
add_clocks(json_t *o, const struct client *c)
{
	int64_t rtt = c->session == NULL ? 0 : c->session->carrier.link.rtt_us;

	json_object_set_new(o, "now_ms", json_integer(clock_wall_ms()));
	json_object_set_new(o, "link_us", json_integer(rtt));
	if (c->state == CLIENT_WAITING) {
		int64_t left = c->timer.at_us - loop_now_us(c->loop);

		json_object_set_new(o, "again_ms", json_integer(left < 0 ? 0 : left / 1000));
	}
}

json_t *
inspect_state(struct inspector *i, bool now)
{
	struct client *c = i->client;
	json_t *o;

	count(i);
	o = json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:o,s:o,s:b,s:[]}", "version", ADIT_VERSION,
	    "state", link_state(i), "why", why_of(i), "edge", i->edge == NULL ? "" : i->edge,
	    "account", c->account, "since_ms", (json_int_t)c->moved_ms, "tunnels", tunnels_of(i),
	    "capture", capture_of(i), "sink", inspect_sink_on(i), "targets");
	json_object_set_new(o, "counts",
	    json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "all", (json_int_t)i->counts.all, "needs_you",
		(json_int_t)i->counts.needs_you, "waiting", (json_int_t)i->counts.waiting,
		"delivered", (json_int_t)i->counts.delivered, "refused",
		(json_int_t)i->counts.refused, "replays", (json_int_t)i->counts.replays));
	add_link(o, c);
	if (now)
		add_clocks(o, c);
	return o;
}
