/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "edge/cert/plan.h"
#include "edge/cert/row.h"

#include <stdlib.h>

#define DAY_S 86400LL

/* The same numbers in each run. */
static uint64_t
dice(void)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

TEST(buckets)
{
	static const struct plan_rate rate = { 3, 10 };
	struct plan_bucket b = { 0 };
	int64_t orders[ROW_ORDERS] = { 0 };

	for (int i = 0; i < 3; i++) {
		EXPECT_INT(plan_bucket_wait_s(&b, &rate, 1000), 0);
		plan_bucket_take(&b, &rate, 1000);
	}
	EXPECT_INT(plan_bucket_wait_s(&b, &rate, 1000), 10);
	EXPECT_INT(plan_bucket_wait_s(&b, &rate, 1010), 0);
	plan_bucket_take(&b, &rate, 1010);
	EXPECT_INT(plan_bucket_wait_s(&b, &rate, 1015), 5);
	EXPECT_INT(plan_bucket_wait_s(&b, &rate, 9999), 0);
	/* Four of the same names at once, then one each 42 hours. */
	for (size_t i = 0; i < ROW_ORDERS; i++) {
		EXPECT_INT(plan_same_wait_s(orders, ROW_ORDERS, 1000000), 0);
		memmove(orders + 1, orders, sizeof(orders) - sizeof(orders[0]));
		orders[0] = 1000000;
	}
	EXPECT_INT(plan_same_wait_s(orders, ROW_ORDERS, 1000000), LIMIT_CERT_SAME_S);
}

