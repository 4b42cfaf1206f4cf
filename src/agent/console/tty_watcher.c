/* SPDX-License-Identifier: Apache-2.0 */
/* The process that puts the terminal right when the agent was killed so that it could not do it itself. */
#include "agent/console/tty.h"

#include "agent/console/paint.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Its descriptors; all others are closed. */
enum { WATCH_PIPE = 0, WATCH_TTY = 1, WATCH_ERROR = 2, WATCH_CAUGHT = 3 };

/* The shell may have its own settings by now: what is no longer ours is left alone. */
static void
put_right(const struct tty *t)
{
	const struct tty own = { .fd = WATCH_TTY };
	struct termios now;
	char bytes[1024];
	ssize_t n;

	tty_write(&own, S(PAINT_LEAVE));
	if (tcgetattr(WATCH_TTY, &now) == 0 && (now.c_lflag & (ICANON | ECHO)) == 0)
		(void)tcsetattr(WATCH_TTY, TCSANOW, &t->before);
	while (t->errors >= 0 && (n = read(WATCH_CAUGHT, bytes, sizeof(bytes))) > 0)
		if (write(WATCH_ERROR, bytes, (size_t)n) < 0)
			return;
}

/*
 * Waits for the end of the pipe, which is the end of the agent.  Out of its session: neither a signal
 * to the group of processes nor the end of the terminal takes it away before the agent.
 */
static noreturn void
watch(const struct tty *t, int pipe_fd)
{
	bool taken = false;
	sigset_t all;
	char what;
	ssize_t n;

	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)setsid();
	(void)prctl(PR_SET_NAME, "adit-terminal");
	/* All of them are 3 and up. */
	(void)dup2(pipe_fd, WATCH_PIPE);
	(void)dup2(t->fd, WATCH_TTY);
	(void)dup2(t->error_fd >= 0 ? t->error_fd : t->fd, WATCH_ERROR);
	if (t->errors >= 0)
		(void)dup2(t->errors, WATCH_CAUGHT);
	(void)close_range(t->errors >= 0 ? WATCH_CAUGHT + 1 : WATCH_CAUGHT, ~0U, 0);
	while ((n = read(WATCH_PIPE, &what, 1)) != 0) {
		if (n < 0 && errno != EINTR)
			break;
		if (n == 1 && what == 'Q')
			_exit(0);
		if (n == 1)
			taken = what == 'T';
	}
	if (taken)
		put_right(t);
	_exit(0);
}

void
tty_watcher_start(struct tty *t)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) != 0)
		return;
	t->watcher = fork();
	if (t->watcher == 0) {
		close(fds[1]);
		watch(t, fds[0]);
	}
	close(fds[0]);
	if (t->watcher < 0) {
		close(fds[1]);
		return;
	}
	t->watcher_fd = fds[1];
}

void
tty_watcher_tell(const struct tty *t, char what)
{
	/* SIGPIPE is ignored: it may have been killed. */
	if (t->watcher_fd >= 0 && write(t->watcher_fd, &what, 1) < 0)
		return;
}

void
tty_watcher_stop(struct tty *t)
{
	if (t->watcher_fd < 0)
		return;
	tty_watcher_tell(t, 'Q');
	close(t->watcher_fd);
	while (waitpid(t->watcher, NULL, 0) < 0 && errno == EINTR)
		;
	t->watcher_fd = -1;
	t->watcher = -1;
}
