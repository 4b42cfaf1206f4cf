/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/authority.h"

#include "dns_lab.h"

static const struct lab_row rows[] = {
	{ "", RR_NS, S("\2ns\7example\3org\0") },
	{ "ns", RR_A, S("\1\1\1\1") },
	{ "ns", RR_AAAA, S("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1") },
	{ "www", RR_A, S("\1\2\3\4") },
	{ "www", RR_TXT, S("\17a longer text..") },
	{ "a.b", RR_TXT, S("\1x") },
	{ "alias", RR_CNAME, S("\3www\7example\3org\0") },
	{ "away", RR_CNAME, S("\3www\7example\3net\0") },
	{ "gone", RR_CNAME, S("\2no\7example\3org\0") },
	{ "tosub", RR_CNAME, S("\1x\3sub\7example\3org\0") },
	{ "circle", RR_CNAME, S("\5round\7example\3org\0") },
	{ "round", RR_CNAME, S("\6circle\7example\3org\0") },
	{ "tochild", RR_CNAME, S("\3www\5child\7example\3org\0") },
	{ "sub", RR_NS, S("\2ns\3sub\7example\3org\0") },
	{ "sub", RR_NS, S("\2ns\7example\3net\0") },
	{ "ns.sub", RR_A, S("\1\2\3\6") },
	{ "*.wild", RR_A, S("\1\2\3\7") },
	{ "*.cwild", RR_CNAME, S("\3www\7example\3org\0") },
	{ "mx", RR_MX, S("\0\1\3www\7example\3org\0") },
};

static unsigned char reply[DNS_MESSAGE_BYTES];
static size_t reply_n;

static enum authority_verdict
give(struct authority *a, const void *message, size_t n, bool tcp)
{
	struct authority_ask ask = { .request = slice_of(message, n),
		.tcp = tcp,
		.now_s = 1700000000,
		.reply = reply,
		.cap = tcp ? sizeof(reply) : LIMIT_DNS_UDP_BYTES };
	struct authority_said said;
	enum authority_verdict verdict = authority_answer(a, &ask, &said);

	reply_n = said.reply_n;
	transfer_free(said.transfer);
	EXPECT(said.update == NULL);
	return verdict;
}

/* A question as bytes, with something behind it. */
static size_t
write_question(unsigned char *dst, uint16_t flags, const char *name, uint16_t type, uint16_t class,
    unsigned additional, struct slice more)
{
	struct dnswrite w;
	struct dns_question q = { .type = type, .class = class };

	EXPECT(dname_parse(slice_str(name), &q.name));
	dnswrite_begin(&w, dst, 600, 0, 0x1234, flags);
	dnswrite_question(&w, &q);
	EXPECT(!w.full);
	dst[11] = (unsigned char)additional;
	memcpy(dst + w.n, more.p, more.n);
	return w.n + more.n;
}

static struct authority *
lab(void)
{
	static struct authority a;
	struct zone *z = lab_zone(LAB_ORIGIN, 7), *child = lab_zone("child.example.org", 1);
	struct change *c = change_begin(child);

	a = (struct authority){ 0 };
	lab_fill(z, rows, sizeof(rows) / sizeof(*rows));
	EXPECT_INT(change_add(c, lab_name("www.child.example.org"), RR_A, 1, S("\1\1\1\2")),
	    CHANGE_OK);
	EXPECT_INT(change_commit(c), CHANGE_MADE);
	EXPECT(zones_add(&a.zones, z) && zones_add(&a.zones, child));
	EXPECT(!zones_add(&a.zones, child));
	return &a;
}

static void
end(struct authority *a)
{
	while (a->zones.n > 0) {
		struct zone *z = a->zones.of[0];

		zones_del(&a->zones, z);
		zone_free(z);
	}
}

static const char *
answer(struct authority *a, const char *name, uint16_t type)
{
	unsigned char message[1500];
	size_t n = write_question(message, DNS_RD, name, type, RR_CLASS_IN, 0, S(""));

	EXPECT_INT(give(a, message, n, false), AUTHORITY_REPLY);
	/* The question comes back byte by byte, and its id and RD. */
	EXPECT(reply_n >= n && memcmp(reply, message, 2) == 0 &&
	       memcmp(reply + 12, message + 12, n - 12) == 0);
	EXPECT((reply[2] & 0x81) == 0x81 && (reply[3] & 0xf0) == 0);
	return lab_text(slice_of(reply, reply_n));
}

