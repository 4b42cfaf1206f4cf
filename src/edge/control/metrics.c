/* SPDX-License-Identifier: Apache-2.0 */
/* Collects the figures of all workers and rooms for a scraper, off the workers. */
#include "edge/control/metrics.h"

#include "base/clock.h"
#include "base/process.h"
#include "edge/cert/cert.h"
#include "edge/core/worker.h"
#include "store/inbox.h"

const struct exposition_family metrics_table[] = {
#define X(symbol, name, type, unit, help) { name, EXPOSITION_##type, unit, help },
	METRICS(X)
#undef X
};
const size_t metrics_n = sizeof(metrics_table) / sizeof(*metrics_table);

enum metric {
#define X(symbol, ...) METRIC_##symbol,
	METRICS(X)
#undef X
};

/* What one collection needs again and again. */
struct collection {
	struct exposition out;
	const struct edge *edge;
	const struct control_ops *ops;
	void *owner;
	const struct inbox_counts *inbox; /* NULL: not counted yet */
	char last[280]; /* certificate of a page, behind which the next one begins */
};

static const char *const class_words[TALLY_CLASSES] = { "none", "1xx", "2xx", "3xx", "4xx", "5xx" };

static struct exposition_label
label(const char *name, const char *value)
{
	return (struct exposition_label){ name, slice_str(value) };
}

static void
begin(struct collection *c, enum metric m)
{
	exposition_family(&c->out, &metrics_table[m]);
}

/* A family of one sample. */
static void
one(struct collection *c, enum metric m, uint64_t value)
{
	begin(c, m);
	exposition_count(&c->out, NULL, 0, value);
}

static void
one_number(struct collection *c, enum metric m, double value)
{
	begin(c, m);
	exposition_number(&c->out, NULL, 0, value);
}

static void
labelled(struct collection *c, const char *name, const char *value, uint64_t n)
{
	struct exposition_label l = label(name, value);

	exposition_count(&c->out, &l, 1, n);
}

/* Counters are read while the workers count: a sum may be off by what happens meanwhile. */
static uint64_t
sum_at(const struct collection *c, size_t member)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < c->edge->n_workers; i++)
		n += counter_at(&c->edge->workers[i]->counters, member);
	return n;
}
#define SUM(c, member) sum_at(c, offsetof(struct worker_counters, member))

/* --- links, visitors, requests --- */

static void
put_classes(struct collection *c, const char *tunnel, const struct tally_sum *sum)
{
	for (size_t i = 0; i < TALLY_CLASSES; i++) {
		struct exposition_label l[] = { label("code_class", class_words[i]),
			label("tunnel", tunnel == NULL ? "" : tunnel) };

		exposition_count(&c->out, l, tunnel == NULL ? 1 : 2, sum->by_class[i]);
	}
}

static void
put_requests(struct collection *c)
{
	struct tally_sum sum = { 0 };

	for (unsigned i = 0; i < c->edge->n_workers; i++)
		tally_sum(&c->edge->workers[i]->counters.tally, &sum);
	one(c, METRIC_UNDER_WAY, SUM(c, exchanges));
	begin(c, METRIC_REQUESTS);
	put_classes(c, NULL, &sum);
	begin(c, METRIC_TOOK);
	exposition_histogram(&c->out, NULL, 0, tally_bounds_us, sum.took, TALLY_BOUNDS,
	    sum.took_us);
	begin(c, METRIC_ERRORS);
	for (unsigned i = CLOSE_OK + 1; i < CLOSE_ROWS; i++)
		labelled(c, "code", close_row((enum close_code)i)->name,
		    sum_at(c, offsetof(struct worker_counters, errors) + i * sizeof(uint64_t)));
}

static void
put_connections(struct collection *c)
{
	uint64_t begun = 0, failed = 0;

	one(c, METRIC_LINKS, SUM(c, links));
	one(c, METRIC_LINKS_OPENED, SUM(c, links_total));
	one(c, METRIC_VISITORS, SUM(c, visitors));
	one(c, METRIC_VISITORS_OPENED, SUM(c, visitors_total));
	one(c, METRIC_STREAMS, SUM(c, tcp));
	one(c, METRIC_STREAMS_OPENED, SUM(c, tcp_total));
	begin(c, METRIC_BYTES);
	labelled(c, "direction", "rx", SUM(c, rx_bytes));
	labelled(c, "direction", "tx", SUM(c, tx_bytes));
	c->ops->handshakes(c->owner, &begun, &failed);
	begin(c, METRIC_HANDSHAKES);
	labelled(c, "result", "ok", begun > failed ? begun - failed : 0);
	labelled(c, "result", "failed", failed);
}

