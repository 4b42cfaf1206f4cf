/* SPDX-License-Identifier: Apache-2.0 */
/* The inbox: what lies there undelivered, and what the local server said to it.  A push of the
 * doctor's own passes the inbox by, so a server that refuses real ones is seen here alone. */
#include "agent/doctor/doctor_private.h"

#include <stdio.h>

/* What is delivered at all is delivered within seconds, while the link is up. */
#define LATE_MS 60000

/* The edge lists the newest first. NULL: the list is empty, or was not told. */
static const json_t *
newest(const json_t *rows)
{
	return json_array_get(rows, 0);
}

/* The newest of these in one state; NULL: there is none among those that were asked for. */
static const json_t *
newest_in(const json_t *rows, const char *state)
{
	json_t *row;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)rows, i, row) {
		if (strcmp(doctor_text_of(row, "state"), state) == 0)
			return row;
	}
	return NULL;
}

/* What the last attempt's answer meant, as the edge has noted it. */
static const char *
note_of(const json_t *row)
{
	const char *note = doctor_text_of(row, "note");

	return note[0] != '\0' ? note : "no attempt says why.";
}

/* One finding: n of them, and row as the example, which people can look at by its number. */
static void
add(struct doctor *d, const char *code, const json_t *row, int64_t n)
{
	char count[24], id[24], date[32], event[64];

	snprintf(count, sizeof(count), "%lld", (long long)n);
	snprintf(id, sizeof(id), "%lld", (long long)doctor_number_of(row, "id"));
	snprintf(event, sizeof(event), "%.60s",
	    doctor_text_of(row, "event")[0] != '\0' ? doctor_text_of(row, "event")
						    : "no event key");
	doctor_date(doctor_number_of(row, "received_ms"), date);
	doctor_add(d, code, "count", count, "id", id, "event", event, "date", date, "note",
	    note_of(row));
}

/* Parked or dead: news where nothing was delivered since. What is older was left behind by a
 * fault that is mended, and waits for somebody to replay or drop it. */
static void
judge_stuck(struct doctor *d)
{
	int64_t delivered = doctor_number_of(newest(d->link.delivered), "received_ms");
	int64_t parked = doctor_number_of(d->inbox, "parked"),
		dead = doctor_number_of(d->inbox, "dead");
	const json_t *p = newest_in(d->link.stuck, "parked"), *g = newest_in(d->link.stuck, "dead");

	if (p != NULL && doctor_number_of(p, "received_ms") >= delivered)
		add(d, "inbox-parked", p, parked);
	if (g != NULL && doctor_number_of(g, "received_ms") >= delivered)
		add(d, "inbox-dead", g, dead);
	if (newest(d->link.stuck) != NULL && !doctor_has(d, "inbox-parked") &&
	    !doctor_has(d, "inbox-dead"))
		add(d, "inbox-left", newest(d->link.stuck), parked + dead);
}

/* Something waits for long though the link is up. Its note is of one that was tried: the first
 * ones in a queue are, those behind them wait for them. */
static void
judge_waiting(struct doctor *d)
{
	int64_t oldest = doctor_number_of(d->inbox, "oldest_ms"),
		now = doctor_number_of(d->link.probe, "now_ms");
	const json_t *tried = NULL;
	char since[32], count[24];
	json_t *row;
	size_t i;

	if (d->link.waiting == NULL || oldest == 0 || now - oldest < LATE_MS ||
	    strcmp(doctor_text_of(d->link.probe, "state"), "up") != 0)
		return;
	json_array_foreach(d->link.waiting, i, row) {
		if (tried == NULL && doctor_number_of(row, "attempts") > 0)
			tried = row;
	}
	doctor_date(oldest, since);
	snprintf(count, sizeof(count), "%lld",
	    (long long)(doctor_number_of(d->inbox, "received") +
			doctor_number_of(d->inbox, "queued") +
			doctor_number_of(d->inbox, "leased")));
	doctor_add(d, "inbox-late", "count", count, "since", since, "note", note_of(tried));
}

void
doctor_look_inbox(struct doctor *d)
{
	const json_t *last = newest(d->link.delivered);
	char date[32];

	if (d->inbox == NULL) {
		doctor_say(d, DOCTOR_INBOX, DOCTOR_SKIPPED, "not asked");
		return;
	}
	/* It may have stored before, under another policy: then what is left is shown. */
	if (doctor_number_of(d->last, "received_ms") == 0 &&
	    strcmp(doctor_text_of(d->policy, "mode"), "pass") == 0) {
		doctor_say(d, DOCTOR_INBOX, DOCTOR_SKIPPED, "the tunnel stores nothing");
		return;
	}
	judge_stuck(d);
	judge_waiting(d);
	doctor_date(doctor_number_of(last, "received_ms"), date);
	doctor_say(d, DOCTOR_INBOX, DOCTOR_GOOD,
	    "%lld delivered (the newest: %s%s%.60s), %lld wait, %lld parked, %lld dead",
	    (long long)doctor_number_of(d->inbox, "delivered"), date, last != NULL ? " " : "",
	    doctor_text_of(last, "event"),
	    (long long)(doctor_number_of(d->inbox, "received") +
			doctor_number_of(d->inbox, "queued") +
			doctor_number_of(d->inbox, "leased")),
	    (long long)doctor_number_of(d->inbox, "parked"),
	    (long long)doctor_number_of(d->inbox, "dead"));
}
