/* SPDX-License-Identifier: Apache-2.0 */
/* The server side of tls.h: certificates by name (SNI), protocols by ALPN. */
#include "net/tls.h"

#include "base/map.h"
#include "base/rand.h"
#include "base/wire.h"
#include "net/tls_private.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

/* A name of a certificate, as it stands there ("*.example.org"), lower-case. */
struct cert_name {
	struct map_node node;
	SSL_CTX *ctx;
	struct cert_name *next; /* of the server's list, for freeing */
	char name[];
};

struct tls_server {
	atomic_int refs;
	uint64_t id; /* random: tickets are for this set of certificates only */
	size_t n;
	SSL_CTX **ctx; /* one per certificate; the first is the default */
	struct map names;
	struct cert_name *all;
	struct tls_mint *mint; /* NULL: none */
};

/* --- which certificate --- */

/* Letters, digits, '-' and '_' in labels of 1 to 63, as a whole at most
 * 253; lower-cased into dst. */
static bool
legal_host(struct slice s, char *dst)
{
	size_t label = 0;

	if (s.n == 0 || s.n > 253)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c + 'a' - 'A');
		dst[i] = c;
		if (c == '.') {
			if (label == 0)
				return false;
			label = 0;
			continue;
		}
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
			return false;
		if (++label > 63)
			return false;
	}
	dst[s.n] = '\0';
	return label > 0;
}

/* Names as they stand in a certificate, "*.example.org" included. */
static SSL_CTX *
find_name(const struct tls_server *s, struct slice name)
{
	struct map_node *node = map_first(&s->names, map_hash(name));

	for (; node != NULL; node = map_next_same(node)) {
		struct cert_name *cn = map_of(node, struct cert_name, node);

		if (slice_eq(slice_str(cn->name), name))
			return cn->ctx;
	}
	return NULL;
}

/* Exact, then the wildcard of the parent, then the default. */
static SSL_CTX *
choose_ctx(const struct tls_server *s, struct slice host)
{
	SSL_CTX *ctx = find_name(s, host);
	size_t dot = slice_find(host, '.');
	char wild[256];

	if (ctx == NULL && dot != SIZE_MAX && host.n - dot + 1 < sizeof(wild)) {
		wild[0] = '*';
		memcpy(wild + 1, host.p + dot, host.n - dot);
		ctx = find_name(s, slice_of(wild, host.n - dot + 1));
	}
	return ctx == NULL ? s->ctx[0] : ctx;
}

/* The host name of a server_name extension (RFC 6066 3); empty when malformed. */
static struct slice
parse_sni(struct slice ext)
{
	struct wire_in w = wire_in(ext);
	struct wire_in list = wire_in(wire_vec(&w, 2));
	uint64_t type = wire_uint(&list, 1);
	struct slice name = wire_vec(&list, 2);

	if (w.failed || w.left.n > 0 || list.failed || list.left.n > 0 || type != 0)
		return S("");
	return name;
}

/*
 * Runs before anything is resumed: a ticket opens only for the certificate and name that it
 * was made for, or access rules of one host could be passed with a session of another.
 */
static bool
bind_session(SSL *ssl, const struct tls_server *s, SSL_CTX *ctx, const char *host)
{
	unsigned char id[SHA256_DIGEST_LENGTH];
	char what[512];
	size_t which = 0;
	int n;

	while (s->ctx[which] != ctx) {
		which++;
		check(which < s->n); /* choose_ctx() gives one of them */
	}
	n = snprintf(what, sizeof(what), "%llx %zu %s", (unsigned long long)s->id, which, host);
	check(n > 0 && (size_t)n < sizeof(what)); /* a host has 253 bytes at most */
	SHA256((const unsigned char *)what, (size_t)n, id);
	return SSL_set_session_id_context(ssl, id, sizeof(id)) == 1;
}

/*
 * Before anything is chosen or resumed. A name that is no legal host is refused and not passed
 * over: what follows goes by it.
 */
