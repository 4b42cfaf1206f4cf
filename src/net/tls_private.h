/* SPDX-License-Identifier: Apache-2.0 */
/* A connection's TLS state, shared by tls.c and tls_server.c (contexts),
 * tls_bio.c (ciphertext), tls_io.c (records), tls_why.c (words). */
#ifndef ADIT_NET_TLS_PRIVATE_H
#define ADIT_NET_TLS_PRIVATE_H

#include "net/tls.h"

#include <openssl/ssl.h>

struct conn;

struct tls {
	SSL *ssl;
	struct tls_server *server;
	struct tls_client *client;
	struct conn *conn; /* only during a call */
	char *sni;         /* NULL: none */
	char *host;        /* client: what the certificate must cover */
	char *why;         /* sentence of the failure */
	char *kept; /* ciphertext that was received and not opened: kept_n bytes from kept_at */
	char *out;  /* sealed records that wait for the socket: out_n bytes from out_at */
	uint32_t kept_at, kept_n;
	uint32_t out_at, out_n, out_cap;
	uint32_t quota;      /* of plaintext for one conn_write(): follows what the socket takes */
	uint32_t want;       /* ciphertext to ask of the socket in this call */
	uint32_t rx_bytes;   /* plaintext since n_messages was cleared */
	uint16_t n_messages; /* handshake messages of the other side after the handshake */
	uint8_t receives;    /* how often this call may still ask */
	bool h2;             /* server: HTTP/2 may be spoken */
	bool link;           /* client: ALPN adit/1 demanded */
	bool h2_only;        /* client: ALPN h2 demanded */
	bool challenge_only; /* client: ALPN acme-tls/1 demanded */
	bool challenge;      /* server: a CA looks at a challenge (RFC 8737) */
	bool ready;          /* the handshake is done */
	bool strict_eof, fin, failed;
	bool ended; /* tls_end.c: the socket has ended, and close_notify is sealed */
};

/* A context with what both sides have in common, and a connection's state. NULL without memory. */
SSL_CTX *tls_new_ctx(const SSL_METHOD *method, int version_min) must_use;
struct tls *tls_new(SSL_CTX *ctx) must_use;
/* A malloced sentence; empties OpenSSL's error queue. */
char *tls_sentence(const char *fmt, ...) printf_like(1, 2);
/* Why a file could not be loaded: the system's reason if there is one, else OpenSSL's. */
const char *tls_load_reason(void);

/* SSL_CTX_set_msg_callback: counts what costs much and carries nothing. */
void tls_io_message(int write_p, int version, int type, const void *buf, size_t n, SSL *ssl,
    void *arg);

#define TLS_RECORD_BYTES 16384
#define TLS_IN_BYTES (256 * 1024)
#define TLS_SEAL_BYTES CONN_SEALED_BYTES

/* Of a thread, for the time of one call. */
struct tls_memory {
	char *in; /* received: in_n bytes from in_at */
	size_t in_at, in_n;
	char *seal; /* TLS_SEAL_BYTES, made when needed: it may go away with a connection */
	size_t seal_n;
	char *stage; /* TLS_RECORD_BYTES, for small pieces */
};
/* Makes it at the first call; NULL without memory. */
struct tls_memory *tls_memory_get(void);
/* NULL where this thread has none yet. */
struct tls_memory *tls_memory_have(void);

/* Wires the SSL object to tls_bio.c. -1 without memory. */
int tls_io_init(struct tls *t) must_use;
void tls_io_fini(struct tls *t);

/* Keeps the first sentence. */
void tls_fail(struct tls *t, const char *fmt, ...) printf_like(2, 3);
/* Makes the sentence from OpenSSL's error queue. */
void tls_fail_openssl(struct tls *t);
/* SSL_verify_cb of clients: puts what is wrong with a certificate into words. */
int tls_verify_cb(int ok, X509_STORE_CTX *x);

struct tls_pair {
	atomic_int refs;
	uint64_t id; /* random: tickets are for this certificate only */
	SSL_CTX *ctx;
	char **names; /* as they stand in it ("*.example.org"), lower-case */
	size_t n_names;
	bool has_address;
};

/* A server's context without a certificate; which one is shown, its callbacks ask the
 * connection's server. NULL without memory. */
SSL_CTX *tls_server_ctx(void) must_use;
/* The certificate number i of a server, as given to tls_server_new(); NULL past the last. */
X509 *tls_server_cert(const struct tls_server *s, size_t i);

/* Certificates made on demand (tls_dev.c). */
struct tls_mint;
struct tls_mint *tls_mint_new(const char *dir, const char *domain, char **ret_error) must_use;
void tls_mint_free(struct tls_mint *m);
/* Shows a certificate for exactly this host, where it is below the domain; false:
 * the default one stays. */
bool tls_mint_use(struct tls_mint *m, SSL *ssl, const char *host);

/* Session ticket keys of this process: made at random, renewed every 12 hours. */
int tls_tickets_init(SSL_CTX *ctx) must_use;

#endif
