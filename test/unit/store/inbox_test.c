/* SPDX-License-Identifier: Apache-2.0 */
#include "store/inbox.h"

#include "store/sqlite/db.h"
#include "unit/store/inbox_help.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* --- storing --- */

TEST(words)
{
	enum inbox_state s;

	EXPECT_SLICE(slice_str(inbox_state_text(INBOX_PARKED)), S("parked"));
	EXPECT(inbox_state_parse(S("delivered"), &s) && s == INBOX_DELIVERED);
	EXPECT(!inbox_state_parse(S("deliver"), &s));
	EXPECT(!inbox_state_parse(S(""), &s));
}

TEST(bytes_stay_as_they_were)
{
	struct store *s = inbox_new();
	struct inbox_req r = new_put("jenkins", "repo main", ""), show = { .op = INBOX_SHOW };
	char body[70000];

	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (char)(i * 31 >> 3);
	r.put.body = slice_of(body, sizeof(body));
	r.put.head = S("A: \xff\x00\x01\r\nb:  x \r\n");
	r.put.provider_id = S("uuid-1");
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(r.state, INBOX_QUEUED);
	EXPECT(!r.duplicate && r.id != 0);
	show.show.id = r.id;
	PUT(show.account, "ann");
	EXPECT_INT(ask(s, &show), STORE_OK);
	EXPECT_INT(show.n_items, 1);
	EXPECT_SLICE(show.items[0].body, r.put.body);
	EXPECT_SLICE(show.items[0].head, r.put.head);
	EXPECT_SLICE(show.items[0].target, r.put.target);
	EXPECT_SLICE(show.items[0].method, S("POST"));
	EXPECT_SLICE(show.items[0].event, S("repo:push"));
	EXPECT_SLICE(show.items[0].provider_id, S("uuid-1"));
	EXPECT_SLICE(show.items[0].order_key, S("repo main"));
	EXPECT_SLICE(show.items[0].account, S("ann"));
	EXPECT_SLICE(show.items[0].tunnel, S("jenkins"));
	EXPECT_INT(show.items[0].received_ms, wall_ms);
	EXPECT_INT(show.items[0].bytes, r.put.head.n + r.put.body.n);
	inbox_req_fini(&show);
	/* Another account does not even learn that it exists. */
	PUT(show.account, "eve");
	EXPECT_INT(ask(s, &show), STORE_NONE);
	inbox_end(s);
}

/* what is too large or not whole is refused, and takes nothing with it. */
TEST(q07_limits)
{
	struct store *s = inbox_new();
	struct inbox_req r = new_put("jenkins", "", "x");
	char *big = calloc(1, LIMIT_INBOX_BODY_BYTES + 1);

	r.put.body = slice_of(big, LIMIT_INBOX_BODY_BYTES + 1);
	EXPECT_INT(ask(s, &r), STORE_INVALID);
	r.put.body = slice_of(big, LIMIT_INBOX_BODY_BYTES);
	EXPECT_INT(ask(s, &r), STORE_OK);
	r = new_put("jenkins", "", "x");
	r.put.target = slice_of(big, LIMIT_REQUEST_LINE_BYTES + 1);
	EXPECT_INT(ask(s, &r), STORE_INVALID);
	r = new_put("jenkins", "", "x");
	r.put.order_key = slice_of(big, 257);
	EXPECT_INT(ask(s, &r), STORE_INVALID);
	r = new_put("", "", "x");
	EXPECT_INT(ask(s, &r), STORE_INVALID);
	r = new_put("jenkins", "", "x");
	PUT(r.account, "nobody");
	EXPECT_INT(ask(s, &r), STORE_NONE);
	memset(r.account, 'a', sizeof(r.account));
	EXPECT_INT(ask(s, &r), STORE_INVALID);
	r = new_put("jenkins", "", "x");
	r.put.account_bytes_max = LIMIT_INBOX_BODY_BYTES;
	EXPECT_INT(ask(s, &r), STORE_LIMIT);
	r = new_put("never-seen", "", "x");
	r.put.account_bytes_max = 1;
	EXPECT_INT(ask(s, &r), STORE_LIMIT);
	r.put.account_bytes_max = 2 * LIMIT_INBOX_BODY_BYTES;
	EXPECT_INT(ask(s, &r), STORE_OK);
	free(big);
	inbox_end(s);
}

static uint64_t
put_keyed(struct store *s, const char *tunnel, const char *key, bool *ret_duplicate)
{
	struct inbox_req r = new_put(tunnel, "", "x");

	r.put.dedupe_key = slice_str(key);
	r.put.dedupe_ms = 1000;
	EXPECT_INT(ask(s, &r), STORE_OK);
	*ret_duplicate = r.duplicate;
	return r.id;
}

/* Q-06, S-24: a repeat within the window is the first one again, over restarts and jumps of the
 * clock. */
TEST(s24_replay_is_not_stored_twice)
{
	struct store *s = inbox_new();
	char path[128];
	bool dup;
	uint64_t first = put_keyed(s, "jenkins", "k1", &dup), other;

	snprintf(path, sizeof(path), "%s/adit.db", help_dir);
	EXPECT(!dup);
	EXPECT_INT(put_keyed(s, "jenkins", "k1", &dup), first);
	EXPECT(dup);
	EXPECT(put_keyed(s, "jenkins", "k2", &dup) != first && !dup);
	/* Another tunnel's keys are its own. */
	other = put_keyed(s, "gitea", "k1", &dup);
	EXPECT(other != first && !dup);
	pass(999);
	EXPECT_INT(put_keyed(s, "jenkins", "k1", &dup), first);
	wall_ms += 86400000LL * 365;
	EXPECT_INT(put_keyed(s, "jenkins", "k1", &dup), first);
	wall_ms -= 2 * 86400000LL * 365;
	EXPECT_INT(put_keyed(s, "jenkins", "k1", &dup), first);
	/* The wall clock is a year behind, the process a new one, its monotonic clock starts anew.
	 */
	store_close(s);
	mono_ms = 7;
	s = help_open(path);
	EXPECT_INT(put_keyed(s, "jenkins", "k1", &dup), first);
	EXPECT(dup);
	pass(1000);
	EXPECT(put_keyed(s, "jenkins", "k1", &dup) != first);
	EXPECT(!dup);
	wall_ms = START_MS;
	inbox_end(s);
}

/* --- order --- */

TEST(lanes_keep_order_and_run_in_parallel)
{
	struct store *s = inbox_new();
	uint64_t a1, a2, a3;

	a1 = store_one(s, "jenkins", "a", "a1");
	a2 = store_one(s, "jenkins", "a", "a2");
	store_one(s, "jenkins", "b", "b1");
	a3 = store_one(s, "jenkins", "a", "a3");
	store_one(s, "jenkins", "", "n1");
	store_one(s, "jenkins", "", "n2");
	store_one(s, "gitea", "a", "g1");
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("a1 b1 n1 n2"));
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S(""));
	EXPECT_SLICE(slice_str(leased(s, "gitea")), S("g1"));
	EXPECT_SLICE(slice_str(leased(s, "unknown")), S(""));
	EXPECT_INT(settle(s, a1, INBOX_DELIVERED, 0), STORE_OK);
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("a2"));
	EXPECT_INT(settle(s, a2, INBOX_PARKED, 0), STORE_OK);
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("a3"));
	EXPECT_INT(settle(s, a3, INBOX_DEAD, 0), STORE_OK);
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S(""));
	EXPECT_INT(state_of(s, a2), INBOX_PARKED);
	inbox_end(s);
}

/* retries wait for their time and hold up their lane, but a poison event does so only N
 * times. */
TEST(q05_poison_blocks_nobody)
{
	struct store *s = inbox_new();
	uint64_t a1 = store_one(s, "jenkins", "a", "a1");
	struct inbox_req r;

	store_one(s, "jenkins", "a", "a2");
	for (int i = 0; i < 2; i++) {
		EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("a1"));
		EXPECT_INT(settle(s, a1, INBOX_QUEUED, 1000), STORE_OK);
		pass(999);
		r = lease_all(s, "jenkins");
		EXPECT_INT(r.n_items, 0);
		EXPECT_INT(r.wait_ms, 1);
		inbox_req_fini(&r);
		pass(1);
	}
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("a1"));
	EXPECT_INT(settle(s, a1, INBOX_QUEUED, 1000), STORE_OK);
	/* The third time the next one goes on. */
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("a2"));
	store_one(s, "jenkins", "a", "a3");
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S(""));
	pass(1000);
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("a1"));
	EXPECT_INT(settle(s, a1, INBOX_DELIVERED, 0), STORE_OK);
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S(""));
	r = (struct inbox_req){ .op = INBOX_SHOW, .show.id = a1 };
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(r.n_attempts, 4);
	EXPECT_INT(r.attempts[0].status, 503);
	EXPECT_INT(r.attempts[3].status, 200);
	EXPECT_INT(r.attempts[3].number, 4);
	inbox_req_fini(&r);
	inbox_end(s);
}

