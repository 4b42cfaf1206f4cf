/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/challenge.h"

#include "acme_lab.h"

#define TOKEN "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA" /* of RFC 8555 8.1 */
#define THUMB "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"

static struct challenge
make(enum challenge_kind kind, const char *name)
{
	struct challenge c = { .kind = kind, .token = TOKEN };

	EXPECT(ident_read(slice_str(name), &c.ident) == NULL);
	EXPECT(challenge_make(&c, THUMB));
	return c;
}

TEST(by_dns)
{
	struct challenge c = make(CHALLENGE_DNS, "*.example.org");

	EXPECT_SLICE(slice_str(c.where), S("_acme-challenge.example.org"));
	/* printf TOKEN.THUMB | openssl dgst -sha256 -binary | basenc --base64url */
	EXPECT_SLICE(slice_str(c.text), S("ZaJgFtIV4WA0t2MzN7kbSk0sfRd2GZjaxRqaSTAK6lI"));
	challenge_fini(&c);
}

TEST(by_page)
{
	struct challenge c = make(CHALLENGE_HTTP, "203.0.113.9");

	EXPECT_SLICE(slice_str(c.where), S("/.well-known/acme-challenge/" TOKEN));
	EXPECT_SLICE(slice_str(c.text), S(TOKEN "." THUMB));
	challenge_fini(&c);
}

/* RFC 8737 section 3: version 3, one name, the critical extension with the hash, and a key that fits. */
static void
judge_alpn(const char *name, const char *where, const char *san)
{
	struct challenge c = make(CHALLENGE_ALPN, name);
	const unsigned char *at = (const unsigned char *)c.cert.p,
			    *key_at = (const unsigned char *)c.key.p;
	X509 *x = d2i_X509(NULL, &at, (long)c.cert.n);
	EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &key_at, (long)c.key.n);
	ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1);
	X509_EXTENSION *ext = X509_get_ext(x, X509_get_ext_by_OBJ(x, oid, -1));
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	const unsigned char *value = ASN1_STRING_get0_data(X509_EXTENSION_get_data(ext));

	EXPECT_SLICE(slice_str(c.where), slice_str(where));
	EXPECT_INT(X509_get_version(x), X509_VERSION_3);
	EXPECT(X509_check_private_key(x, key) == 1 && X509_verify(x, key) == 1);
	EXPECT_INT(X509_EXTENSION_get_critical(ext), 1);
	EXPECT_INT(ASN1_STRING_length(X509_EXTENSION_get_data(ext)), 34);
	EXPECT(value[0] == 4 && value[1] == 32 && value[2] == 0x65 && value[33] == 0x52);
	EXPECT_INT(sk_GENERAL_NAME_num(names), 1);
	EXPECT(san == NULL ? X509_check_ip_asc(x, name, 0) == 1
			   : X509_check_host(x, san, 0, 0, NULL) == 1);
	GENERAL_NAMES_free(names);
	ASN1_OBJECT_free(oid);
	EVP_PKEY_free(key);
	X509_free(x);
	challenge_fini(&c);
}

TEST(by_handshake)
{
	judge_alpn("a.example.org", "a.example.org", "a.example.org");
	judge_alpn("203.0.113.9", "9.113.0.203.in-addr.arpa", NULL);
}

TEST(by_a_standing_record)
{
	struct challenge c = { .kind = CHALLENGE_PERSIST };
	struct challenge_standing s = { "ca.example", "https://ca.example/acct/1", "", THUMB };

	EXPECT(ident_read(S("*.example.org"), &c.ident) == NULL);
	EXPECT(challenge_standing(&c, &s));
	EXPECT_SLICE(slice_str(c.where), S("_validation-persist.example.org"));
	EXPECT_SLICE(slice_str(c.text),
	    S("ca.example; accounturi=https://ca.example/acct/1; policy=wildcard"));
	EXPECT(ident_read(S("example.org"), &c.ident) == NULL);
	s.hash_prefix = "acct:";
	EXPECT(challenge_standing(&c, &s));
	/* printf '\013example.org' THUMB URL, hashed as above */
	EXPECT_SLICE(slice_str(c.text),
	    S("ca.example; accounturi=acct:sha-256/2fAGN4uV5uP9hhz6v5H2hZqec1RnmcgPZ9sgJXD_4MU"));
}

TEST(tokens)
{
	EXPECT(challenge_token_ok(S(TOKEN)));
	EXPECT(!challenge_token_ok(S("")) && !challenge_token_ok(S("abcdefghijklmnopqrstu")));
	EXPECT(!challenge_token_ok(S("../../../../etc/passwd/../")) &&
	       !challenge_token_ok(S("abcdefghijklmnopqrstuv%00")));
}

TEST(kinds)
{
	enum challenge_kind k;
	struct ident id;

	EXPECT(challenge_kind(S("tls-alpn-01"), &k) && k == CHALLENGE_ALPN);
	EXPECT(!challenge_kind(S("tls-sni-01"), &k));
	EXPECT(ident_read(S("*.example.org"), &id) == NULL);
	EXPECT_INT(challenge_possible(&id),
	    CHALLENGE_CAN(CHALLENGE_DNS) | CHALLENGE_CAN(CHALLENGE_PERSIST));
	EXPECT(ident_read(S("::1"), &id) == NULL);
	EXPECT_INT(challenge_possible(&id),
	    CHALLENGE_CAN(CHALLENGE_ALPN) | CHALLENGE_CAN(CHALLENGE_HTTP));
}

TESTS(TEST_ROW(by_dns) TEST_ROW(by_page) TEST_ROW(by_handshake) TEST_ROW(by_a_standing_record)
	TEST_ROW(tokens) TEST_ROW(kinds))
