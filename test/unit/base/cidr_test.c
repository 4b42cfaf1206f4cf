/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cidr.h"

#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static bool
has(const struct cidr_set *set, const char *address)
{
	struct sockaddr_storage ss = { 0 };

	if (inet_pton(AF_INET, address, &((struct sockaddr_in *)(void *)&ss)->sin_addr) == 1)
		ss.ss_family = AF_INET;
	else if (inet_pton(AF_INET6, address, &((struct sockaddr_in6 *)(void *)&ss)->sin6_addr) ==
		 1)
		ss.ss_family = AF_INET6;
	else
		EXPECT(false && "an address of the test");
	return cidr_set_has(set, &ss);
}

TEST(blocks)
{
	struct cidr_set set = { 0 };

	EXPECT(!has(&set, "127.0.0.1"));
	EXPECT(cidr_set_add(&set, S("192.0.2.0/24")) == NULL);
	EXPECT(cidr_set_add(&set, S("10.0.0.0/9")) == NULL);
	EXPECT(cidr_set_add(&set, S("198.51.100.7")) == NULL);
	EXPECT(cidr_set_add(&set, S("2001:db8::/33")) == NULL);
	EXPECT(has(&set, "192.0.2.0") && has(&set, "192.0.2.255") && !has(&set, "192.0.3.0"));
	EXPECT(has(&set, "10.127.255.255") && !has(&set, "10.128.0.0"));
	EXPECT(has(&set, "198.51.100.7") && !has(&set, "198.51.100.6"));
	EXPECT(has(&set, "2001:db8:7fff::1") && !has(&set, "2001:db8:8000::1"));
	cidr_set_fini(&set);
	EXPECT(!has(&set, "192.0.2.0"));
}

/* The same visitor, whichever socket he came by. */
TEST(mapped_addresses_are_ipv4)
{
	struct cidr_set set = { 0 };

	EXPECT(cidr_set_add(&set, S("192.0.2.0/24")) == NULL);
	EXPECT(has(&set, "::ffff:192.0.2.9"));
	EXPECT(!has(&set, "::192.0.2.9"));
	cidr_set_fini(&set);
	EXPECT(cidr_set_add(&set, S("0.0.0.0/0")) == NULL);
	EXPECT(has(&set, "8.8.8.8") && !has(&set, "2001:db8::1"));
	EXPECT(cidr_set_add(&set, S("::/0")) == NULL);
	EXPECT(has(&set, "2001:db8::1"));
	cidr_set_fini(&set);
}

TEST(what_is_no_block)
{
	static const struct slice bad[] = { S(""), S("/"), S("/8"), S("10.0.0.0/"),
		S("10.0.0.0/33"), S("10.0.0.0/-1"), S("10.0.0.0/8/8"), S("10.0.0.1/8"), S("10.0.0"),
		S("10.0.0.0.0"), S("010.0.0.0/8x"), S("::/129"), S("2001:db8::1/64"),
		S("fe80::1%eth0"), S("host"), S(" 10.0.0.0/8"), S("10.0.0.0 /8"), S("1.2.3.4\0"),
		S("[::1]") };
	struct cidr c;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		EXPECT(cidr_parse(bad[i], &c) != NULL);
}

TEST(unix_sockets_are_in_no_set)
{
	struct cidr_set set = { 0 };
	struct sockaddr_storage ss = { .ss_family = AF_UNIX };

	EXPECT(cidr_set_add(&set, S("::/0")) == NULL);
	EXPECT(!cidr_set_has(&set, &ss));
	cidr_set_fini(&set);
}

TESTS(TEST_ROW(blocks) TEST_ROW(mapped_addresses_are_ipv4) TEST_ROW(what_is_no_block)
	TEST_ROW(unix_sockets_are_in_no_set))
