/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local server and its jobs: a push that goes all the way through the tunnel, and a look at
 * the server from its own side. The second is tried first where the configuration says the
 * address: it tells a server that is not there from a tunnel that does not lead to it.
 */
#include "agent/doctor/doctor_private.h"

#include "net/proxyproto.h"

#include <errno.h>
#include <stdio.h>

static bool
wants_jenkins(const struct doctor *d)
{
	return d->preset != NULL && strncmp(d->preset->name, "jenkins-", 8) == 0;
}

/* How long the sender waits for an answer: 10 s is Bitbucket Cloud's. */
static int64_t
patience_ms(const struct doctor *d)
{
	uint64_t s = 10;

	if (d->options->patience == NULL || !slice_u64(slice_str(d->options->patience), &s))
		s = 10;            /* options.c has let numbers through alone */
	check(s >= 1 && s <= 120); /* as the row of --patience has it */
	return (int64_t)s * 1000;
}

/* --- the server from its own side --- */

int
doctor_ask_origin(const struct doctor *d, const char *method, const char *path, struct slice fields,
    struct slice body, struct fetch_answer *ret)
{
	/* We speak for ourselves here, and for no visitor. */
	struct proxyproto_say say = { .version = d->proxy_protocol };
	char header[PROXYPROTO_BYTES_MAX];
	size_t n = say.version == 0 ? 0 : proxyproto_write(&say, header, sizeof(header));
	struct fetch_request req = {
		.method = method,
		.addr = d->origin,
		.host = d->origin_host != NULL ? d->origin_host : d->host_header,
		.target = slice_str(path),
		.fields = fields,
		.body = body,
		.ca_path = d->origin_ca,
		.insecure = d->origin_insecure,
		.first = slice_of(header, n),
		.timeout_ms = patience_ms(d) + 1000,
		.body_max = 65536,
	};

	check(d->has_origin);
	return fetch(&req, ret);
}

/* Jenkins says its version with nearly every answer, refusals included. */
static bool
is_jenkins(const struct fetch_answer *a)
{
	return fetch_field(a, S("X-Jenkins")).p != NULL;
}

/*
 * Where else something listens on the same port: the other protocol of this machine. The
 * usual cause is a server that listens on "localhost" and got ::1. dst: a clause for the row,
 * "" where nothing does.
 */
static void
find_elsewhere(const struct doctor *d, char *dst, size_t cap)
{
	static const char *const hosts[] = { "127.0.0.1", "::1" };
	struct addr a = d->origin;
	char text[300];

	dst[0] = '\0';
	for (size_t i = 0; i < 2 && a.kind == ADDR_TCP; i++) {
		struct sockaddr_storage ss;
		socklen_t len;
		struct tls_peek seen = { 0 };

		snprintf(a.host, sizeof(a.host), "%s", hosts[i]);
		if (strcmp(a.host, d->origin.host) == 0 || addr_sockaddr(&a, false, &ss, &len) != 0)
			continue;
		tls_peek_tcp((struct sockaddr *)&ss, len, 1000, &seen);
		if (seen.tcp_error != 0)
			continue;
		addr_text(&a, text, sizeof(text));
		snprintf(dst, cap, "; but something listens on %s", text);
		return;
	}
}

/* Nothing listens there: where the address is known here, its neighbours are tried. */
static void
add_refused(struct doctor *d)
{
	char elsewhere[340] = "";

	if (d->has_origin)
		find_elsewhere(d, elsewhere, sizeof(elsewhere));
	doctor_add(d, "origin-refused", "address",
	    d->has_origin ? d->origin_text : "the tunnel's address", "elsewhere", elsewhere);
}

/* How many webhooks wait for a server that is starting: nothing is lost meanwhile. */
static const char *
stored_text(const struct doctor *d, char dst[24])
{
	snprintf(dst, 24, "%lld", (long long)doctor_number_of(d->inbox, "queued"));
	return dst;
}

bool
doctor_has_text(const struct fetch_answer *a, const char *text)
{
	return memmem(a->body.p, a->body.n, text, strlen(text)) != NULL;
}

static const char *
context_of(const struct doctor *d)
{
	return doctor_text_of(d->policy, "context");
}

/* A Jenkins lives below this path: its login page is there for everybody, whoever
 * may see the rest. */
static bool
lives_at(const struct doctor *d, const char *context)
{
	struct fetch_answer a;
	char path[400];
	bool there;

	snprintf(path, sizeof(path), "%.300s/login", context);
	there = doctor_ask_origin(d, "GET", path, S(""), S(""), &a) == 0 && is_jenkins(&a) &&
		a.status == 200;
	fetch_fini(&a);
	return there;
}

/* Jenkins below a path of its own (--prefix), another one than the tunnel says.
 * True after a finding. */
