/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS over OpenSSL (3.0 to 4.0, the common subset).  Contexts are immutable once
 * built and reference-counted: a reload builds new ones and old connections keep
 * theirs.  Visitors get TLS 1.2 or 1.3, links TLS 1.3 only, ECDHE only, no
 * renegotiation, no compression, no 0-RTT, one session ticket.
 */
#ifndef ADIT_NET_TLS_H
#define ADIT_NET_TLS_H

#include "base/check.h"
#include "base/slice.h"

#include <stdatomic.h>

struct tls;

#define TLS_ALPN_LINK "adit/1"
#define TLS_ALPN_H2 "h2"
#define TLS_ALPN_HTTP "http/1.1"
#define TLS_ALPN_HTTP_1_0 "http/1.0"
#define TLS_ALPN_CHALLENGE "acme-tls/1"

struct buf;

/* One certificate with its key; which names it covers is read from it (SAN, wildcards). */
struct tls_cert_files {
	const char *cert_path; /* PEM, leaf first */
	const char *key_path;
	/* What is in them, where somebody with more rights has read them; p NULL: not read yet. */
	struct slice cert, key;
};

/*
 * --- a certificate with its key, ready to be shown: immutable, reference-counted, in any number of
 * servers at once ---
 */
struct tls_pair;

/* NULL and *ret_error: a malloced sentence that names the file. */
struct tls_pair *tls_pair_new(const struct tls_cert_files *f, char **ret_error) must_use;
struct tls_pair *tls_pair_ref(struct tls_pair *p);
void tls_pair_unref(struct tls_pair *p);

/*
 * --- server: told apart by ALPN; none is HTTP, and so is http/1.0, which speaks the same on its
 * connection; an unknown one is refused (RFC 7301 3.2) ---
 */
struct tls_server;

/* NULL and *ret_error (malloced sentence with file and what to do). The first
 * is the default certificate; with n = 0 every handshake is refused (unrecognized_name). */
struct tls_server *tls_server_new(const struct tls_cert_files *files, size_t n,
    char **ret_error) must_use;
/* What a CA that offers acme-tls/1 is to see of a name (RFC 8737): certificate and key as DER; false:
 * nothing. Called on the thread of the handshake. find NULL: never. */
struct tls_challenges {
	bool (*find)(void *arg, const char *name, struct buf *cert, struct buf *key);
	void *arg;
};
/*
 * A server for what base has and for these, too: of two for one name, base's is shown.  Where base has
 * none there is no default: a name without a certificate is refused (unrecognized_name), and who asks
 * for no name gets the one for an address, or the first.  Costs a row of a table for each name, so it
 * may be called for each certificate that comes.  NULL without memory.
 */
struct tls_server *tls_server_with(const struct tls_server *base, struct tls_pair *const *more,
    size_t n, const struct tls_challenges *challenges) must_use;
/*
 * What people would see of these certificates, for tunnels NAME.domain: one that is out of date,
 * one that covers nothing of the domain where the others do not cover all of it, none that covers
 * "*.domain" where there are not some for the domain and for single names below it.  NULL, or a malloced sentence. files as given to
 * tls_server_new(); now: seconds since 1970.
 */
char *tls_server_fault(const struct tls_server *s, const struct tls_cert_files *files,
    const char *domain, int64_t now) must_use;
/*
 * For --dev: names that only a wildcard certificate covers get one of their own, made when first
 * asked for and it is `domain` or below it, under the CA in DIR (tls_make_dev_certs): clients refuse a wildcard right below a
 * top-level domain, and *.localhost is one.  NULL or a malloced sentence.
 */
char *tls_server_mint(struct tls_server *s, const char *dir, const char *domain) must_use;
/* It has one for this name (canonical host), not only one for everybody. */
bool tls_server_covers(const struct tls_server *s, const char *host);
struct tls_server *tls_server_ref(struct tls_server *s);
void tls_server_unref(struct tls_server *s);
/* A connection's state, server side. NULL without memory. Keeps a reference. */
struct tls *tls_accept(struct tls_server *s) must_use;

/* Before the handshake: HTTP/2 is spoken on this connection, if the visitor prefers it. */
void tls_offer_h2(struct tls *t);

/* --- client --- */
struct tls_client;

struct tls_client_params {
	const char *ca_path; /* PEM file; NULL: the system's */
	bool verify;         /* false: accept any certificate */
	bool link;           /* TLS 1.3 only, ALPN adit/1 demanded; else ALPN http/1.1 offered */
	bool h2;             /* ALPN h2 demanded */
	bool challenge;      /* ALPN acme-tls/1 demanded */
};
struct tls_client *tls_client_new(const struct tls_client_params *p, char **ret_error) must_use;
struct tls_client *tls_client_ref(struct tls_client *c);
void tls_client_unref(struct tls_client *c);
/* host: SNI (names only) and the name or address that the certificate must cover. */
struct tls *tls_connect(struct tls_client *c, const char *host) must_use;

void tls_free(struct tls *t);
/* A FIN without close_notify is a failure from now on: for messages that
 * end with the connection. */
void tls_strict_eof(struct tls *t);
/* After the handshake. ALPN: "" when none. SNI: "" when none; server side lower-cased and a legal
 * host name, otherwise the handshake was refused. */
struct slice tls_alpn(const struct tls *t);
const char *tls_sni(const struct tls *t);
const char *tls_version(const struct tls *t); /* "TLSv1.3" */
/* The other side has shown this very certificate (DER). */
bool tls_peer_is(const struct tls *t, struct slice der) must_use;

/* --- certificates of our own, for --dev and tests --- */

/* Writes DIR/ca.pem, DIR/ca.key, DIR/cert.pem, DIR/key.pem (ECDSA P-256, keys 0600) unless they
 * exist and are valid for another day: a CA of this directory and a leaf for `names` (DNS names,
 * wildcards, IP addresses). NULL or a malloced sentence. */
char *tls_make_dev_certs(const char *dir, const char *const *names, size_t n) must_use;

#endif