/* A lease that was given back without an attempt counts for nothing. */
TEST(untried_is_no_failure)
{
	struct store *s = inbox_new();
	uint64_t id = store_one(s, "jenkins", "a", "a1");

	for (int i = 0; i < 5; i++) {
		struct inbox_req r = lease_all(s, "jenkins");
		struct inbox_req back = {
			.op = INBOX_SETTLE, .settle.to = INBOX_QUEUED, .settle.skip_after = 1
		};

		EXPECT_INT(r.n_items, 1);
		back.settle.id = r.items[0].id;
		back.settle.lease = r.items[0].lease;
		EXPECT_INT(r.items[0].attempts, 0);
		EXPECT_INT(r.items[0].fails, 0);
		inbox_req_fini(&r);
		EXPECT_INT(ask(s, &back), STORE_OK);
	}
	EXPECT_INT(state_of(s, id), INBOX_QUEUED);
	inbox_end(s);
}

/* A report of a lease that is over changes nothing. */
TEST(stale_lease_is_fenced)
{
	struct store *s = inbox_new();
	uint64_t id = store_one(s, "jenkins", "a", "a1"), old;
	struct inbox_req r = { .op = INBOX_SETTLE,
		.settle.id = id,
		.settle.to = INBOX_DELIVERED,
		.settle.tried = true };

	EXPECT_INT(ask(s, &r), STORE_NONE);
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("a1"));
	old = lease_of(s, id);
	EXPECT_INT(settle(s, id, INBOX_QUEUED, 0), STORE_OK);
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("a1"));
	r.settle.lease = old;
	EXPECT_INT(ask(s, &r), STORE_NONE);
	EXPECT_INT(state_of(s, id), INBOX_LEASED);
	r = (struct inbox_req){ .op = INBOX_DROP, .change.id = id };
	old = lease_of(s, id);
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(r.n_changed, 1);
	r = (struct inbox_req){ .op = INBOX_SETTLE,
		.settle.id = id,
		.settle.lease = old,
		.settle.to = INBOX_DELIVERED };
	EXPECT_INT(ask(s, &r), STORE_NONE);
	EXPECT_INT(state_of(s, id), INBOX_DROPPED);
	r.settle.to = INBOX_LEASED;
	EXPECT_INT(ask(s, &r), STORE_INVALID);
	inbox_end(s);
}

TEST(hold_for_relay)
{
	struct store *s = inbox_new();
	struct inbox_req a = new_put("jenkins", "a", "a1"), b = new_put("jenkins", "a", "a2"), r;

	a.put.hold = b.put.hold = true;
	EXPECT_INT(ask(s, &a), STORE_OK);
	EXPECT_INT(a.state, INBOX_RECEIVED);
	EXPECT(a.lease != 0);
	/* Behind another there is nothing to try at once. */
	EXPECT_INT(ask(s, &b), STORE_OK);
	EXPECT_INT(b.state, INBOX_QUEUED);
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S(""));
	r = (struct inbox_req){ .op = INBOX_SETTLE,
		.settle.id = a.id,
		.settle.lease = a.lease,
		.settle.tried = true,
		.settle.to = INBOX_DELIVERED };
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("a2"));
	inbox_end(s);
}

TEST(wake_when_the_origin_is_back)
{
	struct store *s = inbox_new();
	struct inbox_req r = { .op = INBOX_WAKE };
	uint64_t ids[3];

	for (int i = 0; i < 3; i++)
		ids[i] = store_one(s, "jenkins", i == 0 ? "a" : "", i == 0 ? "a1" : "n");
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("a1 n n"));
	for (int i = 0; i < 3; i++)
		EXPECT_INT(settle(s, ids[i], INBOX_QUEUED, 3600000), STORE_OK);
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S(""));
	PUT(r.account, "ann");
	PUT(r.tunnel, "jenkins");
	pass(INBOX_WAKE_PAUSE_MS);
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(r.n_changed, 3);
	EXPECT(!r.more);
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("a1 n n"));
	inbox_end(s);
}

/* An attempt that a WAKE brought forward is recorded, but is no failure for its lane, and uses up of
 * the schedule only the time that has passed. */
TEST(an_early_attempt_is_no_failure)
{
	struct store *s = inbox_new();
	struct inbox_req wake = { .op = INBOX_WAKE }, r;
	uint64_t id = store_one(s, "jenkins", "a", "a1");

	PUT(wake.account, "ann");
	PUT(wake.tunnel, "jenkins");
	for (int i = 0; i < 9; i++) {
		r = lease_all(s, "jenkins");
		EXPECT_INT(r.n_items, 1);
		EXPECT_INT(r.items[0].fails, i == 0 ? 0 : 1);
		EXPECT_INT(r.items[0].attempts, i);
		EXPECT_INT(r.items[0].spent_ms, i * 2000);
		EXPECT(r.items[0].early == (i > 0));
		struct inbox_req back = { .op = INBOX_SETTLE,
			.settle.to = INBOX_QUEUED,
			.settle.id = id,
			.settle.lease = r.items[0].lease,
			.settle.delay_ms = 3600000,
			.settle.skip_after = 3,
			.settle.tried = true,
			.settle.early = r.items[0].early,
			.settle.spent_ms = r.items[0].spent_ms };

		inbox_req_fini(&r);
		EXPECT_INT(ask(s, &back), STORE_OK);
		/* At once it is not woken: that would be an attempt for each reconnect. */
		EXPECT_INT(ask(s, &wake), STORE_OK);
		EXPECT_INT(wake.n_changed, 1);
		EXPECT_SLICE(slice_str(leased(s, "jenkins")), S(""));
		EXPECT_INT(ask(s, &wake), STORE_OK);
		EXPECT_INT(wake.n_changed, 0);
		pass(2000);
	}
	/* What it waits longer than planned for an agent is not of the schedule. */
	r = lease_all(s, "jenkins");
	struct inbox_req back = { .op = INBOX_SETTLE,
		.settle.to = INBOX_QUEUED,
		.settle.id = id,
		.settle.lease = r.items[0].lease,
		.settle.delay_ms = 5000,
		.settle.tried = true,
		.settle.firm = true };

	inbox_req_fini(&r);
	EXPECT_INT(ask(s, &back), STORE_OK);
	pass(2000);
	/* A firm pause is waited for. */
	EXPECT_INT(ask(s, &wake), STORE_OK);
	EXPECT_INT(wake.n_changed, 0);
	pass(86400000);
	r = lease_all(s, "jenkins");
	EXPECT_INT(r.items[0].spent_ms, 5000);
	EXPECT(!r.items[0].early);
	inbox_req_fini(&r);
	inbox_end(s);
}

/* A start with the wall clock 100 days ahead: parked ones have their days before them. */
TEST(a_wall_clock_ahead_at_the_start_deletes_nothing)
{
	const char *path = help_path();
	struct store *s = help_open(path);

	struct inbox_req r;
	uint64_t parked;

	help_account(s, "ann", NULL, 0);
	parked = store_one(s, "jenkins", "", "x");
	r = lease_all(s, "jenkins");
	inbox_req_fini(&r);
	EXPECT_INT(settle(s, parked, INBOX_PARKED, 0), STORE_OK);
	for (int i = 0; i < 3; i++) {
		store_close(s);
		wall_ms += 100 * 86400000LL;
		s = help_open(path);
		r = (struct inbox_req){ .op = INBOX_RETAIN,
			.retain.keep_failed_ms = 90 * 86400000LL };
		EXPECT_INT(ask(s, &r), STORE_OK);
		EXPECT_INT(r.n_changed, 0);
		EXPECT_INT(state_of(s, parked), INBOX_PARKED);
	}
	/* The inbox's own clock does it. */
	pass(90 * 86400000LL);
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(r.n_changed, 1);
	wall_ms = START_MS;
	inbox_end(s);
}

/* the wall clock jumps both ways; a retry is due when its time has passed, not before, not
 * never. */
TEST(r09_clock_jumps)
{
	static const int64_t jumps[] = { 86400000LL * 365, -86400000LL * 365, 1000, -999, 0 };
	struct store *s = inbox_new();
	uint64_t id = store_one(s, "jenkins", "a", "a1");
	struct inbox_req r;

	for (size_t i = 0; i < sizeof(jumps) / sizeof(*jumps); i++) {
		EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("a1"));
		EXPECT_INT(settle(s, id, INBOX_QUEUED, 1000), STORE_OK);
		wall_ms += jumps[i];
		r = lease_all(s, "jenkins");
		EXPECT_INT(r.n_items, 0);
		EXPECT_INT(r.wait_ms, 1000);
		inbox_req_fini(&r);
		/* And retention lets nothing expire by it. */
		r = (struct inbox_req){
			.op = INBOX_RETAIN, .retain.keep_ms = 60000, .retain.keep_failed_ms = 60000
		};
		EXPECT_INT(ask(s, &r), STORE_OK);
		EXPECT_INT(r.n_changed, 0);
		mono_ms += 1000;
	}
	wall_ms = START_MS;
	inbox_end(s);
}

/* --- crashes --- */

static uint64_t
count_of(struct store *s, const char *account, enum inbox_state state)
{
	struct inbox_req r = { .op = INBOX_COUNT };

	PUT(r.account, account);
	EXPECT_INT(ask(s, &r), STORE_OK);
	return r.counts.n[state];
}

