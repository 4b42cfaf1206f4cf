/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "net/notify.h"
#include "net/watchdog.h"

#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A supervisor of our own; abstract: the name has no file. */
static int
supervisor(bool abstract)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int n = snprintf(un.sun_path, sizeof(un.sun_path), "%s-notify-%d",
	    abstract ? "@adit" : "/tmp/adit", (int)getpid());

	setenv("NOTIFY_SOCKET", un.sun_path, 1);
	if (abstract)
		un.sun_path[0] = '\0';
	else
		unlink(un.sun_path);
	EXPECT(bind(fd, (struct sockaddr *)&un,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n)) == 0);
	return fd;
}

/* What has come, as text; "": nothing. */
static const char *
heard(int fd)
{
	static char text[256];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	return text;
}

TEST(both_kinds_of_sockets)
{
	for (int abstract = 0; abstract < 2; abstract++) {
		int fd = supervisor(abstract);

		EXPECT(notify("READY=1\nSTATUS=all is well") == 0);
		EXPECT_SLICE(slice_str(heard(fd)), S("READY=1\nSTATUS=all is well"));
		close(fd);
		/* Nobody reads there now: a failure, which is said and nothing more. */
		EXPECT(notify("READY=1") == -1);
		if (!abstract)
			unlink(getenv("NOTIFY_SOCKET"));
	}
	unsetenv("NOTIFY_SOCKET");
	EXPECT(notify("READY=1") == 0);
	setenv("NOTIFY_SOCKET", "x", 1); /* neither a path nor a name */
	EXPECT(notify("READY=1") == 0);
	unsetenv("NOTIFY_SOCKET");
}

TEST(periods)
{
	EXPECT(watchdog_period_us(NULL, NULL, 7) == 0);
	EXPECT(watchdog_period_us("", NULL, 7) == 0);
	EXPECT(watchdog_period_us("0", NULL, 7) == 0);
	EXPECT(watchdog_period_us("-1", NULL, 7) == 0);
	EXPECT(watchdog_period_us("30s", NULL, 7) == 0);
	EXPECT(watchdog_period_us("18446744073709551615", NULL, 7) == 0);
	EXPECT(watchdog_period_us("60000000", NULL, 7) == 60000000);
	EXPECT(watchdog_period_us("60000000", "7", 7) == 60000000);
	EXPECT(watchdog_period_us("60000000", "8", 7) == 0); /* another process's */
	EXPECT(watchdog_period_us("60000000", "x", 7) == 0);
}

struct life {
	struct watchdog watchdog;
	struct loop *loop;
	struct loop_timer poll;
	int fd, n_asked, n_heard;
};

/* Well, but for the second time. */
static bool
is_well(struct watchdog *w)
{
	return ++list_of(w, struct life, watchdog)->n_asked != 2;
}

static void
on_poll(struct loop_timer *t)
{
	struct life *f = list_of(t, struct life, poll);

	while (strcmp(heard(f->fd), "WATCHDOG=1") == 0)
		f->n_heard++;
	if (f->n_asked >= 4)
		loop_stop(f->loop);
	else
		loop_timer_set(f->loop, &f->poll, 1000);
}

TEST(signs_of_life_come_from_the_loop)
{
	struct life f = { .watchdog = { .well = is_well }, .loop = loop_new() };

	f.fd = supervisor(true);
	setenv("WATCHDOG_USEC", "10000", 1);
	f.poll.fn = on_poll;
	watchdog_start(&f.watchdog, f.loop);
	loop_timer_set(f.loop, &f.poll, 1000);
	loop_run(f.loop);
	EXPECT(f.n_asked >= 4 && f.n_heard == f.n_asked - 1);
	watchdog_stop(&f.watchdog);
	watchdog_stop(&f.watchdog);
	loop_free(f.loop);
	unsetenv("WATCHDOG_USEC");
	unsetenv("NOTIFY_SOCKET");
	close(f.fd);
}

TESTS(TEST_ROW(both_kinds_of_sockets) TEST_ROW(periods) TEST_ROW(signs_of_life_come_from_the_loop))
