/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the edge: start, signals, reload, stop. */
#include "edge/daemon/daemon.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "edge/daemon/load.h"
#include "edge/control/control.h"
#include "edge/daemon/dev.h"
#include "edge/daemon/dispatch.h"
#include "edge/accept/acceptor.h"
#include "edge/core/vault.h"
#include "edge/core/incident.h"
#include "edge/daemon/options.h"
#include "edge/visit/password.h"
#include "edge/daemon/privilege.h"
#include "edge/daemon/reader.h"
#include "edge/daemon/selfcheck.h"
#include "edge/daemon/sockets.h"
#include "edge/daemon/stop.h"
#include "edge/core/trim.h"
#include "edge/inbox/housekeeping.h"
#include "edge/core/worker.h"
#include "base/tell.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct daemon {
	const struct daemon_options *options;
	struct settings *settings;
	struct edge edge;
	struct acceptor *acceptor;
	struct control *control;
	struct housekeeping *housekeeping;
	struct loop_io signals; /* SIGHUP */
	struct stop stop;       /* SIGTERM, SIGINT */
	struct trim trim;
	struct loop_timer deadline; /* of a stop in order */
	unsigned n_idle;
	bool stopping;
	struct sockets sockets; /* bound before root is given up */
	struct tls_server *server;
	struct reader *reader; /* NULL: we were not root, or stay it */
	char reloaded[512];    /* "": not refused since the start, else why the last reload was */
};

static int
fail(char *sentence)
{
	tell_error("failed", "%s", sentence != NULL ? sentence : "out of memory");
	free(sentence);
	return -1;
}

static int
fail_errno(const char *what)
{
	tell_error("failed", "%s: %s", what, strerror(errno));
	return -1;
}

/* --- signals --- */

static void
end(struct daemon *d)
{
	loop_stop(d->edge.main_loop);
}

static void
on_deadline(struct loop_timer *t)
{
	log_event(LOG_WARN, "drain-over", LOG_Z("why", "connections are cut"));
	end(list_of(t, struct daemon, deadline));
}

static void
on_idle(struct edge *e, unsigned worker)
{
	struct daemon *d = list_of(e, struct daemon, edge);

	(void)worker;
	if (++d->n_idle == e->n_workers)
		end(d);
}

static void
stop(struct daemon *d)
{
	if (d->stopping) {
		end(d);
		return;
	}
	d->stopping = true;
	log_event(LOG_INFO, "stopping");
	privilege_notify("STOPPING=1");
	acceptor_drain(d->acceptor);
	for (unsigned i = 0; i < d->edge.n_workers; i++)
		worker_order(d->edge.workers[i], WORKER_DRAIN);
	loop_timer_set(d->edge.main_loop, &d->deadline,
	    stop_cut_ms(d->settings->limits.drain_ms) * 1000);
}

/* The next settings, with what a start would find of them. NULL and *ret_error. */
static struct settings *
read_anew(struct daemon *d, struct tls_server **ret_server, char **ret_error)
{
	struct settings *next;
	char *fault = NULL;

	if (d->reader != NULL) {
		next = reader_settings(d->reader, ret_error);
	} else {
		next = options_settings(d->options, NULL, ret_error);
		if (next != NULL)
			settings_read_certs(next);
	}
	if (next != NULL)
		fault = selfcheck_reload(d->settings, next);
	if (next != NULL && fault == NULL &&
	    (*ret_server = settings_tls(next, ret_error, &fault)) != NULL && fault == NULL)
		return next;
	if (fault != NULL) {
		free(*ret_error);
		*ret_error = fault;
	}
	tls_server_unref(*ret_server);
	settings_unref(next);
	return NULL;
}

static bool
refuse(struct daemon *d, char *error, char *ret_text, size_t cap)
{
	snprintf(ret_text, cap, "nothing was reloaded: %s",
	    error != NULL ? error : "out of memory");
	free(error);
	snprintf(d->reloaded, sizeof(d->reloaded), "%s", ret_text);
	log_event(LOG_ERROR, "not-reloaded", LOG_Z("why", ret_text));
	return false;
}

/* New settings and certificates for what comes from now on; whatever is under way
 * keeps the old ones. */
