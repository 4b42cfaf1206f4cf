/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's figures for a scraper, and whether it is well. */
#include "agent/inspect/agent_metrics.h"

#include "agent/inspect/inspect_private.h"
#include "agent/link/uplink.h"
#include "base/clock.h"
#include "base/process.h"

/* 256 tunnels, eight samples each of a name of 63 bytes. */
#define TEXT_BYTES 1048576

const struct exposition_family agent_metrics_table[] = {
#define X(symbol, name, type, unit, help) { name, EXPOSITION_##type, unit, help },
	AGENT_METRICS(X)
#undef X
};
const size_t agent_metrics_n = sizeof(agent_metrics_table) / sizeof(*agent_metrics_table);

enum agent_metric {
#define X(symbol, ...) AGENT_METRIC_##symbol,
	AGENT_METRICS(X)
#undef X
};

static void
one(struct exposition *e, enum agent_metric m, uint64_t value)
{
	exposition_family(e, &agent_metrics_table[m]);
	exposition_count(e, NULL, 0, value);
}

static void
one_number(struct exposition *e, enum agent_metric m, double value)
{
	exposition_family(e, &agent_metrics_table[m]);
	exposition_number(e, NULL, 0, value);
}

/* --- tunnels --- */

/* As the edge's probe found it, or whoever wanted it last. */
static bool
is_down(const struct agent_tunnel *t)
{
	return t->failing || t->look.down;
}

static bool
is_well(const struct client *c, const struct agent_tunnel *t)
{
	return c->state == CLIENT_UP && t->state == TUNNEL_UP && !is_down(t);
}

/* One of two tunnels with one label is told alone: a scraper takes no sample twice. */
static bool
is_told(const struct serve *s, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (s->tunnels[i].state != TUNNEL_REMOVED &&
		    strcmp(s->tunnels[i].label, s->tunnels[index].label) == 0)
			return false;
	return s->tunnels[index].state != TUNNEL_REMOVED;
}

static uint64_t
value_of(const struct inspector *i, size_t index, enum agent_metric m, int64_t now_ms)
{
	struct tunnel_figures f;

	rows_figures(i->rows, index, &f);
	switch (m) {
	case AGENT_METRIC_TUNNEL_UP:
		return is_well(i->client, &i->client->serve->tunnels[index]);
	case AGENT_METRIC_REQUESTS:
		return f.requests;
	case AGENT_METRIC_FAILED:
		return f.failed;
	case AGENT_METRIC_REFUSED:
		return f.refused;
	case AGENT_METRIC_UNDER_WAY:
		return f.open;
	case AGENT_METRIC_WAITING:
		return f.wait;
	case AGENT_METRIC_PARKED:
		return f.parked;
	default:
		return f.oldest_ms == 0 || f.oldest_ms > now_ms
			   ? 0
			   : (uint64_t)(now_ms - f.oldest_ms) / 1000;
	}
}

static void
put_tunnels(struct exposition *e, const struct inspector *i)
{
	static const enum agent_metric families[] = { AGENT_METRIC_TUNNEL_UP, AGENT_METRIC_REQUESTS,
		AGENT_METRIC_FAILED, AGENT_METRIC_REFUSED, AGENT_METRIC_UNDER_WAY,
		AGENT_METRIC_WAITING, AGENT_METRIC_PARKED, AGENT_METRIC_OLDEST };
	const struct serve *s = i->client->serve;
	int64_t now_ms = clock_wall_ms();

	for (size_t f = 0; f < sizeof(families) / sizeof(*families); f++) {
		exposition_family(e, &agent_metrics_table[families[f]]);
		for (size_t k = 0; k < s->n_tunnels; k++) {
			struct exposition_label l = { "tunnel", slice_str(s->tunnels[k].label) };

			if (is_told(s, k))
				exposition_count(e, &l, 1, value_of(i, k, families[f], now_ms));
		}
	}
}

/* --- the rest --- */

