/* SPDX-License-Identifier: Apache-2.0 */
/* The inbox's housekeeping on the main loop: retention, counts, alerts. */
#include "edge/inbox/housekeeping.h"

#include "base/clock.h"
#include "base/log.h"
#include "edge/core/alert.h"
#include "edge/core/worker.h"
#include "store/inbox.h"

#include <stdio.h>
#include <stdlib.h>

#define DAY_MS (24 * 3600 * 1000LL)
#define TICK_US (LIMIT_HOUSEKEEPING_MS * 1000LL)
/* Room that is made before senders are refused: a tenth of what an account may have. */
#define room_for(bytes) ((uint64_t)(bytes) / 10 * 9)

/*
 * In this order, one question to the store at a time: what an alert has told is written
 * down, what is old is deleted, and then the rest is counted.
 */
enum housekeeping_work { IDLE, TELLING, RETAINING, COUNTING };

/* What there is to tell. */
struct trouble {
	uint64_t parked, dead, refused; /* that no alert has told yet */
	int64_t late_s;                 /* of the oldest, 0: not late */
	bool damaged;                   /* the database, which no alert has told yet */
};

struct housekeeping {
	struct edge *edge;
	struct settings *settings;
	struct loop_timer tick;
	struct inbox_req req;
	struct errands home;
	struct errand errand;
	enum housekeeping_work work;
	bool stopped;
	struct inbox_counts counts; /* the newest, for people; req has another one while it works */
	bool counted;               /* there are some */
	/* alerts */
	uint64_t told_refused; /* as far as people know; parked and dead ones the store counts */
	bool told_late, told_damaged;
	char damage[320]; /* what the log says of it */
	int64_t alert_us; /* when the last one was given, 0: never */
	bool giving;      /* an alert of `given` was begun, and its end was not looked at yet */
	struct trouble given;
	struct alert *alert;
};

/* --- counters --- */

static uint64_t
sum(const struct edge *e, size_t member)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < e->n_workers; i++)
		n += counter_at(&e->workers[i]->counters, member);
	return n;
}
#define SUM(e, member) sum(e, offsetof(struct worker_counters, member))

static void
add_lag(const struct edge *e, json_t *o)
{
	static const int64_t bounds[] = LAG_MS;
	json_t *lag = json_array();

	for (size_t i = 0; i < LAG_BUCKETS; i++) {
		json_int_t n = (json_int_t)sum(e,
		    offsetof(struct worker_counters, lag) + i * sizeof(uint64_t));

		json_array_append_new(lag,
		    i < LAG_BUCKETS - 1
			? json_pack("{s:I, s:I}", "ms", (json_int_t)bounds[i], "n", n)
			: json_pack("{s:n, s:I}", "ms", "n", n));
	}
	json_object_set_new(o, "lag", lag);
}

json_t *
counters_json(const struct edge *e)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < e->n_workers; i++)
		counters_add_json(o, COUNTER_OF_INBOX, &e->workers[i]->counters);
	json_object_set_new(o, "commits", json_integer((json_int_t)store_commits(e->store)));
	add_lag(e, o);
	return o;
}

/* --- the alert --- */

static const char *
trouble_event(const struct trouble *t)
{
	return t->damaged                     ? "damaged"
	       : t->refused > 0               ? "full"
	       : t->parked > 0 || t->dead > 0 ? "parked"
					      : "lag";
}

/* One sentence, for people who read nothing else. */
static void
write_text(const struct housekeeping *u, const struct trouble *t, char *dst, size_t cap)
{
	unsigned long long queued = u->req.counts.n[INBOX_QUEUED];

	if (t->damaged)
		snprintf(dst, cap, "adit at %s: its database is %s", u->edge->domain, u->damage);
	else if (t->refused > 0)
		snprintf(dst, cap,
		    "adit at %s: %llu webhooks were refused with 503, since the inbox of their "
		    "account is full; look with: aditd inbox list --state parked,dead",
		    u->edge->domain, (unsigned long long)t->refused);
	else if (t->parked > 0 || t->dead > 0)
		snprintf(dst, cap,
		    "adit at %s: %llu webhooks were parked and %llu given up; look with: aditd "
		    "inbox list --state parked,dead",
		    u->edge->domain, (unsigned long long)t->parked, (unsigned long long)t->dead);
	else
		snprintf(dst, cap,
		    "adit at %s: the oldest webhook has waited %lld min, %llu are queued; look "
		    "with: aditd inbox list --state queued",
		    u->edge->domain, (long long)t->late_s / 60, queued);
}

