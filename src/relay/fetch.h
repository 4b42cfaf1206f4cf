/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP/1.1 request of our own to another server: what check-url, doctor and hook ask, and the
 * edge's alerts.  It says at which stage it failed, in the order DNS, TCP, TLS, HTTP, since that is
 * what people have to know.
 */
#ifndef ADIT_RELAY_FETCH_H
#define ADIT_RELAY_FETCH_H

#include "base/buf.h"
#include "base/check.h"
#include "http/h1.h"
#include "net/addr.h"
#include "net/loop.h"

#include <sys/socket.h>

enum fetch_stage { FETCH_DNS, FETCH_TCP, FETCH_TLS, FETCH_HTTP, FETCH_DONE };

struct fetch_request {
	const char *method;   /* "GET" */
	struct addr addr;     /* host and port to connect to; tls says how */
	const char *tls_name; /* SNI and name to verify; NULL: addr.host */
	const char *host;     /* Host field */
	struct slice target;  /* path and query */
	struct slice
	    fields; /* lines of our own with their CRLF; no Host, Content-Length, Connection */
	struct slice body;
	struct tls_client
	    *tls;            /* prepared, for addr.tls; NULL: made for this one by the next two */
	struct slice first;  /* what goes in front of everything, TLS included (a PROXY header) */
	const char *ca_path; /* NULL: the system's */
	bool insecure;       /* take any certificate */
	bool no_http;        /* stop after TCP or TLS */
	const char
	    *servers; /* "host:port,..." to ask in place of the system's name servers; NULL */
	/* For who looks at what a CA would see (RFC 8737): the handshake is for acme-tls/1, and fails but
	 * with this very certificate (DER). p NULL: it is another handshake. */
	struct slice challenge;
	int64_t timeout_ms;
	size_t body_max;
};

struct fetch_answer {
	enum fetch_stage stage;       /* that was not reached; FETCH_DONE: answered */
	int code;                     /* errno-like, of DNS and TCP; ENOENT: no such name */
	char why[256];                /* one sentence on the failure */
	struct sockaddr_storage peer; /* once connected */
	socklen_t peer_len;
	char tls_version[16];
	int64_t dns_tcp_us, tls_us, answer_us; /* how long each took; 0 = not reached */
	uint16_t status;
	struct buf head, body; /* body is cut at body_max */
	struct h1 h1;          /* spans into head */
};

struct fetch;

/*
 * Begins one on a loop.  done() is called once, at the latest after timeout_ms: answered or not is
 * in *ret; it must not call fetch_end().  req, what it points to, and *ret live until fetch_end().
 * NULL: ret->why says why.
 */
struct fetch *fetch_start(struct loop *l, const struct fetch_request *req, struct fetch_answer *ret,
    void (*done)(void *owner), void *owner) must_use;
/* Whatever is under way ends without a call. Harmless with NULL; the answer stays. */
void fetch_end(struct fetch *f);
/* Blocks, at most timeout_ms. 0 when answered, else -1: see stage and why. */
int fetch(const struct fetch_request *req, struct fetch_answer *ret) must_use;
void fetch_fini(struct fetch_answer *a);
/* The value of a field of the answer; p NULL when there is none. */
struct slice fetch_field(const struct fetch_answer *a, struct slice name);

#endif
