/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/inboxtalk.h"

#include "unit.h"

#define NOW 1795551660000 /* 2026-11-24T20:21:00Z */

static struct inboxtalk t;
static struct buf out;

static enum inboxtalk_step
start(const struct inboxtalk_options *o, int n, const char *const *args)
{
	static const struct inboxtalk_options none;

	inboxtalk_fini(&t);
	buf_fini(&out);
	buf_init(&out, 1 << 20);
	return inboxtalk_start(&t, o == NULL ? &none : o, n, args, NOW);
}
#define START(o, ...)                                                                              \
	start(o, (int)(sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *)),                  \
	    (const char *const[]){ __VA_ARGS__ })

static enum inboxtalk_step
answer(const char *json)
{
	json_t *o = json_loads(json, 0, NULL);
	enum inboxtalk_step step = inboxtalk_next(&t, o, &out);

	json_decref(o);
	return step;
}

static bool
asks(const char *json)
{
	json_t *o = json_loads(json, 0, NULL);
	bool same = json_equal(o, t.request);

	if (!same)
		json_dumpf(t.request, stdout, 0);
	json_decref(o);
	return same;
}

TEST(times)
{
	EXPECT_INT(inboxtalk_time(S("30m"), NOW), NOW - 1800000);
	EXPECT_INT(inboxtalk_time(S("7d"), NOW), NOW - 7 * 86400000LL);
	EXPECT_INT(inboxtalk_time(S("2026-11-24T20:21:00Z"), NOW), NOW);
	EXPECT_INT(inboxtalk_time(S("2026-11-24"), NOW), 1795478400000);
	EXPECT_INT(inboxtalk_time(S(""), NOW), -1);
	EXPECT_INT(inboxtalk_time(S("m"), NOW), -1);
	EXPECT_INT(inboxtalk_time(S("-3m"), NOW), -1);
	EXPECT_INT(inboxtalk_time(S("2026-11-24T20:21:00Zx"), NOW), -1);
	EXPECT_INT(inboxtalk_time(S("99999999999999999999d"), NOW), -1);
}

TEST(list_turns_pages_and_stops_at_the_limit)
{
	struct inboxtalk_options o = {
		.states = "parked, dead", .since = "30m", .limit = "3", .json = true
	};

	EXPECT_INT(START(&o, "list"), INBOXTALK_ASK);
	EXPECT(asks("{\"op\":\"list\",\"states\":[\"parked\",\"dead\"],\"since_ms\":1795549860000,"
		    "\"limit\":3}"));
	EXPECT_INT(
	    answer("{\"ok\":true,\"rows\":[{\"id\":9},{\"id\":8}],\"more\":true,\"cursor\":8}"),
	    INBOXTALK_ASK);
	EXPECT_INT(json_integer_value(json_object_get(t.request, "cursor")), 8);
	EXPECT_INT(
	    answer("{\"ok\":true,\"rows\":[{\"id\":7},{\"id\":6}],\"more\":true,\"cursor\":6}"),
	    INBOXTALK_DONE);
	EXPECT_SLICE(buf_slice(&out), S("{\"id\":9}\n{\"id\":8}\n{\"id\":7}\n"));
}

TEST(a_page_without_rows_is_not_the_end)
{
	EXPECT_INT(START(NULL, "list"), INBOXTALK_ASK);
	EXPECT_INT(answer("{\"ok\":true,\"rows\":[],\"more\":true,\"cursor\":70}"), INBOXTALK_ASK);
	EXPECT_INT(answer("{\"ok\":true,\"rows\":[],\"more\":false,\"cursor\":3}"), INBOXTALK_DONE);
	EXPECT_INT(out.n, 0);
}

/* "head" and "body" of a delivery, in two pieces; what an edge sends is never trusted to end. */
TEST(show_puts_pieces_together)
{
	struct inboxtalk_options o = { .raw = true };

	EXPECT_INT(START(&o, "show", "12"), INBOXTALK_ASK);
	EXPECT(asks("{\"op\":\"show\",\"id\":12,\"raw\":true}"));
	EXPECT_INT(answer("{\"ok\":true,\"delivery\":{\"id\":12},\"attempts\":[]}"), INBOXTALK_ASK);
	EXPECT(asks("{\"op\":\"bytes\",\"id\":12,\"offset\":0,\"raw\":true}"));
	EXPECT_INT(answer("{\"ok\":true,\"bytes\":\"aGVhZA==\",\"head_bytes\":4,\"total\":8}"),
	    INBOXTALK_ASK);
	EXPECT(asks("{\"op\":\"bytes\",\"id\":12,\"offset\":4,\"raw\":true}"));
	EXPECT_INT(answer("{\"ok\":true,\"bytes\":\"Ym9keQ==\",\"head_bytes\":4,\"total\":8}"),
	    INBOXTALK_DONE);
	EXPECT_SLICE(buf_slice(&out), S("headbody"));
	EXPECT_INT(START(&o, "show", "12"), INBOXTALK_ASK);
	EXPECT_INT(answer("{\"ok\":true,\"delivery\":{\"id\":12}}"), INBOXTALK_ASK);
	EXPECT_INT(answer("{\"ok\":true,\"bytes\":\"\",\"head_bytes\":4,\"total\":8}"),
	    INBOXTALK_FAILED);
	EXPECT_INT(START(&o, "show", "12"), INBOXTALK_ASK);
	EXPECT_INT(answer("{\"ok\":true,\"delivery\":{\"id\":12}}"), INBOXTALK_ASK);
	EXPECT_INT(answer("{\"ok\":true,\"bytes\":\"%%\",\"head_bytes\":4,\"total\":8}"),
	    INBOXTALK_FAILED);
}