static bool
reload(struct daemon *d, char *ret_text, size_t cap)
{
	char *error = NULL;
	struct tls_server *server = NULL;
	struct settings *next = read_anew(d, &server, &error);
	const char *restart;

	if (next == NULL)
		return refuse(d, error, ret_text, cap);
	d->reloaded[0] = '\0';
	restart = settings_restart_for(d->settings, next);
	if (restart != NULL)
		snprintf(ret_text, cap, "reloaded, but for %s, which needs a restart", restart);
	else
		snprintf(ret_text, cap, "reloaded");
	acceptor_use_server(d->acceptor, server);
	for (unsigned i = 0; i < d->edge.n_workers; i++)
		worker_use_settings(d->edge.workers[i], next);
	if (d->housekeeping != NULL)
		housekeeping_use_settings(d->housekeeping, next);
	atomic_store(&d->edge.account_bytes, (uint64_t)next->inbox.account_bytes);
	settings_unref(d->settings);
	d->settings = next;
	stop_use(next->limits.drain_ms);
	log_event(LOG_INFO, "reloaded", LOG_Z("why", ret_text));
	return true;
}

static void
on_hangup(struct daemon *d)
{
	char text[512], when[64];

	snprintf(when, sizeof(when), "RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)clock_mono_us());
	privilege_notify(when);
	(void)reload(d, text, sizeof(text));
	privilege_notify("READY=1");
}

static void
on_signal(struct loop_io *io, unsigned events)
{
	struct daemon *d = list_of(io, struct daemon, signals);
	struct signalfd_siginfo si;
	ssize_t n;

	(void)events;
	while ((n = read(io->fd, &si, sizeof(si))) == sizeof(si) || (n < 0 && errno == EINTR)) {
		if (n < 0)
			continue;
		on_hangup(d);
	}
}

static void
on_stop(struct stop *s)
{
	stop(list_of(s, struct daemon, stop));
}

static int
watch_signals(struct daemon *d)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return fail_errno("signals");
	d->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	d->signals.fn = on_signal;
	stop_use(d->settings->limits.drain_ms);
	if (d->signals.fd < 0 || loop_watch(d->edge.main_loop, &d->signals) != 0 ||
	    stop_init(&d->stop, d->edge.main_loop, on_stop) != 0)
		return fail_errno("signals");
	return 0;
}

/* --- control --- */

static bool
ctl_reload(void *owner, char *ret_text, size_t cap)
{
	return reload(owner, ret_text, cap);
}

static void
ctl_stop(void *owner)
{
	stop_begin();
	stop(owner);
}

static void
ctl_handshakes(void *owner, uint64_t *ret_begun, uint64_t *ret_failed)
{
	struct daemon *d = owner;

	acceptor_counters(d->acceptor, ret_begun, ret_failed);
}

static const char *
ctl_not_reloaded(void *owner)
{
	const struct daemon *d = owner;

	return d->reloaded;
}

static const struct control_ops control_ops = {
	.reload = ctl_reload,
	.stop = ctl_stop,
	.handshakes = ctl_handshakes,
	.not_reloaded = ctl_not_reloaded,
};

static void
on_up(struct edge *e, const char *key)
{
	struct daemon *d = list_of(e, struct daemon, edge);

	if (d->control != NULL)
		control_route_up(d->control, key);
}

/* --- start --- */

static unsigned
count_workers(const struct settings *s)
{
	long n = s->workers;

	if (n == 0)
		n = sysconf(_SC_NPROCESSORS_ONLN);
	if (n > LIMIT_WORKERS)
		n = LIMIT_WORKERS;
	return n < 1 ? 1 : (unsigned)n;
}

/* For reloads, where root is given up. */
static int
start_reader(struct daemon *d)
{
	char *error = NULL;

	if (geteuid() != 0 || d->settings->user[0] == '\0' ||
	    strcmp(d->settings->user, "root") == 0)
		return 0;
	error = privilege_user(d->settings);
	if (error == NULL)
		d->reader = reader_start(d->options, d->settings, &error);
	return d->reader != NULL ? 0 : fail(error);
}

/* A certificate that is out of date is told and shown all the same: the clock may be wrong while
 * the machine starts, and names without a certificate would be no better. */
static int
load_certs(struct daemon *d)
{
	char *error = NULL, *fault = NULL;

	settings_read_certs(d->settings);
	d->server = settings_tls(d->settings, &error, &fault);
	if (fault != NULL)
		log_event(LOG_ERROR, "certificate", LOG_Z("why", fault));
	free(fault);
	return d->server != NULL ? 0 : fail(error);
}

