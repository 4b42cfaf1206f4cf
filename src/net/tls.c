/* SPDX-License-Identifier: Apache-2.0 */
/* TLS contexts, and connections through memory instead of sockets. */
#include "net/tls.h"

#include "net/tls_private.h"
#include "net/trust.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#define GROUPS "X25519:P-256:P-384"
#define SUITES_AES "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384"
#define SUITES_CHACHA "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"
#define CIPHERS                                                                                    \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                               \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"                               \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"

struct tls_client {
	atomic_int refs;
	SSL_CTX *ctx;
	bool verify, link, h2, challenge;
};

/* --- sentences --- */

/*
 * The queue is emptied, so that the next failure is not explained by this one.
 * NULL without memory.
 */
char *
tls_sentence(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	ERR_clear_error();
	return n < 0 ? NULL : s;
}

const char *
tls_load_reason(void)
{
	unsigned long e = ERR_peek_error();
	const char *reason;

	if (ERR_GET_LIB(e) == ERR_LIB_SYS)
		return strerror(ERR_GET_REASON(e));
	if (ERR_GET_LIB(e) == ERR_LIB_PEM && ERR_GET_REASON(e) == PEM_R_NO_START_LINE)
		return "it holds no PEM block of that kind";
	reason = ERR_reason_error_string(e);
	return reason == NULL ? "unknown error" : reason;
}

/* --- what both sides have in common --- */

/* Without it ChaCha20 is several times as fast; the suites are then offered in that order. */
static bool
has_fast_aes(void)
{
#if defined(__x86_64__)
	return __builtin_cpu_supports("aes") != 0;
#elif defined(__aarch64__)
	return (getauxval(AT_HWCAP) & HWCAP_AES) != 0;
#else
	return false;
#endif
}

/* A key with a passphrase must fail, not ask on the terminal. */
static int
no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)arg;
	return -1;
}

/*
 * ACCEPT_MOVING_WRITE_BUFFER: a write that goes on comes from the thread's memory,
 * not from where it began. SESS_CACHE_OFF: sessions are in tickets alone, so nothing
 * grows with visitors.
 */
SSL_CTX *
tls_new_ctx(const SSL_METHOD *method, int version_min)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (ctx == NULL)
		return NULL;
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
				     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	SSL_CTX_set_msg_callback(ctx, tls_io_message);
	/* GROUPS: its macro would cast const away. */
	if (SSL_CTX_set_min_proto_version(ctx, version_min) == 1 &&
	    SSL_CTX_set_ciphersuites(ctx, has_fast_aes() ? SUITES_AES : SUITES_CHACHA) == 1 &&
	    SSL_CTX_set_cipher_list(ctx, CIPHERS) == 1 &&
	    SSL_CTX_set1_groups_list(ctx, (uintptr_t)GROUPS) == 1)
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

struct tls *
tls_new(SSL_CTX *ctx)
{
	struct tls *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->ssl = SSL_new(ctx);
	if (t->ssl != NULL && SSL_set_app_data(t->ssl, t) == 1 && tls_io_init(t) == 0)
		return t;
	SSL_free(t->ssl);
	free(t);
	ERR_clear_error();
	return NULL;
}

/* The SSL object first: it still points to the record layer. */
void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	SSL_free(t->ssl);
	tls_io_fini(t);
	tls_server_unref(t->server);
	tls_client_unref(t->client);
	free(t->sni);
	free(t->host);
	free(t->why);
	free(t);
}

/* --- client --- */

/* RFC 7301 3.1: a list of names, each behind its length in one byte; ours has one. */
static bool
set_client_alpn(SSL_CTX *ctx, const char *name)
{
	unsigned char list[32];
	size_t n = strlen(name);

	check(n < sizeof(list));
	list[0] = (unsigned char)n;
	memcpy(list + 1, name, n);
	return SSL_CTX_set_alpn_protos(ctx, list, (unsigned)n + 1) == 0;
}

/* NULL, or a sentence on why the certificates that are to be trusted cannot be read. */
static char *
set_trust(SSL_CTX *ctx, const struct tls_client_params *p)
{
	SSL_CTX_set_verify(ctx, p->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
	    p->verify ? tls_verify_cb : NULL);
	if (!p->verify)
		return NULL;
	ERR_clear_error();
	if (p->ca_path == NULL) {
		const char *why = trust_system(ctx);

		return why == NULL ? NULL : tls_sentence("%s", why);
	}
	if (SSL_CTX_load_verify_file(ctx, p->ca_path) != 1)
		return tls_sentence("cannot read the CA certificates of %s: %s", p->ca_path,
		    tls_load_reason());
	return NULL;
}

