/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/rrl.h"

#include "base/limits.h"
#include "dns_lab.h"

static const unsigned char *
v4(unsigned a, unsigned b, unsigned c, unsigned d)
{
	static unsigned char text[16];

	memset(text, 0, 10);
	text[10] = text[11] = 0xff;
	text[12] = (unsigned char)a;
	text[13] = (unsigned char)b;
	text[14] = (unsigned char)c;
	text[15] = (unsigned char)d;
	return text;
}

/* How many of n answers at one moment are sent, and how many say: come by TCP. */
static unsigned
send(struct rrl *r, const unsigned char *address, const char *about, unsigned n, int64_t now_us,
    unsigned *ret_slipped)
{
	unsigned sent = 0;

	*ret_slipped = 0;
	while (n-- > 0) {
		enum rrl_verdict v = rrl_judge(r, address, RR_NOERROR, lab_name(about), now_us);

		sent += v == RRL_SEND;
		*ret_slipped += v == RRL_SLIP;
	}
	return sent;
}

TEST(equal_answers)
{
	struct rrl r = { 0 };
	unsigned slipped;

	EXPECT_INT(send(&r, v4(192, 0, 2, 1), "a.b", 250, 5, &slipped), LIMIT_DNS_RATE);
	EXPECT_INT(slipped, 100); /* every second one */
	/* A neighbour in the /24 counts with it; another answer and another network do not. */
	EXPECT_INT(send(&r, v4(192, 0, 2, 77), "a.b", 10, 5, &slipped), 0);
	EXPECT_INT(send(&r, v4(192, 0, 2, 77), "c.b", 10, 5, &slipped), 10);
	EXPECT_INT(send(&r, v4(192, 0, 3, 1), "a.b", 10, 5, &slipped), 10);
	EXPECT_INT(rrl_judge(&r, v4(192, 0, 2, 1), RR_NXDOMAIN, lab_name("a.b"), 5), RRL_SEND);
	/* After half a second half of it again, after years no more than a second's. */
	EXPECT_INT(send(&r, v4(192, 0, 2, 1), "a.b", 99, 500005, &slipped), LIMIT_DNS_RATE / 2);
	EXPECT_INT(send(&r, v4(192, 0, 2, 1), "a.b", 99, INT64_C(1) << 50, &slipped),
	    LIMIT_DNS_RATE);
	rrl_fini(&r);
}

TEST(networks_of_ipv6)
{
	struct rrl r = { 0 };
	unsigned char a[16] = { 0x20, 1, 0xd, 0xb8, 0, 0, 1, 0, 9 }, b[16] = { 0 };
	unsigned slipped;

	memcpy(b, a, sizeof(b));
	b[7] = 200; /* within the /56 */
	EXPECT_INT(send(&r, a, "a", 30, 5, &slipped), 30);
	EXPECT_INT(send(&r, b, "a", 30, 5, &slipped), LIMIT_DNS_RATE - 30);
	b[6] = 2;
	EXPECT_INT(send(&r, b, "a", 30, 5, &slipped), 30);
	EXPECT_INT(rrl_judge(&r, b, RR_REFUSED, S(""), 5), RRL_SEND);
	rrl_fini(&r);
}

/* More networks than rows: it forgets, and lets most of the quiet ones pass. */
TEST(many_networks)
{
	struct rrl r = { 0 };
	unsigned slipped, sent = 0;

	for (unsigned i = 0; i < 4 * LIMIT_DNS_RATE_ROWS; i++)
		sent += send(&r, v4(10, i >> 8, i & 255, 1), "a", 1, 5, &slipped);
	EXPECT_INT(sent, 4 * LIMIT_DNS_RATE_ROWS);
	/* Who is loud meanwhile keeps its row: the others are quieter. */
	EXPECT_INT(send(&r, v4(192, 0, 2, 1), "a", 60, 5, &slipped), LIMIT_DNS_RATE);
	for (unsigned i = 0; i < LIMIT_DNS_RATE_ROWS; i++)
		send(&r, v4(11, i >> 8, i & 255, 1), "a", 1, 5, &slipped);
	EXPECT_INT(send(&r, v4(192, 0, 2, 1), "a", 10, 5, &slipped), 0);
	rrl_fini(&r);
}

TESTS(TEST_ROW(equal_answers) TEST_ROW(networks_of_ipv6) TEST_ROW(many_networks))