static void
give_alert(struct housekeeping *u, const struct trouble *t)
{
	const struct inbox_counts *n = &u->req.counts;
	char text[640], *json;
	json_t *o;

	write_text(u, t, text, sizeof(text));
	o = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "event", trouble_event(t),
	    "text", text, "domain", u->edge->domain, "parked", (json_int_t)t->parked, "dead",
	    (json_int_t)t->dead, "refused", (json_int_t)t->refused, "queued",
	    (json_int_t)n->n[INBOX_QUEUED], "oldest_ms", (json_int_t)n->oldest_ms, "late_s",
	    (json_int_t)t->late_s);
	json = o == NULL ? NULL : json_dumps(o, JSON_COMPACT);
	log_event(LOG_WARN, "inbox-alert", LOG_U("parked", t->parked), LOG_U("dead", t->dead),
	    LOG_U("refused", t->refused), LOG_U("queued", n->n[INBOX_QUEUED]),
	    LOG_U("late_s", (uint64_t)t->late_s));
	if (json != NULL)
		alert_give(u->alert, u->settings, slice_str(json));
	free(json);
	json_decref(o);
}

/* Once a word for each finding: more of it may be found while the edge runs. */
static void
look_for_damage(struct housekeeping *u)
{
	const char *why = store_error(u->edge->store);

	if (strncmp(why, "damaged", 7) != 0 || strcmp(why, u->damage) == 0)
		return;
	snprintf(u->damage, sizeof(u->damage), "%s", why);
	u->told_damaged = false;
	log_event(LOG_ERROR, "store", LOG_Z("why", why));
}

static void
look_for_trouble(struct housekeeping *u)
{
	struct trouble t = { .damaged = u->damage[0] != '\0' && !u->told_damaged,
		.parked = u->req.counts.untold_parked,
		.dead = u->req.counts.untold_dead,
		.refused = SUM(u->edge, account_full) - u->told_refused };
	int64_t now_us = clock_mono_us(), age_ms = u->req.counts.age_ms;
	bool late = age_ms > u->settings->inbox.alert_minutes * 60000 &&
		    u->settings->inbox.alert_minutes > 0;

	check(SUM(u->edge, account_full) >= u->told_refused); /* nobody is told of more than came */
	if (!late)
		u->told_late = false;
	if (!t.damaged && t.parked == 0 && t.dead == 0 && t.refused == 0 && (!late || u->told_late))
		return;
	/*
	 * Trouble that goes on is told once a pause, and not while the last alert is
	 * on its way.
	 */
	if (u->giving ||
	    (u->alert_us != 0 && now_us - u->alert_us < u->settings->inbox.alert_pause_s * 1000000))
		return;
	u->alert_us = now_us;
	t.late_s = late ? age_ms / 1000 : 0;
	u->given = t;
	u->giving = true;
	give_alert(u, &t);
}

/* What nobody took is still to be told, after the pause. True: the store is to be told something. */
static bool
look_at_alert(struct housekeeping *u)
{
	const struct trouble *t = &u->given;

	if (alert_is_busy(u->alert) || !u->giving)
		return false;
	u->giving = false;
	if (!alert_was_taken(u->alert))
		return false;
	log_event(LOG_INFO, "inbox-alert-taken", LOG_U("parked", t->parked), LOG_U("dead", t->dead),
	    LOG_U("refused", t->refused), LOG_U("late_s", (uint64_t)t->late_s));
	u->told_refused += t->refused;
	u->told_late = t->late_s > 0;
	u->told_damaged = t->damaged || u->told_damaged;
	return t->parked > 0 || t->dead > 0;
}

