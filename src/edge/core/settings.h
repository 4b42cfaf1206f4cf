/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of the edge, aditd.yml (aditd.yml(5)): rows of a schema read from YAML.
 * A mistake is told as "file:line:column: path: what, and what was perhaps meant".
 * Settings never change once read: a reload reads new ones, and whoever still holds the old
 * ones keeps a reference.
 */
#ifndef ADIT_EDGE_CORE_SETTINGS_H
#define ADIT_EDGE_CORE_SETTINGS_H

#include "base/cidr.h"
#include "base/limits.h"
#include "base/log.h"
#include "edge/core/settings_acme.h"
#include "edge/core/settings_dns.h"
#include "net/addr.h"
#include "net/tls.h"

#include <stdatomic.h>

#define SETTINGS_USER "aditd" /* unless the configuration names one */

enum settings_http {
	SETTINGS_HTTP_REDIRECT, /* plain HTTP is answered with 308 to https:// */
	SETTINGS_HTTP_SERVE,    /* plain HTTP reaches tunnels */
};

#define SETTINGS_HIDE 16

/* An http:// or https:// URL that is called. */
struct settings_url {
	struct addr addr;  /* with its port */
	char host[280];    /* the Host field */
	char target[1024]; /* path and query; may be a secret */
};

#define SETTINGS_DASHBOARD_LISTEN 4
#define SETTINGS_DASHBOARD_HOSTS 8

/* Pages for the operator. */
struct settings_dashboard {
	bool off;
	struct addr listen
	    [SETTINGS_DASHBOARD_LISTEN]; /* none: the next free port of 127.0.0.1 from 4041 on */
	char hosts[SETTINGS_DASHBOARD_HOSTS][256]; /* that a proxy in front is asked for */
	size_t n_listen, n_hosts;
};

struct settings {
	_Atomic unsigned refs;
	char domain
	    [254]; /* lower case; tunnels are NAME.domain; or an address, where there is none */
	char state_dir[1024];
	char user[64], group[64];
	struct addr https, http, control;
	struct addr resolver;    /* name server to ask; host "": the system's */
	char default_tunnel[64]; /* what visitors who come by an address reach; "": nothing, but see
				    own_domain.h */
	bool has_http;
	char host[256]; /* TCP tunnels listen here, "" is everywhere */
	int64_t port_min, port_max;
	int64_t public_port;           /* of https:// URLs; 0: the one that is listened on */
	int64_t workers;               /* 0: one for each processor */
	char via[64];                  /* our name in Via; "": none is sent */
	int64_t http_mode;             /* enum settings_http */
	bool http2;                    /* spoken with visitors that offer it */
	int64_t log_level, log_format; /* enum log_level, enum log_format */
	bool log_access;               /* a line for each request */
	int64_t access_format;         /* enum access_format; -1: as the log */
	char access_file[256];         /* they go there; "": to the log */
	bool trace;                    /* requests that belong to no trace begin one */
	struct {
		int64_t visitors, visitors_per_address;
		int64_t names_per_account, ports_per_account;
		int64_t body_bytes;      /* of a request, 0: any */
		int64_t body_rate_bytes; /* 0: no minimum */
		int64_t head_ms, idle_ms, drain_ms;
		int64_t stream_idle_ms; /* bytes of TCP and upgrades, neither way; 0: any */
		int64_t stream_stall_ms, origin_silent_ms;
	} limits;
	struct {
		int64_t keep_days, keep_failed_days; /* 0: for ever */
		int64_t account_bytes;               /* 0: any */
		int64_t alert_minutes;               /* age that is too old, 0: never */
		int64_t alert_pause_s;               /* between alerts */
		char alert_command[1024];
		struct settings_url alert_url; /* host "": none */
		char hide[SETTINGS_HIDE][64];  /* more fields that are credentials */
		size_t n_hide;
	} inbox;
	struct settings_dns dns;
	bool
	    ddns_plain_http; /* updates of dynamic DNS without TLS: old routers speak nothing else */
	bool ddns_private;   /* names may have addresses of private networks */
	struct cidr_set trusted;
	/* Who connects to these listeners, with a PROXY header; none: anybody, without. */
	struct {
		struct cidr_set https, http, tcp;
	} proxies;
	/* Both paths malloced; their contents only between
	 * settings_read_certs() and settings_tls(). */
	struct tls_cert_files *certs;
	size_t n_certs;
	struct settings_acme acme;
	struct settings_dashboard dashboard;
	char metrics_tunnels[LIMIT_METRICS_TUNNELS][64]; /* that have families of their own */
	size_t n_metrics_tunnels;
	bool mint; /* --dev: names get certificates when they are first asked for */
};

/* Defaults; NULL without memory. */
struct settings *settings_new(void) must_use;
struct settings *settings_ref(struct settings *s);
void settings_unref(struct settings *s);

/* Reads a file, or text that came from `path`. NULL and a malloced sentence. */
struct settings *settings_load(const char *path, char **ret_error) must_use;
struct settings *settings_parse(struct slice text, const char *path, char **ret_error) must_use;

/*
 * Reads what the certificates and keys hold, with the rights of this process; one that cannot be
 * read is told by settings_tls().  (reader.h: with the rights of root.)
 */
void settings_read_certs(struct settings *s);
/* The contents of certificate i, or with `key` of its key, from an open file. */
bool settings_take_cert(struct settings *s, size_t i, bool key, int fd) must_use;
/* Wipes and frees what they hold; harmless where that is nothing. */
void settings_wipe_certs(struct settings *s);
/*
 * The server side of TLS that these settings ask for; NULL and a malloced sentence.  Wipes the
 * contents.  ret_fault (NULL: not asked): a malloced sentence where the certificates serve, but
 * not as people wish (tls_server_fault()).
 */
struct tls_server *settings_tls(struct settings *s, char **ret_error, char **ret_fault) must_use;

/* NULL, or what of `next` cannot take effect without a restart, e.g. "listen.https". */
const char *settings_restart_for(const struct settings *now, const struct settings *next);

/* Without a domain the edge's address takes its place, where there is one. */
void settings_use_ip(struct settings *s);
/* A host name in lower case without a trailing dot; false when it is none. Also for --domain. */
bool settings_domain(struct slice s, char *dst, size_t cap);

#endif
