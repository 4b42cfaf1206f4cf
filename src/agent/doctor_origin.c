/* SPDX-License-Identifier: Apache-2.0 */
/* The local server and its jobs: a push that goes all the way, and a look at the server from its
 * own side. */
#include "agent/doctor_private.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define BUILD_EARLY_MS 5000 /* clocks of Jenkins and edge may differ by so much */
#define JOBS_MAX 50

static bool
wants_jenkins(const struct doctor *d)
{
	return d->preset != NULL && strncmp(d->preset->name, "jenkins-", 8) == 0;
}

static int64_t
patience_ms(const struct doctor *d)
{
	uint64_t s = 10;

	if (d->options->patience != NULL &&
	    (!slice_u64(slice_str(d->options->patience), &s) || s == 0 || s > 120))
		s = 10;
	return (int64_t)s * 1000;
}

/* --- the server from its own side --- */

static int
ask_origin(const struct doctor *d, const char *method, const char *path, struct slice fields,
    struct slice body, struct fetch_answer *ret)
{
	struct fetch_request req = {
		.method = method,
		.addr = d->origin,
		.host = d->origin_host != NULL ? d->origin_host : d->host_header,
		.target = slice_str(path),
		.fields = fields,
		.body = body,
		.ca_path = d->origin_ca,
		.insecure = d->origin_insecure,
		.timeout_ms = patience_ms(d) + 1000,
		.body_max = 65536,
	};

	return fetch(&req, ret);
}

static bool
is_jenkins(const struct fetch_answer *a)
{
	return fetch_field(a, S("X-Jenkins")).p != NULL;
}

/* Where else something listens: on IPv6, or on another usual port. */
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
		struct peek_tls seen = { 0 };

		snprintf(a.host, sizeof(a.host), "%s", hosts[i]);
		if (strcmp(a.host, d->origin.host) == 0 || addr_sockaddr(&a, false, &ss, &len) != 0)
			continue;
		peek_tcp((struct sockaddr *)&ss, len, 1000, &seen);
		if (seen.tcp_error != 0)
			continue;
		addr_text(&a, text, sizeof(text));
		snprintf(dst, cap, "; but something listens on %s", text);
		return;
	}
}

static void
add_refused(struct doctor *d)
{
	char elsewhere[340] = "";

	if (d->has_origin)
		find_elsewhere(d, elsewhere, sizeof(elsewhere));
	doctor_add(d, "origin-refused", "address",
	    d->has_origin ? d->origin_text : "the tunnel's address", "elsewhere", elsewhere, NULL);
}

static const char *
stored_text(const struct doctor *d, char dst[24])
{
	snprintf(dst, 24, "%lld", (long long)doctor_number_of(d->inbox, "queued"));
	return dst;
}

static bool
has_text(const struct fetch_answer *a, const char *text)
{
	return memmem(a->body.p, a->body.n, text, strlen(text)) != NULL;
}

/* Jenkins below a path of its own. */
static bool
find_context(struct doctor *d)
{
	struct fetch_answer a;
	bool found;

	if (!d->has_origin)
		return false;
	found = ask_origin(d, "GET", "/jenkins/login", S(""), S(""), &a) == 0 && is_jenkins(&a) &&
		a.status == 200;
	fetch_fini(&a);
	if (found) {
		char url[900];
		const char *path = strstr(d->good_url, "://"),
			   *slash = path == NULL ? NULL : strchr(path + 3, '/');

		snprintf(url, sizeof(url), "%.*s/jenkins%s",
		    slash == NULL ? (int)strlen(d->good_url) : (int)(slash - d->good_url),
		    d->good_url, slash == NULL ? "/" : slash);
		doctor_add(d, "origin-context", "context", "/jenkins", "url", url, NULL);
	}
	return found;
}

/* A path of another preset that this Jenkins answers; NULL: none. */
static const char *
find_plugin(struct doctor *d)
{
	for (size_t i = 0; d->has_origin && i < presets_n; i++) {
		const struct preset *p = &presets[i];
		struct fetch_answer a;
		bool there;

		if (strncmp(p->name, "jenkins-", 8) != 0 || p->paths[0] == NULL || p == d->preset ||
		    strcmp(p->paths[0], d->check.path) == 0)
			continue;
		there = ask_origin(d, "GET", p->paths[0], S(""), S(""), &a) == 0 &&
			(a.status == 200 || a.status == 400 || a.status == 405);
		fetch_fini(&a);
		if (there)
			return p->paths[0];
	}
	return NULL;
}

