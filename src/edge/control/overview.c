/* SPDX-License-Identifier: Apache-2.0 */
/* The edge on one page: what there is, and what is wrong, worst first. */
#include "edge/control/control_private.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/process.h"
#include "edge/cert/cert.h"
#include "edge/core/worker.h"
#include "store/inbox.h"

#include <stdio.h>

#define DAY_MS (24 * 3600 * INT64_C(1000))
#define OLD_MS (15 * 60 * 1000)
#define AWAY_SHOWN 20

struct overview {
	struct control *control;
	json_t *problems, *away;
	size_t n_up, n_away, n_stopped, n_disabled;
	json_int_t ends_ms; /* of the certificate that ends first, 0: none */
	char ends[256];
};

/* level: "bad" comes before "warn". todo: what to type, "": nothing. */
static void
problem(struct overview *o, const char *level, const char *code, const char *todo, int64_t since_ms,
    const char *fmt, ...)
{
	char text[512];
	va_list ap;
	json_t *p;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	p = json_pack("{s:s, s:s, s:s, s:s, s:I}", "level", level, "code", code, "text", text,
	    "todo", todo, "since_ms", (json_int_t)since_ms);
	if (strcmp(level, "bad") == 0)
		json_array_insert_new(o->problems, 0, p);
	else
		json_array_append_new(o->problems, p);
}

/* --- tunnels --- */

/* Under the directory's lock. */
static bool
take_route(const struct route *r, void *arg)
{
	struct overview *o = arg;
	const char *state = control_tunnel_state(r);

	o->n_up += strcmp(state, "up") == 0;
	o->n_stopped += strcmp(state, "stopped") == 0;
	o->n_disabled += strcmp(state, "disabled") == 0;
	if (strcmp(state, "away") != 0)
		return true;
	if (o->n_away++ < AWAY_SHOWN)
		json_array_append_new(o->away,
		    json_pack("{s:s, s:s, s:I}", "name", r->key, "who", r->link.who, "since_ms",
			(json_int_t)r->since_ms));
	return true;
}

static void
look_at_tunnels(struct overview *o)
{
	const json_t *row;
	size_t i;

	o->away = json_array();
	directory_each(o->control->edge->directory, take_route, o);
	json_array_foreach(o->away, i, row)
		problem(o, "warn", "agent-away", "on the agent's machine: adit status",
		    json_integer_value(json_object_get(row, "since_ms")),
		    "Tunnel %s has lost its agent (%s). What is stored for it waits; other "
		    "visitors get 503.",
		    json_string_value(json_object_get(row, "name")),
		    json_string_value(json_object_get(row, "who")));
	json_decref(o->away);
}

/* --- certificates --- */

static void
look_at_certificate(struct overview *o, const json_t *row)
{
	const char *name = json_string_value(json_object_get(row, "name"));
	const char *why = json_string_value(json_object_get(row, "problem"));
	json_int_t end_ms = json_integer_value(json_object_get(row, "end_ms"));
	int64_t left_ms = end_ms - clock_wall_ms();
	char todo[320];

	snprintf(todo, sizeof(todo), "aditd cert show %s", name);
	if (end_ms != 0 && (o->ends_ms == 0 || end_ms < o->ends_ms)) {
		o->ends_ms = end_ms;
		snprintf(o->ends, sizeof(o->ends), "%s", name);
	}
	if (end_ms != 0 && left_ms < 14 * DAY_MS)
		problem(o, left_ms < 3 * DAY_MS ? "bad" : "warn", "certificate-ends", todo, 0,
		    "The certificate of %s ends in %lld days. %s", name,
		    (long long)(left_ms < 0 ? 0 : left_ms / DAY_MS), why);
	else if (why[0] != '\0')
		problem(o, end_ms == 0 ? "bad" : "warn", "certificate-failing", todo, 0,
		    "The certificate of %s %s: %s", name,
		    end_ms == 0 ? "was not given" : "was not renewed", why);
}

/* The first page: an edge with more has the rest in `aditd cert list`. */
static void
look_at_certificates(struct overview *o)
{
	const struct control *ctl = o->control;
	json_t *rows, *row;
	bool more;
	size_t i;

	if (!ctl->ops->certified(ctl->owner))
		problem(o, "bad", "certificate-none", "aditd cert list", 0,
		    "There is no certificate: nobody can connect by https.");
	if (ctl->edge->certs == NULL)
		return;
	rows = certs_list(ctl->edge->certs, "", &more);
	json_array_foreach(rows, i, row)
		look_at_certificate(o, row);
	json_decref(rows);
}

/* --- inbox, store, limits --- */

