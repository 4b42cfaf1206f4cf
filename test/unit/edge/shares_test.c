/* SPDX-License-Identifier: Apache-2.0 */
/* Who makes room when all is taken: by network, by account. */
#include "unit.h"

#include "edge/core/shares.h"

static struct source_key
network(unsigned char n, unsigned char host)
{
	return (struct source_key){ { [10] = 0xff, [11] = 0xff, 10, 0, n, host } };
}

static void
born(struct share *g, const char *account, unsigned char n, unsigned char host)
{
	struct source_key key = network(n, host);

	*g = (struct share){ 0 };
	share_of(g, account, &key);
}

static void
take(struct shares *s, struct share *g, const char *account, unsigned char n, size_t more)
{
	static unsigned char host;

	born(g, account, n, host++);
	EXPECT(shares_take(s, g, more));
}

static struct share *
victim(struct shares *s, const char *account, unsigned char n, size_t more)
{
	struct share newcomer, *who = NULL;
	enum lobby_room room;

	born(&newcomer, account, n, 200);
	room = shares_room(s, &newcomer, more, &who);
	EXPECT((room == LOBBY_VICTIM) == (who != NULL));
	return who;
}

/* S-14: from one place to everybody's tunnels. */
TEST(s14_the_fullest_network_makes_room)
{
	struct share bad[8], good[2];
	struct shares s;
	char account[24];

	shares_init(&s, 100, 0);
	take(&s, &good[0], "bob", 1, 15);
	for (int i = 0; i < 8; i++) {
		snprintf(account, sizeof(account), "account %d", i);
		take(&s, &bad[i], account, 7, 10);
	}
	EXPECT(victim(&s, "carl", 2, 5) == NULL);
	/* bob's is the fullest account, and that of the oldest */
	EXPECT(victim(&s, "carl", 2, 10) == &bad[0]);
	take(&s, &good[1], "carl", 2, 5);
	shares_leave(&s, &bad[0]);
	EXPECT(victim(&s, "carl", 2, 20) == &bad[1]);
	for (int i = 1; i < 8; i++)
		shares_leave(&s, &bad[i]);
	shares_leave(&s, &good[0]);
	shares_leave(&s, &good[1]);
	shares_leave(&s, &good[1]); /* harmless */
	shares_fini(&s);
}

/* S-14: from everywhere to one tunnel, whose account is not the others'. */
TEST(s14_the_fullest_account_makes_room)
{
	struct share bad[8], good[3];
	struct shares s;

	shares_init(&s, 100, 0);
	for (int i = 0; i < 3;
	     i++) /* one sender of three accounts' webhooks: the fullest network */
		take(&s, &good[i], (const char *[]){ "ann", "bob", "carl" }[i], 1, 6);
	for (int i = 0; i < 8; i++)
		take(&s, &bad[i], "mallory", (unsigned char)(10 + i), 10);
	EXPECT(victim(&s, "bob", 1, 5) == &bad[0]);
	/* and for a newcomer of its own it is the oldest that goes, too */
	EXPECT(victim(&s, "mallory", 99, 5) == &bad[0]);
	for (int i = 0; i < 8; i++)
		shares_leave(&s, &bad[i]);
	for (int i = 0; i < 3; i++)
		shares_leave(&s, &good[i]);
	shares_fini(&s);
}

/* However much is free. */
TEST(no_account_and_no_network_takes_more_than_its_share)
{
	struct share g[4];
	struct shares s;

	shares_init(&s, 100, 50);
	take(&s, &g[0], "ann", 1, 20);
	take(&s, &g[1], "ann", 2, 20);
	take(&s, &g[2], "bob", 2, 20);
	EXPECT(victim(&s, "ann", 3, 10) == NULL);
	EXPECT(victim(&s, "ann", 3, 11) == &g[0]);
	EXPECT(victim(&s, "carl", 2, 11) == &g[1]);
	EXPECT(victim(&s, "carl", 3, 11) == NULL);
	/* what grows counts, and may be its own victim */
	EXPECT(shares_take(&s, &g[0], 5));
	EXPECT(victim(&s, "ann", 3, 6) == &g[0]);
	for (int i = 0; i < 3; i++)
		shares_leave(&s, &g[i]);
	shares_fini(&s);
}

TEST(what_is_held_stays_and_counts)
{
	struct share g[2], *who = NULL;
	struct shares s;

	shares_init(&s, 10, 0);
	take(&s, &g[0], "ann", 1, 5);
	share_hold(&g[0]);
	take(&s, &g[1], "bob", 1, 5);
	EXPECT(victim(&s, "carl", 2, 1) == &g[1]);
	share_hold(&g[1]);
	EXPECT_INT(shares_room(&s, &g[1], 1, &who), LOBBY_FULL);
	shares_leave(&s, &g[0]);
	EXPECT_INT(shares_room(&s, &g[1], 5, &who), LOBBY_ROOM);
	shares_leave(&s, &g[1]);
	shares_fini(&s);
}

/* A Unix socket: its account counts all the same. */
TEST(without_an_address)
{
	struct share g[2] = { 0 };
	struct shares s;

	shares_init(&s, 10, 6);
	share_of(&g[0], "ann", NULL);
	share_of(&g[1], "bob", NULL);
	EXPECT(shares_take(&s, &g[0], 5));
	EXPECT(shares_take(&s, &g[1], 5));
	EXPECT(victim(&s, "ann", 1, 2) == &g[0]);
	shares_leave(&s, &g[0]);
	shares_leave(&s, &g[1]);
	shares_fini(&s);
}

TESTS(TEST_ROW(s14_the_fullest_network_makes_room) TEST_ROW(s14_the_fullest_account_makes_room)
	TEST_ROW(no_account_and_no_network_takes_more_than_its_share)
	    TEST_ROW(what_is_held_stays_and_counts) TEST_ROW(without_an_address))