static int
client_hello_cb(SSL *ssl, int *ret_alert, void *arg)
{
	struct tls *t = SSL_get_app_data(ssl);
	const struct tls_server *s = arg;
	SSL_CTX *ctx = s->ctx[0];
	const unsigned char *p;
	char host[256] = "";
	size_t n;

	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &p, &n) == 1) {
		struct slice name = parse_sni(slice_of(p, n));

		if (!legal_host(name, host)) {
			tls_fail(t,
			    "the server name (SNI) of the other side is not a legal host name");
			*ret_alert = SSL_AD_UNRECOGNIZED_NAME;
			return SSL_CLIENT_HELLO_ERROR;
		}
		ctx = choose_ctx(s, slice_of(host, name.n));
	}
	free(t->sni);
	t->sni = host[0] == '\0' ? NULL : strdup(host);
	if ((host[0] != '\0' && t->sni == NULL) || SSL_set_SSL_CTX(ssl, ctx) == NULL ||
	    !bind_session(ssl, s, ctx, host)) {
		tls_fail(t, "out of memory");
		*ret_alert = SSL_AD_INTERNAL_ERROR;
		return SSL_CLIENT_HELLO_ERROR;
	}
	if (s->mint != NULL && host[0] != '\0' && find_name(s, slice_str(host)) == NULL)
		(void)tls_mint_use(s->mint, ssl, host); /* else the default one is shown */
	return SSL_CLIENT_HELLO_SUCCESS;
}

/* --- ALPN --- */

/* RFC 7301 3.1; *ret_p points into the list, as OpenSSL wants it. */
static bool
alpn_offers(const unsigned char *list, unsigned n, const char *want, const unsigned char **ret_p)
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
	if (alpn_offers(in, in_n, TLS_ALPN_LINK, out)) {
		*out_n = sizeof(TLS_ALPN_LINK) - 1;
		if (SSL_version(ssl) >= TLS1_3_VERSION)
			return SSL_TLSEXT_ERR_OK;
		tls_fail(t, "a link needs TLS 1.3");
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	}
	if (alpn_offers(in, in_n, TLS_ALPN_HTTP, out) ||
	    alpn_offers(in, in_n, TLS_ALPN_HTTP_1_0, out)) {
		*out_n = sizeof(TLS_ALPN_HTTP) - 1;
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* --- building --- */

/* 0 also where there is nothing to add; -1 without memory. */
static int
add_name(struct tls_server *s, SSL_CTX *ctx, struct slice name)
{
	struct cert_name *cn = malloc(sizeof(*cn) + name.n + 1);
	char lower[256];
	bool wild = slice_starts(name, S("*."));

	/* A name that no visitor can ask for is no failure. */
	if (cn == NULL || !legal_host(slice_from(name, wild ? 2 : 0), lower)) {
		free(cn);
		return cn == NULL ? -1 : 0;
	}
	snprintf(cn->name, name.n + 1, "%s%s", wild ? "*." : "", lower);
	cn->ctx = ctx;
	/* The certificate that stands first keeps the name. */
	if (find_name(s, slice_str(cn->name)) != NULL) {
		free(cn);
		return 0;
	}
	if (map_put(&s->names, &cn->node, map_hash(slice_str(cn->name))) != 0) {
		free(cn);
		return -1;
	}
	cn->next = s->all;
	s->all = cn;
	return 0;
}

static int
add_names(struct tls_server *s, SSL_CTX *ctx)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(SSL_CTX_get0_certificate(ctx), NID_subject_alt_name, NULL, NULL);
	int r = 0;

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && r == 0; i++) {
		int type;
		const ASN1_STRING *v =
		    GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);

		if (type == GEN_DNS)
			r = add_name(s, ctx,
			    slice_of(ASN1_STRING_get0_data(v), (size_t)ASN1_STRING_length(v)));
	}
	GENERAL_NAMES_free(names);
	return r;
}

/* A file, or what has been read of it. */
static BIO *
open_pem(const char *path, struct slice bytes)
{
	return bytes.p == NULL ? BIO_new_file(path, "r") : BIO_new_mem_buf(bytes.p, (int)bytes.n);
}