TEST(answers)
{
	static const struct {
		const char *name;
		uint16_t type;
		const char *want;
	} want[] = {
		{ "example.org", RR_SOA, "0 aa | example.org SOA | |" },
		{ "example.org", RR_NS,
		    "0 aa | example.org NS | | ns.example.org A ns.example.org AAAA" },
		{ "example.org", RR_CAA, "0 aa | | example.org SOA |" },
		{ "wWw.eXample.org", RR_A, "0 aa | wWw.eXample.org A | |" },
		{ "www.example.org", 65, "0 aa | | example.org SOA |" },
		{ "www.example.org", RR_DS, "0 aa | | example.org SOA |" },
		{ "www.example.org", RR_ANY, "0 aa | www.example.org A | |" },
		{ "b.example.org", RR_A, "0 aa | | example.org SOA |" },
		{ "no.example.org", RR_A, "3 aa | | example.org SOA |" },
		{ "x.a.b.example.org", RR_ANY, "3 aa | | example.org SOA |" },
		{ "mx.example.org", RR_MX, "0 aa | mx.example.org MX | |" },
		{ "alias.example.org", RR_A,
		    "0 aa | alias.example.org CNAME www.example.org A | |" },
		{ "alias.example.org", RR_CNAME, "0 aa | alias.example.org CNAME | |" },
		{ "alias.example.org", RR_ANY, "0 aa | alias.example.org CNAME | |" },
		{ "alias.example.org", RR_MX,
		    "0 aa | alias.example.org CNAME | example.org SOA |" },
		{ "away.example.org", RR_A, "0 aa | away.example.org CNAME | |" },
		{ "gone.example.org", RR_A, "3 aa | gone.example.org CNAME | example.org SOA |" },
		{ "circle.example.org", RR_A,
		    "0 aa | circle.example.org CNAME round.example.org CNAME | |" },
		{ "tochild.example.org", RR_A,
		    "0 aa | tochild.example.org CNAME www.child.example.org A | |" },
		{ "sub.example.org", RR_A,
		    "0 | | sub.example.org NS sub.example.org NS | ns.sub.example.org A" },
		{ "ns.sub.example.org", RR_A,
		    "0 | | sub.example.org NS sub.example.org NS | ns.sub.example.org A" },
		{ "sub.example.org", RR_DS, "0 aa | | example.org SOA |" },
		{ "tosub.example.org", RR_A,
		    "0 aa | tosub.example.org CNAME | sub.example.org NS sub.example.org NS | "
		    "ns.sub.example.org A" },
		{ "a.b.wild.example.org", RR_A, "0 aa | a.b.wild.example.org A | |" },
		{ "a.b.wild.example.org", RR_MX, "0 aa | | example.org SOA |" },
		{ "wild.example.org", RR_A, "0 aa | | example.org SOA |" },
		{ "*.wild.example.org", RR_A, "0 aa | *.wild.example.org A | |" },
		{ "x.cwild.example.org", RR_A,
		    "0 aa | x.cwild.example.org CNAME www.example.org A | |" },
		{ "child.example.org", RR_SOA, "0 aa | child.example.org SOA | |" },
		{ "no.child.example.org", RR_A, "3 aa | | child.example.org SOA |" },
		/* DS of a zone is for the zone above it. */
		{ "child.example.org", RR_DS, "3 aa | | example.org SOA |" },
		{ "example.org", RR_DS, "0 aa | | example.org SOA |" },
		{ "example.net", RR_A, "5 | | |" },
		{ "org", RR_NS, "5 | | |" },
		{ ".", RR_NS, "5 | | |" },
		{ "xexample.org", RR_A, "5 | | |" },
	};
	struct authority *a = lab();

	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++)
		EXPECT_TEXT(answer(a, want[i].name, want[i].type), want[i].want);
	end(a);
}

