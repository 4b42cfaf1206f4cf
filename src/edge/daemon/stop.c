/* SPDX-License-Identifier: Apache-2.0 */
/* Signals that end the edge, and the end that waits for nobody (stop.h). */
#include "edge/daemon/stop.h"

#include "base/limits.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Of the process, as signals are. */
static int wake_fd = -1;
static _Atomic unsigned grace_s = LIMIT_DRAIN_MS / 1000, n_asked;

static unsigned
seconds(int64_t ms)
{
	return (unsigned)((ms + 999) / 1000);
}

int64_t
stop_cut_ms(int64_t drain_ms)
{
	check(drain_ms >= 0);
	return drain_ms - (drain_ms / 4 < LIMIT_STOP_MS ? drain_ms / 4 : LIMIT_STOP_MS);
}

void
stop_use(int64_t drain_ms)
{
	unsigned s = seconds(drain_ms > LIMIT_STOP_MS ? drain_ms : LIMIT_STOP_MS);

	check(s > 0); /* alarm(0) would stop the clock instead of starting it */
	grace_s = s;
}

/* Who asks twice does not want to wait. */
void
stop_begin(void)
{
	unsigned s = n_asked++ == 0 ? grace_s : seconds(LIMIT_STOP_MS), left = alarm(s);

	/* A clock that runs is never set to a later time. */
	if (left != 0 && left < s)
		(void)alarm(left);
}

/* --- signals: only what is allowed there --- */

static void
on_asked(int number)
{
	int error = errno;
	uint64_t one = 1;

	(void)number;
	stop_begin();
	if (write(wake_fd, &one, sizeof(one)) < 0)
		one = 0; /* it is full of earlier ones */
	errno = error;
}

/* The line is for people: the log itself may be what hangs. */
static void
on_time(int number)
{
	static const char line[] = "aditd: a thread did not end in time: the process ends now\n";
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	(void)number;
	if (poll(&p, 1, 0) == 1 && write(STDERR_FILENO, line, sizeof(line) - 1) < 0)
		_exit(0);
	_exit(0);
}

/* --- life --- */

static void
on_io(struct loop_io *io, unsigned events)
{
	struct stop *s = list_of(io, struct stop, io);
	uint64_t n;

	(void)events;
	if (read(io->fd, &n, sizeof(n)) != sizeof(n))
		return;
	while (n-- > 0)
		s->asked(s);
}

static void
set_of(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
}

int
stop_init(struct stop *s, struct loop *l, void (*asked)(struct stop *))
{
	struct sigaction ask = { .sa_handler = on_asked, .sa_flags = SA_RESTART },
			 time = { .sa_handler = on_time };
	sigset_t set;

	check(wake_fd < 0); /* signals are the process's: one stop at a time */
	set_of(&set);
	s->asked = asked;
	s->io.fn = on_io;
	s->io.fd = wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (s->io.fd < 0 || pthread_sigmask(SIG_BLOCK, &set, NULL) != 0 ||
	    sigaction(SIGTERM, &ask, NULL) != 0 || sigaction(SIGINT, &ask, NULL) != 0 ||
	    sigaction(SIGALRM, &time, NULL) != 0)
		return -1;
	return loop_watch(l, &s->io);
}

void
stop_listen(void)
{
	sigset_t set;

	set_of(&set);
	check(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0);
}

void
stop_fini(struct stop *s)
{
	sigset_t set;

	set_of(&set);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (s->io.loop != NULL)
		loop_unwatch(&s->io);
	if (s->io.fd >= 0)
		close(s->io.fd);
	s->io.fd = wake_fd = -1;
}