struct tls_client *
tls_client_new(const struct tls_client_params *p, char **ret_error)
{
	struct tls_client *c = calloc(1, sizeof(*c));
	char *error = NULL;

	if (c != NULL) {
		atomic_init(&c->refs, 1);
		c->verify = p->verify;
		c->link = p->link;
		c->h2 = p->h2;
		c->challenge = p->challenge;
		c->ctx =
		    tls_new_ctx(TLS_client_method(), p->link ? TLS1_3_VERSION : TLS1_2_VERSION);
	}
	if (c == NULL || c->ctx == NULL ||
	    !set_client_alpn(c->ctx, p->link        ? TLS_ALPN_LINK
				     : p->h2        ? TLS_ALPN_H2
				     : p->challenge ? TLS_ALPN_CHALLENGE
						    : TLS_ALPN_HTTP))
		error = tls_sentence("TLS cannot be set up: out of memory");
	else
		error = set_trust(c->ctx, p);
	if (error == NULL)
		return c;
	tls_client_unref(c);
	*ret_error = error;
	return NULL;
}

struct tls_client *
tls_client_ref(struct tls_client *c)
{
	check(atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed) > 0);
	return c;
}

void
tls_client_unref(struct tls_client *c)
{
	int refs;

	if (c == NULL)
		return;
	refs = atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel);
	check(refs > 0);
	if (refs > 1)
		return;
	SSL_CTX_free(c->ctx);
	free(c);
}

/*
 * No SNI for addresses (RFC 6066 section 3). A certificate must name the host as a whole label
 * or as "*."; its common name does not count (RFC 9525).
 */
static bool
expect_host(struct tls *t, struct tls_client *c)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(t->ssl);
	unsigned char ip[16];
	bool is_ip = inet_pton(AF_INET, t->host, ip) == 1 || inet_pton(AF_INET6, t->host, ip) == 1;

	if (!is_ip && SSL_set_tlsext_host_name(t->ssl, t->host) != 1)
		return false;
	if (!c->verify)
		return true;
	X509_VERIFY_PARAM_set_hostflags(param,
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	return is_ip ? X509_VERIFY_PARAM_set1_ip_asc(param, t->host) == 1
		     : X509_VERIFY_PARAM_set1_host(param, t->host, 0) == 1;
}

struct tls *
tls_connect(struct tls_client *c, const char *host)
{
	struct tls *t = tls_new(c->ctx);
	size_t n = strlen(host);

	if (t == NULL)
		return NULL;
	t->link = c->link;
	t->h2_only = c->h2;
	t->challenge_only = c->challenge;
	t->client = tls_client_ref(c);
	/* "example.org." is the same host; neither SNI nor certificates have the dot. */
	t->host = strndup(host, n > 1 && host[n - 1] == '.' ? n - 1 : n);
	SSL_set_connect_state(t->ssl);
	if (t->host != NULL && t->host[0] != '\0' && expect_host(t, c))
		return t;
	ERR_clear_error();
	tls_free(t);
	return NULL;
}

/* --- after the handshake --- */

void
tls_strict_eof(struct tls *t)
{
	t->strict_eof = true;
}

struct slice
tls_alpn(const struct tls *t)
{
	const unsigned char *p = NULL;
	unsigned n = 0;

	SSL_get0_alpn_selected(t->ssl, &p, &n);
	return p == NULL ? S("") : slice_of(p, n);
}

const char *
tls_sni(const struct tls *t)
{
	return t->sni == NULL ? "" : t->sni;
}

bool
tls_peer_is(const struct tls *t, struct slice der)
{
	X509 *x = t == NULL ? NULL : SSL_get1_peer_certificate(t->ssl);
	unsigned char *own = NULL;
	int n = x == NULL ? -1 : i2d_X509(x, &own);
	bool same = n > 0 && slice_eq(slice_of(own, (size_t)n), der);

	OPENSSL_free(own);
	X509_free(x);
	return same;
}

const char *
tls_version(const struct tls *t)
{
	return SSL_get_version(t->ssl);
}
