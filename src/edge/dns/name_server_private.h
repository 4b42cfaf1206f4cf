/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of edge/dns: the name server as its thread has it. */
#ifndef ADIT_EDGE_DNS_NAME_SERVER_PRIVATE_H
#define ADIT_EDGE_DNS_NAME_SERVER_PRIVATE_H

#include "dns/authority.h"
#include "dns/rrl.h"
#include "edge/core/board.h"
#include "edge/core/counters.h"
#include "edge/core/listener.h"
#include "edge/core/lobby.h"
#include "edge/dns/name_server.h"
#include "edge/dns/records.h"
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

struct dns_conn;
struct dns_secondary;

/* Where the answer to an UPDATE goes. */
struct dns_asker {
	struct dns_port *port; /* UDP; NULL: by TCP, or it has gone */
	struct udp_message to; /* UDP */
	struct dns_conn *conn; /* TCP */
};

/* A name whose records are on their way to the store. */
struct dns_put_item {
	struct errand errand;
	struct name_server *ns;
	struct item_req req;
	struct dname name;
	unsigned char *bytes; /* malloced */
	bool stored;
	bool comes, goes; /* counted: a name that had no records of its own, or has none any more */
};

/*
 * The one change that is under way:
 *
 *	FREE --> STORING --> FREE			stored, served, answered
 *	         STORING --> UNDOING --> FREE		one of several names was not stored
 */
enum dns_work_state { DNS_WORK_FREE, DNS_WORK_STORING, DNS_WORK_UNDOING };

struct dns_work {
	enum dns_work_state state;
	struct change *own, *served;
	struct records_ask *ask; /* who wants it: one of the two */
	struct authority_update *update;
	struct dns_asker asker;
	struct dns_put_item *items;
	size_t n_items, n_pending;
	struct dname *touched; /* names whose answers may be others now */
	size_t n_touched;
};

/* A note of the board that is in our zone. */
struct dns_note {
	struct dname where;
	char text[256];
};

/* An UPDATE over UDP that came while another one was under way. */
struct dns_later {
	struct dns_later *next;
	struct dns_port *port;
	struct udp_message m;
	unsigned char bytes[];
};

/* Written by the name server's thread alone. */
struct name_server_counters {
#define X(member, what) _Atomic uint64_t member;
	NAME_SERVER_COUNTERS(X)
#undef X
};

struct name_server {
	struct edge *edge;
	struct name_server_counters counters;
	const struct settings *settings; /* those that the edge began with, which outlive it */
	pthread_t thread;
	bool started, stopping;
	struct loop *loop;
	_Atomic unsigned orders;
	struct loop_mail orders_mail;
	struct authority authority;
	struct zone *zone; /* what is answered */
	struct zone *own;  /* what names have of their own; of it, of notes and of the edge's
			      addresses the other one is made */
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
	struct errands home; /* questions to the store */
	struct dns_work work;
	struct records_ask *asks, **asks_end; /* that wait for it */
	struct dns_later *later, **later_end; /* and UPDATEs */
	size_t n_later;
	struct dns_note *notes;
	size_t n_notes;
	struct map quotas; /* accounts whose names have records of their own */
	struct loop_mail board_mail;
	_Atomic bool board_told; /* the mail is on its way */
	bool board_waits;        /* for the work to be done */
	uint32_t serial_max;     /* up to which the store knows that serials may have been used */
	struct errand serial_errand;
	struct item_req serial_req;
	char serial_text[16];
	struct dns_secondary *secondaries;
	size_t n_secondaries;
};

/* --- dns_udp.c --- */

/* -1 and errno. */
int dns_udp_open(struct name_server *ns, struct dns_port *p, int fd) must_use;
void dns_udp_close(struct dns_port *p);
/* An UPDATE that waited: answered, or it waits again. */
void dns_udp_again(struct dns_port *p, struct udp_message *m);

/* --- dns_tcp.c --- */

void dns_tcp_init(struct name_server *ns);
int dns_tcp_open(struct name_server *ns, struct listener *l, int fd) must_use;
/* The answer to an UPDATE, in ns->room->tcp behind its length; 0: none, the connection ends. */
void dns_tcp_updated(struct dns_conn *c, size_t n);
/* Those whose UPDATE waits try it again. */
void dns_tcp_again(struct name_server *ns);
/* All connections end. */
void dns_tcp_end(struct name_server *ns);
void dns_tcp_fini(struct name_server *ns);

