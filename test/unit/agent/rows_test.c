/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/capture/rows.h"

#include "agent/capture/rows_private.h"
#include "unit.h"

static struct capture_row
row_of(uint64_t id, const char *target)
{
	return (struct capture_row){ .id = id,
		.begun_ms = 1764450000000,
		.took_us = -1,
		.method = S("POST"),
		.target = slice_str(target),
		.host = S("jenkins.tunnel.example.org"),
		.request_id = S("0123456789abcdef"),
		.client = S("192.0.2.1") };
}

TEST(round_trip)
{
	struct loop *l = loop_new();
	struct rows *rows = rows_new(l, 100);
	struct capture_row r = row_of(10, "/hook?x=1"), got;

	r.took_us = 1234567;
	r.delivery = 8812;
	r.parent = 5;
	r.attempt = 3;
	r.tx_bytes = (uint64_t)1 << 40;
	r.rx_bytes = UINT64_MAX;
	r.status = 202;
	r.flags = ROW_CUT_SIZE | ROW_BLANKED;
	r.state = ROW_DELIVERED;
	r.kind = ROW_KIND_SSE;
	r.verdict = VERDICT_CLOCK;
	r.tunnel = 63;
	r.at = (uint64_t)7 << 32 | 99;
	r.event = S("repo:push");
	r.repository = S("acme/web");
	r.branch = S("main");
	r.provider = S("bitbucket");
	r.code = S("origin-refused");
	r.name = S("jenkins");
	EXPECT(rows != NULL);
	EXPECT(rows_put(rows, &r));
	EXPECT(rows_find(rows, 10, &got));
	EXPECT(got.took_us == 1234567 && got.delivery == 8812 && got.parent == 5);
	EXPECT(got.attempt == 3 && got.tx_bytes == (uint64_t)1 << 40);
	EXPECT(got.rx_bytes == ((uint64_t)1 << 44) - 1); /* as large as it can say */
	EXPECT(got.status == 202 && got.flags == r.flags && got.state == ROW_DELIVERED);
	EXPECT(got.kind == ROW_KIND_SSE && got.verdict == VERDICT_CLOCK && got.tunnel == 63);
	EXPECT(got.at == r.at && got.begun_ms == r.begun_ms && got.changed == 1);
	EXPECT_SLICE(got.method, S("POST"));
	EXPECT_SLICE(got.target, S("/hook?x=1"));
	EXPECT_SLICE(got.host, S("jenkins.tunnel.example.org"));
	EXPECT_SLICE(got.event, S("repo:push"));
	EXPECT_SLICE(got.repository, S("acme/web"));
	EXPECT_SLICE(got.branch, S("main"));
	EXPECT_SLICE(got.provider, S("bitbucket"));
	EXPECT_SLICE(got.code, S("origin-refused"));
	EXPECT_SLICE(got.request_id, S("0123456789abcdef"));
	EXPECT_SLICE(got.client, S("192.0.2.1"));
	EXPECT_SLICE(got.name, S("jenkins"));
	EXPECT(rows_of_delivery(rows, 8812, &got) && got.id == 10);
	EXPECT(!rows_of_delivery(rows, 8813, &got) && !rows_of_delivery(rows, 0, &got));
	EXPECT(rows_of_request(rows, S("0123456789abcdef"), &got) && got.id == 10);
	EXPECT(!rows_of_request(rows, S("0123456789abcdee"), &got));
	rows_free(rows);
	loop_free(l);
}

TEST(order_and_bound)
{
	struct loop *l = loop_new();
	struct rows *rows = rows_new(l, 100);
	struct capture_row r, got;

	for (uint64_t id = 1; id <= 250; id++) {
		r = row_of(id * 10, "/");
		EXPECT(rows_put(rows, &r));
	}
	EXPECT(rows_count(rows) == 100);
	EXPECT(rows_newest(rows, &got) && got.id == 2500);
	EXPECT(rows_oldest(rows, &got) && got.id == 1510);
	EXPECT(!rows_find(rows, 1500, &got) && rows_find(rows, 1510, &got));
	EXPECT(!rows_find(rows, 1515, &got));
	EXPECT(rows_before(rows, 1515, &got) && got.id == 1510);
	EXPECT(rows_after(rows, 1515, &got) && got.id == 1520);
	EXPECT(!rows_before(rows, 1510, &got) && !rows_after(rows, 2500, &got));
	EXPECT(rows_before(rows, UINT64_MAX, &got) && got.id == 2500);
	EXPECT(!rows_after(rows, UINT64_MAX, &got));
	r = row_of(1500, "/late");
	EXPECT(!rows_put(rows, &r));
	r = row_of(1515, "/between");
	EXPECT(!rows_put(rows, &r));
	rows_free(rows);
	loop_free(l);
}

