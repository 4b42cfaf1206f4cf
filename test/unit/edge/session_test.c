/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/dashboard/session.h"

#include "unit.h"

#define US(ms) ((int64_t)(ms)*1000)

static struct dashboard_sessions all;
static char code[DASHBOARD_TOKEN_BYTES], token[DASHBOARD_TOKEN_BYTES];

static struct dashboard_session *
login(enum dashboard_role role, const char *account, int64_t now_us)
{
	dashboard_link_new(&all, role, account, now_us, code);
	return dashboard_session_new(&all, slice_str(code), now_us, token);
}

TEST(a_code_is_good_once_and_for_a_minute)
{
	memset(&all, 0, sizeof(all));
	dashboard_link_new(&all, DASHBOARD_OPERATOR, "", 1, code);
	EXPECT_INT(strlen(code), 43);
	EXPECT(strpbrk(code, "+/=#&?") == NULL); /* it stands in a URL */
	EXPECT(dashboard_session_new(&all, S("x"), 1, token) == NULL);
	EXPECT(dashboard_session_new(&all, S(""), 1, token) == NULL);
	EXPECT(dashboard_session_new(&all, slice_str(code), 1 + US(LIMIT_DASHBOARD_LINK_MS),
		   token) == NULL);
	EXPECT(dashboard_session_new(&all, slice_str(code), US(LIMIT_DASHBOARD_LINK_MS), token) !=
	       NULL);
	EXPECT(dashboard_session_new(&all, slice_str(code), 2, token) == NULL);
	EXPECT(dashboard_session_find(&all, slice_str(code), 2) == NULL); /* a code is no token */
	EXPECT(dashboard_session_find(&all, slice_str(token), US(LIMIT_DASHBOARD_LINK_MS)) != NULL);
}

TEST(a_session_ends_by_time_idleness_and_hand)
{
	struct dashboard_session *d;
	int64_t now = 1;
	char first[DASHBOARD_TOKEN_BYTES], id[9];

	memset(&all, 0, sizeof(all));
	d = login(DASHBOARD_ACCOUNT, "ci", now);
	EXPECT(d != NULL && strcmp(d->account, "ci") == 0 && d->role == DASHBOARD_ACCOUNT);
	memcpy(first, token, sizeof(first));
	EXPECT(dashboard_session_find(&all, slice_str(first),
		   now + US(LIMIT_DASHBOARD_IDLE_MS) - 1) == d);
	EXPECT(dashboard_session_find(&all, slice_str(first),
		   now + 2 * US(LIMIT_DASHBOARD_IDLE_MS) - 2) == d);
	EXPECT(dashboard_session_find(&all, slice_str(first),
		   now + 3 * US(LIMIT_DASHBOARD_IDLE_MS) - 2) == NULL);
	/* Somebody who asks all the time is asked for a new link in the end, too. */
	d = login(DASHBOARD_OPERATOR, "", now);
	for (int64_t t = now; t < now + US(LIMIT_DASHBOARD_SESSION_MS);
	     t += US(LIMIT_DASHBOARD_IDLE_MS) / 2)
		EXPECT(dashboard_session_find(&all, slice_str(token), t) == d);
	EXPECT(dashboard_session_find(&all, slice_str(token),
		   now + US(LIMIT_DASHBOARD_SESSION_MS)) == NULL);
	d = login(DASHBOARD_AUDITOR, "", now);
	memcpy(id, d->id, sizeof(id));
	EXPECT(!dashboard_session_end(&all, "") && !dashboard_session_end(&all, "nobody"));
	EXPECT(dashboard_session_end(&all, id) && !dashboard_session_end(&all, id));
	EXPECT(dashboard_session_find(&all, slice_str(token), now) == NULL);
}

TEST(too_many_cost_the_one_that_is_used_least)
{
	char keep[DASHBOARD_TOKEN_BYTES], lose[DASHBOARD_TOKEN_BYTES];

	memset(&all, 0, sizeof(all));
	EXPECT(login(DASHBOARD_OPERATOR, "", 1) != NULL);
	memcpy(keep, token, sizeof(keep));
	EXPECT(login(DASHBOARD_OPERATOR, "", 2) != NULL);
	memcpy(lose, token, sizeof(lose));
	for (int i = 0; i < LIMIT_DASHBOARD_SESSIONS - 2; i++)
		EXPECT(login(DASHBOARD_OPERATOR, "", 10 + i) != NULL);
	EXPECT(dashboard_session_find(&all, slice_str(keep), 5000) != NULL);
	EXPECT(login(DASHBOARD_OPERATOR, "", 6000) != NULL);
	EXPECT(dashboard_session_find(&all, slice_str(lose), 6001) == NULL);
	EXPECT(dashboard_session_find(&all, slice_str(keep), 6001) != NULL);
	for (int i = 0; i < 3 * LIMIT_DASHBOARD_LINKS; i++)
		dashboard_link_new(&all, DASHBOARD_OPERATOR, "", 7000 + i, code);
	EXPECT(dashboard_session_new(&all, slice_str(code), 8000, token) != NULL);
}

TEST(roles_have_words)
{
	enum dashboard_role role;

	for (int i = DASHBOARD_OPERATOR; i <= DASHBOARD_ACCOUNT; i++)
		EXPECT(dashboard_role_of(dashboard_role_word((enum dashboard_role)i), &role) &&
		       (int)role == i);
	EXPECT(!dashboard_role_of("root", &role));
}

TESTS(TEST_ROW(a_code_is_good_once_and_for_a_minute)
	TEST_ROW(a_session_ends_by_time_idleness_and_hand)
	    TEST_ROW(too_many_cost_the_one_that_is_used_least) TEST_ROW(roles_have_words))
