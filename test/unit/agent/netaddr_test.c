/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "agent/link/netaddr.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

static _Alignas(8) char bytes[4096];
static size_t n_bytes;

static void
put(const void *p, size_t n)
{
	memcpy(bytes + n_bytes, p, n);
	n_bytes += NLMSG_ALIGN(n);
}

static void
attribute(unsigned short type, const void *value, unsigned short n)
{
	struct rtattr a = { (unsigned short)(sizeof(a) + n), type };

	put(&a, sizeof(a));
	put(value, n);
}

/* A message as the kernel writes it. */
static void
address(const char *text, uint32_t flags, uint32_t preferred_s, unsigned char scope)
{
	size_t at = n_bytes;
	struct nlmsghdr h = { .nlmsg_type = RTM_NEWADDR };
	struct ifaddrmsg m = {
		.ifa_family = AF_INET6, .ifa_scope = scope, .ifa_flags = (unsigned char)flags
	};
	struct ifa_cacheinfo info = { .ifa_prefered = preferred_s, .ifa_valid = UINT32_MAX };
	struct in6_addr in;

	EXPECT_INT(inet_pton(AF_INET6, text, &in), 1);
	put(&h, sizeof(h));
	put(&m, sizeof(m));
	attribute(IFA_ADDRESS, &in, sizeof(in));
	attribute(IFA_CACHEINFO, &info, sizeof(info));
	attribute(IFA_FLAGS, &flags, sizeof(flags));
	h.nlmsg_len = (uint32_t)(n_bytes - at);
	memcpy(bytes + at, &h, sizeof(h));
}

static void
expect(const char *want, bool inside)
{
	struct netaddr_choice c = { 0 };
	char got[INET6_ADDRSTRLEN] = "none";

	netaddr_take(&c, slice_of(bytes, n_bytes), inside);
	if (c.found)
		inet_ntop(AF_INET6, &c.address, got, sizeof(got));
	EXPECT_SLICE(slice_str(got), slice_str(want));
	n_bytes = 0;
}

TEST(which_is_taken)
{
	expect("none", false);
	address("fe80::1", IFA_F_PERMANENT, UINT32_MAX, RT_SCOPE_LINK);
	address("fd00::1", IFA_F_PERMANENT, UINT32_MAX, RT_SCOPE_UNIVERSE);
	expect("none", false);
	address("fd00::1", IFA_F_PERMANENT, UINT32_MAX, RT_SCOPE_UNIVERSE);
	address("2606:4700::9", 0, 100, RT_SCOPE_UNIVERSE);
	expect("2606:4700::9", true);
	address("fd00::1", 0, 100, RT_SCOPE_UNIVERSE);
	expect("fd00::1", true);
	address("2606:4700::7", IFA_F_TEMPORARY, UINT32_MAX, RT_SCOPE_UNIVERSE);
	address("2606:4700::9", IFA_F_MANAGETEMPADDR, 1000, RT_SCOPE_UNIVERSE);
	address("2606:4700::6", IFA_F_TENTATIVE, UINT32_MAX, RT_SCOPE_UNIVERSE);
	address("2606:4700::5", IFA_F_DADFAILED, UINT32_MAX, RT_SCOPE_UNIVERSE);
	address("2606:4700::4", IFA_F_DEPRECATED, 0, RT_SCOPE_UNIVERSE);
	expect("2606:4700::9", false);
}

TEST(the_longest_life_wins)
{
	address("2606:4700::1", 0, 500, RT_SCOPE_UNIVERSE);
	address("2606:4700::2", 0, 1000, RT_SCOPE_UNIVERSE);
	address("2606:4700::3", 0, 1000, RT_SCOPE_UNIVERSE);
	expect("2606:4700::2", false);
	address("2606:4700::3", 0, 1000, RT_SCOPE_UNIVERSE);
	address("2606:4700::2", 0, 1000, RT_SCOPE_UNIVERSE);
	address("2606:4700::1", 0, 500, RT_SCOPE_UNIVERSE);
	expect("2606:4700::2", false);
}

/* Cut anywhere, or with lengths that lie: nothing is read behind the bytes. */
TEST(bytes_that_are_cut)
{
	char copy[4096];
	size_t n;

	address("2606:4700::1", 0, 500, RT_SCOPE_UNIVERSE);
	n = n_bytes;
	n_bytes = 0;
	for (size_t i = 0; i < n; i++) {
		struct netaddr_choice c = { 0 };
		char *exact = malloc(i + 1);

		memcpy(exact, bytes, i);
		netaddr_take(&c, slice_of(exact, i), false);
		EXPECT(!c.found);
		free(exact);
		for (int value = 0; value < 256; value += 15) {
			c = (struct netaddr_choice){ 0 };
			memcpy(copy, bytes, n);
			copy[i] = (char)value;
			netaddr_take(&c, slice_of(copy, n), false);
		}
	}
}

TEST(networks)
{
	struct in6_addr net, host, joined;
	char text[INET6_ADDRSTRLEN];

	inet_pton(AF_INET6, "2606:4700:0:1:aaaa::1", &net);
	inet_pton(AF_INET6, "::1:2:3:4", &host);
	joined = netaddr_join(&net, &host);
	EXPECT_SLICE(slice_str(inet_ntop(AF_INET6, &joined, text, sizeof(text))),
	    S("2606:4700:0:1:1:2:3:4"));
	EXPECT(netaddr_same_net(&net, &joined) && !netaddr_same_net(&net, &host));
	/* of this machine: whatever it has */
	EXPECT(!netaddr_best(&net, true) || net.s6_addr[0] != 0xfe);
}

TESTS(TEST_ROW(which_is_taken) TEST_ROW(the_longest_life_wins) TEST_ROW(bytes_that_are_cut)
	TEST_ROW(networks))