static struct inbox_req
settle_and_lease(struct store *s, uint64_t id, enum inbox_state to, uint32_t n_max,
    size_t bytes_max)
{
	struct inbox_req r = { .op = INBOX_SETTLE,
		.settle.id = id,
		.settle.lease = lease_of(s, id),
		.settle.to = to,
		.settle.delay_ms = 7000,
		.settle.tried = true,
		.settle.leases.n_max = n_max,
		.settle.leases.bytes_max = bytes_max,
		.settle.synced = true };

	PUT(r.account, "ann");
	PUT(r.tunnel, "jenkins");
	EXPECT_INT(ask(s, &r), STORE_OK);
	return r;
}

/* Settling one and leasing the next is one commit. */
TEST(a_settlement_leases_the_next)
{
	struct store *s = inbox_new();
	uint64_t a1 = store_one(s, "jenkins", "a", "a1"), commits;
	struct inbox_req r;

	store_one(s, "jenkins", "a", "a2");
	store_one(s, "jenkins", "a", "a3");
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("a1"));
	commits = store_commits(s);
	r = settle_and_lease(s, a1, INBOX_DELIVERED, 1, 1000);
	EXPECT_INT(store_commits(s), commits + 1);
	EXPECT_INT(r.n_items, 1);
	EXPECT_SLICE(r.items[0].body, S("a2"));
	EXPECT_INT(r.items[0].state, INBOX_LEASED);
	EXPECT(!r.more);
	EXPECT_INT(r.wait_ms, -1);
	a1 = r.items[0].id;
	inbox_req_fini(&r);
	/* what is too large for the room that is left waits for a lease of its own */
	r = settle_and_lease(s, a1, INBOX_DELIVERED, 1, 3);
	EXPECT_INT(r.n_items, 0);
	EXPECT(r.more);
	inbox_req_fini(&r);
	r = lease_all(s, "jenkins");
	EXPECT_SLICE(r.items[0].body, S("a3"));
	EXPECT(!r.more);
	a1 = r.items[0].id;
	inbox_req_fini(&r);
	r = settle_and_lease(s, a1, INBOX_QUEUED, 4, 1000);
	EXPECT_INT(r.n_items, 0);
	EXPECT_INT(r.wait_ms, 7000);
	inbox_req_fini(&r);
	/* whose lease is over gets no other */
	r = (struct inbox_req){ .op = INBOX_SETTLE,
		.settle.id = a1,
		.settle.lease = 1,
		.settle.to = INBOX_DELIVERED,
		.settle.leases.n_max = 1 };
	EXPECT_INT(ask(s, &r), STORE_NONE);
	EXPECT_INT(r.n_items, 0);
	inbox_end(s);
}

/* A start takes leases back, so a lease waits for no disk, unless what may have been sent must not
 * be forgotten. */
TEST(a_lease_waits_for_no_disk)
{
	struct store *s = inbox_new();
	struct inbox_req r;
	uint64_t commits, id;

	id = store_one(s, "jenkins", "a", "a1");
	commits = store_commits(s);
	r = lease_all(s, "jenkins");
	EXPECT_INT(r.n_items, 1);
	EXPECT_INT(store_commits(s), commits);
	inbox_req_fini(&r);
	EXPECT_INT(settle(s, id, INBOX_QUEUED, 0), STORE_OK);
	EXPECT_INT(store_commits(s), commits + 1);
	r.leases.synced = true;
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(r.n_items, 1);
	EXPECT_INT(store_commits(s), commits + 2);
	inbox_req_fini(&r);
	inbox_end(s);
}

/* A settlement that a power cut takes back only repeats a delivery: many share a sync, and the last
 * one has it soon, though nothing follows. */
TEST(settlements_share_a_sync)
{
	enum { N = 200 };
	struct store *s = inbox_new();
	uint64_t commits, most, ids[N];
	time_t begun_s;

	for (int i = 0; i < N; i++)
		ids[i] = store_one(s, "jenkins", "", "x");
	for (int i = 0; i < N; i += 8)
		(void)leased(s, "jenkins");
	commits = store_commits(s);
	begun_s = time(NULL);
	for (int i = 0; i < N - 1; i++)
		EXPECT_INT(settle(s, ids[i], INBOX_DELIVERED, 0), STORE_OK);
	/* One for so many, and on a machine that is slow one for so long. */
	most = (uint64_t)(time(NULL) - begun_s + 1) * 1000 / LIMIT_STORE_LATE_MS +
	       N / (LIMIT_STORE_LATE / 2);
	EXPECT(store_commits(s) - commits <= most);
	(void)store_one(s, "jenkins", "", "x"); /* whose commit syncs all of them */
	commits = store_commits(s);
	EXPECT_INT(settle(s, ids[N - 1], INBOX_DELIVERED, 0), STORE_OK);
	for (int i = 0; i < 30000 && store_commits(s) == commits; i++)
		usleep(1000);
	EXPECT(store_commits(s) > commits);
	inbox_end(s);
}

TEST(leases_end_with_the_process)
{
	struct store *s = inbox_new();
	struct inbox_req hold = new_put("jenkins", "b", "b1");
	char path[128];

	snprintf(path, sizeof(path), "%s/adit.db", help_dir);
	store_one(s, "jenkins", "a", "a1");
	store_one(s, "jenkins", "a", "a2");
	hold.put.hold = true;
	EXPECT_INT(ask(s, &hold), STORE_OK);
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("a1"));
	EXPECT_INT(count_of(s, "ann", INBOX_LEASED), 1);
	EXPECT_INT(count_of(s, "ann", INBOX_RECEIVED), 1);
	store_close(s);
	s = help_open(path);
	EXPECT_INT(count_of(s, "ann", INBOX_QUEUED), 3);
	EXPECT_INT(count_of(s, "", INBOX_LEASED), 0);
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("a1 b1"));
	inbox_end(s);
}

struct acked {
	uint64_t id;
	unsigned seed; /* of the body */
};

/* A body that can be told whole from torn: length and bytes follow from a number. */
static size_t
make_body(char *dst, unsigned seed)
{
	size_t n = 200 + seed * 7919u % 6000;

	for (size_t i = 0; i < n; i++)
		dst[i] = (char)(seed * 31 + i * 7);
	return n;
}

static void
crash_done(struct inbox_req *req)
{
	struct acked a = { .id = req->id };
	char *body;

	memcpy(&a.seed, req->put.dedupe_key.p, sizeof(a.seed));

	if (req->result == STORE_OK && write(*(int *)req->owner, &a, sizeof(a)) < 0)
		_exit(2);
	memcpy(&body, &req->put.body.p, sizeof(body));
	free(body); /* and the key behind it */
	free(req);
}

/* Stores, leases and settles in a loop until it is killed. */
static void
put_for_ever(const char *path, int fd, int round)
{
	struct store *s = help_open(path);

	for (unsigned i = 0;; i++) {
		struct inbox_req *r = malloc(sizeof(*r));
		unsigned seed = (unsigned)round * 100000 + i;
		char *body = malloc(8192 + sizeof(seed));

		*r = new_put("jenkins", i % 4 == 0 ? "" : i % 4 == 1 ? "a" : "b", "");
		r->put.body = slice_of(body, make_body(body, seed));
		r->done = crash_done;
		r->owner = &fd;
		memcpy(body + 8192, &seed, sizeof(seed));
		r->put.dedupe_key = slice_of(body + 8192, sizeof(seed));
		r->put.dedupe_ms = 60000;
		inbox_submit(s, r);
		if (i % 16 == 15) {
			struct inbox_req l = lease_all(s, "jenkins");

			for (size_t k = 0; k < l.n_items; k++)
				(void)settle(s, l.items[k].id,
				    k % 2 == 0 ? INBOX_DELIVERED : INBOX_QUEUED, 0);
			inbox_req_fini(&l);
		}
	}
}

static size_t
run_until_killed(const char *path, int round, struct acked *acked, size_t n, size_t cap)
{
	size_t kill_after = (size_t)(round * round * 13 % 300 + 1), got = 0;
	int fds[2];
	pid_t child;

	EXPECT_INT(pipe(fds), 0);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		close(fds[0]);
		put_for_ever(path, fds[1], round);
	}
	close(fds[1]);
	while (n < cap && read(fds[0], &acked[n], sizeof(*acked)) == sizeof(*acked)) {
		n++;
		if (++got == kill_after)
			kill(child, SIGKILL);
	}
	close(fds[0]);
	EXPECT_INT(waitpid(child, NULL, 0), child);
	EXPECT(got >= kill_after);
	return n;
}

/* Lanes and counters of a closed store, by statements of the test's own: how many rows are not as
 * they should. */
