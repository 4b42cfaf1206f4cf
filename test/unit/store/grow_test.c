/* SPDX-License-Identifier: Apache-2.0 */
/* The gate of what grows (store/grow.h): no way around an account's bytes, nor to a name of others. */
#include "unit/store/inbox_help.h"

enum { N = 40 };

static char body[100000];

static struct inbox_req
replay_to(uint64_t id, const char *to)
{
	struct inbox_req r = { .op = INBOX_REPLAY,
		.change.id = id,
		.change.find.states = INBOX_STATE_BIT(INBOX_QUEUED),
		.change.account_bytes_max = 3 * 1024 * 1024 };

	PUT(r.account, "ann");
	PUT(r.change.to_tunnel, to);
	return r;
}

static struct store *
new_with_names(void)
{
	struct store *s = inbox_new();

	EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "ann", "jenkins"), STORE_OK);
	EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "ann", "other"), STORE_OK);
	EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "ann", "gone"), STORE_OK);
	EXPECT_INT(help_name(s, STORE_NAME_RELEASE, "ann", "gone"), STORE_OK);
	EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "eve", "eves"), STORE_OK);
	return s;
}

static uint64_t
bytes_of(struct store *s, const char *account)
{
	struct inbox_req r = { .op = INBOX_COUNT };
	uint64_t n = 0;

	PUT(r.account, account);
	EXPECT_INT(ask(s, &r), STORE_OK);
	for (int i = 0; i < INBOX_N_STATES; i++)
		n += r.counts.bytes[i];
	return n;
}

TEST(s14_a_replay_takes_the_bytes_of_its_account)
{
	struct store *s = new_with_names();
	struct inbox_req r = new_put("jenkins", "", "");
	uint64_t had, made = 0;

	r.put.body = slice_of(body, sizeof(body));
	for (int i = 0; i < 20; i++)
		EXPECT_INT(ask(s, &r), STORE_OK);
	had = bytes_of(s, "ann");
	/* all at once, as often as one likes */
	for (int i = 0; i < N; i++) {
		enum store_result got;

		r = replay_to(0, "other");
		PUT(r.tunnel, "jenkins");
		got = ask(s, &r);
		made += r.n_changed;
		EXPECT(got == STORE_OK || got == STORE_LIMIT);
		EXPECT(r.n_changed > 0 || got == STORE_LIMIT);
		EXPECT(got != STORE_OK || r.n_changed == 20 || r.more);
	}
	/* or one by one */
	for (int i = 0; i < N; i++) {
		r = replay_to(1, "other");
		EXPECT_INT(ask(s, &r), STORE_LIMIT);
		EXPECT_INT(r.n_changed, 0);
	}
	EXPECT_INT(made, 11);
	EXPECT_INT(bytes_of(s, "ann"), had + 11 * (had / 20));
	EXPECT(bytes_of(s, "ann") <= r.change.account_bytes_max);
	/* its own are replayed all the same: that is no growth */
	r = (struct inbox_req){ .op = INBOX_DROP, .change.id = 1 };
	EXPECT_INT(ask(s, &r), STORE_OK);
	r = replay_to(1, "");
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(r.n_changed, 1);
	inbox_end(s);
}

TEST(s03_a_replay_goes_to_a_name_of_its_account)
{
	static const char *const names[] = { "eves", "gone", "nobodys", "*", "OTHER" };
	struct store *s = new_with_names();
	uint64_t id = store_one(s, "jenkins", "", "x");
	struct inbox_req r;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		r = replay_to(id, names[i]);
		EXPECT_INT(ask(s, &r), STORE_TAKEN);
		EXPECT_INT(r.n_changed, 0);
		r = replay_to(0, names[i]);
		EXPECT_INT(ask(s, &r), STORE_TAKEN);
		/* nor by the operator, who would give it to another account */
		r.account[0] = '\0';
		r.id = id;
		EXPECT_INT(ask(s, &r), STORE_TAKEN);
	}
	r = replay_to(id, "other");
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(r.n_changed, 1);
	EXPECT_SLICE(slice_str(leased(s, "other")), S("x"));
	inbox_end(s);
}

/* One commit does not carry all of a large inbox: as many as fill it, and the rest with the next. */
TEST(a_replay_is_cut_into_commits)
{
	static char big[LIMIT_STORE_BATCH_BYTES / 2];
	struct store *s = new_with_names();
	struct inbox_req r = new_put("jenkins", "", "");

	r.put.body = slice_of(big, sizeof(big));
	for (int i = 0; i < 3; i++)
		EXPECT_INT(ask(s, &r), STORE_OK);
	r = replay_to(0, "other");
	r.change.account_bytes_max = 0;
	PUT(r.tunnel, "jenkins");
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(r.n_changed, 2);
	EXPECT(r.more);
	r.change.find.cursor = r.cursor;
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(r.n_changed, 1);
	EXPECT(!r.more);
	inbox_end(s);
}

/* clang-format off */
TESTS(
	TEST_ROW(s14_a_replay_takes_the_bytes_of_its_account)
	TEST_ROW(s03_a_replay_goes_to_a_name_of_its_account)
	TEST_ROW(a_replay_is_cut_into_commits)
)
/* clang-format on */
