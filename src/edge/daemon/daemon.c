/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the edge: start, signals, reload, stop. */
#include "edge/daemon/daemon.h"

#include "base/clock.h"
#include "base/log.h"
#include "edge/core/access_log.h"
#include "edge/core/board.h"
#include "edge/core/incident.h"
#include "edge/core/keyring.h"
#include "edge/core/own_domain.h"
#include "edge/core/vault.h"
#include "edge/ddns/acme_dns.h"
#include "edge/ddns/ddns.h"
#include "edge/core/worker.h"
#include "edge/daemon/daemon_private.h"
#include "edge/daemon/dev.h"
#include "edge/daemon/dispatch.h"
#include "edge/daemon/privilege.h"
#include "edge/daemon/selfcheck.h"
#include "edge/visit/password.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

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
	check(d->stopping && d->n_idle < e->n_workers); /* each says it once, after WORKER_DRAIN */
	if (++d->n_idle == e->n_workers)
		end(d);
}

/*
 * The first time in order: no new connections, and whatever is under way may end, until the
 * deadline. The second time at once.
 */
static void
stop(struct daemon *d)
{
	if (d->stopping) {
		end(d);
		return;
	}
	d->stopping = true;
	log_event(LOG_INFO, "stopping");
	privilege_notify("STOPPING=1\nSTATUS=what is under way may end");
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

	if (d->reader != NULL && !options_alone(d->options)) {
		next = reader_settings(d->reader, ret_error);
	} else {
		next = options_settings(d->options, NULL, ret_error);
		if (next != NULL)
			settings_read_certs(next);
	}
	if (next != NULL) {
		settings_acme_keep_keys(&next->acme, &d->settings->acme);
		fault = selfcheck_reload(d->settings, next);
	}
	if (next != NULL && fault == NULL &&
	    (*ret_server = settings_tls(next, ret_error, &fault)) != NULL && fault == NULL)
		return next;
	if (fault != NULL) {
		free(*ret_error);
		*ret_error = fault;
	}
	/* Where a reader opens the files, it is not our rights that count. */
	if (next != NULL && d->reader == NULL)
		*ret_error = privilege_explain(*ret_error, next);
	tls_server_unref(*ret_server);
	settings_unref(next);
	return NULL;
}

/* The sentence is kept for `aditd status`: whoever has sent the signal sees no answer. */
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

/* Without memory the ones that are shown stay. */
static void
use_server(struct daemon *d)
{
	struct tls_server *server = daemon_server(d);

	if (server != NULL)
		acceptor_use_server(d->acceptor, server);
	else
		log_event(LOG_ERROR, "no-memory", LOG_Z("why", "certificates stay as they are"));
	domains_certificates_changed(d->edge.domains);
}

/* A certificate has come, or gone. */
static void
on_certs(void *owner)
{
	use_server(owner);
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
	check(server != NULL && next != d->settings);
	d->reloaded[0] = '\0';
	restart = settings_restart_for(d->settings, next);
	if (restart != NULL)
		snprintf(ret_text, cap, "reloaded, but for %s, which needs a restart", restart);
	else
		snprintf(ret_text, cap, "reloaded");
	tls_server_unref(d->server);
	d->server = server;
	if (d->edge.certs != NULL)
		certs_use_settings(d->edge.certs, next);
	use_server(d);
	for (unsigned i = 0; i < d->edge.n_workers; i++)
		worker_use_settings(d->edge.workers[i], next);
	if (d->housekeeping != NULL)
		housekeeping_use_settings(d->housekeeping, next);
	domains_use_settings(d->edge.domains, next);
	atomic_store(&d->edge.account_bytes, (uint64_t)next->inbox.account_bytes);
	atomic_store(&d->edge.http2, next->http2);
	access_log_reopen(next->log_access ? next->access_file : "");
	settings_unref(d->settings);
	d->settings = next;
	stop_use(next->limits.drain_ms);
	log_event(LOG_INFO, "reloaded", LOG_Z("why", ret_text));
	return true;
}

/*
 * systemd's Type=notify-reload wants both messages, with the time of
 * the first (sd_notify(3)).
 */
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
		return daemon_fail_errno("signals");
	d->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	d->signals.fn = on_signal;
	stop_use(d->settings->limits.drain_ms);
	if (d->signals.fd < 0 || loop_watch(d->edge.main_loop, &d->signals) != 0 ||
	    stop_init(&d->stop, d->edge.main_loop, on_stop) != 0)
		return daemon_fail_errno("signals");
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

static void
add_counter(void *arg, const char *name, uint64_t n)
{
	json_object_set_new(arg, name, json_integer((json_int_t)n));
}

static json_t *
ctl_dns(void *owner)
{
	struct daemon *d = owner;
	json_t *o = d->name_server == NULL ? NULL : json_object();

	if (o != NULL)
		name_server_counters(d->name_server, add_counter, o);
	return o;
}

static const struct inbox_counts *
ctl_inbox(void *owner)
{
	const struct daemon *d = owner;

	return d->housekeeping == NULL ? NULL : housekeeping_counts(d->housekeeping);
}

static const struct settings *
ctl_settings(void *owner)
{
	const struct daemon *d = owner;

	return d->settings;
}

static bool
ctl_stopping(void *owner)
{
	const struct daemon *d = owner;

	return d->stopping;
}

