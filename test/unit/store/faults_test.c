/* SPDX-License-Identifier: Apache-2.0 */
/* The store on a disk that lies, fails, is full, or loses its power. */
#include "unit/store/bad_vfs.h"
#include "unit/store/inbox_help.h"

#include <errno.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

/* --- the space that statvfs tells --- */

static atomic_bool space_is_low;

/* In the place of libc's: 1 TB of which 100 GB or 1 MB is free. */
int
statvfs(const char *restrict path, struct statvfs *restrict v)
{
	(void)path;
	*v = (struct statvfs){ .f_bsize = 4096,
		.f_frsize = 4096,
		.f_blocks = 268435456,
		.f_bavail = space_is_low ? 256 : 26214400 };
	return 0;
}

/* --- a truncation that fails --- */

static atomic_bool no_truncation;

int
ftruncate(int fd, off_t size)
{
	if (no_truncation) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_ftruncate, fd, size);
}

/* --- claims and what became of them --- */

enum { CLAIMS = 24 };

struct claims {
	struct store_req reqs[CLAIMS];
	struct waiter waiter;
};

static void
claim_all(struct store *s, struct claims *c, const char *prefix)
{
	c->waiter = (struct waiter)WAITER;
	for (size_t i = 0; i < CLAIMS; i++) {
		struct store_req *r = &c->reqs[i];

		*r = (struct store_req){
			.op = STORE_NAME_CLAIM, .done = help_done, .owner = &c->waiter
		};
		PUT(r->account, "ann");
		snprintf(r->route.name, sizeof(r->route.name), "%s-%zu", prefix, i);
		store_submit(s, r);
		/* In a few batches: as many as it takes, the order of the disk's operations is the
		 * same. */
		if (i % 4 == 3)
			waiter_wait(&c->waiter, i + 1);
	}
}

static size_t
count(const struct claims *c, enum store_result r)
{
	size_t n = 0;

	for (size_t i = 0; i < CLAIMS; i++)
		n += c->reqs[i].result == r;
	return n;
}

/* Of the acknowledged ones, how many are not there; of the refused ones, how many are. */
static void
compare(struct store *s, const struct claims *c, size_t *lost, size_t *ghosts)
{
	for (size_t i = 0; i < CLAIMS; i++) {
		bool there = help_name(s, STORE_NAME_LOOKUP, "", c->reqs[i].route.name) == STORE_OK;

		*lost += c->reqs[i].result == STORE_OK && !there;
		*ghosts += c->reqs[i].result != STORE_OK && there;
	}
}

/* the commit whose fsync failed is not acknowledged, nothing later is, and it does not come
 * back. */
TEST(q03_fsync_eio)
{
	size_t lost = 0, ghosts = 0;

	for (long at = 0; at < 6; at++) {
		const char *path = help_path();
		struct store *s;
		struct claims c;

		bad_reset(1);
		s = help_open(path);
		help_account(s, "ann", NULL, 0);
		EXPECT(store_healthy(s));
		EXPECT_SLICE(slice_str(store_error(s)), S(""));
		bad.fail_sync_at = bad.n_syncs + at;
		claim_all(s, &c, "n");
		EXPECT(count(&c, STORE_BROKEN) > 0);
		EXPECT_INT(count(&c, STORE_OK) + count(&c, STORE_BROKEN), CLAIMS);
		EXPECT(!store_healthy(s));
		EXPECT(strstr(store_error(s), "until a restart") != NULL);
		/* The disk is well again, the store is not: nothing is tried twice. */
		EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "ann", "later"), STORE_BROKEN);
		EXPECT_INT(help_name(s, STORE_NAME_LOOKUP, "", "n-0"), STORE_BROKEN);
		store_close(s);
		s = help_open(path);
		compare(s, &c, &lost, &ghosts);
		EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "ann", "later"), STORE_OK);
		store_close(s);
		help_clean();
	}
	EXPECT_INT(lost, 0);
	EXPECT_INT(ghosts, 0);
}