/* The one name that is delegated to us for challenges: answers there, and nothing beside it. */
TEST(zone_of_challenges)
{
#define CHALLENGE "_acme-challenge.t.example.org"
	static const struct {
		const char *name;
		uint16_t type;
		const char *want;
	} want[] = {
		{ "_Acme-Challenge.t.example.org", RR_TXT,
		    "0 aa | _Acme-Challenge.t.example.org TXT _Acme-Challenge.t.example.org TXT | "
		    "|" },
		{ CHALLENGE, RR_NS, "0 aa | " CHALLENGE " NS | |" },
		{ CHALLENGE, RR_SOA, "0 aa | " CHALLENGE " SOA | |" },
		{ CHALLENGE, RR_CAA, "0 aa | | " CHALLENGE " SOA |" },
		{ CHALLENGE, RR_A, "0 aa | | " CHALLENGE " SOA |" },
		{ CHALLENGE, RR_DS, "0 aa | | " CHALLENGE " SOA |" },
		{ "x." CHALLENGE, RR_TXT, "3 aa | | " CHALLENGE " SOA |" },
		{ "t.example.org", RR_CAA, "5 | | |" },
		{ "www.t.example.org", RR_A, "5 | | |" },
	};
	struct authority a = { 0 };
	struct zone *z = lab_zone(CHALLENGE, 1);
	struct change *c = change_begin(z);

	EXPECT_INT(change_add(c, lab_name(CHALLENGE), RR_NS, 60, lab_name("ns.example.net")),
	    CHANGE_OK);
	EXPECT_INT(change_add(c, lab_name(CHALLENGE), RR_TXT, 1, S("\3one")), CHANGE_OK);
	EXPECT_INT(change_add(c, lab_name(CHALLENGE), RR_TXT, 1, S("\3two")), CHANGE_OK);
	EXPECT_INT(change_commit(c), CHANGE_MADE);
	EXPECT(zones_add(&a.zones, z));
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++)
		EXPECT_TEXT(answer(&a, want[i].name, want[i].type), want[i].want);
	end(&a);
}

TEST(negative_ttl)
{
	struct authority *a = lab();
	struct dnsread r;
	struct dns_question q;
	struct dns_record rr;

	/* Of the SOA's own TTL 300 and its minimum 60 the smaller one (RFC 2308 5). */
	answer(a, "no.example.org", RR_A);
	EXPECT(dnsread_begin(&r, slice_of(reply, reply_n)));
	dnsread_question(&r, &q);
	dnsread_record(&r, &rr);
	EXPECT(rr.type == RR_SOA && rr.ttl == 60);
	answer(a, "example.org", RR_SOA);
	EXPECT(dnsread_begin(&r, slice_of(reply, reply_n)));
	dnsread_question(&r, &q);
	dnsread_record(&r, &rr);
	EXPECT(rr.type == RR_SOA && rr.ttl == 300);
	end(a);
}

#define OPT(version) "\0\0\51\x10\0\0" version "\0\0\0\0"

/* Headers and what stands behind them, well formed or not. */
TEST(out_of_shape)
{
#define A_RECORD "\xc0\x0c\0\1\0\1\0\0\0\1\0\4\1\2\3\4"
	static const struct {
		uint16_t flags;
		uint16_t class;
		unsigned additional;
		struct slice more;
		const char *want; /* NULL: dropped */
	} want[] = {
		{ 0, RR_CLASS_IN, 0, S(""), "0 aa | www.example.org A | |" },
		{ DNS_QR, RR_CLASS_IN, 0, S(""), NULL },
		{ 1 << 11, RR_CLASS_IN, 0, S(""), "4 | | |" },
		{ 2 << 11, RR_CLASS_IN, 0, S(""), "4 | | |" },
		{ 6 << 11, RR_CLASS_IN, 0, S(""), "4 | | |" },
		{ 15 << 11, RR_CLASS_IN, 0, S("x"), "4 | | |" },
		{ DNS_NOTIFY << 11, RR_CLASS_IN, 0, S(""), "9 | | |" },
		{ 0, 3, 0, S(""), "5 | | |" }, { 0, RR_CLASS_ANY, 0, S(""), "5 | | |" },
		{ 0, RR_CLASS_IN, 0, S("x"), "1 | | |" }, /* bytes behind it */
		{ 0, RR_CLASS_IN, 1, S(""), "1 | | |" },  /* fewer than it says */
		{ 0, RR_CLASS_IN, 1, S(A_RECORD), "0 aa | www.example.org A | |" },
		{ 0, RR_CLASS_IN, 1, S(OPT("\0")), "0 aa | www.example.org A | | . OPT" },
		{ 0, RR_CLASS_IN, 1, S(OPT("\1")), "0 | | | . OPT" }, /* BADVERS: 16 in the OPT */
		{ 0, RR_CLASS_IN, 2, S(OPT("\0") OPT("\0")), "1 | | |" },
		{ 0, RR_CLASS_IN, 1, S("\1a\0\0\51\x10\0\0\0\0\0\0\0"),
		    "1 | | |" }, /* not at the root */
		{ 0, RR_CLASS_IN, 1, S("\0\0\51\x10\0\0\0\0\0\0\5\0\1\0\1x"),
		    "0 aa | www.example.org A | | . OPT" },
		{ 0, RR_CLASS_IN, 1, S("\0\0\51\x10\0\0\0\0\0\0\5\0\1\0\2x"), "1 | | |" },
		{ 0, RR_CLASS_IN, 1, S("\0\0\372\0\1\0\0\0\0\0\0"), "1 | | |" }, /* no TSIG */
	};
	struct authority *a = lab();
	unsigned char message[1500];

	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		size_t n = write_question(message, want[i].flags, "www.example.org", RR_A,
		    want[i].class, want[i].additional, want[i].more);

		EXPECT_INT(give(a, message, n, i % 2 == 0),
		    want[i].want == NULL ? AUTHORITY_DROP : AUTHORITY_REPLY);
		if (want[i].want != NULL)
			EXPECT_TEXT(lab_text(slice_of(reply, reply_n)), want[i].want);
	}
	for (size_t n = 0; n < 12; n++)
		EXPECT_INT(give(a, message, n, false), AUTHORITY_DROP);
	/* No question, two questions, an answer in a question. */
	for (size_t at = 5; at <= 9; at += 2) {
		size_t n =
		    write_question(message, 0, "www.example.org", RR_A, RR_CLASS_IN, 0, S(""));

		message[at]++;
		EXPECT_INT(give(a, message, n, false), AUTHORITY_REPLY);
		EXPECT_TEXT(lab_text(slice_of(reply, reply_n)), "1 | | |");
	}
	end(a);
}