/* A long text of an old row is put at the head; the ring's end is what the oldest had at first. */
TEST(text_bound)
{
	struct loop *l = loop_new();
	struct rows *rows = rows_new(l, 100000);
	char long_target[LIMIT_CAPTURE_TARGET_BYTES + 10];
	struct capture_row r, got;
	uint64_t id = 0;

	memset(long_target, 'x', sizeof(long_target) - 1);
	long_target[sizeof(long_target) - 1] = '\0';
	for (size_t i = 0; i < 50000; i++) {
		r = row_of(++id, i % 3 == 0 ? long_target : "/short");
		EXPECT(rows_put(rows, &r));
		if (i % 7 == 0 && i > 100) { /* one of some time ago grows */
			EXPECT(rows_find(rows, id - 50, &got));
			r = got;
			r.branch = S("a-branch-that-was-found-later");
			r.target = slice_of(long_target, 300);
			EXPECT(rows_put(rows, &r));
		}
	}
	EXPECT(rows_count(rows) < 50000 && rows_count(rows) > 10000);
	id = 0;
	for (bool more = rows_oldest(rows, &got); more; more = rows_after(rows, got.id, &got)) {
		EXPECT(got.id > id);
		id = got.id;
		EXPECT_SLICE(got.method, S("POST"));
		EXPECT_SLICE(got.client, S("192.0.2.1"));
		EXPECT(got.target.n == LIMIT_CAPTURE_TARGET_BYTES || got.target.n == 300 ||
		       slice_eq(got.target, S("/short")));
		EXPECT(got.target.n != 300 ||
		       slice_eq(got.branch, S("a-branch-that-was-found-later")));
	}
	/* The oldest one itself grows, again and again: it, and what is in the way, goes. */
	for (size_t i = 0; i < 20000 && rows_oldest(rows, &got); i++) {
		r = row_of(got.id, long_target);
		r.repository = slice_of(long_target, i % 150);
		(void)rows_put(rows, &r);
	}
	r = row_of(1000000, long_target);
	EXPECT(rows_put(rows, &r) && rows_newest(rows, &got) && got.id == 1000000);
	rows_free(rows);
	loop_free(l);
}

/* A stranger invents hosts: they are no words any more when the table is full, and still there. */
TEST(words_run_out)
{
	struct loop *l = loop_new();
	struct rows *rows = rows_new(l, 10000);
	char host[60];
	struct capture_row r, got;

	for (uint64_t id = 1; id <= 5000; id++) {
		snprintf(host, sizeof(host), "host-%llu.example.org", (unsigned long long)id);
		r = row_of(id, "/");
		r.host = slice_str(host);
		EXPECT(rows_put(rows, &r));
		EXPECT(rows_find(rows, id, &got));
		EXPECT_SLICE(got.host, slice_str(host));
		EXPECT_SLICE(got.method, S("POST"));
	}
	rows_free(rows);
	loop_free(l);
}

TEST(changes)
{
	struct loop *l = loop_new();
	struct rows *rows = rows_new(l, 100);
	struct capture_row r, got;
	uint64_t seq = 0;

	for (uint64_t id = 1; id <= 3; id++) {
		r = row_of(id, "/");
		EXPECT(rows_put(rows, &r));
	}
	r = row_of(1, "/");
	r.status = 200;
	EXPECT(rows_put(rows, &r));
	EXPECT(rows_changed(rows, &seq, &got) && got.id == 2 && seq == 2);
	EXPECT(rows_changed(rows, &seq, &got) && got.id == 3);
	EXPECT(rows_changed(rows, &seq, &got) && got.id == 1 && got.status == 200);
	EXPECT(!rows_changed(rows, &seq, &got) && seq == rows_seq(rows));
	for (uint64_t id = 10; id <= 20000; id++) {
		r = row_of(id, "/");
		EXPECT(rows_put(rows, &r));
	}
	EXPECT(seq < rows_seq_known(rows)); /* it has missed some */
	EXPECT(rows_changed(rows, &seq, &got) && got.id == 20000 - 99);
	rows_free(rows);
	loop_free(l);
}

