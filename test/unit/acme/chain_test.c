/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/chain.h"

#include "acme_lab.h"

static struct lab_ca root, middle;

static void
begin(void)
{
	root = lab_ca("Lab Root", NULL);
	middle = lab_ca("Lab Middle", &root);
}

static void
finish(void)
{
	lab_ca_free(&root);
	lab_ca_free(&middle);
}

static struct lab_wish
usual(EVP_PKEY *key)
{
	return (struct lab_wish){ .key = key,
		.names = { "*.example.org", "example.org", "203.0.113.9" },
		.from_s = NOW - DAY,
		.to_s = NOW + 90 * DAY,
		.serial = 0x87654321 };
}

/* What is said of the certificate of that wish; "" for no fault. */
static const char *
judged(const struct lab_wish *w, EVP_PKEY *key, const char *name, X509 *above)
{
	static char why[CHAIN_WHY_BYTES];
	X509 *x = lab_cert(&middle, w);
	char *pem = lab_pem(x, above);
	struct ident id;
	struct chain_certs c;

	why[0] = '\0';
	EXPECT(ident_read(slice_str(name), &id) == NULL);
	EXPECT(chain_read(slice_str(pem), &c));
	EXPECT(chain_judge(&c, key, &id, 1, NOW, why) == (why[0] == '\0'));
	EXPECT(ERR_peek_error() == 0);
	chain_fini(&c);
	X509_free(x);
	free(pem);
	return why;
}

TEST(judge)
{
	EVP_PKEY *key = eckey_new(), *other = eckey_new();
	struct lab_wish w = usual(key);

	begin();
	EXPECT_SLICE(slice_str(judged(&w, key, "*.example.org", middle.cert)), S(""));
	EXPECT_SLICE(slice_str(judged(&w, key, "EXAMPLE.org", NULL)), S(""));
	EXPECT_SLICE(slice_str(judged(&w, key, "203.0.113.9", middle.cert)), S(""));
	EXPECT_SLICE(slice_str(judged(&w, other, "example.org", middle.cert)),
	    S("it is for another key"));
	EXPECT_SLICE(slice_str(judged(&w, key, "a.example.org", middle.cert)),
	    S("it is not for a.example.org"));
	EXPECT_SLICE(slice_str(judged(&w, key, "203.0.113.8", middle.cert)),
	    S("it is not for 203.0.113.8"));
	EXPECT_SLICE(slice_str(judged(&w, key, "example.org", root.cert)),
	    S("number 1 of its chain is not signed by the next"));
	w.to_s = NOW;
	EXPECT(slice_starts(slice_str(judged(&w, key, "example.org", middle.cert)),
	    S("it has ended already")));
	w.from_s = NOW + 2 * 3600;
	w.to_s = NOW + DAY;
	EXPECT(slice_starts(slice_str(judged(&w, key, "example.org", middle.cert)),
	    S("it begins in the future")));
	w.from_s = NOW + 600; /* a clock that is ten minutes slow */
	EXPECT_SLICE(slice_str(judged(&w, key, "example.org", middle.cert)), S(""));
	finish();
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

/* The id of RFC 9773 section 4.1, its own example; a leading 00 belongs to it. */
TEST(facts)
{
	EVP_PKEY *key = eckey_new();
	struct lab_wish w = usual(key);
	struct chain_facts f;
	struct chain_certs c;
	struct buf out;
	char *pem;
	X509 *x;

	begin();
	x = lab_cert(&middle, &w);
	pem = lab_pem(x, middle.cert);
	EXPECT(chain_read(slice_str(pem), &c));
	chain_facts(&c, &f);
	EXPECT_SLICE(slice_str(f.id), S("aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"));
	EXPECT_SLICE(slice_str(f.issuer), S("Lab Middle"));
	EXPECT(f.not_before_s == NOW - DAY && f.not_after_s == NOW + 90 * DAY);
	EXPECT(chain_leads_to(&c, "lab root") && chain_leads_to(&c, "Lab Middle") &&
	       !chain_leads_to(&c, "Lab"));
	buf_init(&out, 65536);
	EXPECT(chain_pem(&c, &out));
	EXPECT_SLICE(buf_slice(&out), slice_str(pem));
	buf_fini(&out);
	chain_fini(&c);
	free(pem);
	X509_free(x);
	finish();
	EVP_PKEY_free(key);
}

TEST(not_read)
{
	struct chain_certs c;
	struct buf b;
	char *pem;

	begin();
	pem = lab_pem(root.cert, NULL);
	buf_init(&b, 1 << 20);
	EXPECT(!chain_read(S(""), &c));
	EXPECT(!chain_read(S("<html>"), &c));
	EXPECT(!chain_read(slice_head(slice_str(pem), 100), &c));
	buf_put(&b, slice_str(pem));
	buf_put(&b, S("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"));
	EXPECT(!chain_read(buf_slice(&b), &c));
	buf_reset(&b);
	for (int i = 0; i < CHAIN_CERTS + 1; i++)
		buf_put(&b, slice_str(pem));
	EXPECT(!chain_read(buf_slice(&b), &c));
	EXPECT(ERR_peek_error() == 0);
	buf_fini(&b);
	free(pem);
	finish();
}

/* A request has the names and no subject. */
TEST(request)
{
	EVP_PKEY *key = eckey_new();
	struct ident ids[2];
	const unsigned char *at;
	struct buf der;
	X509_REQ *req;
	STACK_OF(X509_EXTENSION) * exts;
	GENERAL_NAMES *names;

	EXPECT(ident_read(S("*.example.org"), &ids[0]) == NULL &&
	       ident_read(S("2001:db8::1"), &ids[1]) == NULL);
	buf_init(&der, 4096);
	EXPECT(csr_make(key, ids, 2, &der));
	at = (const unsigned char *)der.p;
	req = d2i_X509_REQ(NULL, &at, (long)der.n);
	EXPECT(X509_REQ_verify(req, key) == 1);
	EXPECT_INT(X509_NAME_entry_count(X509_REQ_get_subject_name(req)), 0);
	exts = X509_REQ_get_extensions(req);
	names = X509V3_get_d2i(exts, NID_subject_alt_name, NULL, NULL);
	EXPECT_INT(sk_GENERAL_NAME_num(names), 2);
	GENERAL_NAMES_free(names);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	X509_REQ_free(req);
	buf_fini(&der);
	EVP_PKEY_free(key);
}

TESTS(TEST_ROW(judge) TEST_ROW(facts) TEST_ROW(not_read) TEST_ROW(request))
