/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/tsig.h"

#include "base/text.h"
#include "dns_lab.h"

#define NOW 1700000000

static struct tsig_talk
talk(enum tsig_algorithm algorithm, const char *secret)
{
	struct tsig_talk t = { .key.algorithm = algorithm, .key.n = (uint8_t)strlen(secret) };

	dname_set_lower(&t.key.name, lab_name("Key.example.org"));
	memcpy(t.key.secret, secret, t.key.n);
	return t;
}

/* A question, and a signature behind it; how many bytes. */
static size_t
signed_question(struct tsig_talk *t, unsigned char *buf, size_t cap, int64_t now_s)
{
	struct dns_question q = { .type = RR_SOA, .class = RR_CLASS_IN };
	struct dnswrite w;

	dname_set(&q.name, lab_name("example.org"));
	dnswrite_begin(&w, buf, cap, tsig_bytes(&t->key), 0x1234, DNS_RD);
	dnswrite_question(&w, &q);
	dnswrite_release(&w);
	EXPECT(tsig_sign(t, &w, now_s));
	return w.n;
}

/* Reads the message's TSIG, which is its last record. */
static bool
read_tsig(struct slice message, struct dnsread *r, struct tsig *sig)
{
	struct dns_question q;
	struct dns_record rr;

	EXPECT(dnsread_begin(r, message));
	dnsread_question(r, &q);
	dnsread_record(r, &rr);
	return dnsread_done(r) && tsig_read(r, &rr, sig);
}

static enum tsig_error
judge(struct tsig_talk *t, struct slice message, int64_t now_s)
{
	struct dnsread r;
	struct tsig sig;

	EXPECT(read_tsig(message, &r, &sig));
	return tsig_verify(t, message, &sig, now_s);
}

/* Made with another implementation (Python's hmac) from RFC 8945 4.3. */
TEST(known_macs)
{
	static const struct {
		enum tsig_algorithm algorithm;
		const char *mac;
	} rows[] = {
		{ TSIG_SHA256, "d1ec8a72bc61c927294cfe36066e6c2e4d0e3794e4db68e7b8045ca95b8404d1" },
		{ TSIG_SHA384, "521e6b218f6c3b682451b1ebea421ad1a4209a2e2ccdf07531bff5d2969c1a060e9"
			       "93c1634e9c1d160ecc9e0234ac82b" },
		{ TSIG_SHA512, "2a3b43206fb29013c1ab9f455385323ed38a7e538a341803b3052a7a6e7c7168f81"
			       "fa4d4df92db28c40d5903fd0be86caa71ac3dfa1ae9cce3d1acb861813e2f" },
	};

	for (size_t i = 0; i < 3; i++) {
		struct tsig_talk t = talk(rows[i].algorithm, "correct horse battery");
		unsigned char buf[512];
		char hex[2 * TSIG_MAC_BYTES + 1];
		size_t n = signed_question(&t, buf, sizeof(buf), NOW);

		text_hex(t.mac, t.mac_n, hex);
		EXPECT_TEXT(hex, rows[i].mac);
		EXPECT(n <= 12 + 17 + tsig_bytes(&t.key));
	}
}

TEST(algorithms)
{
	enum tsig_algorithm a = TSIG_SHA512;

	EXPECT(tsig_algorithm_parse(S("hmac-sha256"), &a) && a == TSIG_SHA256);
	EXPECT(tsig_algorithm_parse(S("HMAC-SHA384."), &a) && a == TSIG_SHA384);
	EXPECT(tsig_algorithm_parse(slice_str(tsig_algorithm_name(TSIG_SHA512)), &a));
	EXPECT_INT(a, TSIG_SHA512);
	EXPECT(!tsig_algorithm_parse(S("hmac-md5"), &a) && !tsig_algorithm_parse(S(""), &a));
	EXPECT(!tsig_algorithm_parse(S("hmac-sha256.."), &a));
}

