/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of daemon: the edge as its main thread has it, and the steps of its start. */
#ifndef ADIT_EDGE_DAEMON_DAEMON_PRIVATE_H
#define ADIT_EDGE_DAEMON_DAEMON_PRIVATE_H

#include "edge/accept/acceptor.h"
#include "edge/cert/cert.h"
#include "edge/control/control.h"
#include "edge/core/trim.h"
#include "edge/dashboard/dashboard.h"
#include "edge/daemon/supervisor.h"
#include "edge/daemon/daemon.h"
#include "edge/daemon/reader.h"
#include "edge/daemon/sockets.h"
#include "edge/daemon/stop.h"
#include "edge/dns/name_server.h"
#include "edge/domain/domains.h"
#include "edge/inbox/housekeeping.h"

struct daemon {
	const struct daemon_options *options;
	struct settings *settings;
	struct edge edge;
	struct acceptor *acceptor;
	struct control *control;
	struct dashboard *dashboard;
	struct name_server *name_server; /* NULL: no DNS */
	struct housekeeping *housekeeping;
	struct loop_io signals; /* SIGHUP */
	struct stop stop;       /* SIGTERM, SIGINT */
	struct trim trim;
	struct supervisor *supervisor; /* who has started us */
	struct loop_timer deadline;    /* of a stop in order */
	unsigned n_idle;
	bool stopping;
	struct sockets sockets;    /* bound before root is given up */
	struct tls_server *server; /* with the certificates of files alone */
	struct reader *reader;     /* NULL: we were not root, or stay it */
	char reloaded[512]; /* "": not refused since the start, else why the last reload was */
};

/* Both say why at the start, and give -1. sentence: malloced; NULL: there was no memory. */
int daemon_fail(char *sentence);
int daemon_fail_errno(const char *what);

/* --- the steps of a start, in this order: -1 when the edge cannot run, which was said --- */

unsigned daemon_count_workers(const struct settings *s);
/* Everything that may need root. */
int daemon_prepare(struct daemon *d, unsigned n_workers) must_use;
/* Names and policies are read, too. */
int daemon_open_store(struct daemon *d) must_use;
/* What the store has of certificates that came of a CA, if acme: is configured. */
int daemon_open_certs(struct daemon *d, void (*changed)(void *owner)) must_use;
/* ops: of the control socket. */
int daemon_make_threads(struct daemon *d, unsigned n_workers,
    const struct control_ops *ops) must_use;
int daemon_start_threads(struct daemon *d) must_use;
/* The certificates of files, and those that came of a CA. NULL without memory. */
struct tls_server *daemon_server(const struct daemon *d) must_use;

#endif
