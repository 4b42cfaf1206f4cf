/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The doctor for a page: it waits for name servers and connections, so `adit doctor --json` runs as a process of its
 * own, one at a time, and what it prints is read here as it comes.
 */
#include "agent/inspect/inspect_private.h"

#include "base/clock.h"
#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS_MAX 20
#define ENV_MAX 256

extern char **environ;

struct doctor_run {
	struct inspector *inspector;
	struct web_request *request;
	struct loop_io out; /* what it prints, its complaints, too */
	struct loop_timer late;
	pid_t pid;
	struct buf text;
	int64_t begun_ms, begun_us;
};

static void
forget(struct doctor_run *d)
{
	int status;

	/* Its output has ended, or nobody wants it: it has nothing more to do. */
	kill(d->pid, SIGKILL);
	while (waitpid(d->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	loop_unwatch(&d->out);
	close(d->out.fd);
	loop_timer_stop(d->inspector->client->loop, &d->late);
	d->inspector->doctor.run = NULL;
	buf_fini(&d->text);
	free(d);
}

static void
on_gone(struct web_request *r)
{
	forget(r->job);
}

/* --- what it has said --- */

static const char *
text_at(const json_t *o, const char *key)
{
	const char *z = json_string_value(json_object_get(o, key));

	return z == NULL ? "" : z;
}

/* All findings of a stage, each with what to do. */
static json_t *
advice_of(const json_t *findings, const char *stage)
{
	struct buf b;
	const json_t *f;
	json_t *o;
	size_t i;

	buf_init(&b, LIMIT_INSPECT_DOCTOR_BYTES);
	json_array_foreach(findings, i, f)
		if (strcmp(text_at(f, "stage"), stage) == 0)
			buf_printf(&b, "%s%s %s", b.n > 0 ? " " : "", text_at(f, "text"),
			    text_at(f, "remedy"));
	o = b.failed || b.n == 0 ? json_string("") : inspect_text(buf_slice(&b));
	buf_fini(&b);
	return o;
}

static json_t *
step_of(const json_t *stage, const json_t *findings, bool *doubt)
{
	const char *state = text_at(stage, "state");
	bool warns = strcmp(state, "warning") == 0;

	*doubt = *doubt || warns;
	return json_pack("{s:s,s:s,s:s,s:o,s:s}", "name", text_at(stage, "stage"), "state",
	    warns                           ? "wait"
	    : strcmp(state, "skipped") == 0 ? "none"
	    : strcmp(state, "failed") == 0  ? "failed"
					    : "ok",
	    "text", text_at(stage, "text"), "advice", advice_of(findings, text_at(stage, "stage")),
	    "command", "");
}

/* Of the line of JSON; NULL: there is none. */
static json_t *
report_of(const struct doctor_run *d)
{
	struct slice rest = buf_slice(&d->text);
	json_t *o = NULL, *steps, *stage;
	bool doubt = false, ok;
	char title[100];
	size_t i;

	while (o == NULL && rest.n > 0) {
		struct slice line = slice_cut(&rest, '\n');

		if (slice_starts(line, S("{")))
			o = json_loadb(line.p, line.n, 0, NULL);
	}
	if (o == NULL)
		return NULL;
	steps = json_array();
	json_array_foreach(json_object_get(o, "stages"), i, stage)
		json_array_append_new(steps,
		    step_of(stage, json_object_get(o, "findings"), &doubt));
	ok = json_is_true(json_object_get(o, "ok"));
	snprintf(title, sizeof(title),
	    ok ? "Nothing fails, as far as could be seen.%.0s" : "It fails at: %.40s.",
	    text_at(o, "first_stage"));
	json_decref(o);
	return json_pack("{s:I,s:I,s:s,s:s,s:o}", "at_ms", (json_int_t)d->begun_ms, "took_us",
	    (json_int_t)(loop_now_us(d->inspector->client->loop) - d->begun_us), "title", title,
	    "state",
	    !ok     ? "bad"
	    : doubt ? "wait"
		    : "ok",
	    "steps", steps);
}

static void
on_end(struct doctor_run *d, const char *why)
{
	struct web_request *r = d->request;
	json_t *report = why == NULL ? report_of(d) : NULL;
	struct slice all = buf_slice(&d->text), line = slice_cut(&all, '\n');
	char text[400];

	snprintf(text, sizeof(text), "The doctor could not look: %.*s",
	    (int)(line.n < 300 ? line.n : 300), line.n > 0 ? line.p : "it said nothing");
	forget(d);
	if (report != NULL)
		web_json(r, 200, report);
	else
		web_error(r, why != NULL ? 503 : 409, "no-report", why != NULL ? why : text,
		    "Run adit doctor in a terminal: it says more.");
}

static void
on_late(struct loop_timer *t)
{
	on_end(list_of(t, struct doctor_run, late), "The doctor took too long.");
}

static void
on_out(struct loop_io *io, unsigned events)
{
	struct doctor_run *d = list_of(io, struct doctor_run, out);

	(void)events;
	for (;;) {
		char *room = buf_room(&d->text, 4096);
		ssize_t n = room == NULL ? 0 : read(io->fd, room, 4096);

		if (n > 0) {
			d->text.n += (size_t)n;
			continue;
		}
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		on_end(d, NULL);
		return;
	}
}

/* --- its begin --- */

struct doctor_args {
	const char *args[ARGS_MAX];
	size_t n;
	char token[160];
	char *env[ENV_MAX];
};

static void
add(struct doctor_args *c, const char *option, const char *value)
{
	if (value == NULL || value[0] == '\0' || c->n + 3 > ARGS_MAX)
		return;
	if (option != NULL)
		c->args[c->n++] = option;
	c->args[c->n++] = value;
	c->args[c->n] = NULL;
}

/* The token goes by the environment, where nobody else sees it, and the program wipes it there. */
static void
put_together(struct doctor_args *c, const struct inspector *i, const char *tunnel)
{
	size_t n = 0;

	*c = (struct doctor_args){ 0 };
	add(c, NULL, "adit");
	add(c, NULL, "doctor");
	add(c, NULL, "--json");
	add(c, "-f", i->doctor.file);
	add(c, "--edge", i->edge);
	add(c, "--ca", i->doctor.ca);
	add(c, "--origin", i->doctor.origin);
	add(c, "--secret-file", i->doctor.secret_file);
	add(c, NULL, tunnel);
	snprintf(c->token, sizeof(c->token), "ADIT_TOKEN=%s",
	    i->client->token == NULL ? "" : i->client->token);
	for (char **e = environ; *e != NULL && n + 2 < ENV_MAX; e++)
		if (strncmp(*e, "ADIT_TOKEN=", 11) != 0)
			c->env[n++] = *e;
	c->env[n] = c->token;
}

/* 0 or an errno. Signals are as a terminal would give them: the agent holds them for itself. */
static int
spawn(const struct doctor_args *c, int out, pid_t *ret)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int error;

	sigemptyset(&none);
	sigfillset(&all);
	if (posix_spawn_file_actions_init(&files) != 0)
		return ENOMEM;
	if (posix_spawnattr_init(&attr) != 0) {
		posix_spawn_file_actions_destroy(&files);
		return ENOMEM;
	}
	error = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&files, out, STDERR_FILENO);
	if (error == 0)
		error = posix_spawnattr_setsigmask(&attr, &none);
	if (error == 0)
		error = posix_spawnattr_setsigdefault(&attr, &all);
	if (error == 0)
		error =
		    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (error == 0)
		error = posix_spawn(ret, "/proc/self/exe", &files, &attr,
		    (char *const *)(uintptr_t)c->args, c->env);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return error;
}