TEST(sizes)
{
	struct authority *a = lab();
	unsigned char message[600], text[256] = { 255 };
	struct change *c = change_begin(a->zones.of[0]);
	static const struct {
		const char *size; /* of the OPT; NULL: none */
		bool tcp;
		const char *want;
	} want[] = {
		{ NULL, false, "0 aa tc | | |" },
		{ "\1\0", false, "0 aa tc | | | . OPT" }, /* less than 512 is 512 */
		{ "\4\x27", false, "0 aa tc | | | . OPT" },
		{ "\4\x28", false,
		    "0 aa | big.example.org TXT big.example.org TXT big.example.org TXT "
		    "big.example.org TXT | | . OPT" },
		{ NULL, true,
		    "0 aa | big.example.org TXT big.example.org TXT big.example.org TXT "
		    "big.example.org TXT | |" },
	};

	for (unsigned char i = 0; i < 4; i++) { /* 12 + 21 + 4 * (12 + 243) + 11 = 1,064 */
		text[0] = 243 - 1;
		text[1] = i;
		EXPECT_INT(change_add(c, lab_below("big"), RR_TXT, 1, slice_of(text, 243)),
		    CHANGE_OK);
		text[1] = 0;
	}
	EXPECT_INT(change_commit(c), CHANGE_MADE);
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		char opt[] = OPT("\0");
		size_t n;

		if (want[i].size != NULL)
			memcpy(opt + 3, want[i].size, 2);
		n = write_question(message, 0, "big.example.org", RR_TXT, RR_CLASS_IN,
		    want[i].size != NULL, slice_of(opt, want[i].size == NULL ? 0 : 11));
		EXPECT_INT(give(a, message, n, want[i].tcp), AUTHORITY_REPLY);
		EXPECT_TEXT(lab_text(slice_of(reply, reply_n)), want[i].want);
	}
	end(a);
}

/* What an answer is about, and what is said instead of too many. */
TEST(about_and_slip)
{
	static const struct {
		const char *name, *about; /* NULL: nothing */
	} want[] = {
		{ "WWW.example.org", "www.example.org" },
		{ "x.wild.example.org", "*.wild.example.org" },
		{ "y.wild.example.org", "*.wild.example.org" },
		{ "nothing.example.org", "example.org" },
		{ "a.sub.example.org", "sub.example.org" },
		{ "example.net", NULL },
	};
	struct authority *a = lab();
	unsigned char message[600];

	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		size_t n =
		    write_question(message, 0, want[i].name, RR_A, RR_CLASS_IN, 1, S(OPT("\0")));
		struct authority_ask ask = {
			.request = slice_of(message, n), .reply = reply, .cap = LIMIT_DNS_UDP_BYTES
		};
		struct authority_said said;

		EXPECT_INT(authority_answer(a, &ask, &said), AUTHORITY_REPLY);
		EXPECT_SLICE(said.about, want[i].about == NULL ? S("") : lab_name(want[i].about));
		EXPECT(!said.is_signed);
		reply_n = authority_slip(&ask);
		EXPECT_TEXT(lab_text(slice_of(reply, reply_n)), "0 tc | | | . OPT");
		message[2] |= 0x80;
		EXPECT_INT(authority_slip(&ask), 0);
	}
	end(a);
}

