/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of our own: a CA that lives in one directory, and a leaf under it. */
#include "net/tls.h"

#include "base/map.h"
#include "base/rand.h"
#include "net/tls_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DAY (24 * 3600)
#define CA_DAYS 3650
#define LEAF_DAYS 397
#define NAMES_BYTES 4096

struct pair {
	X509 *cert;
	EVP_PKEY *key;
};

/* What one call works on. */
struct dev {
	const char *dir;
	const char *const *names;
	size_t n;
	struct pair ca, leaf;
	char *error;
};

/* As it was before: also of a pair that was never filled. */
static void
pair_fini(struct pair *p)
{
	X509_free(p->cert);
	EVP_PKEY_free(p->key);
	*p = (struct pair){ 0 };
}

static bool fail(struct dev *d, const char *fmt, ...) printf_like(2, 3);

/* False always. The first reason stays. */
static bool
fail(struct dev *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (d->error == NULL && vasprintf(&d->error, fmt, ap) < 0)
		d->error = strdup("out of memory");
	va_end(ap);
	ERR_clear_error();
	return false;
}

/* False and a reason where the whole is too long. */
static bool
path_of(struct dev *d, const char *file, char *dst, size_t cap)
{
	int n = snprintf(dst, cap, "%s/%s", d->dir, file);

	return n > 0 && (size_t)n < cap ? true : fail(d, "the path %s is too long", d->dir);
}

/* --- reading what is there --- */

static FILE *
open_read(struct dev *d, const char *file)
{
	char path[1024];

	return path_of(d, file, path, sizeof(path)) ? fopen(path, "re") : NULL;
}

/* An empty pair when a file is missing or no PEM, or when they do not belong together. */
static void
load_pair(struct dev *d, const char *cert, const char *key, struct pair *p)
{
	FILE *f = open_read(d, cert);

	if (f != NULL) {
		p->cert = PEM_read_X509(f, NULL, NULL, NULL);
		fclose(f);
	}
	f = open_read(d, key);
	if (f != NULL) {
		static char none[] = "";

		p->key = PEM_read_PrivateKey(f, NULL, NULL, none);
		fclose(f);
	}
	if (p->cert == NULL || p->key == NULL || X509_check_private_key(p->cert, p->key) != 1)
		pair_fini(p);
	ERR_clear_error();
}

/* For another day, so that it does not run out while a program is up that has just looked. */
static bool
is_valid(const struct pair *p)
{
	time_t tomorrow = time(NULL) + DAY;

	return p->cert != NULL && X509_cmp_time(X509_get0_notAfter(p->cert), &tomorrow) > 0 &&
	       X509_cmp_current_time(X509_get0_notBefore(p->cert)) < 0;
}

static bool
is_ip(const char *name)
{
	unsigned char ip[16];

	return inet_pton(AF_INET, name, ip) == 1 || inet_pton(AF_INET6, name, ip) == 1;
}

/* As a client would look: by names and addresses of subjectAltName alone. */
static bool
covers(X509 *cert, const char *name)
{
	if (is_ip(name))
		return X509_check_ip_asc(cert, name, 0) == 1;
	/* A wildcard is asked for by any name that it stands for. */
	if (strncmp(name, "*.", 2) == 0) {
		char one[256];

		snprintf(one, sizeof(one), "any%s", name + 1);
		return X509_check_host(cert, one, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) ==
		       1;
	}
	return X509_check_host(cert, name, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1;
}

/* Covers all names and is signed by this CA, which may have been made anew. */
static bool
leaf_is_good(const struct dev *d)
{
	EVP_PKEY *ca_key;

	if (!is_valid(&d->leaf) || (ca_key = X509_get0_pubkey(d->ca.cert)) == NULL)
		return false;
	for (size_t i = 0; i < d->n; i++) {
		if (!covers(d->leaf.cert, d->names[i]))
			return false;
	}
	return X509_verify(d->leaf.cert, ca_key) == 1;
}

/* --- making --- */

static bool
add_ext(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	bool good;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	if (ext == NULL)
		return false;
	good = X509_add_ext(cert, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return good;
}

/*
 * 127 random bits, so it is positive (RFC 5280 4.1.2.2): two certificates of one CA must never
 * share a number.
 */
static bool
set_serial(X509 *cert)
{
	unsigned char bytes[16];
	BIGNUM *n;
	bool good;

	rand_bytes(bytes, sizeof(bytes));
	bytes[0] &= 0x7f;
	n = BN_bin2bn(bytes, sizeof(bytes), NULL);
	good = n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert)) != NULL;
	BN_free(n);
	return good;
}

static bool
set_subject(X509 *cert, const char *cn)
{
	X509_NAME *name = X509_get_subject_name(cert);

	return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1,
		   -1, 0) == 1;
}