static bool
find_context(struct doctor *d)
{
	static const char *const usual[] = { "", "/jenkins", "/ci", "/hudson" };
	const char *url = doctor_text_of(d->link.probe, "url"),
		   *path = d->preset != NULL ? d->preset->path : "/";
	char good[900];

	check(!doctor_has(d, "origin-context"));
	if (!d->has_origin || lives_at(d, context_of(d)))
		return false;
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++) {
		if (strcmp(usual[i], context_of(d)) == 0 || !lives_at(d, usual[i]))
			continue;
		snprintf(good, sizeof(good), "%.300s%s%.200s",
		    url[0] != '\0' ? url : "https://NAME.EDGE", usual[i], path);
		if (usual[i][0] == '\0')
			doctor_add(d, "origin-no-context", "context", context_of(d), "url", good);
		else
			doctor_add(d, "origin-context", "context", usual[i], "url", good);
		return true;
	}
	return false;
}

/* A path of another preset that this Jenkins answers, NULL: none. A plugin that is there says
 * 200, 400 or 405 to a GET; where none is, Jenkins says 404, or 403 for want of a crumb. */
static const char *
find_plugin(struct doctor *d)
{
	for (size_t i = 0; d->has_origin && i < presets_n; i++) {
		const struct preset *p = &presets[i];
		struct fetch_answer a;
		char path[400];
		bool there;

		if (strncmp(p->name, "jenkins-", 8) != 0 || p->paths[0] == NULL || p == d->preset ||
		    strcmp(p->paths[0], d->check.path) == 0)
			continue;
		snprintf(path, sizeof(path), "%.300s%.90s", context_of(d), p->paths[0]);
		there = doctor_ask_origin(d, "GET", path, S(""), S(""), &a) == 0 &&
			(a.status == 200 || a.status == 400 || a.status == 405);
		fetch_fini(&a);
		if (there)
			return p->paths[0];
	}
	return NULL;
}

/* It speaks TLS where plain HTTP was asked for. A handshake shows it, whatever its certificate. */
static bool
speaks_tls(const struct doctor *d)
{
	struct sockaddr_storage ss;
	struct tls_peek t = { 0 };
	socklen_t len;

	if (!d->has_origin || d->origin.kind != ADDR_TCP || d->origin.tls ||
	    addr_sockaddr(&d->origin, false, &ss, &len) != 0)
		return false;
	(void)tls_peek((struct sockaddr *)&ss, len, d->origin.host, NULL, 2000, &t);
	return t.shaken;
}

/* The scheme does not fit, or the certificate does not: which of them, a handshake tells. */
static void
add_tls(struct doctor *d, const char *why)
{
	char remedy[300] = "If it speaks plain HTTP, start the tunnel with http:// in its "
			   "address. If it has a certificate of its own authority, start it with "
			   "--origin-ca FILE or --origin-insecure.";

	if (speaks_tls(d))
		snprintf(remedy, sizeof(remedy),
		    "It speaks TLS there: start the tunnel with adit http https://%.100s:%u",
		    d->origin.host, d->origin.port);
	doctor_add(d, "origin-tls", "address", d->has_origin ? d->origin_text : "of the tunnel",
	    "error", why, "remedy", remedy);
}

/* It took the request and gave no answer, or none that is one. */
static void
add_no_answer(struct doctor *d, bool garbage)
{
	const char *address = d->has_origin ? d->origin_text : "the local server";

	if (speaks_tls(d))
		add_tls(d, "it was asked in plain HTTP");
	else
		doctor_add(d, garbage ? "origin-response" : "origin-broke", "address", address);
}

/* No answer of the server, as the stage of the failure tells. A handshake that never ends counts
 * as one that failed; a server that is slow is told where the push finds it so. */
static void
judge_silence(struct doctor *d, const struct fetch_answer *a)
{
	if (a->stage == FETCH_TLS || (d->origin.tls && a->code == ETIMEDOUT && a->dns_tcp_us > 0))
		add_tls(d, a->why);
	else if (a->stage <= FETCH_TCP)
		add_refused(d);
	else if (a->code != ETIMEDOUT)
		add_no_answer(d, a->code == EPROTO);
}

/* What is there, asked without the tunnel: Jenkins's login page, or "/" of anything else. */
static void
look_from_inside(struct doctor *d)
{
	struct fetch_answer a;
	char stored[24], server[80], path[400];
	struct slice name;
	int rc;

	snprintf(path, sizeof(path), "%.300s%s", context_of(d), wants_jenkins(d) ? "/login" : "/");
	rc = doctor_ask_origin(d, "GET", path, S(""), S(""), &a);
	d->jenkins_seen = rc == 0 && is_jenkins(&a);
	if (rc != 0) {
		judge_silence(d, &a);
	} else if (a.status == 503 &&
		   (doctor_has_text(&a, "getting ready") || doctor_has_text(&a, "restarting"))) {
		doctor_add(d, "origin-starting", "stored", stored_text(d, stored));
	} else if (wants_jenkins(d) && (!is_jenkins(&a) || a.status == 404) && !find_context(d) &&
		   !is_jenkins(&a)) {
		name = fetch_field(&a, S("Server"));
		snprintf(server, sizeof(server), "%.*s", name.n > 60 ? 60 : (int)name.n,
		    name.n > 0 ? name.p : "");
		doctor_add(d, "origin-not-jenkins", "address", d->origin_text, "server",
		    server[0] != '\0' ? server : "unknown");
	}
	fetch_fini(&a);
}