static int
faults_of(const char *path)
{
	static const char *const sql[] = {
		/* A lane has one first, and whoever waits waits behind one. */
		"SELECT count(*) FROM (SELECT lane FROM deliveries WHERE place = 2 GROUP BY lane"
		" HAVING count(*) > 1 OR lane = 0)",
		"SELECT count(*) FROM deliveries d WHERE place = 1 AND NOT EXISTS"
		" (SELECT 1 FROM deliveries f WHERE f.lane = d.lane AND f.place = 2)",
		/* Only what is to be delivered has a place. */
		"SELECT count(*) FROM deliveries WHERE (state <= 2) <> (place > 0)",
		"SELECT count(*) FROM deliveries WHERE place = 1 AND state <> 1",
		/* Each has its payload and the other way round. */
		"SELECT count(*) FROM deliveries WHERE id NOT IN (SELECT id FROM payloads)",
		"SELECT count(*) FROM payloads WHERE id NOT IN (SELECT id FROM deliveries)",
		"SELECT count(*) FROM attempts WHERE delivery NOT IN (SELECT id FROM deliveries)",
		/* The triggers have counted right, in rows that are there from the start. */
		"SELECT count(*) FROM routes r WHERE 7 <> (SELECT count(*) FROM usage u"
		" WHERE u.route = r.id)",
		"SELECT count(*) FROM usage u WHERE n <> (SELECT count(*) FROM deliveries d"
		" WHERE d.route = u.route AND d.state = u.state)",
		"SELECT count(*) FROM usage u WHERE bytes <> (SELECT coalesce(sum(size), 0)"
		" FROM deliveries d WHERE d.route = u.route AND d.state = u.state)",
		"SELECT count(*) FROM accounts a WHERE inbox_bytes <> (SELECT "
		"coalesce(sum(d.size), 0)"
		" FROM deliveries d JOIN routes r ON r.id = d.route WHERE r.account = a.id)",
		"SELECT count(*) FROM deliveries d WHERE bytes <>"
		" (SELECT length(head) + length(body) FROM payloads p WHERE p.id = d.id)",
		"SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
	};
	sqlite3 *db;
	int faults = 0;

	EXPECT_INT(sqlite3_open(path, &db), SQLITE_OK);
	for (size_t i = 0; i < sizeof(sql) / sizeof(*sql); i++) {
		sqlite3_stmt *st;

		EXPECT_INT(sqlite3_prepare_v2(db, sql[i], -1, &st, NULL), SQLITE_OK);
		if (sqlite3_step(st) != SQLITE_ROW || sqlite3_column_int(st, 0) != 0) {
			printf("%d rows: %s\n", sqlite3_column_int(st, 0), sql[i]);
			faults++;
		}
		sqlite3_finalize(st);
	}
	sqlite3_close(db);
	return faults;
}

/* whatever was acknowledged before SIGKILL is there, byte for byte, and lanes and counters
 * are right. */
TEST(q01_kill_at_any_point)
{
	enum { ROUNDS = 30, CAP = 60000 };
	struct acked *acked = calloc(CAP, sizeof(*acked));
	struct store *s = inbox_new();
	size_t n = 0, n_lost = 0;
	char path[128], body[8192];

	snprintf(path, sizeof(path), "%s/adit.db", help_dir);
	store_close(s);
	for (int round = 0; round < ROUNDS; round++)
		n = run_until_killed(path, round, acked, n, CAP);
	s = help_open(path);
	for (size_t i = 0; i < n; i++) {
		struct inbox_req r = { .op = INBOX_SHOW, .show.id = acked[i].id };
		size_t n_body = make_body(body, acked[i].seed);

		n_lost +=
		    ask(s, &r) != STORE_OK || !slice_eq(r.items[0].body, slice_of(body, n_body));
		inbox_req_fini(&r);
	}
	EXPECT(n > 1000);
	EXPECT_INT(n_lost, 0);
	store_close(s);
	EXPECT_INT(faults_of(path), 0);
	free(acked);
	help_clean();
}

/*
 * Q-04 on a real file system: a limit of the file's size (as a quota would) ends the space with
 * another error than ENOSPC; it is told, nothing is lost, and it goes on when the limit is lifted.
 */
TEST(q04_file_size_limit)
{
	static char body[100000];
	struct store *s = inbox_new();
	struct rlimit old, small;
	struct inbox_req r;
	uint64_t n = 0;

	signal(SIGXFSZ, SIG_IGN);
	EXPECT_INT(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 1 << 20;
	EXPECT_INT(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (int i = 0; i < 40; i++) {
		r = new_put("jenkins", "", "");
		r.put.body = slice_of(body, sizeof(body));
		if (ask(s, &r) != STORE_OK)
			break;
		n++;
	}
	EXPECT_INT(r.result, STORE_FULL);
	EXPECT(n > 2 && n < 12);
	EXPECT(store_healthy(s));
	EXPECT_INT(count_of(s, "ann", INBOX_QUEUED), n);
	EXPECT_INT(setrlimit(RLIMIT_FSIZE, &old), 0);
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(count_of(s, "ann", INBOX_QUEUED), n + 1);
	inbox_end(s);
}

/* --- lists, replay, drop --- */

static struct inbox_req
list(struct store *s, const char *account, const char *tunnel, uint32_t states, uint32_t n_max)
{
	struct inbox_req r = { .op = INBOX_LIST, .find.states = states, .find.n_max = n_max };

	PUT(r.account, account);
	PUT(r.tunnel, tunnel);
	EXPECT_INT(ask(s, &r), STORE_OK);
	return r;
}

static size_t
listed(struct store *s, const char *account, const char *tunnel, uint32_t states)
{
	struct inbox_req r = list(s, account, tunnel, states, 1000);
	size_t n = r.n_items;

	EXPECT(!r.more);
	for (size_t i = 1; i < n; i++)
		EXPECT(r.items[i].id < r.items[i - 1].id);
	inbox_req_fini(&r);
	return n;
}

TEST(list_filters)
{
	struct store *s = inbox_new();
	struct inbox_req r = new_put("jenkins", "team/app main", "x");
	uint64_t parked;

	for (int i = 0; i < 5; i++)
		store_one(s, i % 2 == 0 ? "jenkins" : "gitea", "team/other main", "x");
	pass(1000);
	r.put.event = S("pr:opened");
	EXPECT_INT(ask(s, &r), STORE_OK);
	PUT(r.account, "eve");
	EXPECT_INT(ask(s, &r), STORE_OK);
	parked = store_one(s, "jenkins", "", "x");
	r = lease_all(s, "jenkins");
	inbox_req_fini(&r);
	EXPECT_INT(settle(s, parked, INBOX_PARKED, 0), STORE_OK);
	EXPECT_INT(listed(s, "ann", "", 0), 7);
	EXPECT_INT(listed(s, "", "", 0), 8);
	EXPECT_INT(listed(s, "eve", "", 0), 1);
	EXPECT_INT(listed(s, "nobody", "", 0), 0);
	EXPECT_INT(listed(s, "ann", "gitea", 0), 2);
	EXPECT_INT(listed(s, "ann", "", INBOX_STATE_BIT(INBOX_PARKED)), 1);
	EXPECT_INT(listed(s, "ann", "gitea", INBOX_STATE_BIT(INBOX_PARKED)), 0);
	r = (struct inbox_req){
		.op = INBOX_LIST, .find.n_max = 10, .find.order_key = S("team/app")
	};
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(r.n_items, 2);
	EXPECT(r.items[0].body.p == NULL);
	EXPECT_SLICE(r.items[0].account, S("eve"));
	inbox_req_fini(&r);
	r = (struct inbox_req){ .op = INBOX_LIST, .find.n_max = 10, .find.event = S("pr:opened") };
	PUT(r.account, "ann");
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(r.n_items, 1);
	inbox_req_fini(&r);
	r = (struct inbox_req){ .op = INBOX_LIST, .find.n_max = 10, .find.from_ms = wall_ms };
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(r.n_items, 3);
	inbox_req_fini(&r);
	r = (struct inbox_req){ .op = INBOX_LIST, .find.n_max = 10, .find.to_ms = wall_ms };
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(r.n_items, 5);
	inbox_req_fini(&r);
	r = (struct inbox_req){ .op = INBOX_LIST, .find.n_max = 0 };
	EXPECT_INT(ask(s, &r), STORE_INVALID);
	inbox_end(s);
}

/* Pages of a list meet each delivery once, over several tunnels and states, whatever the page's
 * size. */
TEST(list_pages)
{
	enum { N = 700 };
	struct store *s = inbox_new();
	struct inbox_req *puts = calloc(N, sizeof(*puts)), r;
	struct waiter w = WAITER;
	char tunnel[16];

	for (int i = 0; i < N; i++) {
		snprintf(tunnel, sizeof(tunnel), "t%d", i % 7);
		puts[i] = new_put(tunnel, "", "x");
		puts[i].done = inbox_done;
		puts[i].owner = &w;
		puts[i].now_ms = wall_ms;
		puts[i].mono_ms = mono_ms;
		inbox_submit(s, &puts[i]);
	}
	waiter_wait(&w, N);
	r = (struct inbox_req){ .op = INBOX_DROP };
	PUT(r.account, "ann");
	PUT(r.tunnel, "t3");
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(r.n_changed, 100);
	for (uint32_t page = 1; page <= 256; page = page * 3 + 1) {
		uint64_t last = UINT64_MAX;
		size_t n = 0;

		r = (struct inbox_req){ .op = INBOX_LIST, .find.n_max = page };
		PUT(r.account, "ann");
		do {
			EXPECT_INT(ask(s, &r), STORE_OK);
			for (size_t i = 0; i < r.n_items; i++) {
				EXPECT(r.items[i].id < last);
				last = r.items[i].id;
				n++;
			}
			inbox_req_fini(&r);
			r.find.cursor = r.cursor;
		} while (r.more);
		EXPECT_INT(n, N);
	}
	r = (struct inbox_req){ .op = INBOX_EXPORT, .find.n_max = 300 };
	for (uint64_t last = 0, n = 0, more = 1; more; more = r.more) {
		r.find.cursor = r.cursor;
		EXPECT_INT(ask(s, &r), STORE_OK);
		for (size_t i = 0; i < r.n_items; i++, n++) {
			EXPECT(r.items[i].id > last);
			last = r.items[i].id;
		}
		inbox_req_fini(&r);
		EXPECT(r.more || n == N);
	}
	/* Export is the other way round, whole, and in pieces of bytes. */
	r = (struct inbox_req){ .op = INBOX_EXPORT, .find.n_max = 1000, .find.bytes_max = 100 };
	PUT(r.tunnel, "t2");
	for (int i = 0; i < 25; i++) {
		EXPECT_INT(ask(s, &r), STORE_OK);
		EXPECT_INT(r.n_items, 4);
		EXPECT_SLICE(r.items[0].body, S("x"));
		EXPECT(r.items[0].id < r.items[3].id);
		inbox_req_fini(&r);
	}
	free(puts);
	inbox_end(s);
}

TEST(replay_one_and_many)
{
	struct store *s = inbox_new();
	uint64_t ids[6];
	struct inbox_req r;
	char body[16];

	for (int i = 0; i < 6; i++) {
		snprintf(body, sizeof(body), "a%d", i);
		ids[i] = store_one(s, "jenkins", "a", body);
	}
	for (int i = 0; i < 6; i++) {
		r = lease_all(s, "jenkins");
		EXPECT_INT(r.n_items, 1);
		inbox_req_fini(&r);
		EXPECT_INT(settle(s, ids[i], i < 3 ? INBOX_PARKED : INBOX_DELIVERED, 0), STORE_OK);
	}
	/* Another account's hands off. */
	r = (struct inbox_req){ .op = INBOX_REPLAY, .change.id = ids[0] };
	PUT(r.account, "eve");
	EXPECT_INT(ask(s, &r), STORE_NONE);
	/* All that is parked, oldest first. */
	r = (struct inbox_req){ .op = INBOX_REPLAY };
	PUT(r.account, "eve");
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(r.n_changed, 0);
	PUT(r.account, "ann");
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(r.n_changed, 3);
	/* A delivered one by hand; twice is once. */
	for (int i = 0; i < 2; i++) {
		r = (struct inbox_req){ .op = INBOX_REPLAY, .change.id = ids[5] };
		PUT(r.account, "ann");
		EXPECT_INT(ask(s, &r), STORE_OK);
		EXPECT_INT(r.n_changed, i == 0);
	}
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("a0"));
	EXPECT_INT(settle(s, ids[0], INBOX_DELIVERED, 0), STORE_OK);
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("a1"));
	EXPECT_INT(settle(s, ids[1], INBOX_DELIVERED, 0), STORE_OK);
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("a2"));
	EXPECT_INT(settle(s, ids[2], INBOX_DELIVERED, 0), STORE_OK);
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("a5"));
	EXPECT_INT(settle(s, ids[5], INBOX_DELIVERED, 0), STORE_OK);
	/* To another tunnel: copies, that say whose, and the old ones stay as they were. */
	r = (struct inbox_req){ .op = INBOX_REPLAY,
		.change.find.states =
		    INBOX_STATE_BIT(INBOX_DELIVERED) | INBOX_STATE_BIT(INBOX_QUEUED) };
	PUT(r.account, "ann");
	PUT(r.change.to_tunnel, "staging");
	EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "ann", "staging"), STORE_OK);
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(r.n_changed, 6);
	EXPECT(!r.more);
	r = lease_all(s, "staging");
	EXPECT_INT(r.n_items, 1);
	EXPECT_SLICE(r.items[0].body, S("a0"));
	EXPECT_INT(r.items[0].replay_of, ids[0]);
	EXPECT(r.items[0].id > ids[5]);
	inbox_req_fini(&r);
	EXPECT_INT(state_of(s, ids[0]), INBOX_DELIVERED);
	inbox_end(s);
}

