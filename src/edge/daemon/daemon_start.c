/* SPDX-License-Identifier: Apache-2.0 */
/* What the edge needs before it runs: files and sockets that want root, the store, its threads. */
#include "edge/daemon/daemon_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/tell.h"
#include "edge/core/access_log.h"
#include "edge/core/board.h"
#include "edge/core/incident.h"
#include "edge/core/keyring.h"
#include "edge/core/own_domain.h"
#include "edge/core/vault.h"
#include "edge/ddns/acme_dns.h"
#include "edge/ddns/ddns.h"
#include "edge/core/worker.h"
#include "edge/daemon/dev.h"
#include "edge/daemon/dispatch.h"
#include "edge/daemon/domain_calls.h"
#include "edge/daemon/load.h"
#include "edge/daemon/privilege.h"
#include "edge/visit/password.h"
#include "store/sqlite/engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int
daemon_fail(char *sentence)
{
	tell_error("failed", "%s", sentence != NULL ? sentence : "out of memory");
	free(sentence);
	return -1;
}

int
daemon_fail_errno(const char *what)
{
	tell_error("failed", "%s: %s", what, strerror(errno));
	return -1;
}

/* At least one, where the system does not say how many processors there are. */
unsigned
daemon_count_workers(const struct settings *s)
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
	return d->reader != NULL ? 0 : daemon_fail(error);
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
	return d->server != NULL ? 0 : daemon_fail(privilege_explain(error, d->settings));
}

/*
 * In the order of rights: folders, certificates and ports want root, or what the unit gives in its
 * place; then that is given up, before a byte of a stranger is read.
 */
int
daemon_prepare(struct daemon *d, unsigned n_workers)
{
	struct settings *s = d->settings;
	char *error = NULL, folder[sizeof(s->control.path)];
	char *slash;

	privilege_limits();
	if (start_reader(d) != 0)
		return -1;
	error = privilege_folder(s->state_dir, s);
	if (error != NULL)
		return daemon_fail(error);
	snprintf(folder, sizeof(folder), "%s", s->control.path);
	slash = strrchr(folder, '/');
	if (slash != NULL && slash != folder) {
		*slash = '\0';
		error = privilege_folder(folder, s);
		if (error != NULL)
			return daemon_fail(error);
	}
	if (load_certs(d) != 0)
		return -1;
	error = settings_dns_read_keys(&s->dns);
	if (error != NULL)
		return daemon_fail(privilege_explain(error, s));
	error = sockets_open(&d->sockets, s, n_workers);
	if (error != NULL)
		return daemon_fail(error);
	error = privilege_give(s->control.path, s);
	if (error == NULL)
		error = privilege_drop(s);
	if (error == NULL)
		error = settings_acme_trust(&s->acme);
	if (error == NULL)
		error = access_log_open(s->log_access ? s->access_file : "");
	if (error != NULL)
		return daemon_fail(error);
	if (geteuid() == 0 && d->options->dev == NULL)
		log_event(LOG_WARN, "running-as-root",
		    LOG_Z("remedy", "write user: aditd into the configuration"));
	return 0;
}

int
daemon_open_store(struct daemon *d)
{
	struct edge *e = &d->edge;
	const struct domains_calls calls = domain_calls(d);
	char path[sizeof(d->settings->state_dir) + 16], oldest[DIRECTORY_KEY_BYTES], *error = NULL;
	enum store_result r;

	snprintf(path, sizeof(path), "%s/adit.db", d->settings->state_dir);
	e->store = store_open(&sqlite_engine, path, &error);
	if (e->store == NULL)
		return daemon_fail(error);
	if (store_error(e->store)[0] != '\0')
		log_event(LOG_ERROR, "store", LOG_Z("why", store_error(e->store)));
	e->directory = directory_new();
	e->guard = guard_new();
	e->passwords = password_start();
	e->incidents = incident_new();
	e->board = board_new();
	e->keyring = keyring_new();
	e->ddns = ddns_new();
	e->acme_dns = acme_dns_new();
	e->own_domains = own_domains_new();
	e->domains = domains_new(e, &calls);
	rand_bytes(e->probe_key, sizeof(e->probe_key));
	if (e->directory == NULL || e->guard == NULL || e->passwords == NULL ||
	    e->incidents == NULL || e->board == NULL || e->keyring == NULL || e->ddns == NULL ||
	    e->acme_dns == NULL || e->own_domains == NULL || e->domains == NULL)
		return daemon_fail(NULL);
	e->vault = vault_open(d->settings, &error);
	if (e->vault == NULL)
		return daemon_fail(error);
	/* What is damaged of them is missing; the rest is served. */
	r = load_names(e->store, e->directory, oldest);
	if (own_domain_is_address(slice_str(d->settings->domain)))
		own_domain_set_default(e->own_domains, oldest);
	if (r == STORE_OK || r == STORE_DAMAGED)
		r = load_policies(e->store, e->directory, e->vault);
	if (r == STORE_OK || r == STORE_DAMAGED)
		r = load_keys(e->store, e->keyring, e->vault);
	if (r == STORE_OK || r == STORE_DAMAGED)
		r = load_acme_dns(e->store, e->acme_dns);
	if (r == STORE_OK || r == STORE_DAMAGED)
		r = load_domains(e->store, e->domains);
	if (r != STORE_OK && r != STORE_DAMAGED) {
		tell_error("failed", "%s: reading the names: %s", path, store_result_text(r));
		return -1;
	}
	atomic_store(&e->account_bytes, (uint64_t)d->settings->inbox.account_bytes);
	atomic_store(&e->http2, d->settings->http2);
	if (d->options->dev != NULL && (error = dev_token(d->options->dev, e->store)) != NULL)
		return daemon_fail(error);
	return 0;
}