/* no space: said so, reading goes on, and it works again when there is space. */
TEST(q04_disk_full)
{
	const char *path = help_path();
	size_t lost = 0, ghosts = 0;
	struct claims before, full, after;
	struct store_req r = { .op = STORE_LOGIN };
	struct store *s;

	bad_reset(1);
	s = help_open(path);
	help_account(s, "ann", r.grant.token, sizeof(r.grant.token));
	claim_all(s, &before, "before");
	EXPECT_INT(count(&before, STORE_OK), CLAIMS);
	bad.full = true;
	claim_all(s, &full, "full");
	EXPECT_INT(count(&full, STORE_FULL), CLAIMS);
	EXPECT(store_healthy(s));
	EXPECT_INT(help_name(s, STORE_NAME_LOOKUP, "", "before-3"), STORE_OK);
	EXPECT_INT(call(s, &r), STORE_OK);
	EXPECT_INT(help_name(s, STORE_NAME_LOOKUP, "", "full-3"), STORE_NONE);
	bad.full = false;
	claim_all(s, &after, "after");
	EXPECT_INT(count(&after, STORE_OK), CLAIMS);
	compare(s, &before, &lost, &ghosts);
	compare(s, &full, &lost, &ghosts);
	store_close(s);
	s = help_open(path);
	compare(s, &before, &lost, &ghosts);
	compare(s, &full, &lost, &ghosts);
	compare(s, &after, &lost, &ghosts);
	EXPECT_INT(lost, 0);
	EXPECT_INT(ghosts, 0);
	store_close(s);
	help_clean();
}

/* One power cut at the n-th operation of the disk; false when the work ended before it. */
static bool
cut_once(long n, bool lying, size_t *lost, size_t *acked)
{
	const char *path = help_path();
	size_t ghosts = 0;
	struct claims c;
	struct store *s;
	bool cut;

	bad_reset((unsigned)n);
	s = help_open(path);
	help_account(s, "ann", NULL, 0);
	bad.lying = lying;
	bad.cut_at = bad.n_ops + n;
	claim_all(s, &c, "n");
	cut = bad_off();
	*acked += count(&c, STORE_OK);
	bad.cut_at = bad.n_ops; /* and what closing would write is lost in any case */
	store_close(s);
	bad_power_up();
	s = help_open(path);
	compare(s, &c, lost, &ghosts);
	EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "ann", "later"), STORE_OK);
	store_close(s);
	help_clean();
	return cut;
}

/* a power cut at each operation in turn, with unsynced sectors torn and reordered, loses no
 * acknowledgement. */
TEST(q02_power_cut_at_each_operation)
{
	size_t lost = 0, acked = 0;
	long n = 0;

	while (cut_once(n, false, &lost, &acked))
		n++;
	EXPECT(n > 20);
	EXPECT(acked > (size_t)n);
	EXPECT_INT(lost, 0);
}

/* The rig is able to see a loss: with syncs that do nothing, as synchronous=OFF would have it,
 * there are many. */
TEST(q02_negative_control)
{
	size_t lost = 0, acked = 0;

	for (long n = 5; n < 60; n += 5)
		(void)cut_once(n, true, &lost, &acked);
	EXPECT(lost > 0);
}

/* --- the inbox --- */

enum { PUTS = 24 };

struct puts {
	struct inbox_req reqs[PUTS];
	char bodies[PUTS][5000];
	struct waiter waiter;
};

/* Leases what may be leased and reports it; the answers do not matter. */
static void
deliver_some(struct store *s)
{
	struct inbox_req r = { .op = INBOX_LEASE, .leases.n_max = 3 };

	PUT(r.account, "ann");
	PUT(r.tunnel, "jenkins");
	(void)ask(s, &r);
	for (size_t k = 0; k < r.n_items; k++) {
		struct inbox_req done = { .op = INBOX_SETTLE,
			.settle.id = r.items[k].id,
			.settle.lease = r.items[k].lease,
			.settle.tried = true,
			.settle.to = k == 0 ? INBOX_DELIVERED : INBOX_QUEUED };

		(void)ask(s, &done);
	}
	inbox_req_fini(&r);
}