TEST(judged)
{
	struct tsig_talk us = talk(TSIG_SHA256, "secret"), them = us,
			 other = talk(TSIG_SHA256, "Secret"), longer = talk(TSIG_SHA512, "secret");
	unsigned char buf[512];
	size_t n = signed_question(&us, buf, sizeof(buf), NOW);
	struct slice message = slice_of(buf, n);

	EXPECT_INT(judge(&them, message, NOW), TSIG_OK);
	EXPECT(them.mac_n == 32 && !them.later && memcmp(them.mac, us.mac, 32) == 0);
	EXPECT_INT(judge(&other, message, NOW), TSIG_BADSIG);
	EXPECT(other.mac_n == 0);
	EXPECT_INT(judge(&longer, message, NOW), TSIG_BADKEY);
	/* The clock, to the second, on both sides. */
	for (int side = -1; side <= 1; side += 2) {
		them = talk(TSIG_SHA256, "secret");
		EXPECT_INT(judge(&them, message, NOW + side * TSIG_FUDGE_S), TSIG_OK);
		them = talk(TSIG_SHA256, "secret");
		EXPECT_INT(judge(&them, message, NOW + side * (TSIG_FUDGE_S + 1)), TSIG_BADTIME);
		EXPECT(them.error == TSIG_BADTIME && them.asked_s == NOW && them.mac_n == 32);
	}
	them = talk(TSIG_SHA256, "secret");
	EXPECT_INT(judge(&them, message, -1), TSIG_BADTIME);
	/* On its way the id may change (RFC 8945 5.1); nothing else may. */
	buf[0] ^= 1;
	them = talk(TSIG_SHA256, "secret");
	EXPECT_INT(judge(&them, message, NOW), TSIG_OK);
	for (size_t i = 13; i < 24; i++) { /* example, org: the case of a question is signed, too */
		if (buf[i] < 'a')
			continue;
		buf[i] ^= 0x20;
		them = talk(TSIG_SHA256, "secret");
		EXPECT_INT(judge(&them, message, NOW), TSIG_BADSIG);
		buf[i] ^= 0x20;
	}
	buf[2] ^= 1; /* RD */
	them = talk(TSIG_SHA256, "secret");
	EXPECT_INT(judge(&them, message, NOW), TSIG_BADSIG);
}

/* Cut MACs: too short to be one, right but cut, wrong and cut. */
TEST(cut_macs)
{
	struct tsig_talk us = talk(TSIG_SHA256, "secret"), them;
	unsigned char buf[512], whole[512];
	size_t n = signed_question(&us, whole, sizeof(whole), NOW);
	struct dnsread r;
	struct tsig sig;

	for (size_t mac = 0; mac < 32; mac++) {
		size_t at, cut = n - (32 - mac);

		EXPECT(read_tsig(slice_of(whole, n), &r, &sig));
		at = (size_t)(sig.mac.p - (char *)whole);
		memcpy(buf, whole, at + mac);
		memcpy(buf + at + mac, whole + at + 32, n - at - 32);
		buf[at - 1] = (unsigned char)mac;
		buf[at - 11] = (unsigned char)(whole[at - 11]);
		/* RDLENGTH stands before the algorithm's name: 13 + 6 + 2 + 2 before the MAC. */
		buf[at - 10 - 13 - 1] = (unsigned char)(whole[at - 10 - 13 - 1] - (32 - mac));
		them = talk(TSIG_SHA256, "secret");
		EXPECT_INT(judge(&them, slice_of(buf, cut), NOW),
		    mac < 16 ? TSIG_MALFORMED : TSIG_BADTRUNC);
		if (mac < 16)
			continue;
		buf[at] ^= 1;
		them = talk(TSIG_SHA256, "secret");
		EXPECT_INT(judge(&them, slice_of(buf, cut), NOW), TSIG_BADSIG);
	}
}