/* The leaf, then those between it and its authority; no more blocks is the end. */
static bool
use_chain(SSL_CTX *ctx, BIO *in)
{
	X509 *cert = PEM_read_bio_X509_AUX(in, NULL, NULL, NULL);
	bool ok = cert != NULL && SSL_CTX_use_certificate(ctx, cert) == 1;
	unsigned long e;

	X509_free(cert);
	while (ok && (cert = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL)
		if (SSL_CTX_add0_chain_cert(ctx, cert) != 1) {
			X509_free(cert);
			ok = false;
		}
	e = ERR_peek_last_error();
	if (!ok || ERR_GET_LIB(e) != ERR_LIB_PEM || ERR_GET_REASON(e) != PEM_R_NO_START_LINE)
		return false;
	ERR_clear_error();
	return true;
}

/* NULL or a sentence that names the file. */
static char *
load_cert(SSL_CTX *ctx, const struct tls_cert_files *f)
{
	BIO *cert, *key = NULL;
	EVP_PKEY *pkey = NULL;
	char *error = NULL;

	ERR_clear_error();
	cert = open_pem(f->cert_path, f->cert);
	if (cert == NULL || !use_chain(ctx, cert))
		error = tls_sentence("cannot read the certificate %s: %s", f->cert_path,
		    tls_load_reason());
	if (error == NULL && (key = open_pem(f->key_path, f->key)) != NULL)
		pkey = PEM_read_bio_PrivateKey(key, NULL, SSL_CTX_get_default_passwd_cb(ctx), NULL);
	if (error == NULL && pkey == NULL)
		error = tls_sentence("cannot read the key %s (PEM, without a passphrase): %s",
		    f->key_path, tls_load_reason());
	/* Asked by itself: OpenSSL takes a key of another kind than the certificate's as a second one. */
	if (error == NULL && (X509_check_private_key(SSL_CTX_get0_certificate(ctx), pkey) != 1 ||
				 SSL_CTX_use_PrivateKey(ctx, pkey) != 1))
		error = tls_sentence("the key %s does not belong to the certificate %s",
		    f->key_path, f->cert_path);
	EVP_PKEY_free(pkey);
	BIO_free(cert);
	BIO_free(key);
	return error;
}

static char *
add_cert(struct tls_server *s, const struct tls_cert_files *f)
{
	SSL_CTX *ctx = tls_new_ctx(TLS_server_method(), TLS1_2_VERSION);
	char *error;

	if (ctx == NULL)
		return tls_sentence("TLS cannot be set up: out of memory");
	s->ctx[s->n++] = ctx; /* tls_server_unref() frees it */
	error = load_cert(ctx, f);
	if (error != NULL)
		return error;
	if (SSL_CTX_set_num_tickets(ctx, 1) != 1 || SSL_CTX_set_max_early_data(ctx, 0) != 1 ||
	    tls_tickets_init(ctx) != 0 || add_names(s, ctx) != 0)
		return tls_sentence("TLS cannot be set up for %s: out of memory", f->cert_path);
	SSL_CTX_set_client_hello_cb(ctx, client_hello_cb, s);
	SSL_CTX_set_alpn_select_cb(ctx, alpn_cb, NULL);
	return NULL;
}

struct tls_server *
tls_server_new(const struct tls_cert_files *files, size_t n, char **ret_error)
{
	struct tls_server *s = calloc(1, sizeof(*s));
	char *error = NULL;

	check(n > 0);
	if (s != NULL) {
		atomic_init(&s->refs, 1);
		s->id = rand_u64();
		map_init(&s->names);
		s->ctx = calloc(n, sizeof(SSL_CTX *));
	}
	if (s == NULL || s->ctx == NULL)
		error = tls_sentence("TLS cannot be set up: out of memory");
	for (size_t i = 0; i < n && error == NULL; i++)
		error = add_cert(s, &files[i]);
	if (error == NULL) {
		check(s->n == n); /* tls_server_fault() reads both by one index */
		return s;
	}
	tls_server_unref(s);
	*ret_error = error;
	return NULL;
}

X509 *
tls_server_cert(const struct tls_server *s, size_t i)
{
	return i < s->n ? SSL_CTX_get0_certificate(s->ctx[i]) : NULL;
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
	struct cert_name *cn;
	int refs;

	if (s == NULL)
		return;
	refs = atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel);
	check(refs > 0);
	if (refs > 1)
		return;
	while ((cn = s->all) != NULL) {
		s->all = cn->next;
		map_del(&s->names, &cn->node);
		free(cn);
	}
	check(s->names.n == 0); /* each name was in the list, too */
	map_fini(&s->names);
	tls_mint_free(s->mint);
	for (size_t i = 0; i < s->n; i++)
		SSL_CTX_free(s->ctx[i]);
	free(s->ctx);
	free(s);
}

struct tls *
tls_accept(struct tls_server *s)
{
	struct tls *t = tls_new(s->ctx[0]);

	if (t == NULL)
		return NULL;
	t->server = tls_server_ref(s);
	SSL_set_accept_state(t->ssl);
	return t;
}
