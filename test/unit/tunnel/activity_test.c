/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/limits.h"
#include "tunnel/activity.h"

static struct activity_row row, back;
static struct activity_inbox inbox;
static struct activity_reader reader;

static void
fill(struct activity_row *r)
{
	*r = (struct activity_row){ .tunnel = 7,
		.what = ACTIVITY_STATE,
		.state = ACTIVITY_STATE_RETRYING,
		.verdict = ACTIVITY_VERDICT_ALTERED,
		.id = 9007199254740993,
		.at_ms = 1700000000001,
		.took_us = 0,
		.due_ms = 1700000009000,
		.status = 503,
		.attempt = 3,
		.bytes = 2100,
		.request = "d17-3",
		.code = "retry",
		.policy = "scheme",
		.method = "POST",
		.provider = "bitbucket",
		.peer = "[2001:db8::1]:4711",
		.event = "repo:push",
		.path = "/a \"b\"",
		.repository = "acme/w\xc3\xa9"
			      "b",
		.branch = "main",
		.text = "It says \"no\"." };
}

static void
expect_same(const struct activity_row *a, const struct activity_row *b)
{
	EXPECT_INT(a->tunnel, b->tunnel);
	EXPECT_INT(a->what, b->what);
	EXPECT_INT(a->state, b->state);
	EXPECT_INT(a->verdict, b->verdict);
	EXPECT_INT(a->id, b->id);
	EXPECT_INT(a->at_ms, b->at_ms);
	EXPECT_INT(a->took_us, b->took_us);
	EXPECT_INT(a->due_ms, b->due_ms);
	EXPECT_INT(a->status, b->status);
	EXPECT_INT(a->attempt, b->attempt);
	EXPECT_INT(a->bytes, b->bytes);
	EXPECT_SLICE(slice_str(a->request), slice_str(b->request));
	EXPECT_SLICE(slice_str(a->code), slice_str(b->code));
	EXPECT_SLICE(slice_str(a->policy), slice_str(b->policy));
	EXPECT_SLICE(slice_str(a->path), slice_str(b->path));
	EXPECT_SLICE(slice_str(a->repository), slice_str(b->repository));
	EXPECT_SLICE(slice_str(a->text), slice_str(b->text));
	EXPECT_SLICE(slice_str(a->peer), slice_str(b->peer));
}

TEST(what_is_written_is_read_the_same)
{
	struct buf rows, figures, out;

	buf_init(&rows, 8192);
	buf_init(&figures, 8192);
	buf_init(&out, 8192);
	fill(&row);
	activity_put_row(&rows, &row);
	buf_putc(&rows, ',');
	activity_put_row(&rows, &(struct activity_row){ .tunnel = 1, .took_us = -1 });
	activity_put_inbox(&figures,
	    &(struct activity_inbox){ .tunnel = 2, .queued = 3, .dead = 1, .oldest_ms = 5 });
	activity_put(&out, 12, buf_slice(&rows), buf_slice(&figures));
	EXPECT(activity_begin(&reader, buf_slice(&out)));
	EXPECT_INT(reader.lost, 12);
	EXPECT(activity_next_row(&reader, &back));
	expect_same(&row, &back);
	EXPECT(activity_next_row(&reader, &back));
	EXPECT(back.tunnel == 1 && back.took_us == -1 && back.what == ACTIVITY_REFUSED);
	EXPECT(!activity_next_row(&reader, &back));
	EXPECT(activity_next_inbox(&reader, &inbox));
	EXPECT(inbox.tunnel == 2 && inbox.queued == 3 && inbox.parked == 0 && inbox.dead == 1);
	EXPECT_INT(inbox.oldest_ms, 5);
	EXPECT(!activity_next_inbox(&reader, &inbox));
	activity_end(&reader);
	buf_fini(&rows);
	buf_fini(&figures);
	buf_fini(&out);
}

static size_t
count_rows(const char *json)
{
	size_t n = 0;

	if (!activity_begin(&reader, slice_str(json)))
		return 99;
	while (activity_next_row(&reader, &back))
		n++;
	while (activity_next_inbox(&reader, &inbox))
		n += 10;
	activity_end(&reader);
	return n;
}

TEST(what_is_malformed_is_passed_over)
{
	EXPECT_INT(count_rows("{\"type\":\"activity\"}"), 0);
	EXPECT_INT(count_rows("{\"type\":\"activity\",\"rows\":7,\"inbox\":{}}"), 0);
	EXPECT_INT(count_rows("{\"type\":\"activity\",\"rows\":[7,{},{\"tunnel\":1},"
			      "{\"tunnel\":70000,\"what\":\"refused\"},"
			      "{\"tunnel\":1,\"what\":\"later\"},"
			      "{\"tunnel\":1,\"what\":\"state\",\"state\":\"parked\"},"
			      "{\"tunnel\":1,\"what\":\"state\",\"state\":\"gone\",\"id\":1},"
			      "{\"tunnel\":1,\"what\":\"refused\",\"status\":-4,\"new\":[1]}],"
			      "\"inbox\":[1,{\"queued\":2},{\"tunnel\":1}]}"),
	    11);
	EXPECT_INT(back.status, 0);
	EXPECT_INT(count_rows("{\"type\":\"waiting\"}"), 99);
	EXPECT_INT(count_rows("[]"), 99);
	EXPECT_INT(count_rows("{"), 99);
}

TEST(text_of_anybody_is_harmless_and_cut_between_characters)
{
	char dst[8];

	activity_text(dst, sizeof(dst), S("a\nb\x1b\xff"));
	EXPECT_SLICE(slice_str(dst), S("a?b??"));
	activity_text(dst, sizeof(dst), S("123456\xc3\xa9"));
	EXPECT_SLICE(slice_str(dst), S("123456"));
	activity_text(dst, sizeof(dst), S("1234567890"));
	EXPECT_SLICE(slice_str(dst), S("1234567"));
	activity_text(dst, sizeof(dst), S("x\xe2\x80\xae")); /* right to left */
	EXPECT_SLICE(slice_str(dst), S("x?"));
}

/* The longest row, of characters that are escaped, still fits into a message. */
TEST(the_longest_row_fits)
{
	struct buf out;

	fill(&row);
	memset(row.text, '"', sizeof(row.text) - 1);
	memset(row.path, '\\', sizeof(row.path) - 1);
	memset(row.repository, '"', sizeof(row.repository) - 1);
	memset(row.branch, '"', sizeof(row.branch) - 1);
	memset(row.event, '"', sizeof(row.event) - 1);
	buf_init(&out, LIMIT_ACTIVITY_MESSAGE_BYTES / 2);
	activity_put_row(&out, &row);
	EXPECT(!out.failed);
	EXPECT(out.n < 4096 - 256); /* and into a line of the agent's */
	buf_fini(&out);
}

TESTS(TEST_ROW(what_is_written_is_read_the_same) TEST_ROW(what_is_malformed_is_passed_over)
	TEST_ROW(text_of_anybody_is_harmless_and_cut_between_characters)
	    TEST_ROW(the_longest_row_fits))
