/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "edge/core/lobby.h"

#include <arpa/inet.h>

static struct source_key
key_of(const char *text)
{
	struct sockaddr_storage ss = { 0 };
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct source_key key;

	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		memcpy(&ss, &in, sizeof(in));
	else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
		memcpy(&ss, &in6, sizeof(in6));
	EXPECT(source_key(&ss, &key));
	return key;
}

static struct lobby_guest *
victim(struct lobby *l, const char *newcomer)
{
	struct source_key key = key_of(newcomer);
	struct lobby_guest *g = NULL;

	switch (lobby_room(l, &key, &g)) {
	case LOBBY_ROOM:
	case LOBBY_FULL:
		EXPECT(g == NULL);
		return NULL;
	case LOBBY_VICTIM:
		break;
	}
	return g;
}

static void
enter(struct lobby *l, struct lobby_guest *g, const char *from)
{
	struct source_key key = key_of(from);

	EXPECT(lobby_enter(l, g, &key));
}

/* S-14: who fills it loses his own. */
TEST(s14_the_stillest_of_the_fullest_network_makes_room)
{
	struct lobby_guest many[8] = { 0 }, few[2] = { 0 }, one = { 0 };
	struct lobby l;
	char from[32];

	lobby_init(&l, 11, 0, NULL);
	enter(&l, &few[0], "198.51.100.1");
	for (int i = 0; i < 8; i++) {
		snprintf(from, sizeof(from), "192.0.2.%d", i);
		enter(&l, &many[i], from);
	}
	enter(&l, &few[1], "198.51.100.1");
	EXPECT(victim(&l, "203.0.113.1") == NULL);
	enter(&l, &one, "2001:db8::1");
	EXPECT(victim(&l, "203.0.113.1") == &many[0]);
	lobby_touch(&many[0]);
	EXPECT(victim(&l, "203.0.113.1") == &many[1]);
	for (int i = 1; i < 8; i++)
		lobby_leave(&l, &many[i]);
	EXPECT(victim(&l, "203.0.113.1") == NULL);
	EXPECT(lobby_victim(&l) == &few[0]);
	lobby_leave(&l, &few[0]);
	lobby_leave(&l, &few[0]); /* harmless */
	lobby_leave(&l, &few[1]);
	lobby_leave(&l, &many[0]);
	lobby_leave(&l, &one);
	EXPECT(lobby_victim(&l) == NULL);
	EXPECT_INT(l.places.n, 0);
	lobby_fini(&l);
}

TEST(an_address_has_a_share_of_its_own)
{
	struct lobby_guest g[4] = { 0 };
	struct lobby l;

	lobby_init(&l, 100, 2, NULL);
	enter(&l, &g[0], "192.0.2.1");
	enter(&l, &g[1], "192.0.2.1");
	EXPECT(victim(&l, "192.0.2.1") == &g[0]);
	EXPECT(victim(&l, "192.0.2.2") == NULL);
	enter(&l, &g[2], "2001:db8::1");
	enter(&l, &g[3], "2001:db8::2"); /* the same /64 */
	EXPECT(victim(&l, "2001:db8::3") == &g[2]);
	EXPECT(victim(&l, "2001:db8:0:1::1") == NULL);
	for (int i = 0; i < 4; i++)
		lobby_leave(&l, &g[i]);
	lobby_fini(&l);
}

static struct lobby_guest *stays;

static bool
may_go(const struct lobby_guest *g)
{
	return g != stays;
}

TEST(who_may_not_go_is_passed_over)
{
	struct lobby_guest g[2] = { 0 };
	struct lobby l;

	lobby_init(&l, 2, 0, may_go);
	enter(&l, &g[0], "192.0.2.1");
	enter(&l, &g[1], "192.0.2.2");
	stays = &g[0];
	EXPECT(victim(&l, "192.0.2.3") == &g[1]);
	lobby_leave(&l, &g[1]);
	EXPECT(lobby_victim(&l) == NULL);
	l.n_max = 1;
	EXPECT(victim(&l, "192.0.2.3") == NULL); /* full */
	lobby_leave(&l, &g[0]);
	lobby_fini(&l);
}

/* Without an address, as on a Unix socket: the oldest goes, and no address is full. */
TEST(guests_without_an_address)
{
	struct lobby_guest g[3] = { 0 }, *who = NULL;
	struct lobby l;

	lobby_init(&l, 2, 1, NULL);
	EXPECT(lobby_enter(&l, &g[0], NULL));
	EXPECT_INT(lobby_room(&l, NULL, &who), LOBBY_ROOM);
	EXPECT(lobby_enter(&l, &g[1], NULL));
	EXPECT_INT(lobby_room(&l, NULL, &who), LOBBY_VICTIM);
	EXPECT(who == &g[0]);
	lobby_leave(&l, &g[0]);
	lobby_leave(&l, &g[1]);
	lobby_fini(&l);
}

TEST(a_flood_of_networks_is_as_quick_as_few)
{
	enum { N = 20000 };
	static struct lobby_guest g[N];
	struct lobby l;

	lobby_init(&l, N, 0, NULL);
	for (unsigned i = 0; i < N; i++) {
		struct source_key key = { { [10] = 0xff, [11] = 0xff, [12] = 10 } };

		key.bytes[13] = (unsigned char)(i >> 8);
		key.bytes[14] = (unsigned char)i;
		EXPECT(lobby_enter(&l, &g[i], &key));
	}
	for (unsigned i = 0; i < N; i++) {
		struct lobby_guest *v = victim(&l, "192.0.2.1");

		EXPECT(v != NULL);
		lobby_leave(&l, v);
		l.n_max--;
	}
	EXPECT_INT(l.n, 0);
	lobby_fini(&l);
}

TESTS(TEST_ROW(s14_the_stillest_of_the_fullest_network_makes_room)
	TEST_ROW(an_address_has_a_share_of_its_own) TEST_ROW(who_may_not_go_is_passed_over)
	    TEST_ROW(guests_without_an_address) TEST_ROW(a_flood_of_networks_is_as_quick_as_few))