/* --- the work --- */

static void on_done(struct errand *e);

static void
submit(struct housekeeping *u, enum housekeeping_work work, enum inbox_op op)
{
	struct settings *s = u->settings;

	check(u->work == IDLE && !u->stopped);
	inbox_req_fini(&u->req);
	u->req.now_ms = u->req.mono_ms = 0;
	u->req.op = op;
	if (op == INBOX_RETAIN)
		u->req.retain = (struct inbox_retain){ .keep_ms = s->inbox.keep_days * DAY_MS,
			.keep_failed_ms = s->inbox.keep_failed_days * DAY_MS,
			.account_bytes_max = room_for(s->inbox.account_bytes) };
	if (op == INBOX_TOLD)
		u->req.told = (struct inbox_told){ u->given.parked, u->given.dead };
	u->work = work;
	errand_inbox(&u->errand, &u->home, u->edge->store, &u->req, on_done);
}

static void
on_done(struct errand *e)
{
	struct housekeeping *u = list_of(e, struct housekeeping, errand);
	enum housekeeping_work work = u->work;
	bool good = u->req.result == STORE_OK;

	check(work != IDLE);
	u->work = IDLE;
	/* The edge ends: the settings are still here, the alert is freed. */
	if (u->stopped)
		return;
	if (!good)
		log_event(LOG_ERROR, "inbox-upkeep",
		    LOG_Z("why", store_result_text(u->req.result)));
	if (good && work == RETAINING && u->req.n_changed > 0)
		log_event(LOG_INFO, "inbox-deleted", LOG_U("deliveries", u->req.n_changed));
	if (good && work == COUNTING) {
		u->counts = u->req.counts;
		u->counted = true;
	}
	if (good && work == TELLING)
		submit(u, RETAINING, INBOX_RETAIN);
	else if (good && work == RETAINING)
		submit(u, u->req.more ? RETAINING : COUNTING,
		    u->req.more ? INBOX_RETAIN : INBOX_COUNT);
	else if (good)
		look_for_trouble(u);
	if (u->work == IDLE)
		loop_timer_set(u->home.loop, &u->tick, TICK_US);
}

static void
on_tick(struct loop_timer *t)
{
	struct housekeeping *u = list_of(t, struct housekeeping, tick);

	look_for_damage(u);
	if (look_at_alert(u))
		submit(u, TELLING, INBOX_TOLD);
	else
		submit(u, RETAINING, INBOX_RETAIN);
}

struct housekeeping *
housekeeping_start(struct edge *e, struct settings *s)
{
	struct housekeeping *u = calloc(1, sizeof(*u));

	if (u == NULL || (u->alert = alert_new(e->main_loop)) == NULL) {
		free(u);
		return NULL;
	}
	u->edge = e;
	u->settings = settings_ref(s);
	alert_use_settings(u->alert, s);
	u->tick.fn = on_tick;
	u->home.loop = e->main_loop;
	loop_timer_set(e->main_loop, &u->tick, TICK_US);
	return u;
}

const struct inbox_counts *
housekeeping_counts(const struct housekeeping *u)
{
	return u->counted ? &u->counts : NULL;
}

/* Takes effect with the next round. */
void
housekeeping_use_settings(struct housekeeping *u, struct settings *s)
{
	settings_unref(u->settings);
	u->settings = settings_ref(s);
	alert_use_settings(u->alert, s);
}

void
housekeeping_stop(struct housekeeping *u)
{
	if (u == NULL)
		return;
	u->stopped = true;
	loop_timer_stop(u->edge->main_loop, &u->tick);
	alert_free(u->alert);
	u->alert = NULL;
}

void
housekeeping_free(struct housekeeping *u)
{
	if (u == NULL)
		return;
	check(u->work == IDLE);
	inbox_req_fini(&u->req);
	settings_unref(u->settings);
	free(u);
}
