/* SPDX-License-Identifier: Apache-2.0 */
/* The job: Jenkins says 200 also when it builds nothing, so its API is asked whether a build began,
 * and why not. */
#include "agent/doctor/doctor_private.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

#define BUILD_EARLY_MS 5000 /* clocks of Jenkins and edge may differ by so much */
/* Each costs a request; a Jenkins with more has an owner who knows its jobs. */
#define JOBS_MAX 50

/* With an API token in place of a password, which needs no crumb. path: below the context path. */
static int
ask_jenkins(const struct doctor *d, const char *path, struct fetch_answer *ret)
{
	char user[400], basic[560], fields[640], target[600];
	int rc;

	check(d->options->jenkins_user != NULL && d->has_origin);
	snprintf(user, sizeof(user), "%.100s:%s", d->options->jenkins_user, d->jenkins_token);
	text_base64(user, strlen(user), basic);
	snprintf(fields, sizeof(fields), "Authorization: Basic %s\r\n", basic);
	snprintf(target, sizeof(target), "%.60s%s", doctor_text_of(d->policy, "context"), path);
	rc = doctor_ask_origin(d, "GET", target, slice_str(fields), S(""), ret);
	explicit_bzero(user, sizeof(user));
	explicit_bzero(basic, sizeof(basic));
	explicit_bzero(fields, sizeof(fields));
	return rc;
}

/* "acme/web" of an order key, which is repository and branch. "": no event is known. */
static void
repository_of(const struct doctor *d, char dst[200])
{
	snprintf(dst, 200, "%s", doctor_text_of(d->last, "order_key"));
	dst[strcspn(dst, " \n\t@")] = '\0';
}

/*
 * Why this job was not started, or NULL when it has nothing to do with the repository. Plugins
 * compare the repository's URL as text, so case and owner count; and they build only what
 * Jenkins has fetched once. The configuration is read as text: its form differs between kinds
 * of jobs and plugins.
 */
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
	else if (!doctor_has_text(&a, repository) && strcasestr(buf_z(&a.body), repository) != NULL)
		reason = "its repository URL differs in case";
	else if (!doctor_has_text(&a, repository) && doctor_has_text(&a, base))
		reason = "its repository URL has another owner or host";
	else if (!doctor_has_text(&a, repository))
		reason = NULL;
	else if (json_is_false(json_object_get(job, "buildable")))
		reason = "it is disabled";
	else if (!doctor_has_text(&a, "Trigger"))
		reason = "its trigger 'Build when a change is pushed' is not ticked";
	else if (!json_is_object(json_object_get(job, "lastBuild")))
		reason = "it was never built by hand, so Jenkins does not know its repository";
	else
		reason = "its branch filter may not fit";
	fetch_fini(&a);
	return reason;
}

/* A job whose last build began after that time. Of which repository is not told: any
 * is taken for good. */
static bool
has_built(const json_t *jobs, int64_t since_ms)
{
	size_t i;
	json_t *job;

	json_array_foreach(jobs, i, job) {
		if (doctor_number_of(json_object_get(job, "lastBuild"), "timestamp") >=
		    since_ms - BUILD_EARLY_MS)
			return true;
	}
	return false;
}

/* The last event was delivered: has a build begun since, and if not, which job should have. */
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
		    "%zu jobs; the edge has delivered no event that could have started one",
		    json_array_size(jobs));
		return;
	}
	if (has_built(jobs, received)) {
		doctor_say(d, DOCTOR_JOB, DOCTOR_GOOD, "a build started after the last event");
		return;
	}
	repository_of(d, repository);
	json_array_foreach(jobs, i, job) {
		if (i == JOBS_MAX || (reason = reason_of(d, job, repository)) != NULL)
			break;
	}
	doctor_add(d, "job-none", "status", "200", "repository", repository);
	if (reason != NULL)
		doctor_say(d, DOCTOR_JOB, DOCTOR_GOOD, "likely because of job '%.100s': %s",
		    doctor_text_of(job, "name"), reason);
	else
		doctor_say(d, DOCTOR_JOB, DOCTOR_GOOD, "no job's configuration names %.150s",
		    repository);
}

/* Jenkins makes links from its own root URL and gives them to Bitbucket, which refuses those
 * that it could not call itself. */
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
		doctor_add(d, "job-links", "root", root, "url", ours);
	free(c);
}

/* No jobs were told. */
static void
judge_refusal(struct doctor *d, const struct fetch_answer *a)
{
	char status[8];

	snprintf(status, sizeof(status), "%u", a->status);
	if (a->status == 0) {
		doctor_say(d, DOCTOR_JOB, DOCTOR_SKIPPED, "Jenkins was not reached: %.200s",
		    a->why);
	} else if (a->status == 401 || a->status == 403) {
		doctor_add(d, "job-token", "user", d->options->jenkins_user, "status", status);
		doctor_say(d, DOCTOR_JOB, DOCTOR_SKIPPED, "Jenkins does not list its jobs: %u",
		    a->status);
	} else {
		doctor_say(d, DOCTOR_JOB, DOCTOR_SKIPPED,
		    "Jenkins does not list its jobs: it answers %s/api/json with %u",
		    doctor_text_of(d->policy, "context"), a->status);
	}
}

void
doctor_look_job(struct doctor *d)
{
	struct fetch_answer a;
	char repository[200];
	json_t *o = NULL;

	repository_of(d, repository);
	/* The plugin's own word, with its 200, for a push that no job waits for. */
	if (strstr(doctor_text_of(d->last, "note"), "Matched 0") != NULL)
		doctor_add(d, "job-none", "status", "200", "repository", repository);
	if (d->options->jenkins_user == NULL || !d->has_origin) {
		doctor_say(d, DOCTOR_JOB, DOCTOR_SKIPPED,
		    "not checked: give --jenkins-user and --jenkins-token-file%s",
		    d->has_origin ? "" : " and --origin");
		return;
	}
	if (ask_jenkins(d, "/api/json?tree=url,jobs[name,buildable,lastBuild[number,timestamp]]",
		&a) == 0 &&
	    a.status == 200)
		o = json_loadb(a.body.p, a.body.n, 0, NULL);
	if (o == NULL) {
		judge_refusal(d, &a);
	} else {
		judge_root(d, doctor_text_of(o, "url"));
		judge_jobs(d, json_object_get(o, "jobs"));
	}
	json_decref(o);
	fetch_fini(&a);
}
