/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/notify.h"

#include "dns_lab.h"

#define NOW 1700000000

static const struct tsig_key key = {
	.name = { 5, "\3key" }, .algorithm = TSIG_SHA256, .n = 6, .secret = "secret"
};

TEST(made)
{
	struct zone *z = lab_zone(LAB_ORIGIN, 7);
	unsigned char buf[NOTIFY_BYTES];
	struct notify n;
	size_t len = notify_write(&n, z, 0x1234, NULL, NOW, buf);
	struct dnsread r;

	EXPECT(dnsread_begin(&r, slice_of(buf, len)));
	EXPECT(r.id == 0x1234 && r.flags == (DNS_NOTIFY << 11 | DNS_AA));
	EXPECT_TEXT(lab_text(slice_of(buf, len)), "0 aa | example.org SOA | |");
	zone_free(z);
}

/* What a secondary answers, a byte of it changed at a time. */
TEST(answered)
{
	static const struct {
		size_t at;
		unsigned char flip;
		enum notify_reply want;
	} rows[] = {
		{ 0, 0, NOTIFY_TAKEN },
		{ 0, 1, NOTIFY_FOREIGN },    /* another id */
		{ 2, 0x80, NOTIFY_FOREIGN }, /* a request */
		{ 2, 0x40, NOTIFY_FOREIGN }, /* another opcode */
		{ 3, RR_NOTAUTH, NOTIFY_REFUSED },
		{ 5, 1, NOTIFY_TAKEN }, /* without its question, and the rest is not looked at */
		{ 5, 2, NOTIFY_FOREIGN },
		{ 13, 1, NOTIFY_FOREIGN }, /* another zone */
		{ 13, 0x20, NOTIFY_TAKEN },
	};
	struct zone *z = lab_zone(LAB_ORIGIN, 7);
	unsigned char buf[NOTIFY_BYTES];
	struct notify n;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		size_t len = notify_write(&n, z, 7, NULL, NOW, buf);

		EXPECT(len > 0);
		buf[2] |= 0x80;
		buf[7] = 0; /* no answers in an answer */
		buf[rows[i].at] ^= rows[i].flip;
		EXPECT_INT(notify_judge(&n, slice_of(buf, 29), NOW), rows[i].want);
	}
	EXPECT_INT(notify_judge(&n, slice_of(buf, 11), NOW), NOTIFY_FOREIGN);
	EXPECT_INT(notify_judge(&n, slice_of(buf, 20), NOW), NOTIFY_FOREIGN);
	zone_free(z);
}

TEST(signed_both_ways)
{
	struct zone *z = lab_zone(LAB_ORIGIN, 7);
	unsigned char buf[NOTIFY_BYTES], answer[NOTIFY_BYTES];
	struct notify n;
	size_t len = notify_write(&n, z, 7, &key, NOW, buf);
	struct tsig_talk theirs = n.talk;
	struct dns_question q = { .type = RR_SOA, .class = RR_CLASS_IN };
	struct dnswrite w;

	EXPECT(len > 0 && n.sign);
	dname_set(&q.name, lab_name(LAB_ORIGIN));
	dnswrite_begin(&w, answer, sizeof(answer), 0, 7, DNS_QR | DNS_NOTIFY << 11);
	dnswrite_question(&w, &q);
	/* Without a signature it may be anybody's. */
	EXPECT_INT(notify_judge(&n, slice_of(answer, w.n), NOW), NOTIFY_FOREIGN);
	EXPECT(tsig_sign(&theirs, &w, NOW));
	EXPECT_INT(notify_judge(&n, slice_of(answer, w.n), NOW), NOTIFY_TAKEN);
	EXPECT_INT(notify_judge(&n, slice_of(answer, w.n), NOW + 301), NOTIFY_FOREIGN);
	answer[3] ^= RR_REFUSED;
	EXPECT_INT(notify_judge(&n, slice_of(answer, w.n), NOW), NOTIFY_FOREIGN);
	zone_free(z);
}

TEST(longest_names)
{
	char origin[256];
	unsigned char buf[NOTIFY_BYTES];
	struct zone *z;
	struct notify n;
	struct tsig_key k = key;

	for (int i = 0; i < 127; i++)
		memcpy(origin + 2 * i, "a.", 2);
	origin[253] = '\0';
	z = zone_new(lab_name(origin), lab_name(origin), lab_name(origin),
	    &(struct zone_times){ 1, 2, 3, 4, 5 }, 1);
	dname_set(&k.name, lab_name(origin));
	k.algorithm = TSIG_SHA512;
	EXPECT(notify_write(&n, z, 7, &k, NOW, buf) > 0);
	zone_free(z);
	/* The longest names that have nothing in common. */
	origin[0] = 'b';
	z = zone_new(lab_name(origin), dname_slice(&k.name), lab_name("c.c"),
	    &(struct zone_times){ 1, 2, 3, 4, 5 }, 1);
	EXPECT(notify_write(&n, z, 7, &k, NOW, buf) > 0);
	zone_free(z);
}

TESTS(TEST_ROW(made) TEST_ROW(answered) TEST_ROW(signed_both_ways) TEST_ROW(longest_names))
