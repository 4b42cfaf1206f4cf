/* SPDX-License-Identifier: Apache-2.0 */
/* An own domain in virtual time: what each check makes of who wants it. */
#include "unit.h"

#include "edge/domain/domain_name.h"
#include "edge/domain/quota.h"
#include "edge/domain/wish.h"

#define MINUTE (60 * INT64_C(1000))
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define START INT64_C(1800000000000)

/* A domain, its time, and who of its wishes the DNS proves. */
struct world {
	struct domain_state d;
	int64_t now;
	unsigned checks;
	enum wish_proof seen[LIMIT_DOMAIN_WISHES];
};

static void
born(struct world *w)
{
	*w = (struct world){ .now = START };
	strcpy(w->d.name, "hook.customer.test");
}

static void
want(struct world *w, const char *account)
{
	EXPECT(wish_add(&w->d, account, w->now) != NULL);
}

static void
dns(struct world *w, size_t at, enum wish_proof seen)
{
	w->seen[at] = seen;
}

/* Every check that is due until then. */
static void
pass(struct world *w, int64_t ms)
{
	int64_t end = w->now + ms;

	while (w->d.next_ms != 0 && w->d.next_ms <= end) {
		if (w->d.next_ms > w->now)
			w->now = w->d.next_ms;
		wish_judge(&w->d, w->seen, w->now);
		w->checks++;
		EXPECT(w->d.next_ms == 0 || w->d.next_ms > w->now);
	}
	w->now = end;
}

static enum wish_state
state(const struct world *w, size_t at)
{
	return w->d.wishes[at].state;
}

static void
proven(struct world *w)
{
	born(w);
	want(w, "anna");
	dns(w, 0, WISH_SEEN);
	pass(w, 0);
	EXPECT(state(w, 0) == WISH_PROVEN);
}

TEST(a_proof_makes_it_served)
{
	struct world w;

	born(&w);
	want(&w, "anna");
	EXPECT(w.d.next_ms == START);
	dns(&w, 0, WISH_UNSEEN);
	pass(&w, MINUTE);
	EXPECT(state(&w, 0) == WISH_WANTED && wish_holder(&w.d) == NULL);
	dns(&w, 0, WISH_SEEN);
	pass(&w, 2 * MINUTE);
	EXPECT(state(&w, 0) == WISH_PROVEN && wish_holder(&w.d) == &w.d.wishes[0]);
}

TEST(three_failures_make_it_daily_and_fourteen_days_end_it)
{
	struct world w;

	born(&w);
	want(&w, "anna");
	pass(&w, HOUR);
	EXPECT(w.checks == 3);
	pass(&w, DAY);
	EXPECT(w.checks == 4);
	pass(&w, 14 * DAY);
	EXPECT(state(&w, 0) == WISH_STOPPED && w.d.next_ms == 0 && w.d.wishes[0].untold);
	EXPECT(w.checks <= 20);
	/* The account asks again: all begins anew. */
	dns(&w, 0, WISH_SEEN);
	pass(&w, DAY);
	EXPECT(state(&w, 0) == WISH_STOPPED);
	wish_again(&w.d, &w.d.wishes[0], w.now);
	EXPECT(!w.d.wishes[0].untold);
	pass(&w, 0);
	EXPECT(state(&w, 0) == WISH_PROVEN);
}

TEST(it_is_looked_at_about_once_a_day)
{
	struct world w;

	proven(&w);
	w.checks = 0;
	pass(&w, 100 * DAY);
	EXPECT(w.checks >= 100 && w.checks <= 105);
	EXPECT(state(&w, 0) == WISH_PROVEN);
}

TEST(a_proof_that_is_gone_for_a_day_suspends_it)
{
	struct world w;

	proven(&w);
	pass(&w, DAY);
	dns(&w, 0, WISH_UNSEEN);
	pass(&w, DAY);
	EXPECT(state(&w, 0) == WISH_MISSING && wish_holder(&w.d) != NULL);
	pass(&w, DAY);
	EXPECT(state(&w, 0) == WISH_SUSPENDED && wish_holder(&w.d) == NULL);
	EXPECT(wish_fallen(&w.d) == &w.d.wishes[0]);
	EXPECT(w.d.wishes[0].n_unseen >= 3);
	/* It is there again: served at once. */
	dns(&w, 0, WISH_SEEN);
	pass(&w, DAY);
	EXPECT(state(&w, 0) == WISH_PROVEN);
	dns(&w, 0, WISH_UNSEEN);
	pass(&w, 3 * DAY);
	EXPECT(state(&w, 0) == WISH_SUSPENDED);
	pass(&w, 31 * DAY);
	EXPECT(state(&w, 0) == WISH_STOPPED && w.d.next_ms == 0);
	EXPECT(wish_fallen(&w.d) == &w.d.wishes[0]);
}

