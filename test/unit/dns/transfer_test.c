/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/transfer.h"

#include "base/limits.h"
#include "base/text.h"
#include "dns_lab.h"

#define NOW 1700000000
#define CAP TRANSFER_BYTES_MIN

static unsigned char message[DNS_MESSAGE_BYTES];

static struct transfer_request
wanted(bool incremental, uint32_t serial)
{
	struct transfer_request rq = { .id = 5,
		.flags = DNS_QR | DNS_AA,
		.question = { .type = incremental ? RR_IXFR : RR_AXFR, .class = RR_CLASS_IN },
		.incremental = incremental,
		.serial = serial };

	dname_set(&rq.question.name, lab_name(LAB_ORIGIN));
	return rq;
}

/* All records of a transfer as "name TYPE TTL bytes" lines, and how many messages it took. */
static unsigned
run(struct transfer *t, struct buf *out, struct tsig_talk *talk)
{
	enum transfer_step step = TRANSFER_MORE;
	unsigned messages = 0;

	buf_reset(out);
	while (step == TRANSFER_MORE) {
		struct dnsread r;
		struct dns_question q;
		struct dns_record rr;
		struct tsig sig;
		size_t n;

		step = transfer_next(t, message, CAP, NOW, &n);
		EXPECT(step != TRANSFER_FAIL && n <= CAP);
		EXPECT(dnsread_begin(&r, slice_of(message, n)));
		EXPECT(r.id == 5 && r.flags == (DNS_QR | DNS_AA));
		EXPECT_INT(r.counts[DNS_QUESTION], messages == 0);
		EXPECT_INT(r.counts[DNS_ADDITIONAL], talk != NULL);
		if (messages++ == 0)
			dnsread_question(&r, &q);
		for (unsigned i = 0; i < r.counts[DNS_ANSWER]; i++) {
			char text[DNAME_TEXT_BYTES], hex[200];
			unsigned char rdata[DNS_MESSAGE_BYTES];
			ptrdiff_t rdata_n;

			dnsread_record(&r, &rr);
			rdata_n = dnsread_rdata(&r, &rr, rdata, sizeof(rdata));
			EXPECT(rdata_n >= 0);
			text_hex(rr.type == RR_SOA ? rdata + rdata_n - 20 : rdata,
			    rr.type == RR_SOA ? 4
			    : rdata_n > 8     ? 8
					      : (size_t)rdata_n,
			    hex);
			dname_text(dname_slice(&rr.owner), text, sizeof(text));
			buf_printf(out, "%s %s %u %s\n", text, lab_type(rr.type), rr.ttl, hex);
		}
		if (talk != NULL) {
			dnsread_record(&r, &rr);
			EXPECT(tsig_read(&r, &rr, &sig));
			EXPECT_INT(tsig_verify(talk, slice_of(message, n), &sig, NOW), TSIG_OK);
		}
		EXPECT(dnsread_done(&r));
	}
	transfer_free(t);
	return messages;
}

static struct transfer *
start(struct zone *z, const struct transfer_request *rq)
{
	struct transfer *t = transfer_new(z, rq);

	EXPECT(t != NULL);
	return t;
}

static size_t
lines(const struct buf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		n += b->p[i] == '\n';
	return n;
}

TEST(whole)
{
	struct zone *z = lab_zone(LAB_ORIGIN, 6);
	struct transfer_request rq = wanted(false, 0);
	struct buf out;

	buf_init(&out, 1 << 20);
	lab_add(z, "www", RR_A, S("\1\2\3\4"));
	EXPECT_INT(run(start(z, &rq), &out, NULL), 1);
	EXPECT_TEXT(buf_z(&out), "example.org SOA 300 00000007\n"
				 "www.example.org A 60 01020304\n"
				 "example.org SOA 300 00000007\n");
	buf_fini(&out);
	zone_free(z);
}

/* Many names, several messages, each signed; the zone changes and goes meanwhile. */
TEST(messages_of_a_large_zone)
{
	struct zone *z = lab_zone(LAB_ORIGIN, 6);
	struct transfer_request rq = wanted(false, 0);
	struct tsig_talk ours = { .key.algorithm = TSIG_SHA256, .key.n = 6, .mac_n = 32 }, theirs;
	struct change *c = change_begin(z);
	struct transfer *t;
	struct buf out;
	char name[64];

	buf_init(&out, 1 << 22);
	memcpy(ours.key.secret, "secret", 6);
	dname_set(&ours.key.name, lab_name("key"));
	theirs = ours;
	rq.talk = &ours;
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "n%d.example.org", i);
		EXPECT_INT(change_add(c, lab_name(name), RR_TXT, 1, S("\5hello")), CHANGE_OK);
	}
	EXPECT_INT(change_commit(c), CHANGE_MADE);
	t = start(z, &rq);
	c = change_begin(z);
	EXPECT_INT(change_del_name(c, lab_name("n77.example.org")), CHANGE_OK);
	EXPECT_INT(change_commit(c), CHANGE_MADE);
	zone_free(z);
	EXPECT(run(t, &out, &theirs) > 5);
	EXPECT_INT(lines(&out), 5002);
	EXPECT(strstr(buf_z(&out), "n77.example.org TXT 1 ") != NULL);
	buf_fini(&out);
}