/* Stores deliveries of several sizes, and leases and settles between them. */
static void
put_all(struct store *s, struct puts *p)
{
	static const char *const keys[] = { "a", "b", "" };

	p->waiter = (struct waiter)WAITER;
	for (size_t i = 0; i < PUTS; i++) {
		struct inbox_req *r = &p->reqs[i];
		size_t n = 1 + i * 7919 % sizeof(p->bodies[i]);

		memset(p->bodies[i], (int)('A' + i), n);
		*r = new_put("jenkins", keys[i % 3], "");
		r->put.body = slice_of(p->bodies[i], n);
		r->done = inbox_done;
		r->owner = &p->waiter;
		r->now_ms = wall_ms;
		r->mono_ms = mono_ms;
		inbox_submit(s, r);
		if (i % 4 == 3) {
			waiter_wait(&p->waiter, i + 1);
			deliver_some(s);
		}
	}
}

/* Of the acknowledged ones: how many are not there byte for byte.  Of the refused ones: those that
 * are. */
static void
compare_puts(struct store *s, const struct puts *p, size_t *lost, size_t *ghosts)
{
	for (size_t i = 0; i < PUTS; i++) {
		struct inbox_req l = { .op = INBOX_EXPORT, .find.n_max = 100 };
		bool there = false;

		EXPECT_INT(ask(s, &l), STORE_OK);
		for (size_t k = 0; k < l.n_items; k++)
			there = there || slice_eq(l.items[k].body, p->reqs[i].put.body);
		inbox_req_fini(&l);
		*lost += p->reqs[i].result == STORE_OK && !there;
		*ghosts +=
		    p->reqs[i].result != STORE_OK && p->reqs[i].result != STORE_UNSURE && there;
	}
}

static size_t
puts_with(const struct puts *p, enum store_result r)
{
	size_t n = 0;

	for (size_t i = 0; i < PUTS; i++)
		n += p->reqs[i].result == r;
	return n;
}

static bool
cut_inbox_once(long n, size_t *lost, size_t *acked)
{
	static struct puts p;
	struct store *s;
	char path[128];
	size_t ghosts = 0;
	bool cut;

	bad_reset((unsigned)n * 77);
	s = inbox_new();
	snprintf(path, sizeof(path), "%s/adit.db", help_dir);
	bad.cut_at = bad.n_ops + n;
	put_all(s, &p);
	cut = bad_off();
	*acked += puts_with(&p, STORE_OK);
	bad.cut_at = bad.n_ops;
	store_close(s);
	bad_power_up();
	s = help_open(path);
	compare_puts(s, &p, lost, &ghosts);
	store_close(s);
	help_clean();
	return cut;
}

/* Q-02 for deliveries: bodies of several pages, leases and attempts between them. */
TEST(q02_inbox_power_cuts)
{
	size_t lost = 0, acked = 0;
	long n = 0;

	while (cut_inbox_once(n, &lost, &acked))
		n += 3;
	EXPECT(n > 60);
	EXPECT(acked > 100);
	EXPECT_INT(lost, 0);
}

/* Three of a lane are delivered, as far as anybody is told; gives how many are again to be. */
static uint64_t
cut_after_settlements(unsigned seed, bool synced)
{
	struct inbox_req counts = { .op = INBOX_COUNT };
	uint64_t ids[3];
	struct store *s;
	char path[128];

	bad_reset(seed);
	s = inbox_new();
	snprintf(path, sizeof(path), "%s/adit.db", help_dir);
	for (int i = 0; i < 3; i++)
		ids[i] = store_one(s, "jenkins", "a", i == 0 ? "a1" : i == 1 ? "a2" : "a3");
	for (int i = 0; i < 3; i++) {
		(void)leased(s, "jenkins");
		EXPECT_INT(settle(s, ids[i], INBOX_DELIVERED, 0), STORE_OK);
	}
	if (synced) /* a webhook's commit covers all before it */
		(void)store_one(s, "other", "", "x");
	bad.cut_at = bad.n_ops;
	store_close(s);
	bad_power_up();
	s = help_open(path);
	EXPECT_INT(ask(s, &counts), STORE_OK);
	EXPECT_INT(counts.counts.n[INBOX_DELIVERED] + counts.counts.n[INBOX_QUEUED], 3 + synced);
	/* In their order: those before are delivered. */
	for (uint64_t i = counts.counts.n[INBOX_DELIVERED]; i < 3; i++) {
		static const char *const bodies[] = { "a1", "a2", "a3" };

		EXPECT_SLICE(slice_str(leased(s, "jenkins")), slice_str(bodies[i]));
		EXPECT_INT(settle(s, ids[i], INBOX_DELIVERED, 0), STORE_OK);
	}
	inbox_end(s);
	return counts.counts.n[INBOX_QUEUED] - synced;
}