static void
look_from_inside(struct doctor *d)
{
	struct fetch_answer a;
	char stored[24], server[80];
	struct slice name;
	int rc = ask_origin(d, "GET", wants_jenkins(d) ? "/login" : "/", S(""), S(""), &a);

	if (rc != 0 && a.stage <= FETCH_TCP) {
		add_refused(d);
	} else if (rc == 0 && a.status == 503 &&
		   (has_text(&a, "getting ready") || has_text(&a, "restarting"))) {
		doctor_add(d, "origin-starting", "stored", stored_text(d, stored), NULL);
	} else if (rc == 0 && wants_jenkins(d) && (!is_jenkins(&a) || a.status == 404) &&
		   !find_context(d) && !is_jenkins(&a)) {
		name = fetch_field(&a, S("Server"));
		snprintf(server, sizeof(server), "%.*s", name.n > 60 ? 60 : (int)name.n,
		    name.n > 0 ? name.p : "");
		doctor_add(d, "origin-not-jenkins", "address", d->origin_text, "server",
		    server[0] != '\0' ? server : "unknown", NULL);
	}
	fetch_fini(&a);
}

/* --- what the answer to a push means --- */

static void
judge_path(struct doctor *d)
{
	const char *other;

	if (doctor_has(d, "origin-context") || find_context(d))
		return;
	other = find_plugin(d);
	if (other != NULL)
		doctor_add(d, "hook-plugin", "path", d->check.path, "other", other, NULL);
	else
		doctor_add(d, "origin-crumb", "path", d->check.path, NULL);
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

static void
judge_answer(struct doctor *d, const struct fetch_answer *a, const char *way)
{
	struct preset_answer answer = { .status = a->status,
		.path = slice_str(d->check.path),
		.location = fetch_field(a, S("Location")),
		.body = slice_head(buf_slice(&a->body), 1024),
		.jenkins = is_jenkins(a) };
	struct preset_judgement j = preset_judge(d->preset, &answer);
	char stored[24], to[200];

	snprintf(to, sizeof(to), "%.*s", answer.location.n > 190 ? 190 : (int)answer.location.n,
	    answer.location.n > 0 ? answer.location.p : "");
	if (strcmp(j.code, "slash") == 0 || strcmp(j.code, "login") == 0 ||
	    strcmp(j.code, "redirect") == 0)
		doctor_add(d, "origin-redirect", "path", d->check.path, "location", to, NULL);
	else if (strcmp(j.code, "crumb") == 0 || strcmp(j.code, "no-plugin") == 0)
		judge_path(d);
	else if (strcmp(j.code, "starting") == 0 || strcmp(j.code, "shutting-down") == 0)
		doctor_add(d, "origin-starting", "stored", stored_text(d, stored), NULL);
	else if (strcmp(j.code, "not-jenkins") == 0 && !doctor_has(d, "origin-context"))
		doctor_add(d, "origin-not-jenkins", "address",
		    d->has_origin ? d->origin_text : "The server", "server", "unknown", NULL);
	else if (strcmp(j.code, "server-url") == 0)
		doctor_add(d, "hook-server-url", NULL);
	else if (strcmp(j.code, "signature") == 0 && d->secret[0] != '\0')
		doctor_add(d, "edge-signature", "reason", j.text, NULL);
	else if (strcmp(j.code, "signature") != 0 && !is_fine(j.code) && d->n_findings == 0) {
		doctor_say(d, DOCTOR_ORIGIN, DOCTOR_BAD, "%.150s %.150s", j.text, j.advice);
		return;
	}
	doctor_say(d, DOCTOR_ORIGIN, DOCTOR_GOOD, "a push %s is answered %u in %lld ms: %.120s",
	    way, a->status, (long long)a->answer_us / 1000,
	    strcmp(j.code, "matched-0") == 0 ? "no project waits for it, as it should be" : j.text);
}

/* The probe did not get an answer of the server. */
static void
judge_error(struct doctor *d, const struct fetch_answer *a, struct slice error)
{
	char seconds[48];

	snprintf(seconds, sizeof(seconds), "more than %lld", (long long)patience_ms(d) / 1000);
	if (slice_eq(error, S("origin-refused")))
		add_refused(d);
	else if (slice_eq(error, S("origin-silent")) || (error.n == 0 && a->code == ETIMEDOUT))
		doctor_add(d, "origin-slow", "seconds", seconds, NULL);
	if (error.n == 0)
		doctor_say(d, DOCTOR_ORIGIN, DOCTOR_BAD, "no answer: %.200s", a->why);
	else if (slice_starts(error, S("origin-")))
		doctor_say(d, DOCTOR_ORIGIN, DOCTOR_BAD, "the edge says %.*s", PS(error));
	else
		doctor_say(d, DOCTOR_ORIGIN, DOCTOR_SKIPPED, "a request does not come so far: %.*s",
		    PS(error));
}

static void
judge_time(struct doctor *d, const struct fetch_answer *a)
{
	char seconds[24];

	snprintf(seconds, sizeof(seconds), "%.1f", (double)a->answer_us / 1e6);
	if (a->answer_us > patience_ms(d) * 1000)
		doctor_add(d, "origin-slow", "seconds", seconds, NULL);
}

/* False: it did not come to the edge at all. */
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
		if (!slice_starts(error, S("origin-")) && d->has_origin) {
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

/* What was delivered last may tell more than a push that nobody waits for. */
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
			    "another path", NULL);
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
		if (ask_origin(d, d->preset != NULL ? "POST" : "GET",
			d->check.path[0] == '/' ? d->check.path : "/", buf_slice(&fields),
			d->preset != NULL ? buf_slice(&body) : S(""), &a) == 0)
			judge_answer(d, &a, "from inside");
		else
			doctor_say(d, DOCTOR_ORIGIN, DOCTOR_BAD, "from inside: %.200s", a.why);
		fetch_fini(&a);
	}
	judge_last(d);
	if (d->stages[DOCTOR_ORIGIN].text[0] == '\0')
		doctor_say(d, DOCTOR_ORIGIN, DOCTOR_SKIPPED,
		    "not reached; --origin ADDRESS looks at it from here");
	buf_fini(&fields);
	buf_fini(&body);
}