/* --- tunnels --- */

struct tunnel_states {
	uint64_t up, away, stopped, disabled;
};

/* Under the directory's lock. */
static bool
count_tunnel(const struct route *r, void *arg)
{
	struct tunnel_states *t = arg;

	if (!route_serves(r, 0))
		t->up++;
	else if (r->disabled && !r->tombstone)
		t->disabled++;
	else if (r->stopped)
		t->stopped++;
	else if (!r->tombstone && atomic_load(&r->tally) != NULL)
		t->away++; /* since the start: who never came is missed by nobody */
	return true;
}

static void
put_tunnels(struct collection *c)
{
	struct tunnel_states t = { 0 };

	directory_each(c->edge->directory, count_tunnel, &t);
	begin(c, METRIC_TUNNELS);
	labelled(c, "state", "up", t.up);
	labelled(c, "state", "away", t.away);
	labelled(c, "state", "stopped", t.stopped);
	labelled(c, "state", "disabled", t.disabled);
}

/* One of those that the settings name. A name that nobody has yet has no requests. */
static void
put_named(struct collection *c, enum metric m, const char *name)
{
	struct tally_sum sum = { 0 };
	struct exposition_label l = label("tunnel", name);
	bool up = directory_tally(c->edge->directory, slice_str(name), &sum);

	if (m == METRIC_TUNNEL_UP)
		exposition_count(&c->out, &l, 1, up);
	else if (m == METRIC_TUNNEL_REQUESTS)
		put_classes(c, name, &sum);
	else
		exposition_histogram(&c->out, &l, 1, tally_bounds_us, sum.took, TALLY_BOUNDS,
		    sum.took_us);
}

static void
put_named_tunnels(struct collection *c, const struct settings *s)
{
	static const enum metric families[] = { METRIC_TUNNEL_UP, METRIC_TUNNEL_REQUESTS,
		METRIC_TUNNEL_TOOK };

	for (size_t f = 0; s->n_metrics_tunnels > 0 && f < 3; f++) {
		begin(c, families[f]);
		for (size_t i = 0; i < s->n_metrics_tunnels; i++)
			put_named(c, families[f], s->metrics_tunnels[i]);
	}
}

/* --- inbox and store --- */

static void
put_lag(struct collection *c)
{
	static const int64_t bounds_ms[] = LAG_MS;
	int64_t bounds_us[LAG_BUCKETS - 1];
	uint64_t counts[LAG_BUCKETS];

	for (size_t i = 0; i < LAG_BUCKETS; i++) {
		if (i < LAG_BUCKETS - 1)
			bounds_us[i] = bounds_ms[i] * 1000;
		counts[i] = sum_at(c, offsetof(struct worker_counters, lag) + i * sizeof(uint64_t));
	}
	begin(c, METRIC_LAG);
	exposition_histogram(&c->out, NULL, 0, bounds_us, counts, LAG_BUCKETS - 1,
	    SUM(c, lag_ms) * 1000);
}

static void
put_counted(struct collection *c)
{
	static const char *const words[INBOX_N_STATES] = {
#define X(name, word, number, what) [number] = word,
		INBOX_STATES(X)
#undef X
	};

	if (c->inbox == NULL)
		return;
	begin(c, METRIC_INBOX);
	for (size_t i = 0; i < INBOX_N_STATES; i++)
		labelled(c, "state", words[i], c->inbox->n[i]);
	begin(c, METRIC_INBOX_BYTES);
	for (size_t i = 0; i < INBOX_N_STATES; i++)
		labelled(c, "state", words[i], c->inbox->bytes[i]);
	one_number(c, METRIC_OLDEST,
	    c->inbox->oldest_ms == 0 ? 0 : (double)c->inbox->age_ms / 1000);
}

