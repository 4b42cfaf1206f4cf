/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/dnsread.h"
#include "dns/dnswrite.h"
#include "dns/rr.h"

#include "unit.h"

#define HEAD "\x12\x34\x01\x00\0\1\0\1\0\0\0\0"
#define ASKED "\3www\7example\3org\0\0\1\0\1"

static struct dns_question
question(const char *text, uint16_t type)
{
	struct dns_question q = { .type = type, .class = RR_CLASS_IN };

	EXPECT(dname_parse(slice_str(text), &q.name));
	return q;
}

/* A record that names what? Reads HEAD, a question, and one record. */
static bool
reads(struct slice message, struct dns_record *rr, unsigned char *rdata, ptrdiff_t *rdata_n)
{
	struct dnsread r;
	struct dns_question q;

	EXPECT(dnsread_begin(&r, message));
	dnsread_question(&r, &q);
	dnsread_record(&r, rr);
	if (!dnsread_done(&r))
		return false;
	*rdata_n = dnsread_rdata(&r, rr, rdata, 600);
	return true;
}

TEST(header)
{
	struct dnsread r;

	EXPECT(!dnsread_begin(&r, S("")));
	EXPECT(!dnsread_begin(&r, S("\0\0\0\0\0\0\0\0\0\0\0")));
	EXPECT(dnsread_begin(&r, S("\x12\x34\x28\x00\0\1\0\2\0\3\1\4")));
	EXPECT_INT(r.id, 0x1234);
	EXPECT_INT(dns_opcode(r.flags), DNS_UPDATE);
	EXPECT(r.counts[0] == 1 && r.counts[1] == 2 && r.counts[2] == 3 && r.counts[3] == 260);
	EXPECT(dnsread_done(&r));
}

TEST(questions)
{
	struct dnsread r;
	struct dns_question q;

	EXPECT(dnsread_begin(&r, S(HEAD "\3wWw\7example\3org\0\0\x1c\0\1")));
	dnsread_question(&r, &q);
	EXPECT(dnsread_done(&r));
	EXPECT(q.type == RR_AAAA && q.class == RR_CLASS_IN);
	EXPECT_SLICE(dname_slice(&q.name), S("\3wWw\7example\3org\0"));
	/* A pointer, even to a good place; cut anywhere. */
	EXPECT(dnsread_begin(&r, S(HEAD "\xc0\x0c\0\1\0\1")));
	dnsread_question(&r, &q);
	EXPECT(r.failed);
	for (size_t n = 12; n < sizeof(HEAD ASKED) - 1; n++) {
		EXPECT(dnsread_begin(&r, slice_of(HEAD ASKED, n)));
		dnsread_question(&r, &q);
		EXPECT(r.failed && !dnsread_done(&r));
	}
}