/* A head that is longer than all that came is refused, not read past its end. */
TEST(an_edge_may_lie_about_the_head)
{
	struct inboxtalk_options o = { .json = true };

	EXPECT_INT(START(&o, "show", "12"), INBOXTALK_ASK);
	EXPECT_INT(answer("{\"ok\":true,\"delivery\":{\"id\":12}}"), INBOXTALK_ASK);
	EXPECT_INT(answer("{\"ok\":true,\"bytes\":\"aGVhZA==\",\"head_bytes\":9000,\"total\":4}"),
	    INBOXTALK_FAILED);
	EXPECT_INT(START(NULL, "export"), INBOXTALK_ASK);
	EXPECT_INT(answer("{\"ok\":true,\"rows\":[{\"id\":5}],\"more\":false,\"cursor\":5}"),
	    INBOXTALK_ASK);
	EXPECT_INT(answer("{\"ok\":true,\"bytes\":\"aGVhZA==\",\"head_bytes\":9000,\"total\":4}"),
	    INBOXTALK_FAILED);
}

TEST(what_a_sender_wrote_does_not_move_the_cursor)
{
	EXPECT_INT(START(NULL, "show", "1"), INBOXTALK_ASK);
	EXPECT_INT(
	    answer("{\"ok\":true,\"delivery\":{\"id\":1,\"state\":\"parked\"},\"attempts\":[]}"),
	    INBOXTALK_ASK);
	/* ESC ] and a C1 control character, in UTF-8 */
	EXPECT_INT(answer("{\"ok\":true,\"bytes\":\"G11hwptiCg==\",\"head_bytes\":0,\"total\":7}"),
	    INBOXTALK_DONE);
	EXPECT(memchr(out.p, 0x1b, out.n) == NULL && memchr(out.p, 0xc2, out.n) == NULL);
	EXPECT(strstr(buf_z(&out), "\\x1b]a\\xc2\\x9bb\n") != NULL);
}

TEST(replay_of_ids_and_of_a_filter)
{
	struct inboxtalk_options o = { .to = "other" }, filter = { .states = "parked" };

	EXPECT_INT(START(&o, "replay", "3", "4"), INBOXTALK_ASK);
	EXPECT(asks("{\"op\":\"replay\",\"id\":3,\"to\":\"other\"}"));
	EXPECT_INT(answer("{\"ok\":true,\"changed\":1,\"id\":20}"), INBOXTALK_ASK);
	EXPECT(asks("{\"op\":\"replay\",\"id\":4,\"to\":\"other\"}"));
	EXPECT_INT(answer("{\"ok\":true,\"changed\":1,\"id\":21}"), INBOXTALK_DONE);
	EXPECT_SLICE(buf_slice(&out),
	    S("3 was copied to 20\n4 was copied to 21\n2 deliveries were copied\n"));
	EXPECT_INT(START(&filter, "drop"), INBOXTALK_ASK);
	EXPECT_INT(answer("{\"ok\":true,\"changed\":500,\"more\":true,\"cursor\":700}"),
	    INBOXTALK_ASK);
	EXPECT_INT(json_integer_value(json_object_get(t.request, "cursor")), 700);
	EXPECT_INT(answer("{\"ok\":true,\"changed\":2,\"more\":false,\"cursor\":702}"),
	    INBOXTALK_DONE);
	EXPECT_SLICE(buf_slice(&out), S("502 deliveries were dropped\n"));
}

TEST(export_goes_from_row_to_bytes_to_row)
{
	EXPECT_INT(START(NULL, "export"), INBOXTALK_ASK);
	EXPECT(asks("{\"op\":\"export\",\"whole\":true}"));
	EXPECT_INT(answer("{\"ok\":true,\"rows\":[{\"id\":5}],\"more\":true,\"cursor\":5}"),
	    INBOXTALK_ASK);
	EXPECT(asks("{\"op\":\"bytes\",\"id\":5,\"offset\":0,\"cursor\":5,\"whole\":true}"));
	EXPECT_INT(answer("{\"ok\":true,\"bytes\":\"aGVhZGJvZHk=\",\"head_bytes\":4,\"total\":8}"),
	    INBOXTALK_ASK);
	EXPECT(asks("{\"op\":\"export\",\"cursor\":5,\"whole\":true}"));
	EXPECT_INT(answer("{\"ok\":true,\"rows\":[],\"more\":false,\"cursor\":5}"), INBOXTALK_DONE);
	EXPECT_SLICE(buf_slice(&out), S("{\"id\":5,\"head\":\"head\",\"body\":\"body\"}\n"));
}