static void
put_capture(struct exposition *e, const struct inspector *i)
{
	struct capture_state s;

	capture_state(i->client->serve->capture, &s);
	one(e, AGENT_METRIC_CAPTURE_ON, s.on);
	one(e, AGENT_METRIC_CAPTURE_BYTES, s.bytes);
	exposition_family(e, &agent_metrics_table[AGENT_METRIC_CAPTURE_CUT]);
	const struct {
		const char *reason;
		uint64_t n;
	} cuts[] = { { "size", s.cuts.size }, { "disk", s.cuts.disk }, { "rate", s.cuts.rate } };
	for (size_t k = 0; k < sizeof(cuts) / sizeof(*cuts); k++) {
		struct exposition_label l = { "reason", slice_str(cuts[k].reason) };

		exposition_count(e, &l, 1, cuts[k].n);
	}
}

static void
put_process(struct exposition *e)
{
	struct process_use use;

	process_use(&use);
	one_number(e, AGENT_METRIC_CPU, (double)use.cpu_us / 1e6);
	one(e, AGENT_METRIC_RESIDENT, use.resident_bytes);
	one(e, AGENT_METRIC_FDS, use.open_fds);
	one(e, AGENT_METRIC_FDS_MAX, use.fds_max);
	one_number(e, AGENT_METRIC_START, use.start_s);
}

static void
put_all(const struct inspector *i, struct buf *text, enum exposition_format format)
{
	const struct client *c = i->client;
	struct exposition_label version = { "version", S(ADIT_VERSION) };
	struct exposition e;

	exposition_begin(&e, text, format);
	exposition_family(&e, &agent_metrics_table[AGENT_METRIC_BUILD]);
	exposition_count(&e, &version, 1, 1);
	one(&e, AGENT_METRIC_LINK_UP, c->state == CLIENT_UP);
	one_number(&e, AGENT_METRIC_LINK_RTT,
	    c->session == NULL ? 0 : (double)c->session->carrier.link.rtt_us / 1e6);
	one(&e, AGENT_METRIC_LINKS, c->n_links);
	put_tunnels(&e, i);
	put_capture(&e, i);
	put_process(&e);
	exposition_end(&e);
}

void
agent_metrics(struct web_request *r)
{
	enum exposition_format format = exposition_accept(web_field(r, S("Accept")));
	struct buf text;

	buf_init(&text, TEXT_BYTES);
	put_all(inspector_of(r), &text, format);
	if (text.failed)
		web_error(r, 503, "too-large", "The metrics do not fit.", "");
	else
		web_text(r, 200, exposition_type_text(format), buf_slice(&text));
	buf_fini(&text);
}

/* The loop turns, or nothing would be answered. */
void
agent_healthz(struct web_request *r)
{
	web_text(r, 200, "text/plain; charset=utf-8", S("ok\n"));
}

/* Whether a webhook would get through now, and why not. Names of tunnels are not for everybody. */
void
agent_readyz(struct web_request *r)
{
	const struct client *c = inspector_of(r)->client;
	size_t refused = 0, failing = 0;
	json_t *why = json_array();

	for (size_t k = 0; k < c->serve->n_tunnels; k++) {
		refused += c->serve->tunnels[k].state == TUNNEL_REFUSED ||
			   c->serve->tunnels[k].state == TUNNEL_REPLACED;
		failing += is_down(&c->serve->tunnels[k]);
	}
	if (c->state == CLIENT_STOPPING || c->state == CLIENT_OVER)
		json_array_append_new(why, json_string("the agent stops"));
	else if (c->state != CLIENT_UP)
		json_array_append_new(why, json_string("there is no link to the edge"));
	if (refused > 0)
		json_array_append_new(why,
		    json_string(
			"a tunnel is not served: the edge refused it, or another agent has it"));
	if (failing > 0)
		json_array_append_new(why, json_string("a local server does not answer"));
	web_json(r, json_array_size(why) == 0 ? 200 : 503,
	    json_pack("{s:b, s:o}", "ready", json_array_size(why) == 0, "why", why));
}