TEST(drop_older_of_a_branch)
{
	struct store *s = inbox_new();
	uint64_t ids[4];
	struct inbox_req r;

	for (int i = 0; i < 4; i++)
		ids[i] =
		    store_one(s, "jenkins", i == 1 ? "app dev" : "app main", i == 3 ? "new" : "x");
	r = (struct inbox_req){ .op = INBOX_DROP,
		.change.find.order_key = S("app main"),
		.change.find.before_id = ids[3],
		.change.find.states = INBOX_STATE_BIT(INBOX_QUEUED),
		.change.note = "a newer push has come" };
	PUT(r.account, "ann");
	PUT(r.tunnel, "jenkins");
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(r.n_changed, 2);
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("x new"));
	r = (struct inbox_req){ .op = INBOX_SHOW, .show.id = ids[0] };
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(r.state, INBOX_DROPPED);
	EXPECT_SLICE(r.items[0].note, S("a newer push has come"));
	inbox_req_fini(&r);
	inbox_end(s);
}

/* --- coalescing and copies --- */

static struct inbox_req
new_push(const char *key, const char *body)
{
	struct inbox_req r = new_put("jenkins", key, body);

	r.put.push = r.put.coalesce = true;
	return r;
}

static uint64_t
push(struct store *s, struct inbox_req r, uint32_t dropped)
{
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(r.n_changed, dropped);
	return r.id;
}

static void
expect_note(struct store *s, uint64_t id, const char *note)
{
	struct inbox_req r = { .op = INBOX_SHOW, .show.id = id };

	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT(r.n_items == 1 && slice_eq(r.items[0].note, slice_str(note)));
	inbox_req_fini(&r);
}

/* Whoever watches is told of each delivery that was moved by others than its attempt. */
TEST(what_was_moved_is_named)
{
	struct store *s = inbox_new();
	struct inbox_req r = new_push("app main", "2");
	uint64_t first = push(s, new_push("app main", "1"), 0), other;

	EXPECT_INT(ask_moved(s, &r), STORE_OK);
	EXPECT_INT(r.n_moved, 1);
	EXPECT(r.moved[0].id == first && r.moved[0].state == INBOX_DROPPED);
	EXPECT_SLICE(slice_str(r.moved[0].tunnel), S("jenkins"));
	EXPECT_SLICE(slice_str(r.moved[0].account), S("ann"));
	inbox_req_fini(&r);
	for (int i = 0; i < 40; i++)
		other = store_one(s, "jenkins", "", "x");
	r = (struct inbox_req){ .op = INBOX_DROP,
		.change.find.states = INBOX_STATE_BIT(INBOX_QUEUED) };
	EXPECT_INT(ask_moved(s, &r), STORE_OK);
	EXPECT(r.n_moved == 41 && r.n_changed == 41);
	EXPECT_INT(r.moved[40].id, other);
	inbox_req_fini(&r);
	/* Nothing is moved twice; a copy is a delivery of its own. */
	r = (struct inbox_req){ .op = INBOX_DROP, .change.id = other };
	EXPECT_INT(ask_moved(s, &r), STORE_OK);
	EXPECT_INT(r.n_moved, 0);
	EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "ann", "staging"), STORE_OK);
	r = (struct inbox_req){ .op = INBOX_REPLAY, .change.id = other };
	PUT(r.change.to_tunnel, "staging");
	EXPECT_INT(ask_moved(s, &r), STORE_OK);
	EXPECT(r.n_moved == 1 && r.moved[0].id > other && r.moved[0].id == r.id);
	EXPECT_INT(r.moved[0].state, INBOX_QUEUED);
	EXPECT_SLICE(slice_str(r.moved[0].tunnel), S("staging"));
	inbox_req_fini(&r);
	inbox_end(s);
}

TEST(a_newer_push_takes_the_place_of_older_ones)
{
	struct store *s = inbox_new();
	struct inbox_req tag = new_put("jenkins", "app main", "tag"),
			 other = new_push("app main", "other"), plain = tag;
	uint64_t first, second, of_tag, of_dev, of_other, of_plain;
	char note[96];

	first = push(s, new_push("app main", "1"), 0);
	of_tag = push(s, tag, 0);
	of_dev = push(s, new_push("app dev", "dev"), 0);
	other.put.event = S("repo:refs_changed");
	of_other = push(s, other, 0);
	second = push(s, new_push("app main", "2"), 1);
	snprintf(note, sizeof(note), "A newer push of the branch took its place: delivery %llu.",
	    (unsigned long long)second);
	EXPECT_INT(state_of(s, first), INBOX_DROPPED);
	expect_note(s, first, note);
	/* what is no older push of that branch and event stays */
	EXPECT_INT(state_of(s, of_tag), INBOX_QUEUED);
	EXPECT_INT(state_of(s, of_dev), INBOX_QUEUED);
	EXPECT_INT(state_of(s, of_other), INBOX_QUEUED);
	/* where it is not asked for nothing is dropped */
	plain.put.push = true;
	of_plain = push(s, plain, 0);
	EXPECT_INT(state_of(s, second), INBOX_QUEUED);
	/* the lane goes on with what stays, in its order */
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("tag dev"));
	EXPECT_INT(settle(s, of_tag, INBOX_DELIVERED, 0), STORE_OK);
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("other"));
	push(s, new_push("app main", "3"), 2);
	EXPECT_INT(state_of(s, of_plain), INBOX_DROPPED);
	EXPECT_INT(settle(s, of_other, INBOX_DELIVERED, 0), STORE_OK);
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("3"));
	inbox_end(s);
}