TEST(a_gap_in_between_begins_the_count_anew)
{
	struct world w;

	proven(&w);
	for (int i = 0; i < 10; i++) {
		dns(&w, 0, WISH_UNSEEN);
		while (state(&w, 0) != WISH_MISSING)
			pass(&w, HOUR);
		pass(&w, 16 * HOUR);
		EXPECT(state(&w, 0) == WISH_MISSING);
		dns(&w, 0, WISH_SEEN);
		pass(&w, 8 * HOUR);
		EXPECT(state(&w, 0) == WISH_PROVEN && w.d.wishes[0].n_unseen == 0);
	}
}

TEST(a_clock_that_jumps_suspends_nothing)
{
	struct world w;

	proven(&w);
	dns(&w, 0, WISH_UNSEEN);
	pass(&w, DAY);
	EXPECT(state(&w, 0) == WISH_MISSING);
	w.now += 400 * DAY; /* one check, however much time has passed by the clock */
	w.d.next_ms = w.now;
	pass(&w, 0);
	EXPECT(state(&w, 0) == WISH_MISSING);
}

TEST(a_dns_that_does_not_answer_changes_nothing)
{
	struct world w;

	proven(&w);
	dns(&w, 0, WISH_UNTOLD);
	w.checks = 0;
	pass(&w, 10 * DAY);
	EXPECT(state(&w, 0) == WISH_PROVEN);
	EXPECT(w.checks >= 200); /* it is asked each hour */
}

TEST(the_first_valid_proof_wins)
{
	struct world w;

	born(&w);
	want(&w, "squatter");
	want(&w, "owner");
	dns(&w, 0, WISH_UNSEEN);
	dns(&w, 1, WISH_SEEN);
	pass(&w, 0);
	EXPECT(state(&w, 0) == WISH_WANTED && state(&w, 1) == WISH_PROVEN);
	EXPECT(wish_holder(&w.d) == wish_find(&w.d, "owner"));
}

TEST(takeover_needs_a_day_in_which_only_the_other_is_named)
{
	struct world w;

	proven(&w);
	pass(&w, DAY);
	want(&w, "bert");
	dns(&w, 1, WISH_SEEN); /* two TXT records: both are named */
	pass(&w, 10 * DAY);
	EXPECT(state(&w, 0) == WISH_PROVEN && state(&w, 1) == WISH_WANTED);
	dns(&w, 0, WISH_UNSEEN);
	while (state(&w, 0) == WISH_PROVEN)
		pass(&w, HOUR);
	pass(&w, 22 * HOUR);
	EXPECT(state(&w, 0) == WISH_MISSING && state(&w, 1) == WISH_WANTED);
	pass(&w, 3 * HOUR);
	EXPECT(state(&w, 0) == WISH_STOPPED && state(&w, 1) == WISH_PROVEN);
	EXPECT(wish_holder(&w.d) == wish_find(&w.d, "bert"));
}

TEST(a_takeover_that_stops_half_way_takes_nothing)
{
	struct world w;

	proven(&w);
	want(&w, "bert");
	dns(&w, 0, WISH_UNSEEN);
	dns(&w, 1, WISH_SEEN);
	pass(&w, 20 * HOUR);
	dns(&w, 0, WISH_SEEN);
	dns(&w, 1, WISH_UNSEEN);
	pass(&w, 20 * HOUR);
	dns(&w, 0, WISH_UNSEEN);
	dns(&w, 1, WISH_SEEN);
	pass(&w, 20 * HOUR);
	EXPECT(state(&w, 0) == WISH_MISSING && state(&w, 1) == WISH_WANTED);
}

TEST(what_is_removed_is_free_for_who_else_wants_it)
{
	struct world w;

	proven(&w);
	want(&w, "bert");
	dns(&w, 0, WISH_UNSEEN);
	pass(&w, MINUTE);
	wish_remove(&w.d, &w.d.wishes[0], w.now);
	EXPECT(w.d.n == 1 && strcmp(w.d.wishes[0].account, "bert") == 0);
	dns(&w, 0, WISH_SEEN);
	pass(&w, 0);
	EXPECT(state(&w, 0) == WISH_PROVEN);
	wish_remove(&w.d, &w.d.wishes[0], w.now);
	EXPECT(w.d.n == 0 && w.d.next_ms == 0);
}