/* --- what the answer to a push means --- */

/* A refusal for want of a crumb means that no plugin takes webhooks at this path: it is looked
 * for at another context, then at the paths of other plugins. */
static void
judge_path(struct doctor *d)
{
	const char *other;

	if (doctor_has(d, "origin-context") || find_context(d))
		return;
	other = find_plugin(d);
	if (other != NULL)
		doctor_add(d, "hook-plugin", "path", d->check.path, "other", other);
	else
		doctor_add(d, "origin-crumb", "path", d->check.path);
}

/* Codes of preset_judge() that say that all is well with a push that nobody waits for. */
static bool
is_fine(const char *code)
{
	static const char *const codes[] = { "delivered", "matched-0", "filtered", "no-change",
		"no-job" };

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (strcmp(codes[i], code) == 0)
			return true;
	return false;
}

/* Judgements that have a row of their own. True: it was told, here or by an earlier finding. */
static bool
add_known(struct doctor *d, const struct preset_judgement *j, const struct preset_answer *a)
{
	char stored[24], to[200], status[8];

	snprintf(status, sizeof(status), "%u", (unsigned)a->status);
	snprintf(to, sizeof(to), "%.*s", a->location.n > 190 ? 190 : (int)a->location.n,
	    a->location.n > 0 ? a->location.p : "");
	if (a->status >= 300 && a->status <= 399)
		doctor_add(d, "origin-redirect", "path", d->check.path, "location", to);
	else if (strcmp(j->code, "login") == 0)
		doctor_add(d, "origin-login", "path", d->check.path, "status", status);
	else if (strcmp(j->code, "crumb") == 0 || strcmp(j->code, "no-plugin") == 0)
		judge_path(d);
	else if (strcmp(j->code, "starting") == 0 || strcmp(j->code, "shutting-down") == 0)
		doctor_add(d, "origin-starting", "stored", stored_text(d, stored));
	else if (strcmp(j->code, "not-jenkins") == 0 && !doctor_has(d, "origin-context") &&
		 !doctor_has(d, "origin-no-context"))
		doctor_add(d, "origin-not-jenkins", "address",
		    d->has_origin ? d->origin_text : "The server", "server", "unknown");
	else if (strcmp(j->code, "server-url") == 0)
		doctor_add(d, "hook-server-url");
	else if (strcmp(j->code, "signature") == 0 && d->secret[0] != '\0')
		doctor_add(d, "origin-signature", "text", j->text, "advice", j->advice);
	else
		return strcmp(j->code, "signature") == 0 || strcmp(j->code, "not-jenkins") == 0;
	return true;
}

/* What the server said to the push. way: for people, "all the way" or "from inside". */
static void
judge_answer(struct doctor *d, const struct fetch_answer *a, const char *way)
{
	struct preset_answer answer = { .status = a->status,
		.path = slice_str(d->check.path),
		.location = fetch_field(a, S("Location")),
		.body = slice_head(buf_slice(&a->body), 1024),
		/* A proxy before it may have taken the field away. */
		.jenkins = is_jenkins(a) || d->jenkins_seen };
	struct preset_judgement j = preset_judge(d->preset, &answer);
	char status[8];

	snprintf(status, sizeof(status), "%u", a->status);
	if (!add_known(d, &j, &answer) && !is_fine(j.code))
		doctor_add(d, "origin-answer", "path", d->check.path, "status", status, "text",
		    j.text, "advice", j.advice[0] != '\0' ? j.advice : "Look into its log.");
	doctor_say(d, DOCTOR_ORIGIN, DOCTOR_GOOD, "a push %s gets %u in %lld ms: %.120s", way,
	    a->status, (long long)a->answer_us / 1000,
	    strcmp(j.code, "matched-0") == 0 ? "no project waits for it, as it should be" : j.text);
}

/* The probe did not get an answer of the server. error: what the edge says of it, empty: the
 * edge said nothing. What is no row of the origin's is an earlier stage's affair. */
