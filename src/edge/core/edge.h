/* SPDX-License-Identifier: Apache-2.0 */
/* What all threads of the edge share.  All of it is thread-safe or never
 * changes after the start. */
#ifndef ADIT_EDGE_CORE_EDGE_H
#define ADIT_EDGE_CORE_EDGE_H

#include "edge/core/directory.h"
#include "edge/core/settings.h"
#include "edge/core/source.h"
#include "net/loop.h"
#include "store/store.h"

struct acme_dns;
struct board;
struct ddns;
struct certs;
struct domains;
struct incidents;
struct keyring;
struct name_server;
struct own_domains;
struct vault;
struct password_thread;
struct worker;

struct edge {
	struct store *store;
	struct directory *directory;
	struct guard *guard;
	struct password_thread *passwords;
	struct vault *vault;             /* seals what of a secret must be stored */
	struct incidents *incidents;     /* for the doctor */
	struct board *board;             /* what CAs want to see */
	struct acme_dns *acme_dns;       /* registrations of its API */
	struct ddns *ddns;               /* how often names change */
	struct keyring *keyring;         /* of tokens, for signed DNS updates */
	struct name_server *name_server; /* NULL: no DNS */
	struct certs *certs;             /* of the main loop; NULL: none are got of a CA */
	struct own_domains *own_domains; /* hosts of other zones that lead to tunnels */
	struct domains *domains;         /* who has proven which of them; asked by domain_ask() */
	unsigned char probe_key[32];     /* of tickets, at random */
	struct worker **workers;
	unsigned n_workers;
	struct loop *main_loop;   /* signals and control socket */
	struct settings *started; /* what it began with, for what no reload can change */
	char domain[254];
	uint16_t https_port, http_port; /* as visitors see them; 0: Unix socket, or none */
	_Atomic uint64_t generation;    /* of the newest link */
	_Atomic uint64_t account_bytes; /* what an account may have in the inbox */
	_Atomic bool http2;             /* spoken with visitors */
	_Atomic unsigned watching;      /* links whose agents are told of activity */
	_Atomic unsigned next_worker;   /* for what may go to any */
	/* Told on the main loop: a route is served now; main thread's, set
	 * before the workers start. */
	void (*route_up)(struct edge *e, const char *key);
	/* Told on the main loop: this worker has nothing under way any more, after WORKER_DRAIN. */
	void (*worker_idle)(struct edge *e, unsigned worker);
};

/* Posts to the main loop; from any thread. Lost without memory: whoever waits has a time limit. */
void edge_tell_up(struct edge *e, const char *key);
void edge_tell_idle(struct edge *e, unsigned worker);

/* The worker of that index, as the directory has it. */
static inline struct worker *
edge_worker(const struct edge *e, unsigned at)
{
	check(at < e->n_workers);
	return e->workers[at];
}

/* "https://jenkins.example.org:8443" */
void edge_url(const struct edge *e, const char *name, char *dst, size_t cap);
/* The same of a whole host: a tunnel's, or an own domain. */
void edge_host_url(const struct edge *e, const char *host, char *dst, size_t cap);

/* The edge has no domain: visitors come to its address, and there is one tunnel (own_domain.h). */
bool edge_is_address(const struct edge *e);

/* The tunnel's name in a canonical host: "jenkins" of "jenkins.example.org"; empty when it
 * is none of ours. */
struct slice edge_name_of(const struct edge *e, struct slice host);

#endif
