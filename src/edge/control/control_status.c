/* SPDX-License-Identifier: Apache-2.0 */
/* What the edge knows itself: counters, tunnels, limits, metrics. */
#include "edge/control/control_private.h"

#include "base/limits.h"
#include "base/log.h"
#include "edge/control/audit.h"
#include "edge/control/metrics.h"
#include "edge/core/incident.h"
#include "edge/core/settings_show.h"
#include "edge/core/worker.h"
#include "edge/inbox/housekeeping.h"

#define TUNNELS_MAX 1000

struct tunnels {
	json_t *rows;
	size_t n;
};

/* Under the directory's lock. What is up, to a number: more would not fit into a line. */
static bool
add_tunnel(const struct route *r, void *arg)
{
	struct tunnels *t = arg;

	if (route_serves(r, 0))
		return true;
	if (t->n++ >= TUNNELS_MAX)
		return false;
	json_array_append_new(t->rows,
	    json_pack("{s:s, s:s, s:I, s:I, s:I}", "tunnel", r->key, "account", r->account,
		"worker", (json_int_t)r->link.worker, "generation",
		(json_int_t)atomic_load(&r->generation), "since_ms", (json_int_t)r->since_ms));
	return true;
}

/* Counters are read while the workers count: sums may be off by what happens meanwhile. */
void
control_status(struct asker *c, json_t *request)
{
	struct control *ctl = c->control;
	struct edge *e = ctl->edge;
	struct tunnels tunnels = { .rows = json_array() };
	json_t *workers = json_array();
	uint64_t begun = 0, failed = 0;
	const char *wrong = store_error(e->store);

	(void)request;
	for (unsigned i = 0; i < e->n_workers; i++) {
		json_t *worker = json_object();

		counters_add_json(worker, COUNTER_OF_WORKER, &e->workers[i]->counters);
		json_array_append_new(workers, worker);
	}
	directory_each(e->directory, add_tunnel, &tunnels);
	ctl->ops->handshakes(ctl->owner, &begun, &failed);
	control_answer(c,
	    json_pack("{s:b, s:s, s:s, s:I, s:s, s:s, s:{s:I, s:I}, s:o, s:o, s:b, s:o, s:o*}",
		"ok", 1, "version", ADIT_VERSION, "domain", e->domain, "https_port",
		(json_int_t)e->https_port, "store", wrong[0] == '\0' ? "ok" : wrong, "not_reloaded",
		ctl->ops->not_reloaded(ctl->owner), "handshakes", "begun", (json_int_t)begun,
		"failed", (json_int_t)failed, "workers", workers, "tunnels", tunnels.rows, "more",
		tunnels.n > TUNNELS_MAX, "inbox", counters_json(e), "dns",
		ctl->ops->dns(ctl->owner)));
}

void
control_metrics(struct asker *c, json_t *request)
{
	struct control *ctl = c->control;
	struct buf text;

	(void)request;
	buf_init(&text, LIMIT_CONTROL_LINE_BYTES);
	metrics_write(ctl->edge, ctl->ops, ctl->owner, &text, EXPOSITION_PROMETHEUS);
	if (text.failed)
		control_refuse(c, "too-large",
		    "the metrics do not fit: name fewer metrics.tunnels");
	else
		control_answer(c, json_pack("{s:b, s:s%}", "ok", 1, "text", text.p, text.n));
	buf_fini(&text);
}

/* What the edge remembers of it (incident.h): the newest first. */
void
control_refused(struct asker *c, json_t *request)
{
	(void)request;
	control_answer(c,
	    json_pack("{s:b, s:o, s:b}", "ok", 1, "rows",
		incident_list(c->control->edge->incidents, LIMIT_INCIDENTS_SHOWN), "more", 0));
}

void
control_audit(struct asker *c, json_t *request)
{
	(void)request;
	control_answer(c, json_pack("{s:b, s:o, s:b}", "ok", 1, "rows",
			      audit_list(c->control->audit), "more", 0));
}

#define LOG_BYTES 49152

/* {"op":"log","after":N}: the lines behind that position; "next" is asked next. */
void
control_log(struct asker *c, json_t *request)
{
	static char text[LOG_BYTES]; /* of the main loop's thread alone */
	json_t *rows = json_array();
	int64_t after = 0;
	uint64_t next;
	struct slice rest;

	if (!control_number(request, "after", INT64_MAX, &after)) {
		json_decref(rows);
		control_refuse(c, "bad-request", "\"after\" is a number that an answer has named");
		return;
	}
	rest = slice_of(text, log_tail((uint64_t)after, text, sizeof(text), &next));
	while (rest.n > 0) {
		struct slice line = slice_cut(&rest, '\n');

		json_array_append_new(rows, json_stringn(line.p, line.n));
	}
	control_answer(c,
	    json_pack("{s:b, s:o, s:I}", "ok", 1, "rows", rows, "next", (json_int_t)next));
}

void
control_config(struct asker *c, json_t *request)
{
	(void)request;
	control_answer(c, json_pack("{s:b, s:o}", "ok", 1, "rows",
			      settings_show(c->control->ops->settings(c->control->owner))));
}

/* As compiled in: `aditd -T` of another version on the disk may say something else. */
void
control_limits(struct asker *c, json_t *request)
{
	json_t *rows = json_array();

	(void)request;
	for (size_t i = 0; i < limits_n; i++)
		json_array_append_new(rows,
		    json_pack("{s:s, s:I, s:s, s:s}", "name", limits_table[i].name, "value",
			(json_int_t)limits_table[i].value, "unit", limits_table[i].unit, "what",
			limits_table[i].what));
	control_answer(c, json_pack("{s:b, s:o}", "ok", 1, "rows", rows));
}
