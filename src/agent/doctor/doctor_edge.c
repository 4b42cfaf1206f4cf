/* SPDX-License-Identifier: Apache-2.0 */
/* The edge and the link: what the edge says of the tunnel, what it refused lately, and a probe that
 * it answers itself. */
#include "agent/doctor/doctor_private.h"

#include "base/clock.h"
#include "http/close.h"
#include "tunnel/hello.h"

#include <stdio.h>
#include <stdlib.h>

/* Signatures with a time in them are refused past minutes; by so much clocks may differ unsaid. */
#define SKEW_S 30
/* Two takeovers within this are a fight; one that is older was an agent that was moved. */
#define TAKEOVER_MS 600000

/* --- what was refused since the last event that was taken --- */

/* The note that the edge has kept of this code, NULL: none. It keeps the newest of each. */
static const json_t *
note_of(const struct doctor *d, const char *code)
{
	size_t i;
	json_t *note;

	json_array_foreach(d->notes, i, note) {
		if (strcmp(doctor_text_of(note, "code"), code) == 0)
			return note;
	}
	return NULL;
}

/* What was refused before the last event that was stored has been mended since. */
static bool
is_news(const struct doctor *d, const json_t *note)
{
	return note != NULL &&
	       doctor_number_of(note, "at_ms") >= doctor_number_of(note_of(d, "stored"), "at_ms");
}

/* Refusals of an event, not of a visitor: something was sent, so the sender is set up. */
int64_t
doctor_refused_ms(const struct doctor *d)
{
	static const char *const codes[] = { "hook-slash", "edge-address", "edge-login",
		"edge-too-big", "edge-unsigned", "edge-signature", "edge-disk" };
	int64_t last = 0;

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		int64_t at = doctor_number_of(note_of(d, codes[i]), "at_ms");

		last = at > last ? at : last;
	}
	return last;
}

/* One row serves many codes: each takes from these values what its text names. A note's text is
 * what the edge wrote for that code: a path, a reason, or "SIZE LIMIT" in bytes. */
static void
add_note(struct doctor *d, const char *code)
{
	const json_t *note = note_of(d, code);
	char size[24] = "", limit[24] = "", peer[64], age[48], date[32];
	const char *text;

	if (!is_news(d, note))
		return;
	text = doctor_text_of(note, "text");
	/* Two words where it is about sizes; of any other text nothing uses them. */
	(void)sscanf(text, "%23s %23s", size, limit);
	if (strcmp(size, "0") == 0)
		snprintf(size, sizeof(size), "unknown size");
	snprintf(peer, sizeof(peer), "%s", doctor_text_of(note, "peer"));
	snprintf(age, sizeof(age), "perhaps"); /* lists have no date at the edge */
	doctor_date(doctor_number_of(note, "at_ms"), date);
	doctor_add(d, code, "date", date, "request", text, "address", peer, "agent",
	    doctor_text_of(note, "agent"), "age", age, "status", "401", "path", text, "size", size,
	    "limit", limit, "url", d->good_url, "reason", text, "error", text, "attempt", "2");
}

/* A ping is Bitbucket's own; a delivery that came twice is told whether or not it is news, since
 * the sender repeats only what it believes lost. */
static void
add_notes(struct doctor *d)
{
	static const char *const codes[] = { "hook-slash", "edge-address", "edge-login",
		"edge-too-big", "edge-http", "edge-unsigned", "edge-stray", "edge-signature",
		"edge-disk" };
	const json_t *twice = note_of(d, "edge-duplicate");

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		add_note(d, codes[i]);
	if (doctor_is_bitbucket(d))
		add_note(d, "edge-ping");
	if (twice != NULL)
		doctor_add(d, "edge-duplicate", "attempt", "2 or later");
}

/* --- a probe that the edge answers --- */

/* The path is not one of the tunnel's preset; which preset it would be. */
static void
add_path(struct doctor *d)
{
	const struct preset *other = preset_of_path(doctor_bare_path(d));
	char hint[160] = ".";

	if (other != NULL && other != d->preset)
		snprintf(hint, sizeof(hint), ", or start the tunnel with --for %.60s.",
		    other->name);
	doctor_add(d, "edge-path", "path", d->check.path, "preset", d->preset->name, "url",
	    d->good_url, "other", hint);
}

/* 403 has three causes; the preset tells which. What it would let through was
 * refused for the address. */
static void
judge_forbidden(struct doctor *d)
{
	struct slice path = doctor_bare_path(d);
	enum preset_access access =
	    d->preset == NULL ? PRESET_ALLOWED : preset_access(d->preset, S("POST"), path);

	if (access == PRESET_SLASH)
		doctor_add(d, "hook-slash", "path", d->check.path, "url", d->good_url);
	else if (access != PRESET_ALLOWED)
		add_path(d);
	else
		doctor_add(d, "edge-address", "address", "this machine", "agent", "adit doctor",
		    "age", "perhaps");
}

/* error: the row of the close table, as the edge names it in adit-error; empty or unknown:
 * nothing of it was the edge's refusal. */
