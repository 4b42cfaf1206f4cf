/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/link/netwatch.h"

#include "unit.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#define SECOND 1000000

/* sleep is seen by the clock that runs on, a stopped process by the one that does not. */
TEST(r03_sleep_and_stop_are_seen)
{
	EXPECT(netwatch_judge(2 * SECOND, 2 * SECOND, 2 * SECOND) == NULL);
	EXPECT(netwatch_judge(4 * SECOND, 4 * SECOND, 2 * SECOND) == NULL); /* a busy machine */
	EXPECT(strstr(netwatch_judge(2 * SECOND, 3600LL * SECOND, 2 * SECOND), "sleep") != NULL);
	EXPECT(strstr(netwatch_judge(60 * SECOND, 60 * SECOND, 2 * SECOND), "stopped") != NULL);
}

static size_t
message(char *dst, uint16_t type, uint8_t scope)
{
	struct nlmsghdr h = { .nlmsg_len = sizeof(struct nlmsghdr) + sizeof(struct ifaddrmsg),
		.nlmsg_type = type };
	struct ifaddrmsg a = { .ifa_scope = scope };

	memcpy(dst, &h, sizeof(h));
	memcpy(dst + sizeof(h), &a, sizeof(a));
	return NLMSG_ALIGN(h.nlmsg_len);
}

TEST(r03_address_changes)
{
	char bytes[256];
	size_t n;

	n = message(bytes, RTM_NEWADDR, RT_SCOPE_UNIVERSE);
	EXPECT(netwatch_is_address_change(slice_of(bytes, n)));
	n = message(bytes, RTM_DELADDR, RT_SCOPE_UNIVERSE);
	EXPECT(netwatch_is_address_change(slice_of(bytes, n)));
	n = message(bytes, RTM_NEWADDR, RT_SCOPE_HOST);
	EXPECT(!netwatch_is_address_change(slice_of(bytes, n)));
	n += message(bytes + n, RTM_NEWADDR, RT_SCOPE_LINK);
	EXPECT(!netwatch_is_address_change(slice_of(bytes, n)));
	n += message(bytes + n, RTM_DELADDR, RT_SCOPE_UNIVERSE);
	EXPECT(netwatch_is_address_change(slice_of(bytes, n)));
	n = message(bytes, RTM_NEWROUTE, RT_SCOPE_UNIVERSE);
	EXPECT(!netwatch_is_address_change(slice_of(bytes, n)));
}

TEST(malformed_messages)
{
	char bytes[256];
	size_t n = message(bytes, RTM_NEWADDR, RT_SCOPE_UNIVERSE);
	uint32_t length;

	for (size_t i = 0; i < n; i++)
		EXPECT(!netwatch_is_address_change(slice_of(bytes, i)));
	for (length = 0; length < sizeof(struct nlmsghdr); length++) {
		memcpy(bytes, &length, sizeof(length));
		EXPECT(!netwatch_is_address_change(slice_of(bytes, n)));
	}
	length = UINT32_MAX;
	memcpy(bytes, &length, sizeof(length));
	EXPECT(!netwatch_is_address_change(slice_of(bytes, n)));
}

TESTS(TEST_ROW(r03_sleep_and_stop_are_seen) TEST_ROW(r03_address_changes)
	TEST_ROW(malformed_messages))