/* a power cut right after settlements loses nothing and keeps the order; what is synced is not
 * repeated. */
TEST(q02_settlements_and_power_cuts)
{
	uint64_t n_repeated = 0;

	for (unsigned seed = 1; seed <= 20; seed++)
		n_repeated += cut_after_settlements(seed, false);
	EXPECT(n_repeated > 0); /* else nothing was at risk */
	EXPECT_INT(cut_after_settlements(21, true), 0);
}

/* Q-03 for deliveries: no 2xx without its fsync, and what was refused is not delivered after a
 * restart. */
TEST(q03_inbox_fsync_eio)
{
	size_t lost = 0, ghosts = 0;

	for (long at = 0; at < 6; at++) {
		static struct puts p;
		struct store *s;
		char path[128];

		bad_reset(1);
		s = inbox_new();
		snprintf(path, sizeof(path), "%s/adit.db", help_dir);
		bad.fail_sync_at = bad.n_syncs + at;
		put_all(s, &p);
		EXPECT(puts_with(&p, STORE_BROKEN) > 0);
		EXPECT(!store_healthy(s));
		store_close(s);
		s = help_open(path);
		compare_puts(s, &p, &lost, &ghosts);
		store_close(s);
		help_clean();
	}
	EXPECT_INT(lost, 0);
	EXPECT_INT(ghosts, 0);
}

/*
 * the fsync fails, and so does the truncation of what it should have made durable: what was
 * in that commit is neither promised nor refused; what was refused does not come back.
 */
TEST(q03_inbox_truncation_eio)
{
	size_t lost = 0, ghosts = 0, unsure = 0;

	for (long at = 0; at < 6; at++) {
		static struct puts p;
		struct store *s;
		char path[128];

		bad_reset(1);
		s = inbox_new();
		snprintf(path, sizeof(path), "%s/adit.db", help_dir);
		bad.fail_sync_at = bad.n_syncs + at;
		no_truncation = true;
		put_all(s, &p);
		no_truncation = false;
		EXPECT(puts_with(&p, STORE_BROKEN) > 0);
		EXPECT(!store_healthy(s));
		unsure += puts_with(&p, STORE_UNSURE);
		store_close(s);
		s = help_open(path);
		compare_puts(s, &p, &lost, &ghosts);
		store_close(s);
		help_clean();
	}
	EXPECT_INT(lost, 0);
	EXPECT_INT(ghosts, 0);
	EXPECT(unsure > 0);
}

/* nor what the process before has promised, when the first commit after a crash fails. */
TEST(q03_fsync_eio_after_a_crash)
{
	static struct puts p;
	size_t lost = 0, ghosts = 0;
	struct store *s;
	char path[128];

	bad_reset(1);
	s = inbox_new();
	snprintf(path, sizeof(path), "%s/adit.db", help_dir);
	put_all(s, &p);
	EXPECT_INT(puts_with(&p, STORE_OK), PUTS);
	bad.cut_at = bad.n_ops;
	store_close(s);
	bad_power_up();
	for (int i = 0; i < 3; i++) {
		s = help_open(path);
		EXPECT(store_healthy(s));
		bad.fail_sync_at = bad.n_syncs;
		EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "ann", "n"), STORE_BROKEN);
		store_close(s);
	}
	s = help_open(path);
	compare_puts(s, &p, &lost, &ghosts);
	EXPECT_INT(help_name(s, STORE_NAME_LOOKUP, "", "n"), STORE_NONE);
	EXPECT_INT(lost, 0);
	inbox_end(s);
}

/*
 * below the low-water mark new deliveries are refused; the queue drains, people and
 * administration go on; with space again all goes on, without a restart.
 */