static void
judge_refusal(struct doctor *d, const struct fetch_answer *a, struct slice error)
{
	const struct close_row *row = close_find(error);
	char status[8];

	snprintf(status, sizeof(status), "%u", a->status);
	if (slice_eq(error, S("unauthorized")))
		doctor_add(d, "edge-login", "status", status, "path", d->check.path);
	else if (slice_eq(error, S("body-too-large")))
		doctor_add(d, "edge-too-big", "size", "2 KB", "limit", "less");
	else if (slice_eq(error, S("store-full")))
		doctor_add(d, "edge-disk", "error", "its store cannot be written");
	else if (slice_eq(error, S("forbidden")))
		judge_forbidden(d);
	else if (slice_eq(error, S("rate-limited")))
		doctor_add(d, "edge-rate");
	else if (row != NULL && row->blame == BLAME_EDGE)
		doctor_add(d, "edge-busy", "error", row->name, "what", row->what, "remedy",
		    row->remedy);
}

/* A question with a ticket is answered by the edge itself, or refused in its own words: any
 * other answer comes from a server that is not this edge, or from a cache before it. */
static void
judge_answer(struct doctor *d, const struct fetch_answer *a, struct slice error)
{
	json_t *o = json_loadb(a->body.p, a->body.n, 0, NULL);
	const char *reason = doctor_text_of(o, "signature");
	char status[8];

	snprintf(status, sizeof(status), "%u", a->status);
	if (error.n == 0 && strcmp(doctor_text_of(o, "probe"), "edge") != 0 &&
	    !doctor_has(d, "edge-http"))
		doctor_add(d, "edge-other", "host", d->check.host, "status", status);
	if (d->secret[0] != '\0' && strcmp(reason, "wrong") == 0)
		doctor_add(d, "edge-secret", "file", d->secret_file);
	else if (d->secret[0] != '\0' && reason[0] != '\0' && strcmp(reason, "ok") != 0)
		doctor_add(d, "edge-signature", "reason", doctor_text_of(o, "text"));
	json_decref(o);
}

/* What the edge says of the tunnel; of another account's it says nothing. */
static void
describe(const struct doctor *d, char dst[160])
{
	const char *state = doctor_text_of(d->link.probe, "state");
	const char *mode = d->policy != NULL ? doctor_text_of(d->policy, "mode") : "pass";
	bool ours = strcmp(state, "up") == 0 || strcmp(state, "away") == 0 ||
		    strcmp(state, "disabled") == 0;

	snprintf(dst, 160, "%.40s", doctor_text_of(d->link.probe, "edge"));
	if (ours)
		snprintf(dst + strlen(dst), 160 - strlen(dst), ", mode %.20s, signatures are %s",
		    mode,
		    doctor_text_of(d->policy, "scheme")[0] != '\0' ? "checked" : "not checked");
}

void
doctor_look_edge(struct doctor *d)
{
	struct buf fields, body;
	struct fetch_answer a;
	struct slice error;
	char said[160];

	add_notes(d);
	/* An earlier stage has said why. */
	if (!d->has_to || (strcmp(d->check.scheme, "https") == 0 && !d->tls_shaken)) {
		doctor_say(d, DOCTOR_EDGE, DOCTOR_SKIPPED, "it was not reached");
		return;
	}
	buf_init(&fields, 4096);
	buf_init(&body, 8192);
	/* Without a ticket the edge would take a push for a real one and store it. */
	if (d->ticket != NULL)
		doctor_push(d, &fields, &body);
	if (doctor_ask(d, d->ticket != NULL ? "POST" : "GET", "edge", buf_slice(&body),
		buf_slice(&fields), DOCTOR_MS, &a) != 0) {
		doctor_say(d, DOCTOR_EDGE, DOCTOR_BAD, "no answer: %.200s", a.why);
	} else {
		error = fetch_field(&a, S("adit-error"));
		if (a.status >= 300 && a.status < 400 && strcmp(d->check.scheme, "http") == 0)
			doctor_add(d, "edge-http", "url", d->good_url);
		judge_refusal(d, &a, error);
		if (d->ticket != NULL)
			judge_answer(d, &a, error);
		describe(d, said);
		if (d->link.probe != NULL)
			doctor_say(d, DOCTOR_EDGE, DOCTOR_GOOD, "%s", said);
		else
			doctor_say(d, DOCTOR_EDGE, DOCTOR_GOOD, "it answers %u%s%.*s", a.status,
			    error.n > 0 ? ", " : "", PS(error));
		if (slice_eq(error, S("agent-away")) || slice_eq(error, S("no-tunnel")))
			doctor_add(d, "link-away", "tunnel",
			    d->name[0] != '\0' ? d->name : d->check.host, "since", "", "stored",
			    "");
		if (slice_eq(error, S("unknown-name")) && d->link.probe == NULL)
			doctor_add(d, "edge-unknown", "host", d->check.host);
		if (slice_eq(error, S("released-name")))
			doctor_add(d, "dns-released", "host", d->check.host, "date",
			    "an earlier day");
	}
	fetch_fini(&a);
	buf_fini(&fields);
	buf_fini(&body);
}