TEST(pointers)
{
	static const struct {
		struct slice owner;
		bool good;
	} rows[] = {
		{ S("\xc0\x0c"), true },
		{ S("\1a\xc0\x10"), true },
		{ S("\xc0\x1c"), true },     /* the root label of the question */
		{ S("\xc0\x0b"), false },    /* into the header */
		{ S("\xc0\x21"), false },    /* at itself: 12 + 21 = 33 */
		{ S("\1a\xc0\x21"), false }, /* a loop with a label in it */
		{ S("\xc0\x23"), false },    /* forward */
		{ S("\xff\xff"), false },
		{ S("\x40"), false },
		{ S("\x80"), false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unsigned char message[200], rdata[600];
		struct dns_record rr;
		size_t n = sizeof(HEAD ASKED) - 1;
		ptrdiff_t rdata_n;

		memcpy(message, HEAD ASKED, n);
		memcpy(message + n, rows[i].owner.p, rows[i].owner.n);
		n += rows[i].owner.n;
		memcpy(message + n, "\0\1\0\1\0\0\0\5\0\4\1\2\3\4", 14);
		n += 14;
		EXPECT(reads(slice_of(message, n), &rr, rdata, &rdata_n) == rows[i].good);
		if (rows[i].good)
			EXPECT(rdata_n == 4 && rr.ttl == 5 && rr.type == RR_A);
	}
}

/* A name by pointers may not pass 255 bytes, however small its message is. */
TEST(long_by_pointers)
{
	unsigned char message[900];
	size_t n = sizeof(HEAD ASKED) - 1, last = 12;
	struct dnsread r;
	struct dns_question q;
	struct dns_record rr;
	unsigned good = 0;

	memcpy(message, HEAD ASKED, n);
	for (int i = 0; i < 8; i++) {
		size_t at = n;

		message[n++] = 40;
		memset(message + n, 'a', 40);
		n += 40;
		message[n++] = (unsigned char)(0xc0 | last >> 8);
		message[n++] = (unsigned char)last;
		memcpy(message + n, "\0\1\0\1\0\0\0\5\0\0", 10);
		n += 10;
		last = at;
	}
	EXPECT(dnsread_begin(&r, slice_of(message, n)));
	dnsread_question(&r, &q);
	while (!r.failed && r.at < n) {
		dnsread_record(&r, &rr);
		good += !r.failed;
	}
	EXPECT_INT(good, 5); /* 17 + 5 * 41 = 222 */
}

/* Pointers that lead to pointers, 127 and 128 of them before a name. */
TEST(many_pointers)
{
	for (size_t jumps = 127; jumps <= 128; jumps++) {
		unsigned char message[600] = HEAD ASKED;
		size_t n = sizeof(HEAD ASKED) - 1, to = 12;
		struct dnsread r;
		struct dns_question q;
		struct dns_record rr;

		/* The RDATA of a first record holds all but the last one. */
		memcpy(message + n, "\0\0\143\0\1\0\0\0\0\0", 10);
		message[n + 10] = (unsigned char)(2 * (jumps - 1));
		n += 11;
		for (size_t i = 0; i < jumps; i++, n += 2) {
			message[n] = (unsigned char)(0xc0 | to >> 8);
			message[n + 1] = (unsigned char)to;
			to = n;
		}
		memcpy(message + n, "\0\1\0\1\0\0\0\5\0\0", 10);
		EXPECT(dnsread_begin(&r, slice_of(message, n + 10)));
		dnsread_question(&r, &q);
		dnsread_record(&r, &rr);
		EXPECT(!r.failed && rr.type == 99);
		dnsread_record(&r, &rr);
		EXPECT_INT(dnsread_done(&r), jumps == 127);
	}
}

TEST(rdata_by_shape)
{
#define RR(type, n) "\xc0\x0c\0" type "\0\1\0\0\0\0\0" n
	static const struct {
		struct slice record, rdata; /* rdata.p NULL: refused */
	} rows[] = {
		{ S(RR("\1", "\4") "\1\2\3\4"), S("\1\2\3\4") },
		{ S(RR("\1", "\3") "\1\2\3"), { NULL, 0 } },
		{ S(RR("\1", "\5") "\1\2\3\4\5"), { NULL, 0 } },
		{ S(RR("\2", "\2") "\xc0\x10"), S("\7example\3org\0") },
		{ S(RR("\2", "\5") "\2NS\xc0\x10"), S("\2ns\7example\3org\0") },
		{ S(RR("\2", "\6") "\2NS\xc0\x10\0"), { NULL, 0 } },
		{ S(RR("\2", "\4") "\2NS\xc0"), { NULL, 0 } },
		{ S(RR("\x0f", "\4") "\0\x0a\xc0\x18"), S("\0\x0a\3org\0") },
		{ S(RR("\x0f", "\1") "\0"), { NULL, 0 } },
		{ S(RR("\x10", "\0") ""), { NULL, 0 } },
		{ S(RR("\x10", "\1") "\0"), S("\0") },
		{ S(RR("\x10", "\4") "\3ABC"), S("\3ABC") },
		{ S(RR("\x10", "\4") "\1A\1B"), S("\1A\1B") },
		{ S(RR("\x10", "\4") "\4ABC"), { NULL, 0 } },
		{ S(RR("\x21", "\x9") "\0\1\0\2\0\3\1X\0"), S("\0\1\0\2\0\3\1x\0") },
		{ S(RR("\x63", "\3") "Abc"), S("Abc") },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unsigned char message[200], rdata[600];
		struct dns_record rr;
		size_t n = sizeof(HEAD ASKED) - 1;
		ptrdiff_t rdata_n = -2;

		memcpy(message, HEAD ASKED, n);
		memcpy(message + n, rows[i].record.p, rows[i].record.n);
		EXPECT(reads(slice_of(message, n + rows[i].record.n), &rr, rdata, &rdata_n));
		if (rows[i].rdata.p == NULL)
			EXPECT_INT(rdata_n, -1);
		else if (rdata_n >= 0)
			EXPECT_SLICE(slice_of(rdata, (size_t)rdata_n), rows[i].rdata);
		else
			EXPECT(!"refused");
	}
}

TEST(caa_and_soa)
{
	EXPECT(rr_tail_ok(RR_TAIL_CAA, S("\0\5issueletsencrypt.org")));
	EXPECT(rr_tail_ok(RR_TAIL_CAA, S("\200\5issue")));
	EXPECT(!rr_tail_ok(RR_TAIL_CAA, S("\0\0")));
	EXPECT(!rr_tail_ok(RR_TAIL_CAA, S("\0\6issue")));
	EXPECT(!rr_tail_ok(RR_TAIL_CAA, S("\0\5is-ue")));
	EXPECT(rr_is_data(RR_CAA) && rr_is_data(65) && rr_is_data(RR_DS));
	EXPECT(!rr_is_data(0) && !rr_is_data(RR_OPT) && !rr_is_data(RR_TSIG) &&
	       !rr_is_data(RR_ANY));
	EXPECT(!rr_is_data(RR_DNAME) && !rr_is_data(128));
}

TEST(writes_what_is_read)
{
	unsigned char buf[512], rdata[600];
	struct dnswrite w;
	struct dnsread r;
	struct dns_question q = question("wWw.Example.org", RR_MX), q2;
	struct dns_record rr;

	dnswrite_begin(&w, buf, sizeof(buf), 0, 7, DNS_QR | DNS_AA);
	dnswrite_question(&w, &q);
	dnswrite_record(&w, DNS_ANSWER, S("\3www\7example\3org\0"), RR_MX, RR_CLASS_IN, 60,
	    S("\0\5\4mail\7example\3org\0"));
	dnswrite_record(&w, DNS_ADDITIONAL, S("\4mail\7example\3org\0"), RR_A, RR_CLASS_IN, 61,
	    S("\1\2\3\4"));
	EXPECT(!w.full);
	/* Question 21, owner 2 + 10 + 2 + 5 + 2, owner 2 + 10 + 4. */
	EXPECT_INT(w.n, 12 + 21 + 21 + 16);
	EXPECT(dnsread_begin(&r, slice_of(buf, w.n)));
	EXPECT(r.id == 7 && r.flags == (DNS_QR | DNS_AA));
	EXPECT(r.counts[0] == 1 && r.counts[1] == 1 && r.counts[2] == 0 && r.counts[3] == 1);
	dnsread_question(&r, &q2);
	EXPECT_SLICE(dname_slice(&q2.name), dname_slice(&q.name)); /* the case too */
	dnsread_record(&r, &rr);
	EXPECT(rr.type == RR_MX && rr.ttl == 60);
	EXPECT_INT(dnsread_rdata(&r, &rr, rdata, sizeof(rdata)), 20);
	EXPECT_SLICE(slice_of(rdata, 20), S("\0\5\4mail\7example\3org\0"));
	EXPECT_INT(dnsread_rdata(&r, &rr, rdata, 19), -1);
	dnsread_record(&r, &rr);
	EXPECT(dname_eq(dname_slice(&rr.owner), S("\4mail\7example\3org\0")));
	EXPECT(dnsread_done(&r));
}

/* Labels that repeat, within one name and among names: "a.a.a", "a.a", ... */
TEST(names_of_equal_labels)
{
	unsigned char buf[4096];
	struct dnswrite w;
	struct dnsread r;
	struct dns_question q = question("a.a.a.a.a.a.a.a.a.a", RR_A);
	struct dns_record rr;

	dnswrite_begin(&w, buf, sizeof(buf), 0, 7, DNS_QR);
	dnswrite_question(&w, &q);
	for (unsigned i = 0; i <= 10; i++)
		dnswrite_record(&w, DNS_ANSWER, dname_skip(dname_slice(&q.name), i), RR_CNAME,
		    RR_CLASS_IN, 1, dname_skip(dname_slice(&q.name), 10 - i));
	EXPECT(dnsread_begin(&r, slice_of(buf, w.n)));
	dnsread_question(&r, &q);
	for (unsigned i = 0; i <= 10; i++) {
		dnsread_record(&r, &rr);
		EXPECT(dname_eq(dname_slice(&rr.owner), dname_skip(dname_slice(&q.name), i)));
	}
	EXPECT(dnsread_done(&r));
}

TEST(what_does_not_fit_is_taken_back)
{
	unsigned char buf[79];
	struct dnswrite w;
	struct dnswrite_mark m;
	struct dnsread r;
	struct dns_question q = question("www.example.org", RR_A);
	struct dns_record rr;

	dnswrite_begin(&w, buf, sizeof(buf), DNSWRITE_OPT_BYTES, 7, DNS_QR);
	dnswrite_question(&w, &q);
	m = dnswrite_mark(&w);
	dnswrite_record(&w, DNS_ANSWER, S("\5other\3net\0"), RR_A, RR_CLASS_IN, 1, S("\1\2\3\4"));
	dnswrite_record(&w, DNS_ANSWER, S("\3www\5other\3net\0"), RR_A, RR_CLASS_IN, 1,
	    S("\1\2\3\4"));
	EXPECT(w.full);
	dnswrite_back(&w, &m);
	EXPECT(!w.full && w.n == m.n);
	/* What was taken back must not be pointed to. */
	dnswrite_record(&w, DNS_ANSWER, S("\5other\3net\0"), RR_A, RR_CLASS_IN, 1, S("\1\2\3\4"));
	EXPECT(!w.full);
	m = dnswrite_mark(&w);
	dnswrite_opt(&w, 1232, RR_BADVERS, true);
	EXPECT(w.full);
	dnswrite_back(&w, &m);
	dnswrite_release(&w);
	dnswrite_opt(&w, 1232, RR_BADVERS, true);
	EXPECT(!w.full);
	EXPECT(dnsread_begin(&r, slice_of(buf, w.n)));
	EXPECT(r.counts[1] == 1 && r.counts[3] == 1 && (r.flags & DNS_RCODE) == 0);
	dnsread_question(&r, &q);
	dnsread_record(&r, &rr);
	EXPECT(dname_eq(dname_slice(&rr.owner), S("\5other\3net\0")));
	dnsread_record(&r, &rr);
	EXPECT(rr.type == RR_OPT && rr.class == 1232 && rr.ttl == 0x01008000);
	EXPECT(dnsread_done(&r));
}

TESTS(TEST_ROW(header) TEST_ROW(questions) TEST_ROW(pointers) TEST_ROW(long_by_pointers)
	TEST_ROW(many_pointers) TEST_ROW(rdata_by_shape) TEST_ROW(caa_and_soa)
	    TEST_ROW(writes_what_is_read) TEST_ROW(names_of_equal_labels)
		TEST_ROW(what_does_not_fit_is_taken_back))