TEST(q04_low_space)
{
	struct store *s;
	struct store_req stat = { .op = STORE_STAT };
	struct inbox_req r;
	uint64_t id;

	bad_reset(1);
	s = inbox_new();
	id = store_one(s, "jenkins", "a", "a1");
	EXPECT(id != 0);
	EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "ann", "other"), STORE_OK);
	space_is_low = true;
	r = new_put("jenkins", "a", "a2");
	EXPECT_INT(ask(s, &r), STORE_FULL);
	r.put.hold = true;
	EXPECT_INT(ask(s, &r), STORE_FULL);
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("a1"));
	EXPECT_INT(settle(s, id, INBOX_PARKED, 0), STORE_OK);
	r = (struct inbox_req){ .op = INBOX_REPLAY, .change.id = id };
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "ann", "new"), STORE_FULL);
	PUT(r.change.to_tunnel, "other");
	EXPECT_INT(ask(s, &r), STORE_FULL);
	EXPECT_SLICE(slice_str(leased(s, "jenkins")), S("a1"));
	EXPECT_INT(settle(s, id, INBOX_DELIVERED, 0), STORE_OK);
	EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "ann", "other"), STORE_OK);
	EXPECT_INT(help_name(s, STORE_NAME_RELEASE, "", "other"), STORE_OK);
	EXPECT_INT(call(s, &stat), STORE_OK);
	EXPECT(strstr(stat.note.text, "space_low=1") != NULL);
	EXPECT(store_healthy(s));
	EXPECT(slice_starts(slice_str(store_error(s)), S("full")));
	space_is_low = false;
	EXPECT(store_one(s, "jenkins", "a", "a2") != 0);
	EXPECT_SLICE(slice_str(store_error(s)), S(""));
	inbox_end(s);
}

/* and when the space does end, below our feet: refused, nothing half, and on again. */
TEST(q04_inbox_disk_full)
{
	static struct puts p;
	size_t lost = 0, ghosts = 0;
	struct store *s;

	bad_reset(1);
	s = inbox_new();
	bad.full = true;
	put_all(s, &p);
	EXPECT_INT(puts_with(&p, STORE_FULL), PUTS);
	compare_puts(s, &p, &lost, &ghosts);
	EXPECT(store_healthy(s));
	bad.full = false;
	put_all(s, &p);
	EXPECT_INT(puts_with(&p, STORE_OK), PUTS);
	compare_puts(s, &p, &lost, &ghosts);
	EXPECT_INT(lost, 0);
	EXPECT_INT(ghosts, 0);
	inbox_end(s);
}

/* An error of the checkpoint, which SQLite by itself would pass over and try again, breaks the
 * store. */
TEST(q03_checkpoint_fsync_eio)
{
	static char body[1024 * 1024];
	struct inbox_req r = new_put("jenkins", "", "");
	enum store_result after = STORE_NONE;
	struct store *s;

	bad_reset(1);
	s = inbox_new();
	r.put.body = slice_of(body, sizeof(body));
	for (int i = 0; i <= LIMIT_STORE_WAL_BYTES / (int)sizeof(body) && after == STORE_NONE;
	     i++) {
		/* The commit's own sync is the first; those of a checkpoint follow. */
		bad.fail_sync_at = bad.n_syncs + 2;
		EXPECT_INT(ask(s, &r), STORE_OK);
		after = help_name(s, STORE_NAME_LOOKUP, "", "x");
	}
	EXPECT_INT(after, STORE_BROKEN);
	EXPECT(!store_healthy(s));
	inbox_end(s);
}

__attribute__((constructor)) static void
before_all(void)
{
	bad_install();
}

/* clang-format off */
TESTS(
	TEST_ROW(q03_fsync_eio)
	TEST_ROW(q04_disk_full)
	TEST_ROW(q02_power_cut_at_each_operation)
	TEST_ROW(q02_negative_control)
	TEST_ROW(q02_inbox_power_cuts)
	TEST_ROW(q02_settlements_and_power_cuts)
	TEST_ROW(q03_inbox_fsync_eio)
	TEST_ROW(q03_inbox_truncation_eio)
	TEST_ROW(q03_fsync_eio_after_a_crash)
	TEST_ROW(q03_checkpoint_fsync_eio)
	TEST_ROW(q04_low_space)
	TEST_ROW(q04_inbox_disk_full)
)