TEST(clear_and_forget)
{
	struct loop *l = loop_new();
	struct rows *rows = rows_new(l, 100);
	struct capture_row r, got;
	uint64_t seq;

	for (uint64_t id = 10; id <= 90; id += 10) {
		r = row_of(id, "/");
		r.at = (id / 20 + 1) << 32 | 40;
		r.flags = id == 50 ? ROW_PINNED : 0;
		EXPECT(rows_put(rows, &r));
	}
	rows_forget(rows, 3, 1);
	EXPECT(rows_count(rows) == 9); /* of another folder */
	rows_forget(rows, 3, 0);
	EXPECT(rows_oldest(rows, &got) && got.id == 40 && rows_count(rows) == 6);
	rows_forget(rows, 100, 0); /* what is pinned stays, and what is behind it */
	EXPECT(rows_oldest(rows, &got) && got.id == 50);
	seq = rows_seq(rows);
	rows_clear(rows);
	EXPECT(rows_count(rows) == 1 && rows_newest(rows, &got) && got.id == 50);
	EXPECT(seq < rows_seq_known(rows));
	rows_free(rows);
	loop_free(l);
}

TEST(figures)
{
	struct loop *l = loop_new();
	struct rows *rows = rows_new(l, 10);
	struct tunnel_figures f;

	for (int64_t i = 1; i <= 1000; i++) {
		rows_begun(rows, 2, i % 2 == 0);
		rows_ended(rows, 2, i * 1000, i <= 10);
	}
	rows_begun(rows, 2, true);
	rows_refused(rows, 2);
	rows_inbox(rows, 2, 3, 1, 1764450000000);
	rows_figures(rows, 2, &f);
	EXPECT(f.requests == 1001 && f.open == 1 && f.failed == 10 && f.unlisted == 500);
	EXPECT(f.refused == 1 && f.wait == 3 && f.parked == 1 && f.oldest_ms == 1764450000000);
	EXPECT(f.p50_us > 500000 * 93 / 100 && f.p50_us < 500000 * 107 / 100);
	EXPECT(f.p90_us > 900000 * 93 / 100 && f.p90_us < 900000 * 107 / 100);
	EXPECT(f.p99_us > 990000 * 93 / 100 && f.p99_us < 990000 * 107 / 100);
	rows_figures(rows, 3, &f);
	EXPECT(f.requests == 0 && f.p50_us == 0);
	rows_free(rows);
	loop_free(l);
}

static int told;

static void
on_change(struct rows_listener *l)
{
	(void)l;
	told++;
}

struct turn {
	struct loop_timer timer;
	struct loop *loop;
	struct rows *rows;
	int turns;
};

static void
on_turn(struct loop_timer *t)
{
	struct turn *turn = list_of(t, struct turn, timer);
	struct capture_row r;

	if (++turn->turns == 3) {
		loop_stop(turn->loop);
		return;
	}
	for (uint64_t i = 0; i < 100; i++) {
		r = row_of((uint64_t)turn->turns * 1000 + i, "/");
		EXPECT(rows_put(turn->rows, &r));
	}
	loop_timer_set(turn->loop, t, 1000);
}

/* Once a turn, however much changes in it. */
TEST(listener)
{
	struct loop *l = loop_new();
	struct rows *rows = rows_new(l, 1000);
	struct rows_listener listener = { .fn = on_change };
	struct turn turn = { .timer.fn = on_turn, .loop = l, .rows = rows };

	rows_unlisten(&listener); /* never listened */
	rows_listen(rows, &listener);
	loop_timer_set(l, &turn.timer, 0);
	loop_run(l);
	EXPECT(told == 2);
	rows_unlisten(&listener);
	rows_free(rows);
	loop_free(l);
}

TEST(words)
{
	uint8_t i;

	EXPECT_SLICE(slice_str(row_state_word(ROW_PARKED)), S("parked"));
	EXPECT_SLICE(slice_str(row_state_word(200)), S("unknown"));
	EXPECT_SLICE(slice_str(row_kind_word(ROW_KIND_SSE)), S("sse"));
	EXPECT(row_state_of(S("dead"), &i) && i == ROW_DEAD);
	EXPECT(row_verdict_of(S("clock"), &i) && i == VERDICT_CLOCK);
	EXPECT(!row_state_of(S("Dead"), &i));
}

/* clang-format off */
TESTS(
	TEST_ROW(round_trip)
	TEST_ROW(order_and_bound)
	TEST_ROW(text_bound)
	TEST_ROW(words_run_out)
	TEST_ROW(changes)
	TEST_ROW(clear_and_forget)
	TEST_ROW(figures)
	TEST_ROW(listener)
	TEST_ROW(words)
)