/* --- the job --- */

static int
ask_jenkins(const struct doctor *d, const char *path, struct fetch_answer *ret)
{
	char user[400], basic[560], fields[640], target[600];
	int rc;

	snprintf(user, sizeof(user), "%.100s:%s", d->options->jenkins_user, d->jenkins_token);
	text_base64(user, strlen(user), basic);
	snprintf(fields, sizeof(fields), "Authorization: Basic %s\r\n", basic);
	snprintf(target, sizeof(target), "%.60s%s", doctor_text_of(d->policy, "context"), path);
	rc = ask_origin(d, "GET", target, slice_str(fields), S(""), ret);
	explicit_bzero(user, sizeof(user));
	explicit_bzero(basic, sizeof(basic));
	explicit_bzero(fields, sizeof(fields));
	return rc;
}

/* "acme/web" of an order key. */
static void
repository_of(const struct doctor *d, char dst[200])
{
	snprintf(dst, 200, "%s", doctor_text_of(d->last, "order_key"));
	dst[strcspn(dst, " \n\t@")] = '\0';
}

/* Why this job was not started, or NULL when it has nothing to do with the repository. */
static const char *
reason_of(const struct doctor *d, const json_t *job, const char *repository)
{
	const char *name = doctor_text_of(job, "name");
	const char *base =
	    strrchr(repository, '/') != NULL ? strrchr(repository, '/') + 1 : repository;
	char path[400];
	struct fetch_answer a;
	const char *reason = NULL;

	snprintf(path, sizeof(path), "/job/%.300s/config.xml", name);
	if (ask_jenkins(d, path, &a) != 0 || a.status != 200 || a.body.n == 0)
		reason = NULL;
	else if (!has_text(&a, repository) && strcasestr(buf_z(&a.body), repository) != NULL)
		reason = "its repository URL differs in case";
	else if (!has_text(&a, repository) && has_text(&a, base))
		reason = "its repository URL has another owner or host";
	else if (!has_text(&a, repository))
		reason = NULL;
	else if (json_is_false(json_object_get(job, "buildable")))
		reason = "it is disabled";
	else if (!has_text(&a, "Trigger"))
		reason = "its trigger 'Build when a change is pushed' is not ticked";
	else if (!json_is_object(json_object_get(job, "lastBuild")))
		reason = "it was never built by hand, so Jenkins does not know its repository";
	else
		reason = "its branch filter may not fit";
	fetch_fini(&a);
	return reason;
}