static void
judge_error(struct doctor *d, const struct fetch_answer *a, struct slice error)
{
	char seconds[48];

	snprintf(seconds, sizeof(seconds), "more than %lld", (long long)patience_ms(d) / 1000);
	if (slice_eq(error, S("origin-refused")))
		add_refused(d);
	else if (slice_eq(error, S("origin-silent")) || (error.n == 0 && a->code == ETIMEDOUT))
		doctor_add(d, "origin-slow", "seconds", seconds);
	else if (slice_eq(error, S("origin-tls")))
		add_tls(d, "so the agent says");
	else if (slice_eq(error, S("origin-broke")) || slice_eq(error, S("origin-bad-response"))) {
		if (!doctor_has(d, "origin-tls") && !doctor_has(d, "origin-response"))
			add_no_answer(d, slice_eq(error, S("origin-bad-response")));
	}
	if (error.n == 0)
		doctor_say(d, DOCTOR_ORIGIN, DOCTOR_BAD, "no answer: %.200s", a->why);
	else if (slice_starts(error, S("origin-")))
		doctor_say(d, DOCTOR_ORIGIN, DOCTOR_BAD, "the edge says %.*s", PS(error));
	else
		doctor_say(d, DOCTOR_ORIGIN, DOCTOR_SKIPPED, "a request does not reach it: %.*s",
		    PS(error));
}

/* An answer that comes is good; one that comes too late the sender counts as none. */
static void
judge_time(struct doctor *d, const struct fetch_answer *a)
{
	char seconds[24];

	snprintf(seconds, sizeof(seconds), "%.1f", (double)a->answer_us / 1e6);
	if (a->answer_us > patience_ms(d) * 1000)
		doctor_add(d, "origin-slow", "seconds", seconds);
}

/* By the public way. False: it did not come to the edge at all, or no further, and the server
 * may be asked from inside. */
static bool
push_through(struct doctor *d, struct slice fields, struct slice body)
{
	bool posts =
	    d->preset != NULL && strcmp(d->preset->name, "plain") != 0 && d->ticket != NULL;
	struct fetch_answer a;
	struct slice error;

	if (!d->has_to || (strcmp(d->check.scheme, "https") == 0 && !d->tls_shaken))
		return false;
	if (doctor_ask(d, posts ? "POST" : "GET", "", posts ? body : S(""), posts ? fields : S(""),
		patience_ms(d) + 1000, &a) != 0) {
		judge_error(d, &a, S(""));
	} else if ((error = fetch_field(&a, S("adit-error"))).p != NULL) {
		judge_error(d, &a, error);
		/* The edge refused it, or no agent is there: that says nothing of the server. */
		if (!slice_starts(error, S("origin-")) && !slice_eq(error, S("forbidden")) &&
		    d->has_origin) {
			fetch_fini(&a);
			return false;
		}
	} else {
		judge_time(d, &a);
		judge_answer(d, &a, "all the way");
	}
	fetch_fini(&a);
	return true;
}

/* What was delivered last may tell more than a push that nobody waits for: its attempts have
 * notes, in which these words stand. */
static void
judge_last(struct doctor *d)
{
	static const struct {
		const char *text, *code;
	} notes[] = {
		{ "server_url", "hook-server-url" },
		{ "crumb", "origin-crumb" },
		{ "redirects", "origin-redirect" },
	};
	const char *note = doctor_text_of(d->last, "note"),
		   *state = doctor_text_of(d->last, "state");

	if (strcmp(state, "parked") != 0 && strcmp(state, "dead") != 0)
		return;
	for (size_t i = 0; i < sizeof(notes) / sizeof(*notes); i++)
		if (strstr(note, notes[i].text) != NULL)
			doctor_add(d, notes[i].code, "path", d->check.path, "location",
			    "another path");
}

void
doctor_look_origin(struct doctor *d)
{
	struct buf fields, body;
	struct fetch_answer a;

	buf_init(&fields, 4096);
	buf_init(&body, 8192);
	doctor_push(d, &fields, &body);
	if (d->has_origin)
		look_from_inside(d);
	if (!push_through(d, buf_slice(&fields), buf_slice(&body)) && d->has_origin) {
		if (doctor_ask_origin(d, d->preset != NULL ? "POST" : "GET",
			d->check.path[0] == '/' ? d->check.path : "/", buf_slice(&fields),
			d->preset != NULL ? buf_slice(&body) : S(""), &a) == 0)
			judge_answer(d, &a, "from inside");
		else
			doctor_say(d, DOCTOR_ORIGIN, DOCTOR_BAD, "from inside: %.200s", a.why);
		fetch_fini(&a);
	}
	judge_last(d);
	/* No part of this stage could look. */
	if (d->stages[DOCTOR_ORIGIN].text[0] == '\0')
		doctor_say(d, DOCTOR_ORIGIN, DOCTOR_SKIPPED,
		    "not reached; --origin ADDRESS looks at it from here");
	buf_fini(&fields);
	buf_fini(&body);
}