/* NULL: that it cannot be was answered. */
static const struct agent_tunnel *
tunnel_of(struct web_request *r)
{
	const char *name = json_string_value(json_object_get(r->json, "tunnel"));
	const struct serve *s = inspector_of(r)->client->serve;

	for (size_t k = 0; name != NULL && name[0] != '-' && k < s->n_tunnels; k++)
		if (strcmp(s->tunnels[k].label, name) == 0 && s->tunnels[k].state != TUNNEL_REMOVED)
			return &s->tunnels[k];
	web_error(r, 404, "no-tunnel", "There is no such tunnel.",
	    "Give the name of one of this agent.");
	return NULL;
}

void
inspect_doctor(struct web_request *r)
{
	struct inspector *i = inspector_of(r);
	const struct agent_tunnel *t = tunnel_of(r);
	struct doctor_run *d;
	struct doctor_args c;
	int ends[2];

	if (t == NULL)
		return;
	if (i->doctor.run != NULL) {
		web_error(r, 409, "busy", "The doctor looks already.", "Wait until it has ended.");
		return;
	}
	d = calloc(1, sizeof(*d));
	if (d == NULL || pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
		free(d);
		web_error(r, 503, "no-memory", "There is no memory for this.", "");
		return;
	}
	put_together(&c, i, t->url[0] != '\0' && t->ask.name[0] == '\0' ? t->url : t->label);
	d->inspector = i;
	d->request = r;
	d->begun_ms = clock_wall_ms();
	d->begun_us = loop_now_us(i->client->loop);
	d->out = (struct loop_io){ .fd = ends[0], .fn = on_out };
	d->late.fn = on_late;
	buf_init(&d->text, LIMIT_INSPECT_DOCTOR_BYTES);
	/* What it writes must wait, not fail. */
	(void)fcntl(ends[1], F_SETFL, 0);
	if (spawn(&c, ends[1], &d->pid) != 0 || loop_watch(i->client->loop, &d->out) != 0) {
		if (d->pid > 0) {
			kill(d->pid, SIGKILL);
			(void)waitpid(d->pid, NULL, 0);
		}
		close(ends[0]);
		close(ends[1]);
		free(d);
		web_error(r, 503, "no-doctor", "The doctor cannot be started.", "");
		return;
	}
	close(ends[1]);
	i->doctor.run = d;
	r->job = d;
	r->gone = on_gone;
	loop_timer_set(i->client->loop, &d->late, (int64_t)LIMIT_INSPECT_DOCTOR_MS * 1000);
}
