/* SPDX-License-Identifier: Apache-2.0 */
/* The server side of tls.h: certificates by name (SNI), protocols by ALPN. */
#include "net/tls.h"

#include "base/buf.h"
#include "base/map.h"
#include "base/wire.h"
#include "net/clienthello.h"
#include "net/tls_private.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

/* A name of a certificate, as it stands there ("*.example.org"), lower-case. */
struct cert_name {
	struct map_node node;
	struct tls_pair *pair;
	const char *name; /* the pair's */
};

struct tls_server {
	atomic_int refs;
	size_t n;
	struct tls_pair **pairs;
	struct map names;
	struct cert_name *all;      /* what is in names */
	struct tls_pair *otherwise; /* for names that no certificate has; NULL: they are refused */
	struct tls_pair *nameless;  /* for who asks for no name; NULL: refused */
	SSL_CTX *bare;              /* without a certificate: where there is none yet */
	struct tls_mint *mint;      /* NULL: none */
	struct tls_challenges challenges;
};

/* --- which certificate --- */

/* Names as they stand in a certificate, "*.example.org" included. */
static struct tls_pair *
find_name(const struct tls_server *s, struct slice name)
{
	struct map_node *node = map_first(&s->names, map_hash(name));

	for (; node != NULL; node = map_next_same(node)) {
		struct cert_name *cn = map_of(node, struct cert_name, node);

		if (slice_eq(slice_str(cn->name), name))
			return cn->pair;
	}
	return NULL;
}

/* Clients that reach us by address send none (RFC 6066 3), or, some of them, the address itself. */
static bool
is_address(const char *host)
{
	struct in_addr v4;

	return inet_pton(AF_INET, host, &v4) == 1;
}

/* Exact, then the wildcard of the parent. */
static struct tls_pair *
find_for(const struct tls_server *s, struct slice host)
{
	struct tls_pair *p = find_name(s, host);
	size_t dot = slice_find(host, '.');
	char wild[CLIENTHELLO_HOST_BYTES];

	if (p == NULL && dot != SIZE_MAX && host.n - dot + 1 < sizeof(wild)) {
		wild[0] = '*';
		memcpy(wild + 1, host.p + dot, host.n - dot);
		p = find_name(s, slice_of(wild, host.n - dot + 1));
	}
	return p;
}

bool
tls_server_covers(const struct tls_server *s, const char *host)
{
	return find_for(s, slice_str(host)) != NULL;
}

/* Its own, or what there is for others. NULL: nothing. */
static struct tls_pair *
choose(const struct tls_server *s, const char *name)
{
	struct slice host = slice_str(name);
	struct tls_pair *p;

	if (host.n == 0 || is_address(name))
		return s->nameless;
	p = find_for(s, host);
	return p == NULL ? s->otherwise : p;
}

/*
 * Runs before anything is resumed: a ticket opens only for the certificate and name that it
 * was made for, or access rules of one host could be passed with a session of another.
 */
static bool
bind_session(SSL *ssl, const struct tls_pair *p, const char *host)
{
	unsigned char id[SHA256_DIGEST_LENGTH];
	char what[512];
	int n;

	n = snprintf(what, sizeof(what), "%llx %s", (unsigned long long)p->id, host);
	check(n > 0 && (size_t)n < sizeof(what)); /* a host has 253 bytes at most */
	SHA256((const unsigned char *)what, (size_t)n, id);
	return SSL_set_session_id_context(ssl, id, sizeof(id)) == 1;
}

/* --- challenges of a CA --- */

/* RFC 7301 3.1; *ret_p points into the list, as OpenSSL wants it. */
static bool
alpn_offers(const unsigned char *list, size_t n, const char *want, const unsigned char **ret_p)
{
	struct wire_in w = wire_in(slice_of(list, n));

	while (w.left.n > 0 && !w.failed) {
		struct slice name = wire_vec(&w, 1);

		if (!w.failed && slice_eq(name, slice_str(want))) {
			*ret_p = (const unsigned char *)name.p;
			return true;
		}
	}
	return false;
}