/* Everything that may need root. */
static int
prepare(struct daemon *d, unsigned n_workers)
{
	struct settings *s = d->settings;
	char *error = NULL, folder[sizeof(s->control.path)];
	char *slash;

	privilege_limits();
	if (start_reader(d) != 0)
		return -1;
	error = privilege_folder(s->state_dir, s);
	if (error != NULL)
		return fail(error);
	snprintf(folder, sizeof(folder), "%s", s->control.path);
	slash = strrchr(folder, '/');
	if (slash != NULL && slash != folder) {
		*slash = '\0';
		error = privilege_folder(folder, s);
		if (error != NULL)
			return fail(error);
	}
	if (load_certs(d) != 0)
		return -1;
	error = sockets_open(&d->sockets, s, n_workers);
	if (error != NULL)
		return fail(error);
	error = privilege_give(s->control.path, s);
	if (error == NULL)
		error = privilege_drop(s);
	if (error != NULL)
		return fail(error);
	if (geteuid() == 0 && d->options->dev == NULL)
		log_event(LOG_WARN, "running-as-root",
		    LOG_Z("remedy", "write user: aditd into the configuration"));
	return 0;
}

static int
open_store(struct daemon *d)
{
	struct edge *e = &d->edge;
	char path[sizeof(d->settings->state_dir) + 16], *error = NULL;
	enum store_result r;

	snprintf(path, sizeof(path), "%s/adit.db", d->settings->state_dir);
	e->store = store_open(path, &error);
	if (e->store == NULL)
		return fail(error);
	if (store_error(e->store)[0] != '\0')
		log_event(LOG_ERROR, "store", LOG_Z("why", store_error(e->store)));
	e->directory = directory_new();
	e->guard = guard_new();
	e->passwords = password_start();
	e->incidents = incident_new();
	rand_bytes(e->probe_key, sizeof(e->probe_key));
	if (e->directory == NULL || e->guard == NULL || e->passwords == NULL ||
	    e->incidents == NULL)
		return fail(NULL);
	e->vault = vault_open(d->settings, &error);
	if (e->vault == NULL)
		return fail(error);
	/* What is damaged of them is missing; the rest is served. */
	r = load_names(e->store, e->directory);
	if (r == STORE_OK || r == STORE_DAMAGED)
		r = load_policies(e->store, e->directory, e->vault);
	if (r != STORE_OK && r != STORE_DAMAGED) {
		tell_error("failed", "%s: reading the names: %s", path, store_result_text(r));
		return -1;
	}
	atomic_store(&e->account_bytes, (uint64_t)d->settings->inbox.account_bytes);
	if (d->options->dev != NULL && (error = dev_token(d->options->dev, e->store)) != NULL)
		return fail(error);
	return 0;
}

static uint16_t
public_port(const struct settings *s, const struct addr *bound)
{
	if (bound == NULL || bound->kind != ADDR_TCP)
		return 0;
	return s->public_port != 0 ? (uint16_t)s->public_port : bound->port;
}

static int
make_threads(struct daemon *d, unsigned n_workers)
{
	struct edge *e = &d->edge;

	snprintf(e->domain, sizeof(e->domain), "%s", d->settings->domain);
	e->https_port = public_port(d->settings, &d->sockets.https);
	e->http_port =
	    d->settings->has_http && d->sockets.http.kind == ADDR_TCP ? d->sockets.http.port : 0;
	if (d->settings->public_port != 0)
		e->https_port = (uint16_t)d->settings->public_port;
	/* Later than that of any earlier process, as long as fewer than 1,000
	 * links came a second. */
	atomic_init(&e->generation, (uint64_t)clock_wall_ms());
	e->workers = calloc(n_workers, sizeof(struct worker *));
	if (e->workers == NULL)
		return fail(NULL);
	for (; e->n_workers < n_workers; e->n_workers++) {
		int fd = d->sockets.http_fds[e->n_workers];

		d->sockets.http_fds[e->n_workers] = -1;
		e->workers[e->n_workers] = dispatch_new(e, e->n_workers, d->settings, fd);
		if (e->workers[e->n_workers] == NULL)
			return fail_errno("making a worker");
	}
	d->acceptor = acceptor_new(e, d->sockets.https_fd, d->server);
	d->sockets.https_fd = -1;
	if (d->acceptor == NULL)
		return fail_errno("making the gate");
	d->server = NULL;
	d->control = control_new(e, d->sockets.control_fd, &control_ops, d);
	d->sockets.control_fd = -1;
	return d->control != NULL ? 0 : fail_errno("control socket");
}

