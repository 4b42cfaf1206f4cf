/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "net/knock.h"

#include <netinet/in.h>
#include <unistd.h>

static int got;

static void
on_done(struct knock *k, enum knock_result r)
{
	(void)k;
	got = (int)r;
}

struct ending {
	struct knock knock;
	struct loop *loop;
	struct loop_timer poll;
};

static void
on_poll(struct loop_timer *t)
{
	struct ending *e = list_of(t, struct ending, poll);

	if (got >= 0)
		loop_stop(e->loop);
	else
		loop_timer_set(e->loop, &e->poll, 1000);
}

static int
knock_at(uint16_t port)
{
	struct ending e = { .loop = loop_new() };
	struct sockaddr_storage ss = { 0 };
	struct sockaddr_in *in = (struct sockaddr_in *)&ss;

	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in->sin_port = htons(port);
	got = -1;
	e.knock.done = on_done;
	e.poll.fn = on_poll;
	knock_start(&e.knock, e.loop, &ss, 3000000);
	loop_timer_set(e.loop, &e.poll, 1000);
	loop_run(e.loop);
	knock_cancel(&e.knock);
	loop_free(e.loop);
	return got;
}

TEST(who_is_there)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t n = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	EXPECT_INT(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	EXPECT_INT(getsockname(fd, (struct sockaddr *)&in, &n), 0);
	EXPECT_INT(knock_at(ntohs(in.sin_port)), KNOCK_REFUSED);
	EXPECT_INT(listen(fd, 4), 0);
	EXPECT_INT(knock_at(ntohs(in.sin_port)), KNOCK_OPEN);
	close(fd);
	EXPECT_SLICE(slice_str(knock_text(KNOCK_OPEN)), S("open"));
	EXPECT_SLICE(slice_str(knock_text(KNOCK_SILENT)), S("silent"));
}

/* Called off before anything was told. */
TEST(called_off)
{
	struct loop *l = loop_new();
	struct sockaddr_storage ss = { 0 };
	struct knock k = { .done = on_done };

	((struct sockaddr_in *)&ss)->sin_family = AF_INET;
	((struct sockaddr_in *)&ss)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	((struct sockaddr_in *)&ss)->sin_port = htons(9);
	got = -1;
	knock_start(&k, l, &ss, 1000);
	knock_cancel(&k);
	knock_cancel(&k);
	EXPECT_INT(got, -1);
	loop_free(l);
}

TESTS(TEST_ROW(who_is_there) TEST_ROW(called_off))
