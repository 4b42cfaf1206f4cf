/* SPDX-License-Identifier: Apache-2.0 */
/* The running agent: builds loop, client and tunnels, obeys signals, and returns an exit code. */
#include "agent/link/agent_private.h"

#include "agent/core/config_file.h"
#include "agent/core/exit_code.h"
#include "base/tell.h"
#include "net/notify.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- signals --- */

static void
stop(struct agent *a)
{
	if (a->screen->calls != NULL)
		(void)notify("STOPPING=1\nSTATUS=requests that are under way may end");
	client_stop(&a->client);
}

/* Each signal counts: the second one does not wait (client_stop()). */
static void
on_signal(struct loop_io *io, unsigned events)
{
	struct agent *a = list_of(io, struct agent, signals);
	struct signalfd_siginfo info;

	(void)events;
	while (read(io->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		stop(a);
}

/* Signals become events of the loop. SIGHUP, too: a terminal that closes ends the agent in
 * order. -1 and errno. */
static int
open_signals(struct agent *a)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
	    signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
		return -1;
	a->signals.fn = on_signal;
	a->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return a->signals.fd < 0 ? -1 : loop_watch(a->loop, &a->signals);
}

/* --- standard output --- */

/*
 * A pipe whose reader has gone (grep -m1): whoever started us has seen enough.  SIGPIPE would end
 * the program only with its next line, which may never come.
 */
static void
on_output(struct loop_io *io, unsigned events)
{
	struct agent *a = list_of(io, struct agent, output);
	struct pollfd p = { .fd = io->fd };

	(void)events;
	if (poll(&p, 1, 0) == 1 && (p.revents & POLLERR) != 0) {
		loop_unwatch(io);
		client_stop(&a->client);
	}
}

/* Anything but a pipe has no reader that can go; where questions are asked nothing is told. */
static void
watch_output(struct agent *a)
{
	struct stat st;

	a->output = (struct loop_io){ .fd = STDOUT_FILENO, .fn = on_output };
	if (a->screen->calls != NULL && fstat(STDOUT_FILENO, &st) == 0 && S_ISFIFO(st.st_mode) &&
	    loop_watch(a->loop, &a->output) != 0)
		perror("adit: standard output");
}

static void
close_signals(struct agent *a)
{
	if (a->signals.fd < 0)
		return;
	loop_unwatch(&a->signals);
	close(a->signals.fd);
	a->signals.fd = -1;
}

/* --- the whole --- */

static void
on_changed(struct netwatch *w, const char *why)
{
	struct agent *a = list_of(w, struct agent, watch);

	if (a->params->changed != NULL)
		a->params->changed(a->params->talk_owner);
	client_check_link(&a->client, why);
}

static void
end_guests(struct agent *a)
{
	for (size_t i = 0; i < a->n_guests; i++)
		a->params->guests[i]->end(a->params->guests[i], a->exit_code);
	a->n_guests = 0;
}

/* NULL, or a malloced sentence of the first one that cannot. */
static char *
begin_guests(struct agent *a)
{
	char *error = NULL;

	while (error == NULL && a->n_guests < a->params->n_guests) {
		struct agent_guest *g = a->params->guests[a->n_guests];

		error = g->begin(g, &a->client);
		if (error == NULL)
			a->n_guests++;
	}
	return error;
}

/* The links are closed; what else lives on the loop goes in the same turn, whose graveyard then
 * frees it all. */
static void
on_over(struct client *c, int exit_code)
{
	struct agent *a = list_of(c, struct agent, client);

	check(c->state == CLIENT_OVER);
	a->exit_code = exit_code;
	netwatch_stop(&a->watch);
	watchdog_stop(&a->watchdog);
	if (a->params->ended != NULL)
		a->params->ended(a->params->talk_owner);
	end_guests(a);
	own_certs_stop(c->certs);
	close_signals(a);
	loop_unwatch(&a->output);
	agent_tunnels_close(a);
	loop_stop(a->loop);
}

/* Loop, resolver, serve, client; nothing is dialled. NULL, or a malloced sentence. */
static char *
set_up(struct agent *a)
{
	const struct agent_params *p = a->params;

	a->loop = loop_new();
	if (a->loop == NULL)
		return strdup("no event loop: out of memory or descriptors");
	a->resolver = resolver_new(a->loop);
	a->tunnels = calloc(LIMIT_AGENT_TUNNELS, sizeof(*a->tunnels));
	if (a->resolver == NULL || a->tunnels == NULL ||
	    serve_init(&a->serve, a->loop, a->resolver, a->screen, a->tunnels, 0) != 0)
		return strdup("out of memory");
	if (p->sink != NULL) {
		sink_use(&a->serve.origins.sink, *p->sink);
		*p->sink = NULL;
	}
	if (!p->once) {
		a->serve.capture = capture_new(a->loop);
		if (a->serve.capture == NULL)
			return strdup("out of memory");
	}
	a->client = (struct client){ .loop = a->loop,
		.serve = &a->serve,
		.screen = a->screen,
		.token = p->token,
		.once = p->once,
		.stays = p->stays,
		.talk = p->talk,
		.talk_owner = p->talk_owner,
		.over = on_over };
	return NULL;
}

/* As capture_store() calls it: nobody waits for it, and traffic goes on. */
static void
on_capture_stopped(void *owner, const char *why)
{
	(void)owner;
	tell_note("requests are not kept on the disk any more: %s", why);
}

/* Where something is to be kept on the disk, and can be. */
static void
open_capture(struct agent *a)
{
	const struct config_inspect *i = a->params->inspect;
	struct capture_options o;
	char state[480], path[512], *error;
	bool wanted = a->params->stays;

	for (size_t k = 0; k < a->params->n_tunnels; k++)
		wanted = wanted || a->params->tunnels[k].inspect != CAPTURE_OFF;
	if (i == NULL || !wanted || a->serve.capture == NULL)
		return;
	o = (struct capture_options){
		.bytes_max = (uint64_t)(i->megabytes > 0 ? i->megabytes : CONFIG_INSPECT_MEGABYTES)
			     << 20,
		.age_ms_max = (i->days > 0 ? i->days : CONFIG_INSPECT_DAYS) * 86400000,
		.never_store = i->never_store,
		.redact = i->redact,
	};
	if (config_state_folder(state, sizeof(state))) {
		snprintf(path, sizeof(path), "%s/capture", state);
		error = capture_store(a->serve.capture, path, &o, on_capture_stopped, NULL);
	} else {
		error = strdup("there is neither XDG_STATE_HOME nor a folder at HOME");
	}
	if (error != NULL)
		tell_note("requests are not kept on the disk: %s", error);
	free(error);
}

/* After the loop, in the order in which one stands on the other. Harmless with what
 * was never set up. */
static void
tear_down(struct agent *a)
{
	agent_tunnels_close(a);
	agent_tunnels_free(a);
	own_certs_free(a->client.certs);
	if (a->serve.loop != NULL)
		serve_fini(&a->serve);
	capture_free(a->serve.capture);
	if (a->resolver != NULL)
		resolver_free(a->resolver);
	if (a->loop != NULL)
		loop_free(a->loop);
	free(a->tunnels);
}

static int
run(struct agent *a, char *ret_account)
{
	if (open_signals(a) != 0) {
		tell_error("failed", "signals: %s", strerror(errno));
		return EXIT_BROKE;
	}
	watch_output(a);
	netwatch_start(&a->watch, a->loop, on_changed);
	if (a->screen->calls != NULL)
		watchdog_start(&a->watchdog, a->loop);
	client_start(&a->client);
	loop_run(a->loop);
	check(a->client.state == CLIENT_OVER); /* nothing else stops the loop */
	if (ret_account != NULL)
		snprintf(ret_account, sizeof(a->client.account), "%s", a->client.account);
	/* Who runs tunnels has read it as an event; who asks a question has not. */
	if (a->params->once && a->exit_code != EXIT_STOPPED && a->client.why[0] != '\0')
		tell_error(a->exit_code == EXIT_REFUSED ? "refused" : "failed", "%s",
		    a->client.why);
	return a->exit_code;
}

int
agent_run(const struct agent_params *p, char *ret_account)
{
	struct agent *a = calloc(1, sizeof(*a));
	char *error;
	int exit_code = EXIT_USAGE;

	check(p->n_tunnels == 0 || !p->once); /* one question is asked, or tunnels are run */
	if (a == NULL)
		return EXIT_BROKE;
	a->params = p;
	a->signals.fd = -1;
	a->screen = p->screen != NULL ? p->screen : &a->silent;
	error = set_up(a);
	if (error == NULL)
		error = agent_tunnels_open(a);
	if (error == NULL)
		open_capture(a);
	if (error == NULL)
		error = client_init(&a->client, a->resolver, p->edge, p->ca);
	if (error == NULL) {
		error = begin_guests(a);
		exit_code = error == NULL ? run(a, ret_account) : EXIT_BROKE;
		a->exit_code = exit_code;
		end_guests(a);
		client_fini(&a->client);
	}
	if (error != NULL) {
		tell_usage("%s", error);
		free(error);
	}
	close_signals(a);
	tear_down(a);
	free(a);
	return exit_code;
}

int
agent_talk(const struct login *l, void (*talk)(struct client *c, struct slice json, void *owner),
    void *owner)
{
	const struct agent_params p = {
		.edge = l->edge,
		.ca = l->ca,
		.token = l->token,
		.once = true,
		.talk = talk,
		.talk_owner = owner,
	};

	return agent_run(&p, NULL);
}