/* --- dns_keys.c --- */

extern const struct authority_rules dns_keys_rules;
/* False without memory. */
bool dns_keys_init(struct name_server *ns) must_use;
void dns_keys_fini(struct name_server *ns);

/* --- dns_zone.c --- */

/* Makes both zones, the answering one with what is always in it. False without memory. */
bool dns_zone_init(struct name_server *ns, uint32_t serial) must_use;
void dns_zone_fini(struct name_server *ns);
/* The name in the configuration's spelling: below the domain. False: it is not, or is too long. */
bool dns_zone_short(const struct name_server *ns, struct slice name, char *dst, size_t cap);
bool dns_zone_long(const struct name_server *ns, const char *text, struct dname *ret) must_use;

/* --- dns_render.c: what is answered, made of what there is --- */

/* Stages what shall be answered for these names, and for those above them. False without memory. */
bool dns_render(struct name_server *ns, struct change *c, const struct dname *names,
    size_t n) must_use;
/* Ends the change; the secondaries are told of a new serial. False: it could not be carried out. */
bool dns_render_commit(struct name_server *ns, struct change *c) must_use;

/* --- dns_own.c: records of names' own, as items --- */

/* The types that a name may have of its own; ends with 0. */
extern const uint16_t dns_own_types[];
/*
 * A name's records as `c` would leave them (NULL: as they are), for the store. Malloced; *ret_n 0:
 * it has none. NULL without memory.
 */
unsigned char *dns_own_bytes(const struct name_server *ns, const struct change *c,
    struct slice name, size_t *ret_n) must_use;
/*
 * What an UPDATE does to the zone, done to names' own records. False: no memory, or too much.
 */
bool dns_own_translate(const struct change *served, struct change *own) must_use;
/* Stages what such bytes say. False: they are no item of ours; a part may be staged then. */
bool dns_own_take(struct change *c, struct slice name, struct slice bytes) must_use;
/* Reads all of them from the store, before the thread starts. False: no memory. */
bool dns_own_load(struct name_server *ns) must_use;
/* The serial to begin with, later than all that were used before. */
uint32_t dns_own_serial(struct name_server *ns);
/* The zone has a new serial: the store is told when it may be one that it does not know of. */
void dns_own_used(struct name_server *ns, uint32_t serial);

/* --- dns_work.c --- */

/* The UPDATE is under way; who asked is answered later. */
void dns_work_update(struct name_server *ns, struct authority_update *u,
    const struct dns_asker *asker);
/* A copy of an UPDATE that comes again when there is room for it. */
void dns_work_later(struct name_server *ns, struct dns_port *p, const struct udp_message *m);
/* A connection has gone; so has a port. */
void dns_work_forget(struct name_server *ns, const struct dns_conn *c);
/* Begins an ask that has come. */
void dns_work_ask(struct name_server *ns, struct records_ask *ask);
/* What waits for the work to be done. */
void dns_work_next(struct name_server *ns);
/* Everybody who waits is refused; what the store was asked for comes home still. */
void dns_work_stop(struct name_server *ns);

/* --- records.c --- */

/* Stages what is asked for in ns->work.own. */
enum records_result records_stage(struct name_server *ns, struct records_ask *ask,
    const struct dname *name) must_use;
/* Fills in what is there now, and sends it home. */
void records_end(struct name_server *ns, struct records_ask *ask, enum records_result result);

/* --- dns_quota.c: how many names an account has with records of their own --- */

/* One more, or one less. False: too many, or no memory. Names that are no account's are not counted. */
bool dns_quota_take(struct name_server *ns, struct slice name) must_use;
void dns_quota_give(struct name_server *ns, struct slice name);
void dns_quota_fini(struct name_server *ns);

/* --- dns_board.c --- */

void dns_board_init(struct name_server *ns);
/* The notes of the board are answered from now on, unless work is under way. */
void dns_board_take(struct name_server *ns);
void dns_board_fini(struct name_server *ns);

/* --- dns_notify.c --- */

bool dns_notify_init(struct name_server *ns) must_use;
/* There is a new serial. */
void dns_notify_all(struct name_server *ns);
/* A message that is no question: perhaps the answer to one of ours. */
void dns_notify_heard(struct name_server *ns, const struct udp_message *m, int64_t now_s);
void dns_notify_stop(struct name_server *ns);
void dns_notify_fini(struct name_server *ns);

#endif
