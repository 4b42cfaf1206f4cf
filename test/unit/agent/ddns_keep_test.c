/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "agent/command/ddns_keep.h"
#include "base/limits.h"

#include <arpa/inet.h>

#define SECOND 1000000LL
#define GONE_US ((int64_t)LIMIT_DDNS_GONE_MS * 1000)

static const char *
wish(struct ddns_keep_family *f, int64_t now_us)
{
	const char *w = ddns_keep_wish(f, now_us);

	return w == NULL ? "as it is" : w;
}

TEST(what_the_edge_is_told)
{
	struct ddns_keep_family f = { 0 };

	/* nothing is known: the link's own address, if it is of this family */
	EXPECT_SLICE(slice_str(wish(&f, SECOND)), S("link"));
	strcpy(f.address, "8.8.4.4");
	EXPECT_SLICE(slice_str(wish(&f, SECOND)), S("8.8.4.4"));
	f.address[0] = '\0';
	f.had = f.linked = true;
	EXPECT_SLICE(slice_str(wish(&f, SECOND)), S("link"));
}

/* It had an address, and shows none any more: for ten minutes nothing is done. */
TEST(a_family_that_has_gone)
{
	struct ddns_keep_family f = { .had = true };

	EXPECT_SLICE(slice_str(wish(&f, 5 * SECOND)), S("as it is"));
	EXPECT_SLICE(slice_str(wish(&f, 5 * SECOND + GONE_US - 1)), S("as it is"));
	EXPECT_SLICE(slice_str(wish(&f, 5 * SECOND + GONE_US)), S("no"));
	/* it comes back in between: the time begins anew */
	strcpy(f.address, "8.8.4.4");
	EXPECT_SLICE(slice_str(wish(&f, 6 * SECOND + GONE_US)), S("8.8.4.4"));
	f.address[0] = '\0';
	EXPECT_SLICE(slice_str(wish(&f, 7 * SECOND + GONE_US)), S("as it is"));
	/* the record has gone: there is nothing to remove */
	f.had = false;
	EXPECT_SLICE(slice_str(wish(&f, 9 * SECOND + 3 * GONE_US)), S("link"));
}

TEST(names_of_other_machines)
{
	struct ddns_keep_name n;
	char room[64], text[INET6_ADDRSTRLEN];

	EXPECT(ddns_keep_name(&n, "home", false, NULL) && !n.has_iid);
	EXPECT(ddns_keep_name(&n, "nas=::1:2:3:4", true, room) && n.has_iid);
	EXPECT_SLICE(slice_str(n.name), S("nas"));
	EXPECT_SLICE(slice_str(inet_ntop(AF_INET6, &n.iid, text, sizeof(text))), S("::1:2:3:4"));
	EXPECT(!ddns_keep_name(&n, "nas", true, room));
	EXPECT(!ddns_keep_name(&n, "=::1", true, room));
	EXPECT(!ddns_keep_name(&n, "nas=2001:db8::1", true, room));
	EXPECT(!ddns_keep_name(&n, "nas=192.0.2.1", true, room));
}

TESTS(TEST_ROW(what_the_edge_is_told) TEST_ROW(a_family_that_has_gone)
	TEST_ROW(names_of_other_machines))