TEST(wishes_for_one_domain_are_few)
{
	struct world w;
	char account[8];

	born(&w);
	for (int i = 0; i < LIMIT_DOMAIN_WISHES; i++) {
		snprintf(account, sizeof(account), "a%d", i);
		want(&w, account);
	}
	EXPECT(wish_add(&w.d, "one-more", w.now) == NULL);
	/* One that is not looked at any more makes room, and the others keep theirs. */
	w.d.wishes[1].state = WISH_STOPPED;
	w.d.n_rival = 3;
	EXPECT(wish_add(&w.d, "one-more", w.now) != NULL);
	EXPECT(w.d.n == LIMIT_DOMAIN_WISHES && w.d.n_rival == 3);
	EXPECT(wish_find(&w.d, "a1") == NULL && wish_find(&w.d, "a0") != NULL);
	EXPECT(wish_find(&w.d, "one-more") != NULL);
	EXPECT(wish_add(&w.d, "and-another", w.now) == NULL);
	/* Each has a token of its own. */
	EXPECT(strcmp(w.d.wishes[0].token, w.d.wishes[1].token) != 0);
	EXPECT(strlen(w.d.wishes[0].token) == 32);
}

TEST(new_domains_are_few_in_an_hour)
{
	struct quota q = { 0 };
	int64_t now = START, wait = 0;
	char account[8];

	for (int i = 0; i < LIMIT_DOMAINS_NEW_PER_ACCOUNT; i++)
		EXPECT(quota_take(&q, "anna", now + i * MINUTE, &wait));
	EXPECT(!quota_take(&q, "anna", now + 30 * MINUTE, &wait));
	EXPECT(wait == 30 * MINUTE);
	/* Others may, until all have taken what there is. */
	for (int i = LIMIT_DOMAINS_NEW_PER_ACCOUNT; i < LIMIT_DOMAINS_NEW; i++) {
		snprintf(account, sizeof(account), "a%d", i);
		EXPECT(quota_take(&q, account, now + 30 * MINUTE, &wait));
	}
	EXPECT(!quota_take(&q, "zoe", now + 31 * MINUTE, &wait));
	EXPECT(wait == 29 * MINUTE);
	EXPECT(quota_take(&q, "anna", now + HOUR, &wait));
	EXPECT(!quota_take(&q, "zoe", now + HOUR, &wait));
	EXPECT(quota_take(&q, "zoe", now + HOUR + MINUTE, &wait));
	/* A clock that was set back keeps nobody out. */
	EXPECT(quota_take(&q, "bert", now - 1000 * DAY, &wait));
}

/* NULL: it is good. */
static const char *
judge(const char *text)
{
	static char host[URL_HOST_BYTES], why[400];

	return domain_name(slice_str(text), "tunnel.example.org", host, why, sizeof(why)) ? NULL
											  : why;
}

static bool
says(const char *text, const char *part)
{
	const char *why = judge(text);

	return why != NULL && strstr(why, part) != NULL;
}

TEST(which_names_may_be_own_domains)
{
	static const char *const good[] = { "hook.customer.test", "customer.test",
		"Hook.Example.COM.", "example.org", "a.b.c.example.net", "xn--bcher-kva.example",
		"customer.co.uk", "other.tunnel.example.com", "nottunnel.example.org",
		"me.github.io" };
	static const struct {
		const char *text, *part;
	} bad[] = {
		{ "tunnel.example.org", "belongs to this edge" },
		{ "a.tunnel.example.org", "belongs to this edge" },
		{ "A.B.Tunnel.Example.Org.", "belongs to this edge" },
		{ "com", "public suffix" },
		{ "co.uk", "public suffix" },
		{ "github.io", "public suffix" },
		{ "localhost", "public suffix" },
		{ "192.0.2.1", "is an address" },
		{ "[2001:db8::1]", "is no domain" },
		{ "*.customer.test", "wildcard" },
		{ "b\xc3\xbc"
		  "cher.example",
		    "xn--" },
		{ "", "is no domain" },
		{ "hook.customer.test:8443", "is no domain" },
		{ "https://hook.customer.test", "is no domain" },
		{ "hook_1.customer.test", "is no domain" },
		{ "a..b", "is no domain" },
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		EXPECT(judge(good[i]) == NULL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		EXPECT(says(bad[i].text, bad[i].part));
}

TESTS(TEST_ROW(a_proof_makes_it_served)
	TEST_ROW(three_failures_make_it_daily_and_fourteen_days_end_it)
	    TEST_ROW(it_is_looked_at_about_once_a_day)
		TEST_ROW(a_proof_that_is_gone_for_a_day_suspends_it)
		    TEST_ROW(a_gap_in_between_begins_the_count_anew)
			TEST_ROW(a_clock_that_jumps_suspends_nothing)
			    TEST_ROW(a_dns_that_does_not_answer_changes_nothing)
				TEST_ROW(the_first_valid_proof_wins)
				    TEST_ROW(takeover_needs_a_day_in_which_only_the_other_is_named)
					TEST_ROW(a_takeover_that_stops_half_way_takes_nothing)
					    TEST_ROW(what_is_removed_is_free_for_who_else_wants_it)
						TEST_ROW(wishes_for_one_domain_are_few)
						    TEST_ROW(new_domains_are_few_in_an_hour)
							TEST_ROW(which_names_may_be_own_domains))