TEST(shapes)
{
	static const struct {
		struct slice record;
		bool good;
	} rows[] = {
#define NAME                                                                                       \
	"\xb"                                                                                      \
	"hmac-sha256\0"
#define TIME "\0\0\x65\x53\xf1\0\1\x2c"
		{ S("\1k\0\0\372\0\377\0\0\0\0\0\x21" NAME TIME "\0\4abcd\0\1\0\0\0\0"), true },
		{ S("\1k\0\0\372\0\1\0\0\0\0\0\x21" NAME TIME "\0\4abcd\0\1\0\0\0\0"), false },
		{ S("\1k\0\0\372\0\377\0\0\0\1\0\x21" NAME TIME "\0\4abcd\0\1\0\0\0\0"), false },
		{ S("\1k\0\0\372\0\377\0\0\0\0\0\x21" NAME TIME "\0\5abcd\0\1\0\0\0\0"), false },
		{ S("\1k\0\0\372\0\377\0\0\0\0\0\x22" NAME TIME "\0\4abcd\0\1\0\0\0\0x"), false },
		{ S("\1k\0\0\372\0\377\0\0\0\0\0\x16\xc0\x0c" TIME "\0\4abcd\0\1\0\0\0\0"), false },
		{ S("\1k\0\0\372\0\377\0\0\0\0\0\3abc"), false },
		{ S("\1k\0\0\372\0\377\0\0\0\0\0\0"), false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unsigned char buf[200] = "\0\1\0\0\0\1\0\0\0\0\0\1\3org\0\0\6\0\1";
		struct dnsread r;
		struct tsig sig;

		memcpy(buf + 21, rows[i].record.p, rows[i].record.n);
		EXPECT_INT(read_tsig(slice_of(buf, 21 + rows[i].record.n), &r, &sig), rows[i].good);
		if (rows[i].good)
			EXPECT(sig.fudge_s == 300 && sig.time_s == NOW && sig.mac.n == 4);
	}
}

/* Two talks, one at each end: a request and three answers, each MAC over the one before it. */
TEST(several_answers)
{
	struct tsig_talk us = talk(TSIG_SHA512, "secret"), them = us;
	unsigned char buf[512];
	size_t n = signed_question(&us, buf, sizeof(buf), NOW);

	EXPECT_INT(judge(&them, slice_of(buf, n), NOW), TSIG_OK);
	for (int i = 0; i < 3; i++) {
		n = signed_question(&them, buf, sizeof(buf), NOW + i);
		EXPECT_INT(them.later, true);
		EXPECT_INT(judge(&us, slice_of(buf, n), NOW + i), TSIG_OK);
	}
	/* One that was left out is missed. */
	n = signed_question(&them, buf, sizeof(buf), NOW);
	n = signed_question(&them, buf, sizeof(buf), NOW);
	EXPECT_INT(judge(&us, slice_of(buf, n), NOW), TSIG_BADSIG);
}

/* BADTIME is told with both times, and signed. */
TEST(bad_time_is_told)
{
	struct tsig_talk us = talk(TSIG_SHA256, "secret"), them = us;
	unsigned char buf[512];
	size_t n = signed_question(&us, buf, sizeof(buf), NOW);
	struct dnsread r;
	struct tsig sig;

	EXPECT_INT(judge(&them, slice_of(buf, n), NOW + 1000), TSIG_BADTIME);
	n = signed_question(&them, buf, sizeof(buf), NOW + 1000);
	EXPECT(read_tsig(slice_of(buf, n), &r, &sig));
	EXPECT(sig.error == TSIG_BADTIME && sig.time_s == NOW && sig.other.n == 6);
	EXPECT_SLICE(sig.other, S("\0\0\x65\x53\xf4\xe8")); /* NOW + 1000 */
	EXPECT_INT(judge(&us, slice_of(buf, n), NOW), TSIG_OK);
}

TEST(refused_without_a_mac)
{
	struct tsig_talk us = talk(TSIG_SHA256, "secret");
	unsigned char buf[512], out[512];
	size_t n = signed_question(&us, buf, sizeof(buf), NOW);
	struct dns_question q = { .type = RR_SOA, .class = RR_CLASS_IN };
	struct dnswrite w;
	struct dnsread r;
	struct tsig sig, answer;

	EXPECT(read_tsig(slice_of(buf, n), &r, &sig));
	dname_set(&q.name, lab_name("example.org"));
	dnswrite_begin(&w, out, sizeof(out), tsig_refuse_bytes(&sig), 9, DNS_QR | RR_NOTAUTH);
	dnswrite_question(&w, &q);
	dnswrite_release(&w);
	tsig_refuse(&w, &sig, TSIG_BADKEY);
	EXPECT(read_tsig(slice_of(out, w.n), &r, &answer));
	EXPECT(answer.error == TSIG_BADKEY && answer.mac.n == 0 && answer.original_id == 9);
	EXPECT(dname_eq(dname_slice(&answer.key), dname_slice(&sig.key)));
	/* Without room it is left out. */
	dnswrite_begin(&w, out, 40, 0, 9, DNS_QR | RR_NOTAUTH);
	dnswrite_question(&w, &q);
	tsig_refuse(&w, &sig, TSIG_BADKEY);
	EXPECT(!w.full && w.n == 12 + 17);
}

TESTS(TEST_ROW(known_macs) TEST_ROW(algorithms) TEST_ROW(judged) TEST_ROW(cut_macs) TEST_ROW(shapes)
	TEST_ROW(several_answers) TEST_ROW(bad_time_is_told) TEST_ROW(refused_without_a_mac))