/* A chain of CNAMEs ends where it is too long to be meant; the asker goes on by itself. */
TEST(long_chains)
{
	struct authority *a = lab();
	struct change *c = change_begin(a->zones.of[0]);
	struct dnsread r;

	for (int i = 0; i < 20; i++) {
		struct dname to;
		char name[40];

		snprintf(name, sizeof(name), "n%d.example.org", i + 1);
		EXPECT(dname_parse(slice_str(name), &to));
		snprintf(name, sizeof(name), "n%d", i);
		EXPECT_INT(change_add(c, lab_below(name), RR_CNAME, 1, dname_slice(&to)),
		    CHANGE_OK);
	}
	EXPECT_INT(change_commit(c), CHANGE_MADE);
	answer(a, "n0.example.org", RR_A);
	EXPECT(dnsread_begin(&r, slice_of(reply, reply_n)));
	EXPECT(r.counts[DNS_ANSWER] == LIMIT_DNS_CNAMES && r.counts[DNS_AUTHORITY] == 0);
	end(a);
}

/* A delegation whose addresses do not fit is cut short, with a word of it (RFC 9471). */
TEST(glue_that_does_not_fit)
{
	struct authority *a = lab();
	struct change *c = change_begin(a->zones.of[0]);
	char name[128], target[80];

	for (int i = 0; i < 7; i++) {
		struct dname d;

		snprintf(target, sizeof(target), "n%d-%s", i,
		    "a-server-with-a-name-of-some-length");
		snprintf(name, sizeof(name), "%s.many.example.org", target);
		EXPECT(dname_parse(slice_str(name), &d));
		EXPECT_INT(change_add(c, lab_below("many"), RR_NS, 1, dname_slice(&d)), CHANGE_OK);
		EXPECT_INT(change_add(c, dname_slice(&d), RR_A, 1, S("\1\1\1\1")), CHANGE_OK);
	}
	EXPECT_INT(change_commit(c), CHANGE_MADE);
	answer(a, "x.many.example.org", RR_A);
	EXPECT(reply_n <= 512 && (reply[2] & 2) != 0);
	EXPECT(slice_starts(slice_str(lab_text(slice_of(reply, reply_n))), S("0 tc | | many")));
	end(a);
}

/* Without rules nobody transfers, changes or signs anything. */
TEST(transfers_and_updates_are_refused)
{
	struct authority *a = lab();
	unsigned char message[600];
	static const struct {
		uint16_t flags, type;
		bool tcp;
		const char *name, *want;
	} want[] = {
		{ 0, RR_AXFR, false, "example.org", "1 | | |" },
		{ 0, RR_AXFR, true, "example.org", "5 | | |" },
		{ 0, RR_AXFR, true, "www.example.org", "9 | | |" },
		{ 0, RR_IXFR, true, "example.org", "1 | | |" }, /* without a SOA */
		{ DNS_UPDATE << 11, RR_SOA, true, "example.org", "5 | | |" },
		{ DNS_UPDATE << 11, RR_A, true, "example.org", "1 | | |" },
		{ DNS_UPDATE << 11, RR_SOA, true, "example.com", "9 | | |" },
	};

	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		size_t n = write_question(message, want[i].flags, want[i].name, want[i].type,
		    RR_CLASS_IN, 0, S(""));

		EXPECT_INT(give(a, message, n, want[i].tcp), AUTHORITY_REPLY);
		EXPECT_TEXT(lab_text(slice_of(reply, reply_n)), want[i].want);
	}
	end(a);
}

TESTS(TEST_ROW(answers) TEST_ROW(zone_of_challenges) TEST_ROW(negative_ttl) TEST_ROW(out_of_shape)
	TEST_ROW(sizes) TEST_ROW(about_and_slip) TEST_ROW(long_chains)
	    TEST_ROW(glue_that_does_not_fit) TEST_ROW(transfers_and_updates_are_refused))