TEST(what_is_on_its_way_or_was_tried_is_not_dropped)
{
	struct store *s = inbox_new();
	uint64_t one = push(s, new_push("app main", "1"), 0), two;

	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("1"));
	two = push(s, new_push("app main", "2"), 0);
	EXPECT_INT(state_of(s, one), INBOX_LEASED);
	EXPECT_INT(settle(s, one, INBOX_QUEUED, 1000), STORE_OK);
	push(s, new_push("app main", "3"), 1);
	EXPECT_INT(state_of(s, one), INBOX_QUEUED);
	EXPECT_INT(state_of(s, two), INBOX_DROPPED);
	pass(1000);
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("1"));
	EXPECT_INT(settle(s, one, INBOX_DELIVERED, 0), STORE_OK);
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("3"));
	inbox_end(s);
}

/* An agent that goes away after a request, or an edge that is killed: nobody saw an answer, nothing
 * is counted, and all the same the origin may have got it. */
TEST(what_the_origin_may_have_seen_is_not_dropped)
{
	struct store *s = inbox_new();
	uint64_t one = push(s, new_push("app main", "1"), 0), two;
	struct inbox_req away = { .op = INBOX_SETTLE, .settle.id = one, .settle.to = INBOX_QUEUED },
			 r;
	char path[128];

	snprintf(path, sizeof(path), "%s/adit.db", help_dir);
	r = lease_all(s, "jenkins");
	EXPECT(r.items[0].unsent);
	away.settle.lease = r.items[0].lease;
	inbox_req_fini(&r);
	EXPECT_INT(ask(s, &away), STORE_OK);
	push(s, new_push("app main", "2"), 0);
	EXPECT_INT(state_of(s, one), INBOX_QUEUED);
	/* leased again, and the process is gone */
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("1"));
	EXPECT_INT(settle(s, one, INBOX_DELIVERED, 0), STORE_OK);
	r = lease_all(s, "jenkins");
	two = r.items[0].id;
	inbox_req_fini(&r);
	store_close(s);
	s = help_open(path);
	push(s, new_push("app main", "3"), 0);
	EXPECT_INT(state_of(s, two), INBOX_QUEUED);
	inbox_end(s);
}

TEST(what_was_leased_and_not_sent_may_be_dropped)
{
	struct store *s = inbox_new();
	uint64_t one = push(s, new_push("app main", "1"), 0);
	struct inbox_req back = { .op = INBOX_SETTLE, .settle.id = one, .settle.to = INBOX_QUEUED },
			 r;

	r = lease_all(s, "jenkins");
	back.settle.lease = r.items[0].lease;
	back.settle.unsent = r.items[0].unsent;
	inbox_req_fini(&r);
	EXPECT_INT(ask(s, &back), STORE_OK);
	push(s, new_push("app main", "2"), 1);
	EXPECT_INT(state_of(s, one), INBOX_DROPPED);
	inbox_end(s);
}

/* A held one (relay) is sent at once. */
TEST(what_is_held_counts_as_sent)
{
	struct store *s = inbox_new();
	struct inbox_req r = new_push("app main", "1"), back = { .op = INBOX_SETTLE };

	r.put.hold = true;
	back.settle.id = push(s, r, 0);
	back.settle.lease = lease_of(s, back.settle.id);
	back.settle.to = INBOX_QUEUED;
	EXPECT_INT(ask(s, &back), STORE_OK);
	push(s, new_push("app main", "2"), 0);
	EXPECT_INT(state_of(s, back.settle.id), INBOX_QUEUED);
	inbox_end(s);
}

/* Each tunnel's own wish: the source's does not reach the targets, nor theirs the source. */
TEST(copies_coalesce_by_their_own_wish)
{
	struct store *s = inbox_new();
	struct inbox_copy copies[] = { { .tunnel = "plain" },
		{ .tunnel = "newest", .coalesce = true } };
	struct inbox_req r = new_push("app main", "1");
	uint64_t first, of_plain, of_newest;

	r.put.copies = copies;
	r.put.n_copies = 2;
	r.put.coalesce = false;
	first = push(s, r, 0);
	of_plain = copies[0].id;
	of_newest = copies[1].id;
	push(s, r, 1);
	EXPECT_INT(state_of(s, first), INBOX_QUEUED);
	EXPECT_INT(state_of(s, of_plain), INBOX_QUEUED);
	EXPECT_INT(state_of(s, of_newest), INBOX_DROPPED);
	r.put.coalesce = true;
	push(s, r, 3);
	EXPECT_INT(state_of(s, first), INBOX_DROPPED);
	EXPECT_INT(state_of(s, of_plain), INBOX_QUEUED);
	inbox_end(s);
}

/* --- a second time --- */

static struct inbox_req
new_keyed(const char *body)
{
	struct inbox_req r = new_push("app main", body);

	r.put.dedupe_key = S("uuid");
	r.put.dedupe_ms = 86400000;
	return r;
}

/* "Send again" at the sender, after something was mended. */
TEST(what_was_not_delivered_may_come_again)
{
	static const enum inbox_state ends[] = { INBOX_PARKED, INBOX_DEAD, INBOX_DROPPED };
	struct store *s = inbox_new();
	struct inbox_req r = new_keyed("1");
	uint64_t first = push(s, r, 0);
	char note[96];

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		struct inbox_req drop = { .op = INBOX_DROP, .change.id = first };

		r = new_keyed("1");
		EXPECT_INT(push(s, r, 0), first);
		EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("1"));
		if (ends[i] == INBOX_DROPPED)
			EXPECT_INT(ask(s, &drop), STORE_OK);
		else
			EXPECT_INT(settle(s, first, ends[i], 0), STORE_OK);
		r = new_keyed("1");
		EXPECT_INT(ask(s, &r), STORE_OK);
		EXPECT(!r.duplicate && r.id != first);
		snprintf(note, sizeof(note), "It was sent again: delivery %llu.",
		    (unsigned long long)r.id);
		expect_note(s, first, note);
		first = r.id;
	}
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("1"));
	EXPECT_INT(settle(s, first, INBOX_DELIVERED, 0), STORE_OK);
	r = new_keyed("1");
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT(r.duplicate && r.id == first && r.state == INBOX_DELIVERED);
	inbox_end(s);
}

/* It would come after the newer push, or even take that one's place. */
TEST(what_a_newer_push_has_replaced_does_not_come_again)
{
	struct store *s = inbox_new();
	uint64_t first = push(s, new_keyed("1"), 0), second = push(s, new_push("app main", "2"), 1);
	struct inbox_req r = new_keyed("1"), replay = { .op = INBOX_REPLAY, .change.id = first };

	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT(r.duplicate && r.id == first && r.state == INBOX_DROPPED);
	EXPECT_INT(state_of(s, second), INBOX_QUEUED);
	/* A person may want it all the same; then it is one like any other. */
	EXPECT_INT(ask(s, &replay), STORE_OK);
	EXPECT_INT(state_of(s, first), INBOX_QUEUED);
	push(s, new_push("app main", "3"), 2);
	inbox_end(s);
}

static void
expect_untold(struct store *s, uint64_t parked, uint64_t dead)
{
	struct inbox_req r = { .op = INBOX_COUNT };

	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(r.counts.untold_parked, parked);
	EXPECT_INT(r.counts.untold_dead, dead);
	/* What others have is not an account's affair. */
	PUT(r.account, "ann");
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(r.counts.untold_parked + r.counts.untold_dead, 0);
}

TEST(what_nobody_was_told_outlives_the_process)
{
	struct store *s = inbox_new();
	struct inbox_req told = { .op = INBOX_TOLD, .told.parked = 2, .told.dead = 5 };
	char path[128];

	snprintf(path, sizeof(path), "%s/adit.db", help_dir);
	expect_untold(s, 0, 0);
	for (int i = 0; i < 4; i++) {
		uint64_t id = store_one(s, "jenkins", "", "x");

		EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("x"));
		EXPECT_INT(settle(s, id, i < 3 ? INBOX_PARKED : INBOX_DEAD, 0), STORE_OK);
	}
	store_close(s);
	s = help_open(path);
	expect_untold(s, 3, 1);
	EXPECT_INT(ask(s, &told), STORE_OK);
	expect_untold(s, 1, 0);
	told.told.parked = UINT64_MAX;
	EXPECT_INT(ask(s, &told), STORE_INVALID);
	inbox_end(s);
}