int
daemon_open_certs(struct daemon *d, void (*changed)(void *owner))
{
	char *error = NULL;

	snprintf(d->edge.domain, sizeof(d->edge.domain), "%s", d->settings->domain);
	if (d->options->dev != NULL)
		return 0;
	d->edge.certs = certs_new(&d->edge, d->settings, changed, d, &error);
	return d->edge.certs != NULL ? 0 : daemon_fail(error);
}

struct tls_server *
daemon_server(const struct daemon *d)
{
	if (d->edge.certs == NULL)
		return tls_server_ref(d->server);
	return certs_server(d->edge.certs, d->server);
}

/* 0: a Unix socket, or none. */
static uint16_t
public_port(const struct settings *s, const struct addr *bound)
{
	if (bound == NULL || bound->kind != ADDR_TCP)
		return 0;
	return s->public_port != 0 ? (uint16_t)s->public_port : bound->port;
}

static int
make_name_server(struct daemon *d)
{
	size_t n = d->settings->dns.n_listen;

	if (n == 0)
		return 0;
	d->name_server = name_server_new(&d->edge, d->edge.started, d->sockets.dns, n);
	d->edge.name_server = d->name_server;
	settings_dns_wipe_keys(&d->settings->dns);
	return d->name_server != NULL ? 0 : -1;
}

int
daemon_make_threads(struct daemon *d, unsigned n_workers, const struct control_ops *ops)
{
	struct edge *e = &d->edge;
	struct tls_server *server;

	check(n_workers > 0 && n_workers <= LIMIT_WORKERS); /* http_fds has so many */
	e->started = settings_ref(d->settings);
	domains_use_settings(e->domains, d->settings);
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
		return daemon_fail(NULL);
	/*
	 * Counted one by one, so that daemon.c frees those that were made when the next
	 * one cannot be.
	 */
	for (; e->n_workers < n_workers; e->n_workers++) {
		int fd = d->sockets.http_fds[e->n_workers];

		d->sockets.http_fds[e->n_workers] = -1; /* the worker's from here on */
		e->workers[e->n_workers] = dispatch_new(e, e->n_workers, d->settings, fd);
		if (e->workers[e->n_workers] == NULL)
			return daemon_fail_errno("making a worker");
	}
	server = daemon_server(d);
	if (server == NULL)
		return daemon_fail(NULL);
	d->acceptor = acceptor_new(e, d->sockets.https_fd, server);
	d->sockets.https_fd = -1;
	if (d->acceptor == NULL)
		return daemon_fail_errno("making the acceptor");
	if (make_name_server(d) != 0)
		return daemon_fail_errno("making the name server");
	d->control = control_new(e, d->sockets.control_fd, ops, d);
	d->sockets.control_fd = -1;
	return d->control != NULL ? 0 : daemon_fail_errno("control socket");
}

int
daemon_start_threads(struct daemon *d)
{
	struct edge *e = &d->edge;

	check(e->n_workers > 0 && e->store != NULL); /* nobody is let in before names are known */
	for (unsigned i = 0; i < e->n_workers; i++)
		if (worker_start(e->workers[i]) != 0)
			return daemon_fail_errno("starting a worker");
	if (d->name_server != NULL && name_server_start(d->name_server) != 0)
		return daemon_fail_errno("starting the name server");
	return acceptor_start(d->acceptor) == 0 ? 0 : daemon_fail_errno("starting the acceptor");
}