static bool
asks_for_challenge(SSL *ssl)
{
	const unsigned char *p, *at;
	size_t n;

	return SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation,
		   &p, &n) == 1 &&
	       n > 2 && alpn_offers(p + 2, n - 2, TLS_ALPN_CHALLENGE, &at);
}

/* Shown by a context of its own: that of a certificate may have a key of another kind beside it. */
static bool
use_challenge(SSL *ssl, struct slice cert, struct slice key)
{
	const unsigned char *c = (const unsigned char *)cert.p, *k = (const unsigned char *)key.p;
	X509 *x = d2i_X509(NULL, &c, (long)cert.n);
	EVP_PKEY *pkey = d2i_AutoPrivateKey(NULL, &k, (long)key.n);
	SSL_CTX *ctx = tls_server_ctx();
	bool ok = x != NULL && pkey != NULL && ctx != NULL &&
		  SSL_CTX_use_certificate(ctx, x) == 1 && SSL_CTX_use_PrivateKey(ctx, pkey) == 1 &&
		  SSL_set_SSL_CTX(ssl, ctx) != NULL;

	SSL_CTX_free(ctx); /* the connection has its own reference */
	EVP_PKEY_free(pkey);
	X509_free(x);
	ERR_clear_error();
	return ok;
}

/*
 * RFC 8737 3: only who offers acme-tls/1 sees the challenge's certificate, and only while there is
 * one for this name. Else the protocol is one that is not spoken here (alpn_cb()).
 */
static bool
show_challenge(struct tls *t, const char *host)
{
	const struct tls_challenges *ch = &t->server->challenges;
	struct buf cert, key;

	if (ch->find == NULL || host[0] == '\0' || !asks_for_challenge(t->ssl))
		return false;
	buf_init(&cert, TLS_RECORD_BYTES);
	buf_init(&key, TLS_RECORD_BYTES);
	t->challenge = ch->find(ch->arg, host, &cert, &key) &&
		       use_challenge(t->ssl, buf_slice(&cert), buf_slice(&key));
	SSL_set_options(t->ssl, t->challenge ? SSL_OP_NO_TICKET : 0);
	buf_fini(&cert);
	buf_fini(&key);
	return t->challenge;
}

/* --- the first message --- */

static int
refuse(struct tls *t, int *ret_alert, int alert, const char *why)
{
	tls_fail(t, "%s", why);
	*ret_alert = alert;
	return SSL_CLIENT_HELLO_ERROR;
}

/*
 * Before anything is chosen or resumed. A name that is no legal host is refused and not passed
 * over: what follows goes by it.
 */
static int
client_hello_cb(SSL *ssl, int *ret_alert, void *arg)
{
	struct tls *t = SSL_get_app_data(ssl);
	const struct tls_server *s = t->server;
	struct tls_pair *pair;
	const unsigned char *p;
	char host[CLIENTHELLO_HOST_BYTES] = "";
	size_t n;

	(void)arg;
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &p, &n) == 1 &&
	    !clienthello_sni(slice_of(p, n), host))
		return refuse(t, ret_alert, SSL_AD_UNRECOGNIZED_NAME,
		    "the server name (SNI) of the other side is not a legal host name");
	free(t->sni);
	t->sni = host[0] == '\0' ? NULL : strdup(host);
	if (host[0] != '\0' && t->sni == NULL)
		return refuse(t, ret_alert, SSL_AD_INTERNAL_ERROR, "out of memory");
	if (show_challenge(t, host))
		return SSL_CLIENT_HELLO_SUCCESS;
	pair = choose(s, host);
	if (pair == NULL)
		return refuse(t, ret_alert, SSL_AD_UNRECOGNIZED_NAME,
		    "there is no certificate for this name");
	if (SSL_set_SSL_CTX(ssl, pair->ctx) == NULL || !bind_session(ssl, pair, host))
		return refuse(t, ret_alert, SSL_AD_INTERNAL_ERROR, "out of memory");
	if (s->mint != NULL && host[0] != '\0' && find_name(s, slice_str(host)) == NULL)
		(void)tls_mint_use(s->mint, ssl, host); /* else the default one is shown */
	return SSL_CLIENT_HELLO_SUCCESS;
}