/* A thousand that waited when it was turned on: so many at once, and the order stays. */
TEST(coalescing_is_bounded)
{
	enum { N = LIMIT_INBOX_STEP + 100 };
	struct store *s = inbox_new();
	struct inbox_req r = new_push("app main", "old");

	r.put.coalesce = false;
	for (int i = 0; i < N; i++)
		push(s, r, 0);
	push(s, new_push("app main", "new"), LIMIT_INBOX_STEP + 1);
	push(s, new_push("app main", "newest"), N - LIMIT_INBOX_STEP);
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("newest"));
	inbox_end(s);
}

TEST(copies_are_stored_together_or_not_at_all)
{
	struct store *s = inbox_new();
	struct inbox_copy copies[LIMIT_FAN_OUT + 1] = { { .tunnel = "staging" },
		{ .tunnel = "eu" } };
	struct inbox_req r = new_put("jenkins", "app main", "x");
	uint64_t bytes = r.put.head.n + r.put.body.n;

	r.put.copies = copies;
	r.put.n_copies = 2;
	r.put.dedupe_key = S("uuid");
	r.put.dedupe_ms = 1000;
	/* what one of them has no room for is stored for none */
	bytes += 512 + r.put.event.n + r.put.order_key.n + r.put.method.n + r.put.target.n;
	r.put.account_bytes_max = 3 * bytes - 1;
	EXPECT_INT(ask(s, &r), STORE_LIMIT);
	EXPECT_INT(count_of(s, "ann", INBOX_QUEUED), 0);
	r.put.account_bytes_max = 3 * bytes;
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT(r.id != 0 && copies[0].id > r.id && copies[1].id > copies[0].id);
	EXPECT_INT(count_of(s, "ann", INBOX_QUEUED), 3);
	/* a repeat is one for all */
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT(r.duplicate);
	EXPECT_INT(count_of(s, "ann", INBOX_QUEUED), 3);
	/* each has its own life */
	EXPECT_SLICE(slice_str(leased(s, "staging")), S("x"));
	EXPECT_INT(settle(s, copies[0].id, INBOX_PARKED, 0), STORE_OK);
	EXPECT_INT(state_of(s, r.id), INBOX_QUEUED);
	EXPECT_INT(state_of(s, copies[1].id), INBOX_QUEUED);
	EXPECT_SLICE(slice_str(leased(s, "eu")), S("x"));
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("x"));
	r.put.n_copies = LIMIT_FAN_OUT + 1;
	r.put.dedupe_key = S("");
	EXPECT_INT(ask(s, &r), STORE_INVALID);
	inbox_end(s);
}

/* --- retention --- */

TEST(retention_by_age)
{
	struct store *s = inbox_new();
	uint64_t done = store_one(s, "jenkins", "", "x"), parked = store_one(s, "jenkins", "", "x");
	uint64_t queued = store_one(s, "jenkins", "", "x"), young;
	struct inbox_req r = lease_all(s, "jenkins");

	inbox_req_fini(&r);
	EXPECT_INT(settle(s, done, INBOX_DELIVERED, 0), STORE_OK);
	EXPECT_INT(settle(s, parked, INBOX_PARKED, 0), STORE_OK);
	EXPECT_INT(settle(s, queued, INBOX_QUEUED, 0), STORE_OK);
	pass(60000);
	young = store_one(s, "gitea", "", "x");
	r = lease_all(s, "gitea");
	inbox_req_fini(&r);
	EXPECT_INT(settle(s, young, INBOX_DELIVERED, 0), STORE_OK);
	r = (struct inbox_req){ .op = INBOX_RETAIN, .retain.keep_ms = 60000 };
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(r.n_changed, 1);
	EXPECT_INT(state_of(s, done), -1);
	EXPECT_INT(state_of(s, parked), INBOX_PARKED);
	EXPECT_INT(state_of(s, young), INBOX_DELIVERED);
	r = (struct inbox_req){ .op = INBOX_RETAIN, .retain.keep_failed_ms = 60000 };
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(state_of(s, parked), -1);
	pass(86400000LL * 1000);
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(state_of(s, queued), INBOX_QUEUED);
	inbox_end(s);
}

TEST(retention_by_bytes)
{
	struct store *s = inbox_new();
	struct inbox_req r = { .op = INBOX_PUT };
	static char body[10000];
	uint64_t ids[10];

	for (int i = 0; i < 10; i++) {
		r = new_put(i % 2 == 0 ? "jenkins" : "gitea", "", "");
		r.put.body = slice_of(body, sizeof(body));
		EXPECT_INT(ask(s, &r), STORE_OK);
		ids[i] = r.id;
	}
	PUT(r.account, "eve");
	EXPECT_INT(ask(s, &r), STORE_OK);
	for (int i = 0; i < 8; i++) {
		struct inbox_req l = lease_all(s, i % 2 == 0 ? "jenkins" : "gitea");

		inbox_req_fini(&l);
		EXPECT_INT(settle(s, ids[i], i == 0 ? INBOX_DEAD : INBOX_DELIVERED, 0), STORE_OK);
	}
	r = (struct inbox_req){ .op = INBOX_RETAIN, .retain.account_bytes_max = 58000 };
	EXPECT_INT(ask(s, &r), STORE_OK);
	/* 10 x some 10,600 bytes, and tries: five are gone, the oldest delivered ones. */
	EXPECT_INT(r.n_changed, 5);
	EXPECT_INT(state_of(s, ids[0]), INBOX_DEAD);
	EXPECT_INT(state_of(s, ids[5]), -1);
	EXPECT_INT(state_of(s, ids[6]), INBOX_DELIVERED);
	r = (struct inbox_req){ .op = INBOX_RETAIN, .retain.account_bytes_max = 1 };
	EXPECT_INT(ask(s, &r), STORE_OK);
	/* Never one that no person has decided on. */
	EXPECT_INT(r.n_changed, 2);
	EXPECT_INT(state_of(s, ids[0]), INBOX_DEAD);
	EXPECT_INT(count_of(s, "ann", INBOX_LEASED) + count_of(s, "ann", INBOX_QUEUED), 2);
	EXPECT_INT(count_of(s, "eve", INBOX_QUEUED), 1);
	inbox_end(s);
}

TEST(attempts_are_bounded)
{
	struct store *s = inbox_new();
	uint64_t id = store_one(s, "jenkins", "a", "a1");
	struct inbox_req r;

	for (int i = 0; i < LIMIT_INBOX_ATTEMPTS + 5; i++) {
		r = lease_all(s, "jenkins");
		EXPECT_INT(r.n_items, 1);
		EXPECT_INT(r.items[0].attempts, i);
		inbox_req_fini(&r);
		r = (struct inbox_req){ .op = INBOX_SETTLE,
			.settle.id = id,
			.settle.lease = lease_of(s, id),
			.settle.to = INBOX_QUEUED,
			.settle.tried = true,
			.settle.attempt = {
			    .status = 500, .latency_ms = 12, .reason = "5xx", .n_answer = 9999 } };
		memset(r.settle.attempt.answer, 'x', sizeof(r.settle.attempt.answer));
		EXPECT_INT(ask(s, &r), STORE_OK);
		EXPECT_INT(r.settle.attempt.number, i + 1);
	}
	r = (struct inbox_req){ .op = INBOX_SHOW, .show.id = id };
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(r.n_attempts, LIMIT_INBOX_ATTEMPTS);
	EXPECT_INT(r.attempts[0].number, 6);
	EXPECT_INT(r.attempts[0].n_answer, LIMIT_INBOX_ANSWER_BYTES);
	EXPECT_SLICE(slice_str(r.attempts[0].reason), S("5xx"));
	inbox_req_fini(&r);
	inbox_end(s);
}

TEST(counts)
{
	struct store *s = inbox_new();
	struct inbox_req r = { .op = INBOX_COUNT };
	int64_t first = wall_ms;

	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(r.counts.oldest_ms, 0);
	store_one(s, "jenkins", "", "x");
	pass(10);
	store_one(s, "gitea", "", "xx");
	store_one(s, "gitea", "", "xx");
	PUT(r.account, "ann");
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(r.counts.n[INBOX_QUEUED], 3);
	EXPECT_INT(r.counts.oldest_ms, first);
	PUT(r.tunnel, "gitea");
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(r.counts.n[INBOX_QUEUED], 2);
	EXPECT_INT(r.counts.bytes[INBOX_QUEUED], 2 * (32 + 2 + 512 + 9 + 4 + 38));
	EXPECT_INT(r.counts.oldest_ms, first + 10);
	PUT(r.account, "eve");
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(r.counts.n[INBOX_QUEUED], 0);
	inbox_end(s);
}

/* --- the whole machine --- */

static unsigned random_state = 7;

static unsigned
dice(unsigned n)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 16) % n;
}

