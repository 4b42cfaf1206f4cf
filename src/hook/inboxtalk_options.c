/* SPDX-License-Identifier: Apache-2.0 */
/* What people wrote behind `inbox`, as a request: times, states, filters and ids. */
#include "hook/inboxtalk_private.h"

#include <stdio.h>
#include <time.h>

/* A bound on the number keeps the product within int64_t. */
static int64_t
ago(struct slice text, int64_t now_ms)
{
	static const struct {
		char unit;
		int64_t ms;
	} units[] = { { 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 }, { 'd', 86400000 } };
	uint64_t n;

	for (size_t i = 0; i < 4 && text.n > 1; i++)
		if (text.p[text.n - 1] == units[i].unit &&
		    slice_u64(slice_head(text, text.n - 1), &n) && n < 100000000)
			return now_ms - (int64_t)n * units[i].ms;
	return -1;
}

int64_t
inboxtalk_time(struct slice text, int64_t now_ms)
{
	static const char *const forms[] = { "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S",
		"%Y-%m-%dT%H:%M", "%Y-%m-%d" };
	char z[40];
	int64_t ms = ago(text, now_ms);

	if (ms >= 0 || !slice_z(text, z, sizeof(z)))
		return ms;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct tm tm = { 0 };
		const char *end = strptime(z, forms[i], &tm);

		if (end != NULL && *end == '\0')
			return (int64_t)timegm(&tm) * 1000;
	}
	return -1;
}

static void
set_text(json_t *o, const char *key, const char *value)
{
	if (value != NULL)
		json_object_set_new(o, key, json_string(value));
}

/* False: it is no time. None given sets nothing. */
static bool
set_time(struct inboxtalk *t, const char *key, const char *value, int64_t now_ms)
{
	int64_t ms = value == NULL ? 0 : inboxtalk_time(slice_str(value), now_ms);

	if (ms > 0)
		inboxtalk_set_number(t->request, key, (uint64_t)ms);
	return ms >= 0;
}

/* The names of --state. False: it has one that is none. */
static bool
set_states(struct inboxtalk *t)
{
	static const char *const known[] = { "received", "queued", "leased", "delivered", "parked",
		"dead", "dropped" };
	struct slice rest = slice_str(t->o.states);
	json_t *list = json_array();
	bool good = true;

	while (rest.n > 0) {
		struct slice s = slice_trim(slice_cut(&rest, ','));
		bool found = false;

		for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
			found = found || slice_eq(s, slice_str(known[i]));
		good = good && found;
		json_array_append_new(list, json_stringn(s.p == NULL ? "" : s.p, s.n));
	}
	if (json_array_size(list) > 0)
		json_object_set(t->request, "states", list);
	json_decref(list);
	return good;
}

enum inboxtalk_step
inboxtalk_set_options(struct inboxtalk *t, int64_t now_ms)
{
	const struct inboxtalk_options *o = &t->o;
	char which[80];

	inboxtalk_set_op(t, t->command->op);
	set_text(t->request, "account", o->account);
	set_text(t->request, "tunnel", o->tunnel);
	set_text(t->request, "event", o->event);
	set_text(t->request, "repository", o->repository);
	set_text(t->request, "to", o->to);
	if (o->raw)
		json_object_set_new(t->request, "raw", json_true());
	snprintf(which, sizeof(which), "--state %.60s", o->states != NULL ? o->states : "");
	if (!set_states(t))
		return inboxtalk_fail(t,
		    "no such state; there are: received, queued, leased, delivered, "
		    "parked, dead and dropped",
		    which);
	if (!set_time(t, "since_ms", o->since, now_ms))
		return inboxtalk_fail(t,
		    "a time is 2026-11-24T18:00:00Z, 2026-11-24, or 30m, 12h, 7d ago", "--since");
	if (!set_time(t, "until_ms", o->until, now_ms))
		return inboxtalk_fail(t,
		    "a time is 2026-11-24T18:00:00Z, 2026-11-24, or 30m, 12h, 7d ago", "--until");
	t->left = UINT64_MAX;
	if (o->limit != NULL && (!slice_u64(slice_str(o->limit), &t->left) || t->left == 0))
		return inboxtalk_fail(t, "a number is wanted", "--limit");
	if (strcmp(t->command->name, "export") == 0)
		json_object_set_new(t->request, "whole", json_true());
	if (strcmp(t->command->name, "tail") == 0) {
		inboxtalk_set_number(t->request, "limit", 1);
		if (o->since == NULL)
			inboxtalk_set_number(t->request, "since_ms", (uint64_t)now_ms);
	} else if (t->left < 100 &&
		   (strcmp(t->command->op, "list") == 0 || strcmp(t->command->op, "export") == 0)) {
		inboxtalk_set_number(t->request, "limit", t->left);
	}
	return INBOXTALK_ASK;
}

enum inboxtalk_step
inboxtalk_set_ids(struct inboxtalk *t, int n, const char *const *args)
{
	const struct inboxtalk_command *c = t->command;

	if (n > (c->ids ? INBOXTALK_IDS : 0) || (c->needs_one && n != 1))
		return inboxtalk_fail(t,
		    c->needs_one ? "the id of one delivery is wanted" : "too many arguments",
		    c->name);
	check(t->n_ids == 0);
	for (int i = 0; i < n; i++)
		if (!slice_u64(slice_str(args[i]), &t->ids[t->n_ids++]) || t->ids[i] == 0 ||
		    t->ids[i] > INT64_MAX)
			return inboxtalk_fail(t, "the id of a delivery is a number", args[i]);
	if (n > 0)
		inboxtalk_set_number(t->request, "id", t->ids[0]);
	else if (c->ids && t->o.states == NULL)
		return inboxtalk_fail(t, "name deliveries by id, or give --state", c->name);
	return INBOXTALK_ASK;
}