_Static_assert(sizeof(TLS_ALPN_HTTP) == sizeof(TLS_ALPN_HTTP_1_0), "both are as long");

/*
 * The link first. What is offered and not spoken here is refused, so that nobody speaks another
 * protocol to us by mistake.
 */
static int
alpn_cb(SSL *ssl, const unsigned char **out, unsigned char *out_n, const unsigned char *in,
    unsigned in_n, void *arg)
{
	struct tls *t = SSL_get_app_data(ssl);

	(void)arg;
	if (t->challenge) {
		*out_n = sizeof(TLS_ALPN_CHALLENGE) - 1;
		return alpn_offers(in, in_n, TLS_ALPN_CHALLENGE, out) ? SSL_TLSEXT_ERR_OK
								      : SSL_TLSEXT_ERR_ALERT_FATAL;
	}
	if (alpn_offers(in, in_n, TLS_ALPN_LINK, out)) {
		*out_n = sizeof(TLS_ALPN_LINK) - 1;
		if (SSL_version(ssl) >= TLS1_3_VERSION)
			return SSL_TLSEXT_ERR_OK;
		tls_fail(t, "a link needs TLS 1.3");
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	}
	/* Our ciphers are none of those that RFC 9113 9.2.2 forbids (tls.c). */
	if (t->h2 && alpn_offers(in, in_n, TLS_ALPN_H2, out)) {
		*out_n = sizeof(TLS_ALPN_H2) - 1;
		return SSL_TLSEXT_ERR_OK;
	}
	if (alpn_offers(in, in_n, TLS_ALPN_HTTP, out) ||
	    alpn_offers(in, in_n, TLS_ALPN_HTTP_1_0, out)) {
		*out_n = sizeof(TLS_ALPN_HTTP) - 1;
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

SSL_CTX *
tls_server_ctx(void)
{
	SSL_CTX *ctx = tls_new_ctx(TLS_server_method(), TLS1_2_VERSION);

	if (ctx == NULL)
		return NULL;
	if (SSL_CTX_set_num_tickets(ctx, 1) != 1 || SSL_CTX_set_max_early_data(ctx, 0) != 1 ||
	    tls_tickets_init(ctx) != 0) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	SSL_CTX_set_client_hello_cb(ctx, client_hello_cb, NULL);
	SSL_CTX_set_alpn_select_cb(ctx, alpn_cb, NULL);
	return ctx;
}

void
tls_offer_h2(struct tls *t)
{
	t->h2 = true;
}

/* --- building --- */

/* The certificate that stands first keeps the name. */
static bool
enter_names(struct tls_server *s)
{
	size_t n = 0, at = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->pairs[i]->n_names;
	s->all = calloc(n + 1, sizeof(*s->all));
	for (size_t i = 0; s->all != NULL && i < s->n; i++)
		for (size_t k = 0; k < s->pairs[i]->n_names; k++) {
			struct slice name = slice_str(s->pairs[i]->names[k]);

			if (find_name(s, name) != NULL)
				continue;
			check(at < n);
			s->all[at] = (struct cert_name){ .pair = s->pairs[i], .name = name.p };
			if (map_put(&s->names, &s->all[at].node, map_hash(name)) != 0)
				return false;
			at++;
		}
	return s->all != NULL;
}

/* A server for these pairs; their references are taken over, also where there is no memory: NULL. */
static struct tls_server *
build(struct tls_pair **pairs, size_t n)
{
	struct tls_server *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		for (size_t i = 0; i < n; i++)
			tls_pair_unref(pairs[i]);
		free(pairs);
		return NULL;
	}
	atomic_init(&s->refs, 1);
	map_init(&s->names);
	s->pairs = pairs;
	s->n = n;
	s->nameless = n > 0 ? pairs[0] : NULL;
	s->bare = n == 0 ? tls_server_ctx() : NULL;
	if (enter_names(s) && (n > 0 || s->bare != NULL))
		return s;
	tls_server_unref(s);
	return NULL;
}

struct tls_server *
tls_server_new(const struct tls_cert_files *files, size_t n, char **ret_error)
{
	struct tls_pair **pairs = calloc(n + 1, sizeof(struct tls_pair *)), *pair;
	struct tls_server *s;
	size_t at = 0;

	*ret_error = NULL;
	while (pairs != NULL && at < n && (pair = tls_pair_new(&files[at], ret_error)) != NULL)
		pairs[at++] = pair;
	if (pairs != NULL && at == n) {
		s = build(pairs, n);
		if (s != NULL) {
			s->otherwise = s->nameless;
			check(s->n == n); /* tls_server_fault() reads both by one index */
			return s;
		}
	} else {
		while (pairs != NULL && at > 0)
			tls_pair_unref(pairs[--at]);
		free(pairs);
	}
	if (*ret_error == NULL)
		*ret_error = tls_sentence("TLS cannot be set up: out of memory");
	return NULL;
}

struct tls_server *
tls_server_with(const struct tls_server *base, struct tls_pair *const *more, size_t n,
    const struct tls_challenges *challenges)
{
	struct tls_pair **pairs = calloc(base->n + n + 1, sizeof(struct tls_pair *));
	struct tls_server *s;

	check(base->mint == NULL); /* certificates of --dev are the only ones there */
	if (pairs == NULL)
		return NULL;
	for (size_t i = 0; i < base->n + n; i++)
		pairs[i] = tls_pair_ref(i < base->n ? base->pairs[i] : more[i - base->n]);
	s = build(pairs, base->n + n);
	if (s == NULL)
		return NULL;
	s->challenges = *challenges;
	s->otherwise = base->n > 0 ? pairs[0] : NULL;
	/* What else is a certificate of an address for? */
	for (size_t i = base->n; i < s->n; i++)
		if (pairs[i]->has_address) {
			s->nameless = pairs[i];
			break;
		}
	return s;
}

X509 *
tls_server_cert(const struct tls_server *s, size_t i)
{
	return i < s->n ? SSL_CTX_get0_certificate(s->pairs[i]->ctx) : NULL;
}

char *
tls_server_mint(struct tls_server *s, const char *dir, const char *domain)
{
	char *error = NULL;

	s->mint = tls_mint_new(dir, domain, &error);
	return error;
}

struct tls_server *
tls_server_ref(struct tls_server *s)
{
	check(atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed) > 0);
	return s;
}

/*
 * The last one frees all. Connections hold a reference each, so a reload takes
 * nothing from them.
 */
void
tls_server_unref(struct tls_server *s)
{
	int refs;

	if (s == NULL)
		return;
	refs = atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel);
	check(refs > 0);
	if (refs > 1)
		return;
	map_fini(&s->names);
	free(s->all);
	tls_mint_free(s->mint);
	for (size_t i = 0; i < s->n; i++)
		tls_pair_unref(s->pairs[i]);
	free(s->pairs);
	SSL_CTX_free(s->bare);
	free(s);
}

struct tls *
tls_accept(struct tls_server *s)
{
	struct tls *t = tls_new(s->n > 0 ? s->pairs[0]->ctx : s->bare);

	if (t == NULL)
		return NULL;
	t->server = tls_server_ref(s);
	SSL_set_accept_state(t->ssl);
	return t;
}