TEST(as_large_as_a_set_may_be)
{
	struct zone *z = lab_zone(LAB_ORIGIN, 6);
	struct transfer_request rq = wanted(false, 0);
	static char rdata[LIMIT_DNS_SET_BYTES - 1];
	struct change *c = change_begin(z);
	struct slice more = slice_of(rdata, sizeof(rdata)), most = slice_head(more, more.n - 1);
	struct buf out;

	buf_init(&out, 1 << 20);
	EXPECT_INT(change_add(c, lab_below("x"), 1234, 1, most), CHANGE_OK);
	EXPECT_INT(change_add(c, lab_below("x"), 1235, 1, more), CHANGE_LARGE);
	EXPECT_INT(change_add(c, lab_below("x"), 1235, 1, most), CHANGE_OK);
	EXPECT_INT(change_commit(c), CHANGE_MADE);
	EXPECT_INT(run(start(z, &rq), &out, NULL), 2);
	EXPECT_INT(lines(&out), 4);
	buf_fini(&out);
	zone_free(z);
}

TEST(increments)
{
	struct zone *z = lab_zone(LAB_ORIGIN, 6);
	struct transfer_request rq;
	struct change *c;
	struct buf out;

	buf_init(&out, 1 << 20);
	lab_add(z, "a", RR_A, S("\1\1\1\1"));
	lab_add(z, "a", RR_A, S("\2\2\2\2"));
	c = change_begin(z);
	EXPECT_INT(change_del(c, lab_below("a"), RR_A, S("\1\1\1\1")), CHANGE_OK);
	EXPECT_INT(change_add(c, lab_below("b"), RR_TXT, 9, S("\1x")), CHANGE_OK);
	EXPECT_INT(change_commit(c), CHANGE_MADE);
	/* Another TTL: the set goes and comes (RFC 2181 5.2). */
	c = change_begin(z);
	EXPECT_INT(change_add(c, lab_below("b"), RR_TXT, 8, S("\1x")), CHANGE_OK);
	EXPECT_INT(change_commit(c), CHANGE_MADE);
	rq = wanted(true, 7);
	EXPECT_INT(run(start(z, &rq), &out, NULL), 1);
	EXPECT_TEXT(buf_z(&out), "example.org SOA 300 0000000a\n"
				 "example.org SOA 300 00000007\n"
				 "example.org SOA 300 00000008\n"
				 "a.example.org A 60 02020202\n"
				 "example.org SOA 300 00000008\n"
				 "a.example.org A 60 01010101\n"
				 "example.org SOA 300 00000009\n"
				 "b.example.org TXT 9 0178\n"
				 "example.org SOA 300 00000009\n"
				 "b.example.org TXT 9 0178\n"
				 "example.org SOA 300 0000000a\n"
				 "b.example.org TXT 8 0178\n"
				 "example.org SOA 300 0000000a\n");
	/* Nothing new, or newer than ours: the SOA alone. */
	rq = wanted(true, 10);
	run(start(z, &rq), &out, NULL);
	EXPECT_INT(lines(&out), 1);
	rq = wanted(true, 11);
	run(start(z, &rq), &out, NULL);
	EXPECT_INT(lines(&out), 1);
	/* So old that nobody remembers it: the whole zone. */
	rq = wanted(true, 3);
	run(start(z, &rq), &out, NULL);
	EXPECT_INT(lines(&out), 4); /* in whatever order */
	EXPECT(strstr(buf_z(&out), "b.example.org TXT 8 0178\n") != NULL);
	buf_fini(&out);
	zone_free(z);
}

/* The journal may forget, and the zone may go, while an increment is on its way. */
TEST(increments_are_held)
{
	struct zone *z = lab_zone(LAB_ORIGIN, 6);
	struct transfer_request rq = wanted(true, 6);
	struct transfer *t;
	struct change *c;
	struct buf out;
	char name[64];

	buf_init(&out, 1 << 20);
	lab_add(z, "a", RR_A, S("\1\1\1\1"));
	lab_add(z, "b", RR_A, S("\1\1\1\1"));
	t = start(z, &rq);
	c = change_begin(z);
	for (int i = 0; i < LIMIT_DNS_JOURNAL; i++) {
		snprintf(name, sizeof(name), "n%d.example.org", i);
		EXPECT_INT(change_add(c, lab_name(name), RR_TXT, 1, S("\5hello")), CHANGE_OK);
	}
	EXPECT_INT(change_commit(c), CHANGE_MADE);
	EXPECT(zone_edition_since(z, 6) == NULL);
	zone_free(z);
	run(t, &out, NULL);
	EXPECT_INT(lines(&out), 8);
	buf_fini(&out);
}

static bool
sees_a(void *arg, struct slice key, struct slice name)
{
	EXPECT(arg == NULL && key.n == 0);
	return dname_in(name, lab_name("a.example.org"));
}

TEST(a_part_of_it)
{
	struct zone *z = lab_zone(LAB_ORIGIN, 6);
	struct transfer_request rq = wanted(false, 0);
	struct buf out;

	buf_init(&out, 1 << 20);
	lab_add(z, "a", RR_A, S("\1\1\1\1"));
	lab_add(z, "b", RR_A, S("\1\1\1\1"));
	lab_add(z, "", RR_NS, S("\1n\0"));
	rq.may_see = sees_a;
	run(start(z, &rq), &out, NULL);
	EXPECT_TEXT(buf_z(&out), "example.org SOA 300 00000009\n"
				 "a.example.org A 60 01010101\n"
				 "example.org SOA 300 00000009\n");
	rq = wanted(true, 7);
	rq.may_see = sees_a;
	run(start(z, &rq), &out, NULL);
	EXPECT_INT(lines(&out), 6);
	buf_fini(&out);
	zone_free(z);
}

TESTS(TEST_ROW(whole) TEST_ROW(messages_of_a_large_zone) TEST_ROW(as_large_as_a_set_may_be)
	TEST_ROW(increments) TEST_ROW(increments_are_held) TEST_ROW(a_part_of_it))