static json_t *
look_at_inbox(struct overview *o)
{
	const struct inbox_counts *n = o->control->ops->inbox(o->control->owner);
	unsigned long long parked;

	if (n == NULL)
		return json_null();
	parked = n->n[INBOX_PARKED];
	if (parked > 0)
		problem(o, "warn", "parked", "aditd inbox list --state parked", 0,
		    "%llu %s for a person. Nothing is lost.", parked,
		    parked == 1 ? "webhook is parked and waits" : "webhooks are parked and wait");
	if (n->n[INBOX_DEAD] > 0)
		problem(o, "warn", "given-up", "aditd inbox list --state dead", 0,
		    "%llu %s given up. A replay tries again.", (unsigned long long)n->n[INBOX_DEAD],
		    n->n[INBOX_DEAD] == 1 ? "webhook was" : "webhooks were");
	if (n->oldest_ms != 0 && n->age_ms > OLD_MS)
		problem(o, "warn", "inbox-old", "aditd inbox list --state queued", n->oldest_ms,
		    "The oldest webhook has waited %lld minutes.", (long long)n->age_ms / 60000);
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "queued",
	    (json_int_t)(n->n[INBOX_QUEUED] + n->n[INBOX_LEASED] + n->n[INBOX_RECEIVED]), "parked",
	    (json_int_t)parked, "dead", (json_int_t)n->n[INBOX_DEAD], "delivered",
	    (json_int_t)n->n[INBOX_DELIVERED], "oldest_ms", (json_int_t)n->oldest_ms);
}

static void
look_at_store(struct overview *o)
{
	const struct control *ctl = o->control;
	const char *why = store_error(ctl->edge->store);

	if (why[0] != '\0')
		problem(o, "bad", "store-failed", "aditd status", 0, "The store: %s.", why);
	why = ctl->ops->not_reloaded(ctl->owner);
	if (why[0] != '\0')
		problem(o, "warn", "not-reloaded", "aditd reload", 0,
		    "The last reload was refused, and the settings of before hold: %s", why);
	if (ctl->ops->stopping(ctl->owner))
		problem(o, "warn", "stopping", "", 0, "The edge stops and takes no new visitors.");
}

static uint64_t
sum_at(const struct edge *e, size_t member)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < e->n_workers; i++)
		n += counter_at(&e->workers[i]->counters, member);
	return n;
}
#define SUM(e, member) ((json_int_t)sum_at(e, offsetof(struct worker_counters, member)))

static json_t *
use_json(struct overview *o, const struct process_use *use)
{
	const struct control *ctl = o->control;
	const struct edge *e = ctl->edge;
	const struct settings *s = ctl->ops->settings(ctl->owner);
	const struct {
		const char *name;
		json_int_t used, limit;
	} rows[] = {
		{ "visitors", SUM(e, visitors), (json_int_t)s->limits.visitors },
		{ "links", SUM(e, links), LIMIT_LINKS * (json_int_t)e->n_workers },
		{ "requests", SUM(e, exchanges), LIMIT_EXCHANGES * (json_int_t)e->n_workers },
		{ "file descriptors", (json_int_t)use->open_fds, (json_int_t)use->fds_max },
	};
	json_t *a = json_array();

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_array_append_new(a, json_pack("{s:s, s:I, s:I}", "name", rows[i].name, "used",
					     rows[i].used, "limit", rows[i].limit));
		if (rows[i].used > rows[i].limit / 10 * 9)
			problem(o, "warn", "limit-near", "aditd limits", 0,
			    "%lld of %lld %s are used.", (long long)rows[i].used,
			    (long long)rows[i].limit, rows[i].name);
	}
	return a;
}

static json_t *
requests_json(const struct edge *e)
{
	struct tally_sum t = { 0 };

	for (unsigned i = 0; i < e->n_workers; i++)
		tally_sum(&e->workers[i]->counters.tally, &t);
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "all", (json_int_t)tally_requests(&t),
	    "failed", (json_int_t)t.by_class[5], "refused", (json_int_t)t.by_class[4], "p50_us",
	    (json_int_t)tally_quantile_us(&t, 0.5), "p99_us",
	    (json_int_t)tally_quantile_us(&t, 0.99));
}

void
control_overview(struct asker *c, json_t *request)
{
	struct overview o = { .control = c->control, .problems = json_array() };
	struct edge *e = c->control->edge;
	struct process_use use;
	json_t *inbox, *limits;

	(void)request;
	process_use(&use);
	look_at_store(&o);
	look_at_certificates(&o);
	look_at_tunnels(&o);
	inbox = look_at_inbox(&o);
	limits = use_json(&o, &use);
	control_answer(c,
	    json_pack("{s:b, s:s, s:s, s:I, s:{s:I, s:I, s:I, s:I}, s:o, s:o, s:I, s:I, s:I, s:I, "
		      "s:I, s:o, "
		      "s:s, s:I, s:o}",
		"ok", 1, "version", ADIT_VERSION, "domain", e->domain, "start_ms",
		(json_int_t)(use.start_s * 1000), "tunnels", "up", (json_int_t)o.n_up, "away",
		(json_int_t)o.n_away, "stopped", (json_int_t)o.n_stopped, "disabled",
		(json_int_t)o.n_disabled, "requests", requests_json(e), "inbox", inbox, "stored",
		SUM(e, stored), "bad_signatures", SUM(e, bad_signatures), "links", SUM(e, links),
		"visitors", SUM(e, visitors), "memory_bytes", (json_int_t)use.resident_bytes, "use",
		limits, "certificate", o.ends, "certificate_end_ms", o.ends_ms, "problems",
		o.problems));
}