TEST(registered_domains)
{
	static const struct {
		const char *name, *registered;
	} rows[] = {
		{ "example.org", "example.org" },
		{ "a.b.example.org", "example.org" },
		{ "a.example.co.uk", "example.co.uk" },
		{ "example.co.uk", "example.co.uk" },
		{ "*.tunnel.example.org", "example.org" },
		{ "localhost", "localhost" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		EXPECT_SLICE(plan_registered(slice_str(rows[i].name)),
		    slice_str(rows[i].registered));
}

static struct ident
ident_of(const char *name)
{
	struct ident id;

	EXPECT(ident_read(slice_str(name), &id) == NULL);
	return id;
}

TEST(ways_that_work)
{
	struct ident wild = ident_of("*.example.org"), name = ident_of("example.org"),
		     ip = ident_of("192.0.2.1");
	struct plan_ways all = { true, true, true, 0 }, web = { false, true, true, 0 };
	struct plan_ways standing = { false, true, true,
		CHALLENGE_CAN(CHALLENGE_PERSIST) | CHALLENGE_CAN(CHALLENGE_HTTP) };
	unsigned dns = CHALLENGE_CAN(CHALLENGE_DNS), alpn = CHALLENGE_CAN(CHALLENGE_ALPN),
		 http = CHALLENGE_CAN(CHALLENGE_HTTP), persist = CHALLENGE_CAN(CHALLENGE_PERSIST);

	EXPECT_INT(plan_can(&wild, &all), dns);
	EXPECT_INT(plan_can(&name, &all), dns | alpn | http);
	EXPECT_INT(plan_can(&ip, &all), alpn | http);
	EXPECT_INT(plan_can(&wild, &web), 0);
	EXPECT_INT(plan_can(&name, &web), alpn | http);
	/* A standing record is used where it is named, and nowhere else. */
	EXPECT_INT(plan_can(&wild, &standing), persist);
	EXPECT_INT(plan_can(&name, &standing), http | persist);
}

TEST(the_next_ca)
{
	EXPECT_INT(plan_ca(2, 0, 0, 1000000), 0);
	EXPECT_INT(plan_ca(2, 0, 1000000, 1000000 + LIMIT_CERT_DOWN_S - 1), 0);
	EXPECT_INT(plan_ca(2, 0, 1000000, 1000000 + LIMIT_CERT_DOWN_S), 1);
	EXPECT_INT(plan_ca(2, 1, 1000000, 1000000 + LIMIT_CERT_DOWN_S), 0);
	EXPECT_INT(plan_ca(1, 0, 1000000, 9000000), 0);
	EXPECT_INT(plan_ca(1, 3, 0, 0), 0); /* the configuration has become shorter */
}

TEST(pauses)
{
	struct plan_life none = { 0 }, week = { 1000, 1000 + 7 * DAY_S, NULL, 0 };
	struct acme_failure f = { .blame = ACME_UNPROVEN };
	static const int64_t least[] = { 60, 600, 6000, DAY_S, DAY_S };

	for (unsigned i = 0; i < 5; i++) {
		int64_t s = plan_retry_s(&f, i + 1, &none, 1, 5000000, dice()) - 5000000;

		EXPECT(s >= least[i] && s <= least[i] + least[i] / 4);
	}
	/* A name that failed by two ways has cost two of the five failures that a CA allows in an hour. */
	EXPECT(plan_retry_s(&f, 1, &none, 2, 5000000, 0) >= 5000000 + 600);
	f.blame = ACME_CA_DOWN;
	EXPECT(plan_retry_s(&f, 1, &none, 2, 5000000, 0) == 5000000 + 60);
	/* Of a short life a twentieth is the longest; a CA's own word counts more. */
	EXPECT(plan_retry_s(&f, 9, &week, 1, 5000000, 0) == 5000000 + 7 * DAY_S / 20);
	f.retry_at_s = 7000000;
	EXPECT_INT(plan_retry_s(&f, 1, &none, 1, 5000000, 0), 7000000);
}

TEST(questions_are_spread)
{
	for (int i = 0; i < 1000; i++) {
		int64_t s = plan_ask_s(DAY_S, 1000, dice()) - 1000;

		EXPECT(s >= LIMIT_CERT_ASK_S && s <= LIMIT_CERT_ASK_S / 6 * 7);
	}
	EXPECT(plan_ask_s(60, 1000, 3) <= 1000 + 70);
}

/* --- ten years --- */

#define CERTS 1000
#define PER_DOMAIN 25
#define YEARS_S (3650 * DAY_S)

/* As Let's Encrypt counts: a request beyond any of these is a failure of ours. */
static const struct plan_rate their_orders = { 300, 36 }, their_domain = { 50, 12096 },
			      their_same = { 5, 120960 };

struct sim_cert {
	struct plan_life life;
	struct renewal_window window;
	struct plan_bucket same;
	int64_t orders_s[ROW_ORDERS], next_s;
	unsigned failures;
};

struct sim {
	struct sim_cert certs[CERTS];
	struct plan_bucket orders, ours, domains[CERTS / PER_DOMAIN],
	    our_domains[CERTS / PER_DOMAIN];
	int64_t life_s;
	bool ari;
	long n_orders, n_refused, gap_s, n_failed;
};

/* What the CA says: it is away for two days in each half year, and one order in fifty is not proven. */
static bool
sign(struct sim *s, size_t i, int64_t now_s, struct acme_failure *f)
{
	struct sim_cert *c = &s->certs[i];
	bool first = c->life.not_after_s == 0, exempt = !first && s->ari;

	s->n_orders++;
	f->retry_at_s = 0;
	f->blame = ACME_CA_DOWN;
	if (now_s % (180 * DAY_S) > 178 * DAY_S)
		return false;
	if (!exempt) {
		s->n_refused += plan_bucket_wait_s(&s->orders, &their_orders, now_s) > 0;
		s->n_refused += plan_bucket_wait_s(&c->same, &their_same, now_s) > 0;
		plan_bucket_take(&s->orders, &their_orders, now_s);
		plan_bucket_take(&c->same, &their_same, now_s);
	}
	if (first) {
		s->n_refused +=
		    plan_bucket_wait_s(&s->domains[i / PER_DOMAIN], &their_domain, now_s) > 0;
		plan_bucket_take(&s->domains[i / PER_DOMAIN], &their_domain, now_s);
	}
	f->blame = ACME_UNPROVEN;
	return dice() % 50 != 0;
}

static void
attempt(struct sim *s, size_t i, int64_t now_s)
{
	struct sim_cert *c = &s->certs[i];
	struct acme_failure f = { .blame = ACME_CA_DOWN };

	memmove(c->orders_s + 1, c->orders_s, sizeof(c->orders_s) - sizeof(c->orders_s[0]));
	c->orders_s[0] = now_s;
	plan_bucket_take(&s->ours, &plan_rate_orders, now_s);
	if (c->life.not_after_s == 0)
		plan_bucket_take(&s->our_domains[i / PER_DOMAIN], &plan_rate_domain, now_s);
	if (!sign(s, i, now_s, &f)) {
		s->n_failed++;
		c->next_s = plan_retry_s(&f, ++c->failures, &c->life, 2, now_s, dice());
		return;
	}
	if (c->life.not_after_s != 0 && now_s > c->life.not_after_s)
		s->gap_s += (long)(now_s - c->life.not_after_s);
	c->failures = 0;
	c->next_s = 0;
	c->window = (struct renewal_window){ .start_s = now_s + s->life_s * 64 / 100,
		.end_s = now_s + s->life_s * 68 / 100 };
	c->life = (struct plan_life){ now_s - 3600, now_s - 3600 + s->life_s,
		s->ari ? &c->window : NULL, dice() };
}

/* When it may be ordered, by the rules of schedule.c. */
static int64_t
may_s(struct sim *s, size_t i, int64_t now_s)
{
	struct sim_cert *c = &s->certs[i];
	int64_t due_s = plan_renewal_s(&c->life), wait_s, w;

	if (c->next_s > due_s)
		due_s = c->next_s;
	if (c->orders_s[0] + LIMIT_ACME_ORDER_GAP_S > due_s)
		due_s = c->orders_s[0] + LIMIT_ACME_ORDER_GAP_S;
	if (due_s > now_s)
		return due_s;
	wait_s = plan_same_wait_s(c->orders_s, ROW_ORDERS, now_s);
	w = plan_bucket_wait_s(&s->ours, &plan_rate_orders, now_s);
	wait_s = w > wait_s ? w : wait_s;
	if (c->life.not_after_s == 0)
		w = plan_bucket_wait_s(&s->our_domains[i / PER_DOMAIN], &plan_rate_domain, now_s);
	return now_s + (w > wait_s ? w : wait_s);
}

static void
ten_years(struct sim *s)
{
	int64_t begin_s = 1000 * DAY_S, now_s = begin_s;

	while (now_s < begin_s + YEARS_S) {
		int64_t next_s = now_s + DAY_S;

		for (size_t i = 0; i < CERTS; i++) {
			int64_t at_s = may_s(s, i, now_s);

			if (at_s <= now_s)
				attempt(s, i, now_s);
			at_s = at_s <= now_s ? may_s(s, i, now_s) : at_s;
			if (at_s > now_s && at_s < next_s)
				next_s = at_s;
		}
		now_s = next_s;
	}
	for (size_t i = 0; i < CERTS; i++)
		EXPECT(s->certs[i].life.not_after_s > now_s);
	printf("     %ld orders, %ld failed\n", s->n_orders, s->n_failed);
	EXPECT_INT(s->n_refused, 0);
	EXPECT_INT(s->gap_s, 0);
	EXPECT(s->n_orders > CERTS * 365 / 90);
}

/* Of 90 days and of 45, with windows of the CA and without; six days are below. */
TEST(a_thousand_certificates_over_ten_years)
{
	static const int days[] = { 90, 45, 90, 45 };

	for (int i = 0; i < 4; i++) {
		struct sim *s = calloc(1, sizeof(*s));

		s->life_s = days[i] * DAY_S;
		s->ari = i < 2;
		ten_years(s);
		free(s);
	}
}

/* The control: without our buckets the CA's are exceeded on the first day. */
TEST(what_the_buckets_are_for)
{
	struct sim *s = calloc(1, sizeof(*s));

	s->life_s = 90 * DAY_S;
	for (size_t i = 0; i < CERTS; i++)
		attempt(s, i, 1000 * DAY_S);
	EXPECT(s->n_refused > 600);
	free(s);
}

/* --- rows --- */

TEST(a_row_is_read_as_it_was_written)
{
	struct chain_facts facts = { 100, 200, "Issuer \"X\"", "a.b" };
	struct row r = { .n_names = 2, .ca = 1, .failures = 3, .next_s = 7, .down_s = 8 }, back;
	char *text, *again;

	strcpy(r.names[0], "*.example.org");
	strcpy(r.names[1], "example.org");
	strcpy(r.account, "ci");
	row_take_live(&r, strdup("chain\n"), strdup("key\n"), "https://ca.test/dir", &facts,
	    UINT64_MAX - 5);
	row_take_pending(&r, strdup("{\"v\":1}"), "https://other.test/dir");
	r.live.window = (struct renewal_window){ .start_s = 150, .end_s = 160 };
	strcpy(r.live.window.why, "https://ca.test/why");
	row_note_order(&r, 50);
	row_note_order(&r, 60);
	r.failures = 3;
	r.next_s = 7;
	r.down_s = 8;
	strcpy(r.problem, "it \n failed");
	text = row_write(&r);
	EXPECT(text != NULL && row_read(slice_str(text), &back));
	again = row_write(&back);
	EXPECT_SLICE(slice_str(again), slice_str(text));
	EXPECT(back.live.random == UINT64_MAX - 5 && back.orders_s[0] == 60 &&
	       back.orders_s[1] == 50);
	EXPECT_SLICE(slice_str(back.live.key), S("key\n"));
	EXPECT_SLICE(slice_str(back.pending.ca), S("https://other.test/dir"));
	/* A new pair ends what was under way, and the window of the one before. */
	row_take_live(&back, strdup("c"), strdup("k"), "https://ca.test/dir", &facts, 1);
	EXPECT(back.pending.text == NULL && back.live.window.start_s == 0 && back.failures == 0);
	EXPECT(back.problem[0] == '\0' && back.next_s == 0 && back.down_s == 0);
	row_free_text(text);
	row_free_text(again);
	row_fini(&r);
	row_fini(&back);
}

/* Whatever is missing or of another type: no row, and nothing leaks. */
TEST(damaged_rows)
{
	static const char *const bad[] = { "", "{}", "[]", "{\"v\":2}", "{\"v\":1,\"names\":[]}",
		"{\"v\":1,\"names\":[\"a\",\"b\",\"c\"],\"account\":\"\"}",
		"{\"v\":1,\"names\":[\"a.b\"],\"account\":\"\",\"live\":{},\"pending\":null,"
		"\"problem\":\"\"}",
		"{\"v\":1,\"names\":[\"a.b\"],\"account\":\"\",\"live\":null,\"pending\":{\"ca\":"
		"\"x\"},"
		"\"problem\":\"\"}",
		"{\"v\":1,\"names\":[\"a.b\"],\"account\":\"\",\"live\":null,\"pending\":null}" };
	struct row r;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		EXPECT(!row_read(slice_str(bad[i]), &r));
		EXPECT(r.live.chain == NULL && r.pending.text == NULL);
	}
	EXPECT(row_read(
	    S("{\"v\":1,\"names\":[\"a.b\"],\"account\":\"\",\"live\":null,\"pending\":null,"
	      "\"problem\":\"\"}"),
	    &r));
	row_fini(&r);
}

TESTS(TEST_ROW(buckets) TEST_ROW(registered_domains) TEST_ROW(ways_that_work) TEST_ROW(the_next_ca)
	TEST_ROW(pauses) TEST_ROW(questions_are_spread)
	    TEST_ROW(a_thousand_certificates_over_ten_years) TEST_ROW(what_the_buckets_are_for)
		TEST_ROW(a_row_is_read_as_it_was_written) TEST_ROW(damaged_rows))
