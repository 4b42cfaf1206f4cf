/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of edge/dns: the name server as its thread has it. */
#ifndef ADIT_EDGE_DNS_NAME_SERVER_PRIVATE_H
#define ADIT_EDGE_DNS_NAME_SERVER_PRIVATE_H

#include "dns/authority.h"
#include "dns/rrl.h"
#include "edge/core/listener.h"
#include "edge/core/lobby.h"
#include "edge/dns/name_server.h"
#include "net/conn.h"
#include "net/udp.h"

#include <pthread.h>

/* A longer question over UDP is nobody's: an UPDATE of that size comes by TCP. */
#define NAME_SERVER_REQUEST_BYTES 4096

/* One UDP socket. */
struct dns_port {
	struct loop_io io; /* fd -1: not open */
	struct name_server *ns;
};

/* A key of the configuration, and what it may change. */
struct dns_key {
	struct tsig_key tsig;
	bool is_secondary; /* takes the whole zone */
	struct dname *names;
	size_t n_names;
};

/* Where UDP is read into and written from. */
struct dns_room {
	struct udp_message in[UDP_BATCH], out[UDP_BATCH];
	unsigned char requests[UDP_BATCH][NAME_SERVER_REQUEST_BYTES];
	unsigned char replies[UDP_BATCH][LIMIT_DNS_UDP_BYTES];
	unsigned char tcp[2 + DNS_MESSAGE_BYTES]; /* one answer, behind its length */
};

struct name_server {
	struct edge *edge;
	const struct settings *settings; /* those that the edge began with, which outlive it */
	pthread_t thread;
	bool started, stopping;
	struct loop *loop;
	_Atomic unsigned orders;
	struct loop_mail orders_mail;
	struct authority authority;
	struct zone *zone;
	struct dname domain, name_server;
	struct dns_key *keys;
	size_t n_keys;
	struct rrl rrl;
	size_t n_ports;
	struct dns_port udp[SETTINGS_DNS_LISTEN];
	struct listener tcp[SETTINGS_DNS_LISTEN];
	struct lobby guests; /* connections */
	struct slab conns;
	struct list list;
	size_t n_transfers;
	struct dns_room *room;
};

/* --- dns_udp.c --- */

/* -1 and errno. */
int dns_udp_open(struct name_server *ns, struct dns_port *p, int fd) must_use;
void dns_udp_close(struct dns_port *p);

/* --- dns_tcp.c --- */

void dns_tcp_init(struct name_server *ns);
int dns_tcp_open(struct name_server *ns, struct listener *l, int fd) must_use;
/* All connections end. */
void dns_tcp_end(struct name_server *ns);
void dns_tcp_fini(struct name_server *ns);

/* --- dns_keys.c --- */

extern const struct authority_rules dns_keys_rules;
/* False without memory. */
bool dns_keys_init(struct name_server *ns) must_use;
void dns_keys_fini(struct name_server *ns);

/* --- dns_zone.c --- */

/* Makes the zone with what is always in it. False without memory. */
bool dns_zone_init(struct name_server *ns) must_use;
void dns_zone_fini(struct name_server *ns);

#endif