static const char *
ctl_not_reloaded(void *owner)
{
	const struct daemon *d = owner;

	return d->reloaded;
}

static bool
ctl_certified(void *owner)
{
	const struct daemon *d = owner;

	return d->settings->n_certs > 0 || d->settings->mint || certs_any(d->edge.certs);
}

static json_t *
ctl_dashboard(void *owner, const json_t *request)
{
	struct daemon *d = owner;

	return dashboard_request(d->dashboard, request);
}

static const struct control_ops control_ops = {
	.reload = ctl_reload,
	.stop = ctl_stop,
	.inbox = ctl_inbox,
	.settings = ctl_settings,
	.stopping = ctl_stopping,
	.certified = ctl_certified,
	.dashboard = ctl_dashboard,
	.handshakes = ctl_handshakes,
	.dns = ctl_dns,
	.not_reloaded = ctl_not_reloaded,
};

static void
on_up(struct edge *e, const char *key)
{
	struct daemon *d = list_of(e, struct daemon, edge);

	if (d->control != NULL)
		control_route_up(d->control, key);
	if (e->certs != NULL)
		certs_route_up(e->certs, key);
}

/* --- start --- */

static int
open_dashboard(struct daemon *d)
{
	struct dashboard_config config = { .edge = &d->edge,
		.ops = &control_ops,
		.owner = d,
		.control = d->control,
		.settings = d->settings,
		.any_port = d->options->dev != NULL };
	char *error;

	d->dashboard = dashboard_new(&config, &error);
	return d->dashboard != NULL ? 0 : daemon_fail(error);
}

static int
start(struct daemon *d)
{
	unsigned n_workers = daemon_count_workers(d->settings);

	d->edge.main_loop = loop_new();
	if (d->edge.main_loop == NULL)
		return daemon_fail_errno("making the main loop");
	d->edge.route_up = on_up;
	d->edge.worker_idle = on_idle;
	d->deadline.fn = on_deadline;
	if (watch_signals(d) != 0 || daemon_prepare(d, n_workers) != 0 ||
	    daemon_open_store(d) != 0 || daemon_open_certs(d, on_certs) != 0 ||
	    daemon_make_threads(d, n_workers, &control_ops) != 0 || daemon_start_threads(d) != 0)
		return -1;
	d->housekeeping = housekeeping_start(&d->edge, d->settings);
	if (d->housekeeping == NULL)
		return daemon_fail(NULL);
	if (d->edge.certs != NULL)
		certs_start(d->edge.certs);
	domains_start(d->edge.domains);
	trim_start(&d->trim, d->edge.main_loop);
	if (open_dashboard(d) != 0)
		return -1;
	stop_listen(); /* before the first line that a reader of the log may keep waiting */
	if (d->options->dev != NULL &&
	    !dev_ready(d->options->dev, d->settings, dashboard_address(d->dashboard),
		&d->sockets.https, d->settings->has_http ? &d->sockets.http : NULL))
		return daemon_fail_errno("standard output");
	log_event(LOG_INFO, "ready", LOG_Z("version", ADIT_VERSION),
	    LOG_Z("domain", d->edge.domain), LOG_U("https_port", d->sockets.https.port),
	    LOG_U("workers", n_workers));
	d->supervisor = supervisor_start(&d->edge, d->sockets.https.port);
	return 0;
}

/* --- end --- */

static void
on_last_mail(struct loop *l, struct loop_mail *m)
{
	(void)m;
	loop_stop(l);
}

/*
 * Also of a start that has failed: each part may be missing. Who asks ends before who
 * answers: workers, then the store, whose last answers are read before anything they come
 * home to is freed.
 */
static void
finish(struct daemon *d)
{
	struct edge *e = &d->edge;
	struct loop_mail last = { .fn = on_last_mail };

	trim_stop(&d->trim);
	supervisor_stop(d->supervisor);
	domains_stop(e->domains);
	password_stop(e->passwords); /* workers end when nothing of theirs is under way */
	if (d->acceptor != NULL)
		acceptor_stop(d->acceptor);
	for (unsigned i = 0; i < e->n_workers; i++)
		worker_stop(e->workers[i]);
	name_server_stop(d->name_server);
	password_free(e->passwords);
	dashboard_free(d->dashboard);
	control_close(d->control);
	certs_stop(e->certs);
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
	certs_free(e->certs);
	housekeeping_free(d->housekeeping);
	domains_free(e->domains);
	for (unsigned i = 0; i < e->n_workers; i++)
		dispatch_free(e->workers[i]);
	free(e->workers);
	supervisor_free(d->supervisor);
	acceptor_free(d->acceptor);
	name_server_free(d->name_server);
	tls_server_unref(d->server);
	sockets_close(&d->sockets);
	if (d->signals.loop != NULL)
		loop_unwatch(&d->signals);
	if (d->signals.fd >= 0)
		close(d->signals.fd);
	reader_stop(d->reader);
	stop_fini(&d->stop);
	own_domains_free(e->own_domains);
	directory_free(e->directory);
	vault_free(e->vault);
	incident_free(e->incidents);
	board_free(e->board);
	keyring_free(e->keyring);
	ddns_free(e->ddns);
	acme_dns_free(e->acme_dns);
	guard_free(e->guard);
	if (e->main_loop != NULL)
		loop_free(e->main_loop);
	settings_unref(e->started);
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
		daemon_fail(error);
		return 1;
	}
	log_keep();
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