/* A key, and a certificate for it without extensions or signature. */
static bool
make_pair(struct pair *p, const char *cn, X509 *issuer, int days)
{
	if (p->key == NULL)
		p->key = EVP_EC_gen("P-256");
	p->cert = X509_new();
	if (p->key == NULL || p->cert == NULL)
		return false;
	/* An hour back, for clocks that are not quite together. */
	return X509_set_version(p->cert, X509_VERSION_3) == 1 && set_serial(p->cert) &&
	       X509_gmtime_adj(X509_getm_notBefore(p->cert), -3600) != NULL &&
	       X509_time_adj_ex(X509_getm_notAfter(p->cert), days, 0, NULL) != NULL &&
	       set_subject(p->cert, cn) &&
	       X509_set_issuer_name(p->cert, X509_get_subject_name(issuer ? issuer : p->cert)) ==
		   1 &&
	       X509_set_pubkey(p->cert, p->key) == 1;
}

/* pathlen:0: it signs leaves and no further CA (RFC 5280 4.2.1.9). Its key may do nothing else. */
static bool
make_ca(struct pair *ca)
{
	char cn[64] = "adit development CA ";

	/* A name of its own, so that two of them in one trust store are told apart. */
	rand_name(cn + strlen(cn), 8);
	return make_pair(ca, cn, NULL, CA_DAYS) &&
	       add_ext(ca->cert, ca->cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
	       add_ext(ca->cert, ca->cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
	       add_ext(ca->cert, ca->cert, NID_subject_key_identifier, "hash") &&
	       X509_sign(ca->cert, ca->key, EVP_sha256()) > 0;
}

/* "DNS:a,IP:::1"; the names are ours or of the configuration, but a comma
 * would be another entry. */
static bool
names_text(struct dev *d, char *dst, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++) {
		const char *name = d->names[i];

		if (name[0] == '\0' || strlen(name) > 253 ||
		    strspn(name,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._*:") !=
			strlen(name))
			return fail(d, "\"%s\" is no name for a certificate", name);
		if (n + strlen(name) + 8 > cap)
			return fail(d, "too many names for one certificate");
		n += (size_t)snprintf(dst + n, cap - n, "%s%s:%s", n > 0 ? "," : "",
		    is_ip(name) ? "IP" : "DNS", name);
	}
	return true;
}

/* leaf->key may be there already. */
static bool
make_leaf(struct dev *d)
{
	struct pair *leaf = &d->leaf;
	char names[NAMES_BYTES];

	if (!names_text(d, names, sizeof(names)))
		return false;
	return make_pair(leaf, "adit development", d->ca.cert, LEAF_DAYS) &&
	       add_ext(leaf->cert, d->ca.cert, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_ext(leaf->cert, d->ca.cert, NID_key_usage, "critical,digitalSignature") &&
	       add_ext(leaf->cert, d->ca.cert, NID_ext_key_usage, "serverAuth") &&
	       add_ext(leaf->cert, d->ca.cert, NID_subject_alt_name, names) &&
	       add_ext(leaf->cert, d->ca.cert, NID_subject_key_identifier, "hash") &&
	       add_ext(leaf->cert, d->ca.cert, NID_authority_key_identifier, "keyid") &&
	       X509_sign(leaf->cert, d->ca.key, EVP_sha256()) > 0;
}

/* --- writing: each file appears whole or not at all --- */

static bool
write_pem(FILE *f, X509 *cert, EVP_PKEY *key)
{
	if (cert != NULL)
		return PEM_write_X509(f, cert) == 1;
	return PEM_write_PKCS8PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1;
}

/*
 * Written beside and renamed. Keys are created 0600 and not made so later, when somebody may
 * have opened them.
 */
static bool
save(struct dev *d, const char *file, X509 *cert, EVP_PKEY *key)
{
	char path[1024], temp[1100];
	FILE *f = NULL;
	bool good;
	int fd;

	if (!path_of(d, file, path, sizeof(path)))
		return false;
	snprintf(temp, sizeof(temp), "%s.new", path);
	unlink(temp);
	fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, key != NULL ? 0600 : 0644);
	if (fd >= 0 && (f = fdopen(fd, "w")) == NULL)
		close(fd);
	if (f == NULL)
		return fail(d, "cannot write %s: %s", temp, strerror(errno));
	good = write_pem(f, cert, key) && fflush(f) == 0 && fsync(fd) == 0;
	if (fclose(f) == 0 && good && rename(temp, path) == 0)
		return true;
	fail(d, "cannot write %s: %s", path, strerror(errno));
	unlink(temp);
	return false;
}

/*
 * Anew where it is missing, not whole or about to run out. A leaf of the old one is then found
 * not to be signed by it, and is made anew, too.
 */
static bool
ensure_ca(struct dev *d)
{
	load_pair(d, "ca.pem", "ca.key", &d->ca);
	if (is_valid(&d->ca))
		return true;
	pair_fini(&d->ca);
	if (!make_ca(&d->ca))
		return fail(d, "cannot make a CA: out of memory");
	return save(d, "ca.key", NULL, d->ca.key) && save(d, "ca.pem", d->ca.cert, NULL);
}

static bool
ensure_leaf(struct dev *d)
{
	load_pair(d, "cert.pem", "key.pem", &d->leaf);
	if (leaf_is_good(d))
		return true;
	pair_fini(&d->leaf);
	if (!make_leaf(d))
		return fail(d, "cannot make a certificate: OpenSSL refuses");
	return save(d, "key.pem", NULL, d->leaf.key) && save(d, "cert.pem", d->leaf.cert, NULL);
}

/* In order: the directory, the CA in it, the leaf under the CA. What is good is left alone. */
char *
tls_make_dev_certs(const char *dir, const char *const *names, size_t n)
{
	struct dev d = { .dir = dir, .names = names, .n = n };

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		fail(&d, "cannot make the directory %s: %s", dir, strerror(errno));
	else if (ensure_ca(&d))
		ensure_leaf(&d);
	pair_fini(&d.ca);
	pair_fini(&d.leaf);
	return d.error;
}

/* --- certificates made while the server runs --- */

#define MINTED_MAX 512

struct minted {
	struct map_node node;
	X509 *cert;
	char name[];
};

struct tls_mint {
	pthread_mutex_t lock;
	struct pair ca;
	EVP_PKEY *key; /* of all of them */
	struct map certs;
	char domain[256];
};

void
tls_mint_free(struct tls_mint *m)
{
	struct map_node *node;

	if (m == NULL)
		return;
	while ((node = map_take_any(&m->certs)) != NULL) {
		struct minted *one = map_of(node, struct minted, node);

		X509_free(one->cert);
		free(one);
	}
	map_fini(&m->certs);
	pair_fini(&m->ca);
	EVP_PKEY_free(m->key);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

/* All minted certificates share the leaf's key: making one costs a signature and no key. */
struct tls_mint *
tls_mint_new(const char *dir, const char *domain, char **ret_error)
{
	struct dev d = { .dir = dir };
	struct tls_mint *m = calloc(1, sizeof(*m));

	load_pair(&d, "ca.pem", "ca.key", &d.ca);
	load_pair(&d, "cert.pem", "key.pem", &d.leaf);
	if (m != NULL && d.ca.cert != NULL && d.leaf.key != NULL) {
		pthread_mutex_init(&m->lock, NULL);
		map_init(&m->certs);
		m->ca = d.ca;
		m->key = d.leaf.key;
		snprintf(m->domain, sizeof(m->domain), ".%s", domain);
		X509_free(d.leaf.cert);
		return m;
	}
	fail(&d, "cannot read the CA in %s", dir);
	pair_fini(&d.ca);
	pair_fini(&d.leaf);
	free(m);
	*ret_error = d.error;
	return NULL;
}

/* Under the lock. */
static struct minted *
mint_find(struct tls_mint *m, const char *host)
{
	struct map_node *node = map_first(&m->certs, map_hash(slice_str(host)));

	for (; node != NULL; node = map_next_same(node)) {
		struct minted *one = map_of(node, struct minted, node);

		if (strcmp(one->name, host) == 0)
			return one;
	}
	return NULL;
}

/* Under the lock. At MINTED_MAX the default certificate is shown: names come from outside. */
static struct minted *
mint_make(struct tls_mint *m, const char *host)
{
	struct dev d = { .names = &host, .n = 1, .ca = m->ca, .leaf.key = m->key };
	struct minted *one = malloc(sizeof(*one) + strlen(host) + 1);

	if (one == NULL || m->certs.n >= MINTED_MAX || !make_leaf(&d)) {
		X509_free(d.leaf.cert);
		free(d.error);
		free(one);
		return NULL;
	}
	one->cert = d.leaf.cert;
	strcpy(one->name, host);
	if (map_put(&m->certs, &one->node, map_hash(slice_str(host))) == 0)
		return one;
	X509_free(one->cert);
	free(one);
	return NULL;
}

bool
tls_mint_use(struct tls_mint *m, SSL *ssl, const char *host)
{
	struct minted *one;
	bool good = false;

	/* People tell their browser to trust this CA: it must be good for nothing else. */
	if (!slice_ends(slice_str(host), slice_str(m->domain)) && strcmp(host, m->domain + 1) != 0)
		return false;
	pthread_mutex_lock(&m->lock);
	one = mint_find(m, host);
	if (one == NULL)
		one = mint_make(m, host);
	if (one != NULL)
		good = SSL_use_cert_and_key(ssl, one->cert, m->key, NULL, 1) == 1;
	pthread_mutex_unlock(&m->lock);
	ERR_clear_error();
	return good;
}
