/* SPDX-License-Identifier: Apache-2.0 */
/* What the edge tells reaches the list of what has passed. */
#include "unit.h"

#include "agent/capture/capture.h"
#include "agent/link/uplink_activity.h"

static struct agent_tunnel tunnels[2];
static struct serve serve;
static struct screen screen;
static struct client client;
static struct uplink uplink;
static struct loop *loop;

static void
begin(void)
{
	loop = loop_new();
	tunnels[0].ask.id = 1;
	tunnels[1].ask.id = 2;
	serve = (struct serve){ .tunnels = tunnels, .n_tunnels = 2, .capture = capture_new(loop) };
	capture_tunnel(serve.capture, 0, "web", CAPTURE_ON);
	capture_tunnel(serve.capture, 1, "two", CAPTURE_ON);
	client = (struct client){ .serve = &serve, .screen = &screen };
	uplink = (struct uplink){ .client = &client };
}

static void
end(void)
{
	capture_free(serve.capture);
	loop_free(loop);
}

static void
hear(const char *json)
{
	uplink_activity(&uplink, slice_str(json));
}

static size_t
n_rows(void)
{
	struct capture_row r;
	size_t n = 0;

	for (bool any = rows_newest(capture_rows(serve.capture), &r); any;
	     any = rows_before(capture_rows(serve.capture), r.id, &r))
		n++;
	return n;
}

TEST(a_refusal_is_a_row)
{
	struct capture_row r;

	begin();
	hear("{\"type\":\"activity\",\"rows\":[{\"tunnel\":2,\"what\":\"refused\",\"status\":401,"
	     "\"code\":\"bad-signature\",\"verdict\":\"altered\",\"path\":\"/a\",\"method\":"
	     "\"POST\",\"request\":\"00d3\",\"peer\":\"[2001:db8::1]:4711\",\"took_us\":9}]}");
	EXPECT(rows_newest(capture_rows(serve.capture), &r));
	EXPECT(r.state == ROW_REFUSED && r.verdict == VERDICT_ALTERED && r.status == 401);
	EXPECT_SLICE(r.client, S("[2001:db8::1]"));
	EXPECT_SLICE(r.code, S("bad-signature"));
	EXPECT_SLICE(r.target, S("/a"));
	EXPECT_INT(r.tunnel, 1);
	end();
}

TEST(a_delivery_is_one_row_through_its_states)
{
	struct capture_row r;

	begin();
	hear("{\"type\":\"activity\",\"rows\":[{\"tunnel\":1,\"what\":\"stored\",\"id\":7,"
	     "\"state\":\"queued\",\"verdict\":\"ok\",\"event\":\"repo:push\"},"
	     "{\"tunnel\":1,\"what\":\"state\",\"id\":7,\"state\":\"retrying\",\"attempt\":1}]}");
	hear("{\"type\":\"activity\",\"rows\":[{\"tunnel\":1,\"what\":\"state\",\"id\":7,"
	     "\"state\":\"parked\",\"attempt\":2,\"status\":404}]}");
	EXPECT(rows_newest(capture_rows(serve.capture), &r));
	EXPECT(r.state == ROW_PARKED && r.attempt == 2 && r.verdict == VERDICT_OK);
	EXPECT_SLICE(r.event, S("repo:push"));
	EXPECT_INT(n_rows(), 1);
	/* The same webhook again: the first row stays as it is. */
	hear("{\"type\":\"activity\",\"rows\":[{\"tunnel\":1,\"what\":\"stored\",\"id\":7,"
	     "\"state\":\"parked\",\"code\":\"duplicate\",\"request\":\"00d4\"}]}");
	EXPECT_INT(n_rows(), 2);
	EXPECT(rows_of_delivery(capture_rows(serve.capture), 7, &r));
	EXPECT(r.state == ROW_PARKED && r.code.n == 0);
	end();
}

TEST(what_fits_to_nothing_is_passed_over)
{
	begin();
	hear("{\"type\":\"activity\",\"rows\":[{\"tunnel\":9,\"what\":\"refused\"},"
	     "{\"tunnel\":1,\"what\":\"state\",\"id\":7}],\"inbox\":[{\"tunnel\":9}]}");
	hear("{\"type\":\"waiting\"}");
	hear("[");
	EXPECT_INT(n_rows(), 0);
	end();
}

TESTS(TEST_ROW(a_refusal_is_a_row) TEST_ROW(a_delivery_is_one_row_through_its_states)
	TEST_ROW(what_fits_to_nothing_is_passed_over))