/* Many short ones in one answer, a long one behind them in pieces. */
TEST(export_takes_whole_rows)
{
	struct inboxtalk_options o = { .limit = "3" };

	EXPECT_INT(START(&o, "export"), INBOXTALK_ASK);
	EXPECT(asks("{\"op\":\"export\",\"whole\":true,\"limit\":3}"));
	EXPECT_INT(
	    answer("{\"ok\":true,\"rows\":[{\"id\":5,\"whole\":\"aGVhZGJvZHk=\",\"head_bytes\":4},"
		   "{\"id\":6,\"whole\":\"aGVhZGJvZHk=\",\"head_bytes\":8},{\"id\":7}],"
		   "\"more\":true,\"cursor\":7}"),
	    INBOXTALK_ASK);
	EXPECT_SLICE(buf_slice(&out), S("{\"id\":5,\"head\":\"head\",\"body\":\"body\"}\n"
					"{\"id\":6,\"head\":\"headbody\",\"body\":\"\"}\n"));
	EXPECT(asks("{\"op\":\"bytes\",\"id\":7,\"offset\":0,\"cursor\":7,\"whole\":true,"
		    "\"limit\":3}"));
	buf_reset(&out);
	EXPECT_INT(answer("{\"ok\":true,\"bytes\":\"aGVhZGJvZHk=\",\"head_bytes\":4,\"total\":8}"),
	    INBOXTALK_DONE);
	EXPECT_SLICE(buf_slice(&out), S("{\"id\":7,\"head\":\"head\",\"body\":\"body\"}\n"));
	EXPECT_INT(START(NULL, "export"), INBOXTALK_ASK);
	EXPECT_INT(answer("{\"ok\":true,\"rows\":[{\"id\":5,\"whole\":\"aGVh\",\"head_bytes\":4}],"
			  "\"more\":true,\"cursor\":5}"),
	    INBOXTALK_FAILED);
}

TEST(tail_begins_at_the_end)
{
	struct inboxtalk_options o = { .json = true };

	EXPECT_INT(START(&o, "tail"), INBOXTALK_ASK);
	EXPECT_INT(answer("{\"ok\":true,\"rows\":[{\"id\":40}],\"more\":true,\"cursor\":40}"),
	    INBOXTALK_WAIT);
	EXPECT_INT(out.n, 0);
	EXPECT_SLICE(slice_str(json_string_value(json_object_get(t.request, "op"))), S("export"));
	EXPECT_INT(
	    answer("{\"ok\":true,\"rows\":[{\"id\":41},{\"id\":42}],\"more\":false,\"cursor\":42}"),
	    INBOXTALK_WAIT);
	EXPECT_SLICE(buf_slice(&out), S("{\"id\":41}\n{\"id\":42}\n"));
	EXPECT_INT(json_integer_value(json_object_get(t.request, "cursor")), 42);
}

TEST(mistakes)
{
	struct inboxtalk_options when = { .since = "soon" }, limit = { .limit = "0" };

	EXPECT_INT(START(NULL, "eat"), INBOXTALK_FAILED);
	EXPECT_INT(START(NULL, "show"), INBOXTALK_FAILED);
	EXPECT_INT(START(NULL, "show", "1", "2"), INBOXTALK_FAILED);
	EXPECT_INT(START(NULL, "show", "x"), INBOXTALK_FAILED);
	EXPECT_INT(START(NULL, "list", "1"), INBOXTALK_FAILED);
	EXPECT_INT(START(NULL, "replay"), INBOXTALK_FAILED);
	EXPECT_INT(START(&when, "list"), INBOXTALK_FAILED);
	EXPECT(strstr(t.why, "--since") != NULL);
	EXPECT_INT(START(&limit, "list"), INBOXTALK_FAILED);
	EXPECT_INT(START(NULL, "list"), INBOXTALK_ASK);
	EXPECT_INT(answer("{\"ok\":false,\"code\":\"store\",\"text\":\"the store has failed\"}"),
	    INBOXTALK_FAILED);
	EXPECT_SLICE(slice_str(t.why), S("the store has failed"));
	EXPECT_INT(START(NULL, "list"), INBOXTALK_ASK);
	EXPECT_INT(answer("[]"), INBOXTALK_FAILED);
	inboxtalk_fini(&t);
	buf_fini(&out);
}

TESTS(TEST_ROW(times) TEST_ROW(list_turns_pages_and_stops_at_the_limit)
	TEST_ROW(a_page_without_rows_is_not_the_end) TEST_ROW(show_puts_pieces_together)
	    TEST_ROW(an_edge_may_lie_about_the_head)
		TEST_ROW(what_a_sender_wrote_does_not_move_the_cursor)
		    TEST_ROW(replay_of_ids_and_of_a_filter)
			TEST_ROW(export_goes_from_row_to_bytes_to_row)
			    TEST_ROW(export_takes_whole_rows) TEST_ROW(tail_begins_at_the_end)
				TEST_ROW(mistakes))
