/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the alert command and makes the alert's POST. */
#include "edge/core/alert.h"

#include "base/clock.h"
#include "base/log.h"
#include "net/tls.h"
#include "relay/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Before the second attempt at a POST; four times as long before the next. */
#define PAUSE_US (1000 * 1000)

extern char **environ;

struct alert {
	struct loop *loop;
	bool taken;  /* the last one, by anybody */
	pid_t child; /* the command while it runs, 0: none */
	int64_t child_us;
	char *body; /* of the POST that is being made, NULL: none */
	struct settings_url url;
	struct tls_client *tls; /* with the system's authorities, which take long to read */
	struct fetch *fetch;
	struct fetch_request req;
	struct fetch_answer answer;
	unsigned tries;
	bool pausing;
	struct loop_timer timer;
};

/* --- the command --- */

/* The command's whole input fits into a pipe, so nobody waits for it to be read. */
static bool
run_command(struct alert *a, const char *command, struct slice input)
{
	char *argv[] = { (char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
		(char *)(uintptr_t)command, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none;
	int fds[2], error;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return false;
	sigemptyset(&none);
	error = posix_spawn_file_actions_init(&files);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&files, fds[0], STDIN_FILENO);
	posix_spawnattr_init(&attr);
	/*
	 * Not those that the main thread has blocked, and a group of its own: what the
	 * command has started is killed with it.
	 */
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	if (error == 0)
		error = posix_spawn(&a->child, "/bin/sh", &files, &attr, argv, environ);
	if (error == 0 && write(fds[1], input.p, input.n) != (ssize_t)input.n)
		error = errno;
	close(fds[0]);
	close(fds[1]);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	a->child_us = clock_mono_us();
	errno = error;
	return error == 0;
}

/* The last command has ended, or is ended now. True when none runs. */
static bool
reap(struct alert *a)
{
	int status = 0;
	pid_t pid;

	if (a->child <= 0)
		return true;
	pid = waitpid(a->child, &status, WNOHANG);
	if (pid == 0) {
		if (clock_mono_us() - a->child_us > LIMIT_ALERT_MS * 1000LL)
			kill(-a->child, SIGKILL);
		return false;
	}
	if (pid == a->child && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
		log_event(LOG_ERROR, "alert-failed", LOG_U("status", (uint64_t)(unsigned)status));
	else
		a->taken = true;
	a->child = 0;
	return true;
}

/* --- the POST --- */

/* Out of whatever called: a fetch must not be ended by its own call. */
static void
on_answer(void *owner)
{
	struct alert *a = owner;

	loop_timer_set(a->loop, &a->timer, 1);
}

static void
post(struct alert *a)
{
	check(a->fetch == NULL && a->body != NULL && a->tries < LIMIT_ALERT_TRIES);
	a->tries++;
	a->req = (struct fetch_request){
		.method = "POST",
		.addr = a->url.addr,
		.tls = a->tls,
		.host = a->url.host,
		.target = slice_str(a->url.target),
		.fields = S("Content-Type: application/json\r\nUser-Agent: aditd/" ADIT_VERSION
			    "\r\nAccept: */*\r\n"),
		.body = slice_str(a->body),
		.timeout_ms = LIMIT_ALERT_URL_MS,
		.body_max = 1024,
	};
	a->fetch = fetch_start(a->loop, &a->req, &a->answer, on_answer, a);
	if (a->fetch == NULL)
		on_answer(a);
}

static void
end_post(struct alert *a)
{
	fetch_end(a->fetch);
	a->fetch = NULL;
	fetch_fini(&a->answer);
}

/* The answer is there, or there will be none. The URL may hold a secret, so only
 * its host is told. */
static void
judge(struct alert *a)
{
	bool answered = a->answer.stage == FETCH_DONE;
	unsigned status = answered ? a->answer.status : 0;
	bool again = !answered || status >= 500 || status == 429 || status == 408;
	char why[sizeof(a->answer.why)];

	check(a->body != NULL && !a->pausing); /* it goes once nobody tries it any more */
	if (answered)
		snprintf(why, sizeof(why), "it answered %u", status);
	else
		snprintf(why, sizeof(why), "%s", a->answer.why);
	end_post(a);
	if (again && a->tries < LIMIT_ALERT_TRIES) {
		a->pausing = true;
		loop_timer_set(a->loop, &a->timer, PAUSE_US << (2 * (a->tries - 1)));
		return;
	}
	if (status < 200 || status > 299)
		log_event(LOG_ERROR, "alert-failed", LOG_Z("host", a->url.host), LOG_Z("why", why),
		    LOG_U("tries", a->tries));
	else
		a->taken = true;
	free(a->body);
	a->body = NULL;
}

static void
on_timer(struct loop_timer *t)
{
	struct alert *a = list_of(t, struct alert, timer);

	if (!a->pausing) {
		judge(a);
		return;
	}
	a->pausing = false;
	post(a);
}

/* --- the contract --- */

struct alert *
alert_new(struct loop *main_loop)
{
	struct alert *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->loop = main_loop;
	a->timer.fn = on_timer;
	return a;
}

void
alert_use_settings(struct alert *a, const struct settings *s)
{
	struct tls_client_params p = { .verify = true };
	char *error = NULL;

	tls_client_unref(a->tls);
	a->tls = NULL;
	if (s->inbox.alert_url.host[0] == '\0' || !s->inbox.alert_url.addr.tls)
		return;
	a->tls = tls_client_new(&p, &error);
	if (a->tls == NULL) /* each POST tries it again */
		log_event(LOG_WARN, "alert-tls", LOG_Z("why", error));
	free(error);
}

bool
alert_is_busy(struct alert *a)
{
	return !reap(a) || a->body != NULL;
}

bool
alert_was_taken(const struct alert *a)
{
	return a->taken;
}

void
alert_give(struct alert *a, const struct settings *s, struct slice json)
{
	check(a->body == NULL && a->child <= 0); /* alert_is_busy() has said no */
	/* The log alone has nobody who could refuse. */
	a->taken = s->inbox.alert_command[0] == '\0' && s->inbox.alert_url.host[0] == '\0';
	if (s->inbox.alert_command[0] != '\0' && !run_command(a, s->inbox.alert_command, json))
		log_event(LOG_ERROR, "alert-failed", LOG_Z("why", strerror(errno)));
	if (s->inbox.alert_url.host[0] == '\0' || (a->body = strndup(json.p, json.n)) == NULL)
		return;
	a->url = s->inbox.alert_url;
	a->tries = 0;
	post(a);
}

void
alert_free(struct alert *a)
{
	if (a == NULL)
		return;
	loop_timer_stop(a->loop, &a->timer);
	if (a->fetch != NULL)
		end_post(a);
	tls_client_unref(a->tls);
	free(a->body);
	free(a);
}
