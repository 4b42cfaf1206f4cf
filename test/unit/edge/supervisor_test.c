/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "edge/daemon/supervisor.h"

#include <stddef.h>
#include <sys/un.h>
#include <unistd.h>

static int
supervisor(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int n = snprintf(un.sun_path, sizeof(un.sun_path), "@adit-beats-%d", (int)getpid());

	setenv("NOTIFY_SOCKET", un.sun_path, 1);
	un.sun_path[0] = '\0';
	EXPECT(bind(fd, (struct sockaddr *)&un,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n)) == 0);
	return fd;
}

static void
on_end(struct loop_timer *t)
{
	loop_stop(*(struct loop **)(t + 1));
}

static void
run_ms(struct loop *l, int64_t ms)
{
	struct {
		struct loop_timer timer;
		struct loop *loop;
	} end = { { .fn = on_end }, l };

	loop_timer_set(l, &end.timer, ms * 1000);
	loop_run(l);
}

static int
n_heard(int fd)
{
	char text[64];
	int n = 0;

	while (recv(fd, text, sizeof(text), 0) > 0)
		n++;
	return n;
}

/* Two workers whose loops turn only when they are told to: one that does not silences the edge. */
TEST(a_worker_that_hangs_is_missed)
{
	struct worker workers[2] = { { .loop = loop_new() }, { .loop = loop_new() } };
	struct worker *list[2] = { &workers[0], &workers[1] };
	struct edge e = {
		.domain = "localhost", .workers = list, .n_workers = 2, .main_loop = loop_new()
	};
	struct supervisor *b;
	int fd = supervisor();

	setenv("WATCHDOG_USEC", "4000", 1);
	b = supervisor_start(&e, 443);
	run_ms(e.main_loop, 50);
	EXPECT_INT(n_heard(fd), 2); /* that it is ready, and the first one; then both hang */
	run_ms(workers[0].loop, 1);
	run_ms(e.main_loop, 50);
	EXPECT_INT(n_heard(fd), 0);
	run_ms(workers[1].loop, 1);
	run_ms(e.main_loop, 50);
	EXPECT_INT(n_heard(fd), 1);
	supervisor_stop(b);
	run_ms(workers[0].loop, 1);
	run_ms(workers[1].loop, 1);
	for (int i = 0; i < 2; i++)
		loop_free(workers[i].loop);
	supervisor_free(b);
	loop_free(e.main_loop);
	supervisor_stop(NULL);
	supervisor_free(NULL);
	close(fd);
}

TESTS(TEST_ROW(a_worker_that_hangs_is_missed))