/* One random operation of any kind on small numbers of tunnels, keys and ids. */
static void
random_step(struct store *s, uint64_t *n_puts)
{
	static const char *const tunnels[] = { "t0", "t1" };
	static const char *const keys[] = { "", "a", "b" };
	struct inbox_req r = { 0 };

	switch (dice(9)) {
	case 0:
	case 1:
	case 2:
		r = new_put(tunnels[dice(2)], keys[dice(3)], "body");
		r.put.hold = dice(4) == 0;
		EXPECT_INT(ask(s, &r), STORE_OK);
		(*n_puts)++;
		break;
	case 3:
	case 4:
		r = lease_all(s, tunnels[dice(2)]);
		break;
	case 5:
	case 6:
		(void)settle(s, 1 + dice((unsigned)*n_puts + 1),
		    (enum inbox_state[]){ INBOX_DELIVERED, INBOX_QUEUED, INBOX_QUEUED, INBOX_QUEUED,
			INBOX_PARKED, INBOX_DEAD }[dice(6)],
		    dice(3) * 100);
		break;
	case 7:
		r = (struct inbox_req){ .op = dice(2) == 0 ? INBOX_DROP : INBOX_REPLAY,
			.change.id = dice(4) == 0 ? 0 : 1 + dice((unsigned)*n_puts + 1) };
		(void)ask(s, &r);
		break;
	case 8:
		r = (struct inbox_req){
			.op = INBOX_RETAIN, .retain.keep_ms = 5000, .retain.keep_failed_ms = 9000
		};
		EXPECT_INT(ask(s, &r), STORE_OK);
		EXPECT(!r.more);
		break;
	}
	inbox_req_fini(&r);
	pass(dice(100));
}

/* After anything, lanes and counters are as they must be, and everything can still be delivered to
 * its end. */
TEST(random_operations_keep_the_invariants)
{
	struct store *s = inbox_new();
	uint64_t n_puts = 0, left;
	char path[128];

	snprintf(path, sizeof(path), "%s/adit.db", help_dir);
	for (int round = 0; round < 8; round++) {
		for (int i = 0; i < 150; i++)
			random_step(s, &n_puts);
		store_close(s);
		EXPECT_INT(faults_of(path), 0);
		mono_ms = 10 + (int64_t)dice(1000);
		s = help_open(path);
	}
	left = count_of(s, "", INBOX_QUEUED);
	EXPECT(left > 10);
	for (int i = 0; i < 1000 && left > 0; i++) {
		struct inbox_req r = lease_all(s, i % 2 == 0 ? "t0" : "t1");

		for (size_t k = 0; k < r.n_items; k++)
			EXPECT_INT(settle(s, r.items[k].id, INBOX_DELIVERED, 0), STORE_OK);
		left -= r.n_items;
		inbox_req_fini(&r);
		pass(100);
	}
	EXPECT_INT(left, 0);
	EXPECT_INT(count_of(s, "", INBOX_QUEUED), 0);
	wall_ms = START_MS;
	inbox_end(s);
}

/* What grows with the deliveries: a million of them must cost a listing nothing. */
static bool
is_large(const char *table)
{
	static const char *const large[] = { "deliveries", "payloads", "attempts", "seen", "d" };
	size_t n = strcspn(table, " ");

	for (size_t i = 0; i < sizeof(large) / sizeof(*large); i++)
		if (strlen(large[i]) == n && memcmp(large[i], table, n) == 0)
			return true;
	return false;
}

/* A scan of a few rows only: of accounts, tunnels, runs; or one that ends at its first row. */
static bool
may_scan(enum sql id, const char *step)
{
	static const enum sql small[] = { SQL_TOKEN_LIST, SQL_NAME_LIST, SQL_STAT, SQL_SEEN_RUNS,
		SQL_USAGE_ALL, SQL_OVER_BYTES, SQL_DELIVERY_LAST, SQL_LANE_PUSHES };
	bool listed = false;

	for (size_t i = 0; i < sizeof(small) / sizeof(*small); i++)
		listed = listed || small[i] == id;
	if (id == SQL_NAME_KEYS) /* of a damaged file only */
		return true;
	if (!listed || strncmp(step, "SCAN ", 5) != 0)
		return false;
	return id == SQL_DELIVERY_LAST || !is_large(step + 5);
}

/* No statement reads a whole table of deliveries, and none sorts. */
TEST(plans_use_indexes)
{
	static const char *const texts[] = {
#define X(name, text) text,
		STATEMENTS(X)
#undef X
	};
	const char *path = help_path();
	char *error;
	struct db *db = db_open(path, &error);
	size_t n_steps = 0;

	for (int i = 0; i < SQL_N; i++) {
		char explain[2048];
		sqlite3_stmt *st;

		snprintf(explain, sizeof(explain), "EXPLAIN QUERY PLAN %s", texts[i]);
		EXPECT_INT(sqlite3_prepare_v2(db->sqlite, explain, -1, &st, NULL), SQLITE_OK);
		for (; sqlite3_step(st) == SQLITE_ROW; n_steps++) {
			const char *step = (const char *)sqlite3_column_text(st, 3);

			if ((strstr(step, "SCAN") == NULL && strstr(step, "TEMP") == NULL) ||
			    may_scan((enum sql)i, step))
				continue;
			printf("%s: %s\n", texts[i], step);
			EXPECT(false);
		}
		sqlite3_finalize(st);
	}
	EXPECT(n_steps >= SQL_N / 2);
	db_close(db);
	help_clean();
}

/*
 * A statement that may write much and then be undone by itself (conflict policy ABORT, number 2)
 * makes SQLite copy each page before it writes it.  None on a delivery's way does, nor do its
 * triggers.
 */
TEST(no_statement_keeps_a_journal)
{
	static const char *const texts[] = {
#define X(name, text) text,
		STATEMENTS(X)
#undef X
	};
	static const enum sql ids[] = { SQL_DELIVERY_ADD, SQL_DELIVERY_SET, SQL_DELIVERY_LEASE,
		SQL_DELIVERY_DEL };
	const char *path = help_path();
	char *error;
	struct db *db = db_open(path, &error);

	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		char explain[2048];
		size_t n_ends = 0;
		sqlite3_stmt *st;

		snprintf(explain, sizeof(explain), "EXPLAIN %s", texts[ids[i]]);
		EXPECT_INT(sqlite3_prepare_v2(db->sqlite, explain, -1, &st, NULL), SQLITE_OK);
		while (sqlite3_step(st) == SQLITE_ROW) {
			if (strncmp((const char *)sqlite3_column_text(st, 1), "Halt", 4) != 0)
				continue;
			n_ends++;
			if (sqlite3_column_int(st, 2) != 0)
				EXPECT(sqlite3_column_int(st, 3) != 2);
		}
		EXPECT(n_ends > 4); /* those of the triggers, too */
		sqlite3_finalize(st);
	}
	db_close(db);
	help_clean();
}

/* clang-format off */
TESTS(
	TEST_ROW(words)
	TEST_ROW(bytes_stay_as_they_were)
	TEST_ROW(q07_limits)
	TEST_ROW(s24_replay_is_not_stored_twice)
	TEST_ROW(lanes_keep_order_and_run_in_parallel)
	TEST_ROW(q05_poison_blocks_nobody)
	TEST_ROW(untried_is_no_failure)
	TEST_ROW(stale_lease_is_fenced)
	TEST_ROW(hold_for_relay)
	TEST_ROW(wake_when_the_origin_is_back)
	TEST_ROW(an_early_attempt_is_no_failure)
	TEST_ROW(a_wall_clock_ahead_at_the_start_deletes_nothing)
	TEST_ROW(r09_clock_jumps)
	TEST_ROW(a_settlement_leases_the_next)
	TEST_ROW(a_lease_waits_for_no_disk)
	TEST_ROW(settlements_share_a_sync)
	TEST_ROW(leases_end_with_the_process)
	TEST_ROW(q01_kill_at_any_point)
	TEST_ROW(q04_file_size_limit)
	TEST_ROW(list_filters)
	TEST_ROW(list_pages)
	TEST_ROW(replay_one_and_many)
	TEST_ROW(drop_older_of_a_branch)
	TEST_ROW(what_was_moved_is_named)
	TEST_ROW(a_newer_push_takes_the_place_of_older_ones)
	TEST_ROW(what_is_on_its_way_or_was_tried_is_not_dropped)
	TEST_ROW(what_the_origin_may_have_seen_is_not_dropped)
	TEST_ROW(what_was_leased_and_not_sent_may_be_dropped)
	TEST_ROW(what_is_held_counts_as_sent)
	TEST_ROW(copies_coalesce_by_their_own_wish)
	TEST_ROW(what_was_not_delivered_may_come_again)
	TEST_ROW(what_a_newer_push_has_replaced_does_not_come_again)
	TEST_ROW(what_nobody_was_told_outlives_the_process)
	TEST_ROW(coalescing_is_bounded)
	TEST_ROW(copies_are_stored_together_or_not_at_all)
	TEST_ROW(retention_by_age)
	TEST_ROW(retention_by_bytes)
	TEST_ROW(attempts_are_bounded)
	TEST_ROW(counts)
	TEST_ROW(random_operations_keep_the_invariants)
	TEST_ROW(plans_use_indexes)
	TEST_ROW(no_statement_keeps_a_journal)
)
