/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/jws.h"

#include "acme_lab.h"

#include <openssl/ecdsa.h>
#include <openssl/hmac.h>

/* What libcrypto says of r and s, made DER again. */
static bool
verifies(EVP_PKEY *key, struct slice jws)
{
	json_t *o = cadoc_read(jws);
	struct slice head = cadoc_text(o, "protected"), payload = cadoc_text(o, "payload");
	ECDSA_SIG *sig = ECDSA_SIG_new();
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	unsigned char rs[64], *der = NULL;
	char covered[4096];
	int n, len;
	bool ok;

	EXPECT_INT(text_unbase64(cadoc_text(o, "signature"), true, false, rs, sizeof(rs)), 64);
	ECDSA_SIG_set0(sig, BN_bin2bn(rs, 32, NULL), BN_bin2bn(rs + 32, 32, NULL));
	len = i2d_ECDSA_SIG(sig, &der);
	n = snprintf(covered, sizeof(covered), "%.*s.%.*s", PS(head), PS(payload));
	ok = EVP_DigestVerifyInit(c, NULL, EVP_sha256(), NULL, key) == 1 &&
	     EVP_DigestVerify(c, der, (size_t)len, (const unsigned char *)covered, (size_t)n) == 1;
	OPENSSL_free(der);
	EVP_MD_CTX_free(c);
	ECDSA_SIG_free(sig);
	json_decref(o);
	return ok;
}

TEST(base64url)
{
	struct buf b;

	buf_init(&b, 64);
	jws_base64url(&b, "\xfb\xff\xfe", 3);
	jws_base64url(&b, "a", 1);
	jws_base64url(&b, "", 0);
	EXPECT_SLICE(buf_slice(&b), S("-__-YQ"));
	buf_fini(&b);
}

/* The key of RFC 7515 A.3.1, whose thumbprint another implementation computed. */
TEST(known_key)
{
	static const char pem[] =
	    "-----BEGIN PRIVATE KEY-----\n"
	    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff\n"
	    "H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n"
	    "7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\n"
	    "-----END PRIVATE KEY-----\n";
	EVP_PKEY *key = eckey_read(slice_str(pem));
	char thumb[JWS_THUMB_BYTES];
	struct buf b;

	buf_init(&b, 512);
	EXPECT(key != NULL && jws_jwk(key, &b));
	EXPECT_SLICE(buf_slice(&b), S("{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":"
				      "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
				      "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"));
	EXPECT(jws_thumbprint(key, thumb));
	EXPECT_SLICE(slice_str(thumb), S("oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"));
	buf_fini(&b);
	EVP_PKEY_free(key);
}

TEST(signed_requests)
{
	EVP_PKEY *key = eckey_new();
	struct buf b;

	buf_init(&b, 8192);
	EXPECT(jws_sign(key, "https://ca/acct/1", "abc-_", "https://ca/new", S("{\"a\":1}"), &b));
	EXPECT_SLICE(lab_part(buf_slice(&b), "protected"),
	    S("{\"alg\":\"ES256\",\"kid\":\"https://ca/acct/"
	      "1\",\"nonce\":\"abc-_\",\"url\":\"https://ca/new\"}"));
	EXPECT_SLICE(lab_part(buf_slice(&b), "payload"), S("{\"a\":1}"));
	EXPECT(verifies(key, buf_slice(&b)));
	buf_reset(&b);
	EXPECT(jws_sign(key, NULL, NULL, "https://ca/new", S(""), &b));
	EXPECT(slice_starts(lab_part(buf_slice(&b), "protected"),
	    S("{\"alg\":\"ES256\",\"jwk\":{\"crv\"")));
	EXPECT_SLICE(lab_part(buf_slice(&b), "payload"), S(""));
	EXPECT(verifies(key, buf_slice(&b)));
	buf_fini(&b);
	/* A full buffer is no request. */
	buf_init(&b, 100);
	EXPECT(!jws_sign(key, NULL, "n", "https://ca/new", S(""), &b));
	buf_fini(&b);
	EVP_PKEY_free(key);
}

TEST(external_account)
{
	EVP_PKEY *key = eckey_new();
	unsigned char mac[32], got[32];
	char covered[2048];
	struct buf b;
	json_t *o;
	int n;

	buf_init(&b, 8192);
	EXPECT(jws_eab(key, "kid-1", S("secret"), "https://ca/new", &b));
	o = cadoc_read(buf_slice(&b));
	EXPECT_SLICE(lab_part(buf_slice(&b), "protected"),
	    S("{\"alg\":\"HS256\",\"kid\":\"kid-1\",\"url\":\"https://ca/new\"}"));
	EXPECT(slice_starts(lab_part(buf_slice(&b), "payload"), S("{\"crv\":\"P-256\"")));
	n = snprintf(covered, sizeof(covered), "%.*s.%.*s", PS(cadoc_text(o, "protected")),
	    PS(cadoc_text(o, "payload")));
	HMAC(EVP_sha256(), "secret", 6, (unsigned char *)covered, (size_t)n, mac, NULL);
	EXPECT_INT(text_unbase64(cadoc_text(o, "signature"), true, false, got, 32), 32);
	EXPECT(memcmp(mac, got, 32) == 0);
	json_decref(o);
	buf_reset(&b);
	EXPECT(!jws_eab(key, "kid-1", S(""), "https://ca/new", &b));
	buf_fini(&b);
	EVP_PKEY_free(key);
}

/* Written and read, and what is none. */
TEST(keys)
{
	EVP_PKEY *key = eckey_new(), *again, *rsa = EVP_RSA_gen(2048);
	struct buf b;
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long n;

	buf_init(&b, ECKEY_PEM_BYTES);
	EXPECT(eckey_pem(key, &b));
	again = eckey_read(buf_slice(&b));
	EXPECT(again != NULL && EVP_PKEY_eq(key, again) == 1);
	EXPECT(eckey_read(S("")) == NULL &&
	       eckey_read(S("-----BEGIN PRIVATE KEY-----\nxx\n")) == NULL);
	PEM_write_bio_PKCS8PrivateKey(bio, rsa, NULL, NULL, 0, NULL, NULL);
	n = BIO_get_mem_data(bio, &text);
	EXPECT(eckey_read(slice_of(text, (size_t)n)) == NULL);
	EXPECT(ERR_peek_error() == 0);
	BIO_free(bio);
	buf_fini(&b);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(again);
	EVP_PKEY_free(key);
}

TESTS(TEST_ROW(base64url) TEST_ROW(known_key) TEST_ROW(signed_requests) TEST_ROW(external_account)
	TEST_ROW(keys))