static int
start_threads(struct daemon *d)
{
	struct edge *e = &d->edge;

	for (unsigned i = 0; i < e->n_workers; i++)
		if (worker_start(e->workers[i]) != 0)
			return fail_errno("starting a worker");
	return acceptor_start(d->acceptor) == 0 ? 0 : fail_errno("starting the gate");
}

static int
start(struct daemon *d)
{
	unsigned n_workers = count_workers(d->settings);

	d->edge.main_loop = loop_new();
	if (d->edge.main_loop == NULL)
		return fail_errno("making the main loop");
	d->edge.route_up = on_up;
	d->edge.worker_idle = on_idle;
	d->deadline.fn = on_deadline;
	if (watch_signals(d) != 0 || prepare(d, n_workers) != 0 || open_store(d) != 0 ||
	    make_threads(d, n_workers) != 0 || start_threads(d) != 0)
		return -1;
	d->housekeeping = housekeeping_start(&d->edge, d->settings);
	if (d->housekeeping == NULL)
		return fail(NULL);
	trim_start(&d->trim, d->edge.main_loop);
	stop_listen(); /* before the first line that a reader of the log may keep waiting */
	if (d->options->dev != NULL && !dev_ready(d->options->dev, d->settings, &d->sockets.https,
					   d->settings->has_http ? &d->sockets.http : NULL))
		return fail_errno("standard output");
	log_event(LOG_INFO, "ready", LOG_Z("version", ADIT_VERSION),
	    LOG_Z("domain", d->edge.domain), LOG_U("https_port", d->sockets.https.port),
	    LOG_U("workers", n_workers));
	privilege_notify("READY=1");
	return 0;
}

/* --- end --- */

static void
on_last_mail(struct loop *l, struct loop_mail *m)
{
	(void)m;
	loop_stop(l);
}

static void
finish(struct daemon *d)
{
	struct edge *e = &d->edge;
	struct loop_mail last = { .fn = on_last_mail };

	trim_stop(&d->trim);
	password_stop(e->passwords); /* workers end when nothing of theirs is under way */
	if (d->acceptor != NULL)
		acceptor_stop(d->acceptor);
	for (unsigned i = 0; i < e->n_workers; i++)
		worker_stop(e->workers[i]);
	password_free(e->passwords);
	control_close(d->control);
	housekeeping_stop(d->housekeeping);
	if (e->store != NULL)
		store_close(e->store);
	if (e->main_loop != NULL) {
		/* What the store has answered last. */
		loop_timer_stop(e->main_loop, &d->deadline);
		loop_post(e->main_loop, &last);
		loop_run(e->main_loop);
	}
	control_free(d->control);
	housekeeping_free(d->housekeeping);
	for (unsigned i = 0; i < e->n_workers; i++)
		dispatch_free(e->workers[i]);
	free(e->workers);
	acceptor_free(d->acceptor);
	tls_server_unref(d->server);
	sockets_close(&d->sockets);
	if (d->signals.loop != NULL)
		loop_unwatch(&d->signals);
	if (d->signals.fd >= 0)
		close(d->signals.fd);
	reader_stop(d->reader);
	stop_fini(&d->stop);
	directory_free(e->directory);
	vault_free(e->vault);
	incident_free(e->incidents);
	guard_free(e->guard);
	if (e->main_loop != NULL)
		loop_free(e->main_loop);
	settings_unref(d->settings);
}

int
daemon_run(const struct daemon_options *o)
{
	struct daemon d = { .options = o, .signals = { .fd = -1 }, .stop = { .io = { .fd = -1 } } };
	char *error = NULL;
	int rc;

	sockets_init(&d.sockets);
	d.settings = options_settings(o, NULL, &error);
	if (d.settings == NULL) {
		fail(error);
		return 1;
	}
	log_init(STDERR_FILENO, (enum log_level)d.settings->log_level,
	    (enum log_format)d.settings->log_format);
	rc = start(&d);
	if (rc == 0)
		loop_run(d.edge.main_loop);
	finish(&d);
	if (rc == 0)
		log_event(LOG_INFO, "stopped");
	return rc == 0 ? 0 : 1;
}