/* --- the link --- */

/* The edge's time against the middle of our waiting for it, which halves the error
 * of a slow line. */
static void
judge_clock(struct doctor *d)
{
	int64_t edge = doctor_number_of(d->link.probe, "now_ms");
	int64_t ours = (d->link.asked_ms + d->link.answered_ms) / 2, off_s = (ours - edge) / 1000;
	char text[24];

	if (edge == 0 || (off_s < SKEW_S && off_s > -SKEW_S))
		return;
	snprintf(text, sizeof(text), "%lld", (long long)off_s);
	doctor_add(d, "link-clock", "seconds", text);
}

/* Two agents that take one tunnel from each other again and again: visitors see either. */
static void
judge_takeovers(struct doctor *d)
{
	const json_t *note = note_of(d, "link-two");
	int64_t at = doctor_number_of(note, "at_ms"),
		now = doctor_number_of(d->link.probe, "now_ms");
	char since[32];

	if (note == NULL || doctor_number_of(note, "count") < 2 || now - at > TAKEOVER_MS)
		return;
	doctor_date(at, since);
	doctor_add(d, "link-two", "tunnel", d->name, "address", doctor_text_of(note, "peer"),
	    "since", since);
}

/* "up" and what is not known add nothing. */
static void
judge_state(struct doctor *d)
{
	const char *state = doctor_text_of(d->link.probe, "state");
	char date[32], since[48], stored[64] = "";
	int64_t down = doctor_number_of(note_of(d, "down"), "at_ms");
	int64_t n = doctor_number_of(d->inbox, "queued") + doctor_number_of(d->inbox, "received");

	if (n > 0)
		snprintf(stored, sizeof(stored), "; %lld stored event%s for it", (long long)n,
		    n == 1 ? " waits" : "s wait");
	doctor_date(down != 0 ? down : doctor_number_of(d->link.probe, "since_ms"), date);
	snprintf(since, sizeof(since), " since %s", date);
	if (strcmp(state, "away") == 0)
		doctor_add(d, "link-away", "tunnel", d->name, "since", since, "stored", stored);
	else if (strcmp(state, "unknown") == 0)
		doctor_add(d, "link-unknown", "tunnel", d->name);
	else if (strcmp(state, "other") == 0)
		doctor_add(d, "link-taken", "tunnel", d->name);
	else if (strcmp(state, "disabled") == 0)
		doctor_add(d, "link-disabled", "tunnel", d->name);
}

/* Why the edge did not take this link; where it was not even reached, the way
 * there is looked at. */
static void
judge_unwelcome(struct doctor *d)
{
	const char *code = d->link.code;

	/* Questions are asked, and answers read, behind the welcome alone. */
	check(d->has_login && !d->link.welcomed && d->link.probe == NULL);
	if (!d->link.reached)
		doctor_look_reach(d);
	else if (strcmp(code, "token-revoked") == 0 || strcmp(code, "token-scope") == 0)
		doctor_add(d, "link-refused", "reason", d->link.why, "edge", d->login.edge);
	else if (code[0] != '\0')
		doctor_add(d, "link-busy", "reason", d->link.why);
	else
		doctor_add(d, "link-other", "address", d->login.edge, "error", d->link.why);
}

/* The agent's link, as the edge sees it: the doctor's own link only asks. */
void
doctor_look_link(struct doctor *d)
{
	json_t *link = json_object_get(d->link.probe, "link");
	int64_t silent = doctor_number_of(link, "silent_ms");
	char seconds[24];

	if (!d->has_login) {
		doctor_say(d, DOCTOR_LINK, DOCTOR_SKIPPED,
		    "not asked: log in, or give --edge and --token-file");
		return;
	}
	if (!d->link.welcomed) {
		judge_unwelcome(d);
		doctor_say(d, DOCTOR_LINK, DOCTOR_BAD, "%.200s", d->link.why);
		return;
	}
	if (d->link.probe == NULL) {
		doctor_say(d, DOCTOR_LINK, DOCTOR_SKIPPED, "%.200s", d->link.why);
		return;
	}
	judge_clock(d);
	judge_takeovers(d);
	judge_state(d);
	snprintf(seconds, sizeof(seconds), "%lld", (long long)silent / 1000);
	if (silent > LIMIT_LINK_DEAD_MS)
		doctor_add(d, "link-silent", "seconds", seconds);
	if (link != NULL)
		doctor_say(d, DOCTOR_LINK, DOCTOR_GOOD, "%.60s at %.60s, round trip %.1f ms",
		    doctor_text_of(link, "agent"), doctor_text_of(link, "peer"),
		    (double)doctor_number_of(link, "rtt_us") / 1000);
	else
		doctor_say(d, DOCTOR_LINK, DOCTOR_GOOD, "no agent: %.20s",
		    doctor_text_of(d->link.probe, "state"));
}