static bool
has_built(const json_t *jobs, int64_t since_ms)
{
	size_t i;
	json_t *job;

	json_array_foreach(jobs, i, job)
	{
		if (doctor_number_of(json_object_get(job, "lastBuild"), "timestamp") >=
		    since_ms - BUILD_EARLY_MS)
			return true;
	}
	return false;
}

static void
judge_jobs(struct doctor *d, const json_t *jobs)
{
	char repository[200];
	int64_t received = doctor_number_of(d->last, "received_ms");
	const char *state = doctor_text_of(d->last, "state"), *reason = NULL;
	json_t *job;
	size_t i;

	if (d->last == NULL || strcmp(state, "delivered") != 0) {
		doctor_say(d, DOCTOR_JOB, DOCTOR_GOOD,
		    "%zu jobs; no event was delivered that could have started one",
		    json_array_size(jobs));
		return;
	}
	if (has_built(jobs, received)) {
		doctor_say(d, DOCTOR_JOB, DOCTOR_GOOD, "a build started after the last event");
		return;
	}
	repository_of(d, repository);
	json_array_foreach(jobs, i, job)
	{
		if (i == JOBS_MAX || (reason = reason_of(d, job, repository)) != NULL)
			break;
	}
	doctor_add(d, "job-none", "status", "200", "repository", repository, NULL);
	if (reason != NULL)
		doctor_say(d, DOCTOR_JOB, DOCTOR_GOOD, "likely because of job '%.100s': %s",
		    doctor_text_of(job, "name"), reason);
	else
		doctor_say(
		    d, DOCTOR_JOB, DOCTOR_GOOD, "no job's configuration names %.150s", repository);
}

static void
judge_root(struct doctor *d, const char *root)
{
	struct checkurl_params p = { 0 };
	struct checkurl *c;
	char ours[700];

	if (root[0] == '\0' || (c = malloc(sizeof(*c))) == NULL)
		return;
	checkurl_read(slice_str(root), &p, c);
	snprintf(ours, sizeof(ours), "https://%s/", d->host_header);
	if (c->cloud == CHECKURL_REFUSED)
		doctor_add(d, "job-links", "root", root, "url", ours, NULL);
	free(c);
}

void
doctor_look_job(struct doctor *d)
{
	struct fetch_answer a;
	char repository[200];
	json_t *o = NULL;

	repository_of(d, repository);
	if (strstr(doctor_text_of(d->last, "note"), "Matched 0") != NULL)
		doctor_add(d, "job-none", "status", "200", "repository", repository, NULL);
	if (d->options->jenkins_user == NULL || !d->has_origin) {
		doctor_say(d, DOCTOR_JOB, DOCTOR_SKIPPED,
		    "not looked at: give --jenkins-user and --jenkins-token-file%s",
		    d->has_origin ? "" : " and --origin");
		return;
	}
	if (ask_jenkins(d, "/api/json?tree=url,jobs[name,buildable,lastBuild[number,timestamp]]",
		&a) == 0 &&
	    a.status == 200)
		o = json_loadb(a.body.p, a.body.n, 0, NULL);
	if (o == NULL) {
		doctor_say(d, DOCTOR_JOB, DOCTOR_SKIPPED,
		    "Jenkins does not tell its jobs (%u): is the token right?", a.status);
	} else {
		judge_root(d, doctor_text_of(o, "url"));
		judge_jobs(d, json_object_get(o, "jobs"));
	}
	json_decref(o);
	fetch_fini(&a);
}
