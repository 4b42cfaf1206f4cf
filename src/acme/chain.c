/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that a CA delivered: read, judged, and named for their renewal. */
#include "acme/chain.h"

#include "acme/errqueue.h"
#include "acme/jws.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <stdio.h>
#include <time.h>

/* A clock that is a little behind that of the CA; most of them date back by an hour anyway. */
#define AHEAD_S 3600

bool
chain_read(struct slice pem, struct chain_certs *ret)
{
	int marked = errqueue_mark();
	BIO *bio = pem.n > 0 && pem.n <= INT32_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
	struct chain_certs c = { 0 };
	X509 *x = NULL;

	while (bio != NULL && c.n < CHAIN_CERTS &&
	       (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		c.certs[c.n++] = x;
	/* The end is where no further block begins; a block that cannot be read is a fault. */
	if (x != NULL || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		chain_fini(&c);
	BIO_free(bio);
	errqueue_forget(marked);
	if (c.n == 0)
		return false;
	*ret = c;
	return true;
}

void
chain_fini(struct chain_certs *c)
{
	check(c->n <= CHAIN_CERTS);
	for (size_t i = 0; i < c->n; i++)
		X509_free(c->certs[i]);
	*c = (struct chain_certs){ 0 };
}

static int64_t
seconds_of(const ASN1_TIME *t)
{
	struct tm tm = { 0 };

	return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

/* It goes to terminals: what is not printable ASCII becomes '?'. */
static void
common_name(const X509_NAME *name, char *dst, size_t cap)
{
	int n = X509_NAME_get_text_by_NID(name, NID_commonName, dst, (int)cap);

	if (n < 0)
		snprintf(dst, cap, "a CA without a name");
	for (char *c = dst; *c != '\0'; c++) {
		if (*c < ' ' || *c > '~')
			*c = '?';
	}
}

/* base64url(AKI key id) "." base64url(content octets of the serial, a leading 00 with them). */
static void
renewal_id(X509 *x, char dst[CHAIN_ID_BYTES])
{
	const ASN1_OCTET_STRING *aki = X509_get0_authority_key_id(x);
	uint8_t *der = NULL;
	int n = i2d_ASN1_INTEGER(X509_get0_serialNumber(x), &der);
	struct buf b;

	dst[0] = '\0';
	buf_init(&b, CHAIN_ID_BYTES + 4);
	/* 20 octets at most (RFC 5280 4.1.2.2), so that one octet has the length. */
	if (aki != NULL && n > 2 && n <= 2 + 21) {
		jws_base64url(&b, ASN1_STRING_get0_data(aki), (size_t)ASN1_STRING_length(aki));
		buf_putc(&b, '.');
		jws_base64url(&b, der + 2, (size_t)n - 2);
		if (b.failed || !slice_z(buf_slice(&b), dst, CHAIN_ID_BYTES))
			dst[0] = '\0';
	}
	OPENSSL_free(der);
	buf_fini(&b);
}

void
chain_facts(const struct chain_certs *c, struct chain_facts *ret)
{
	int marked = errqueue_mark();
	X509 *x = c->certs[0];

	check(c->n > 0);
	*ret = (struct chain_facts){
		.not_before_s = seconds_of(X509_get0_notBefore(x)),
		.not_after_s = seconds_of(X509_get0_notAfter(x)),
	};
	common_name(X509_get_issuer_name(x), ret->issuer, sizeof(ret->issuer));
	renewal_id(x, ret->id);
	errqueue_forget(marked);
}

/* The very name: a wildcard is in the certificate as a wildcard, and not one that covers a name. */
static bool
has_name(GENERAL_NAMES *names, const struct ident *id)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		int type;
		const ASN1_STRING *s =
		    GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
		struct slice got;

		if (type != (id->ip_n > 0 ? GEN_IPADD : GEN_DNS))
			continue;
		got = slice_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
		if (id->ip_n > 0 ? slice_eq(got, slice_of(id->ip, id->ip_n))
				 : slice_ieq(got, slice_str(id->text)))
			return true;
	}
	return false;
}

static bool
names_ok(X509 *x, const struct ident *ids, size_t n, char why[CHAIN_WHY_BYTES])
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	bool ok = true;

	for (size_t i = 0; i < n && ok; i++) {
		ok = names != NULL && has_name(names, &ids[i]);
		if (!ok)
			snprintf(why, CHAIN_WHY_BYTES, "it is not for %.180s", ids[i].text);
	}
	GENERAL_NAMES_free(names);
	return ok;
}

static bool
dates_ok(X509 *x, int64_t now_s, char why[CHAIN_WHY_BYTES])
{
	if (seconds_of(X509_get0_notAfter(x)) <= now_s) {
		snprintf(why, CHAIN_WHY_BYTES,
		    "it has ended already; is this machine's clock right?");
		return false;
	}
	if (seconds_of(X509_get0_notBefore(x)) > now_s + AHEAD_S) {
		snprintf(why, CHAIN_WHY_BYTES,
		    "it begins in the future; is this machine's clock right?");
		return false;
	}
	return true;
}

/* In the order of RFC 8555 9.1; TLS clients do not put it right. The last one need not be a root. */
static bool
links_ok(const struct chain_certs *c, char why[CHAIN_WHY_BYTES])
{
	for (size_t i = 0; i + 1 < c->n; i++) {
		EVP_PKEY *by = X509_get0_pubkey(c->certs[i + 1]);

		if (X509_check_issued(c->certs[i + 1], c->certs[i]) != X509_V_OK || by == NULL ||
		    X509_verify(c->certs[i], by) != 1) {
			snprintf(why, CHAIN_WHY_BYTES,
			    "number %zu of its chain is not signed by the next", i + 1);
			return false;
		}
	}
	return true;
}

bool
chain_judge(const struct chain_certs *c, EVP_PKEY *key, const struct ident *ids, size_t n,
    int64_t now_s, char why[CHAIN_WHY_BYTES])
{
	int marked = errqueue_mark();
	EVP_PKEY *own;
	bool ok;

	check(c->n > 0 && key != NULL);
	own = X509_get0_pubkey(c->certs[0]);
	ok = own != NULL && EVP_PKEY_eq(own, key) == 1;
	if (!ok)
		snprintf(why, CHAIN_WHY_BYTES, "it is for another key");
	ok = ok && names_ok(c->certs[0], ids, n, why) && dates_ok(c->certs[0], now_s, why) &&
	     links_ok(c, why);
	errqueue_forget(marked);
	return ok;
}

bool
chain_leads_to(const struct chain_certs *c, const char *issuer)
{
	char name[128];

	for (size_t i = 0; i < c->n; i++) {
		common_name(X509_get_issuer_name(c->certs[i]), name, sizeof(name));
		if (strcasecmp(name, issuer) == 0)
			return true;
	}
	return false;
}

bool
chain_pem(const struct chain_certs *c, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool ok = bio != NULL;
	char *text = NULL;
	long n = 0;

	for (size_t i = 0; i < c->n && ok; i++)
		ok = PEM_write_bio_X509(bio, c->certs[i]) == 1;
	if (ok)
		n = BIO_get_mem_data(bio, &text);
	if (n > 0)
		buf_put(out, slice_of(text, (size_t)n));
	BIO_free(bio);
	return n > 0 && !out->failed;
}

bool
chain_der(const struct chain_certs *c, struct buf *out)
{
	uint8_t *der = NULL;
	int n = c->n == 0 ? 0 : i2d_X509(c->certs[0], &der);

	if (n > 0)
		buf_put(out, slice_of(der, (size_t)n));
	OPENSSL_free(der);
	return n > 0 && !out->failed;
}