static void
put_inbox(struct collection *c)
{
	uint64_t not_stored = SUM(c, not_stored), full = SUM(c, account_full);

	one(c, METRIC_STORED, SUM(c, stored));
	one(c, METRIC_DELIVERED, SUM(c, delivered));
	one(c, METRIC_RETRIED, SUM(c, retried));
	one(c, METRIC_PARKED, SUM(c, parked));
	one(c, METRIC_DEAD, SUM(c, dead));
	one(c, METRIC_DUPLICATES, SUM(c, duplicates));
	one(c, METRIC_COALESCED, SUM(c, coalesced));
	begin(c, METRIC_INBOX_REFUSED);
	labelled(c, "reason", "signature", SUM(c, bad_signatures));
	labelled(c, "reason", "account-full", full);
	/* Both are counted by other threads meanwhile. */
	labelled(c, "reason", "store", not_stored > full ? not_stored - full : 0);
	put_counted(c);
	put_lag(c);
	one(c, METRIC_COMMITS, store_commits(c->edge->store));
	one(c, METRIC_STORE_FAILED, store_error(c->edge->store)[0] != '\0');
}

/* --- certificates, DNS, limits, the process --- */

static void
put_certificates(struct collection *c)
{
	bool more = c->edge->certs != NULL;

	if (more)
		begin(c, METRIC_CERTIFICATE);
	while (more && !c->out.out->failed) {
		json_t *rows = certs_list(c->edge->certs, c->last, &more), *row;
		size_t i;

		json_array_foreach(rows, i, row) {
			const char *name = json_string_value(json_object_get(row, "name"));
			json_int_t end_ms = json_integer_value(json_object_get(row, "end_ms"));

			snprintf(c->last, sizeof(c->last), "%s", name);
			if (end_ms != 0)
				labelled(c, "name", name, (uint64_t)end_ms / 1000);
		}
		more = more && json_array_size(rows) > 0;
		json_decref(rows);
	}
}

static void
put_dns(struct collection *c)
{
	json_t *counters = c->ops->dns(c->owner), *n;
	const char *kind;

	if (counters == NULL)
		return;
	begin(c, METRIC_DNS);
	json_object_foreach(counters, kind, n)
		labelled(c, "kind", kind, (uint64_t)json_integer_value(n));
	json_decref(counters);
}

static void
put_limits(struct collection *c, const struct settings *s, const struct process_use *use)
{
	const struct {
		const char *name;
		uint64_t limit, used;
	} rows[] = {
		{ "visitors", (uint64_t)s->limits.visitors, SUM(c, visitors) },
		{ "links", LIMIT_LINKS * (uint64_t)c->edge->n_workers, SUM(c, links) },
		{ "exchanges", LIMIT_EXCHANGES * (uint64_t)c->edge->n_workers, SUM(c, exchanges) },
		{ "fds", use->fds_max, use->open_fds },
	};

	begin(c, METRIC_LIMIT);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		labelled(c, "name", rows[i].name, rows[i].limit);
	begin(c, METRIC_LIMIT_USED);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		labelled(c, "name", rows[i].name, rows[i].used);
}

static void
put_process(struct collection *c, const struct process_use *use)
{
	one_number(c, METRIC_CPU, (double)use->cpu_us / 1e6);
	one(c, METRIC_RESIDENT, use->resident_bytes);
	one(c, METRIC_FDS, use->open_fds);
	one(c, METRIC_FDS_MAX, use->fds_max);
	one_number(c, METRIC_START, use->start_s);
}

void
metrics_write(const struct edge *e, const struct control_ops *ops, void *owner, struct buf *out,
    enum exposition_format format)
{
	struct collection c = { .edge = e, .ops = ops, .owner = owner, .inbox = ops->inbox(owner) };
	struct process_use use;

	process_use(&use);
	exposition_begin(&c.out, out, format);
	begin(&c, METRIC_BUILD);
	labelled(&c, "version", ADIT_VERSION, 1);
	put_connections(&c);
	put_requests(&c);
	put_tunnels(&c);
	put_inbox(&c);
	put_certificates(&c);
	put_dns(&c);
	one(&c, METRIC_DRAINING, ops->stopping(owner));
	put_limits(&c, ops->settings(owner), &use);
	put_named_tunnels(&c, ops->settings(owner));
	put_process(&c, &use);
	exposition_end(&c.out);
}
