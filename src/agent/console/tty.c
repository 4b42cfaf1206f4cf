/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the terminal and gives it back, in order or out of a handler of a fatal signal. */
#include "agent/console/tty.h"

#include "agent/console/paint.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the handlers need; they may use nothing that allocates or locks. */
static struct tty *volatile current;

static const int fatal[] = { SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGQUIT, SIGXCPU, SIGSYS };
#define N_FATAL (sizeof(fatal) / sizeof(*fatal))
static struct sigaction before[N_FATAL];

/* Set to anything but an empty text. */
static bool
has(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0';
}

/* Both are one terminal: with a pipe or another terminal on one side nobody sits before both. */
static bool
is_one_terminal(void)
{
	struct stat in, out;

	return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 &&
	       fstat(STDIN_FILENO, &in) == 0 && fstat(STDOUT_FILENO, &out) == 0 &&
	       in.st_rdev == out.st_rdev;
}

bool
tty_is_wanted(void)
{
	const char *term = getenv("TERM");

	return is_one_terminal() && term != NULL && term[0] != '\0' && strcmp(term, "dumb") != 0 &&
	       !has("CI") && !has("ADIT_PLAIN") && !has("ACCESSIBLE") &&
	       tcgetpgrp(STDIN_FILENO) == getpgrp();
}

void
tty_write(const struct tty *t, struct slice s)
{
	struct pollfd p = { .fd = t->fd, .events = POLLOUT };

	while (s.n > 0) {
		ssize_t n = write(t->fd, s.p, s.n);

		if (n > 0)
			s = slice_from(s, (size_t)n);
		else if (n < 0 && errno != EAGAIN && errno != EINTR)
			return;
		else if (poll(&p, 1, 1000) <= 0)
			return; /* stopped (Ctrl-S), or gone */
	}
}

bool
tty_is_ours(const struct tty *t)
{
	return tcgetpgrp(t->fd) == getpgrp();
}

void
tty_size(const struct tty *t, unsigned *ret_columns, unsigned *ret_lines)
{
	struct winsize w = { 0 };

	(void)ioctl(t->fd, TIOCGWINSZ, &w);
	*ret_columns = w.ws_col != 0 ? w.ws_col : 80;
	*ret_lines = w.ws_row != 0 ? w.ws_row : 24;
}

/* All of these calls are safe in a handler. */
static void
restore(struct tty *t)
{
	tty_write(t, S(PAINT_LEAVE));
	/* Not the variants that wait for output: it may be stopped. */
	(void)tcsetattr(t->fd, TCSANOW, &t->before);
}

static void
pass_errors_on(struct tty *t)
{
	char bytes[1024];
	ssize_t n;

	if (t->errors < 0)
		return;
	(void)dup2(t->error_fd, STDERR_FILENO);
	while ((n = read(t->errors, bytes, sizeof(bytes))) > 0)
		if (write(STDERR_FILENO, bytes, (size_t)n) < 0)
			return;
}

/* The terminal first, then whatever would have become of the signal without us: a sanitizer's
 * report, a core, the end. */
static void
on_fatal(int sig)
{
	struct tty *t = current;

	current = NULL;
	if (t != NULL) {
		if (t->taken)
			restore(t);
		tty_watcher_tell(t, 'G');
		pass_errors_on(t);
	}
	for (size_t i = 0; i < N_FATAL; i++)
		if (fatal[i] == sig)
			(void)sigaction(sig, &before[i], NULL);
	(void)raise(sig);
}

static void
catch_fatal(void)
{
	struct sigaction a = { .sa_handler = on_fatal };

	sigfillset(&a.sa_mask);
	for (size_t i = 0; i < N_FATAL; i++)
		(void)sigaction(fatal[i], &a, &before[i]);
}

/* What goes to standard error would be painted over, and would tear the screen. */
static void
catch_errors(struct tty *t)
{
	int fds[2];

	if (isatty(STDERR_FILENO) != 1 || pipe2(fds, O_NONBLOCK | O_CLOEXEC) != 0)
		return;
	t->error_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (t->error_fd < 0 || dup2(fds[1], STDERR_FILENO) < 0) {
		close(fds[0]);
		fds[0] = -1;
	}
	close(fds[1]);
	t->errors = fds[0];
	/* It writes to the terminal itself, past standard error. */
	log_move(STDERR_FILENO);
}

int
tty_open(struct tty *t)
{
	*t = (struct tty){ .errors = -1, .error_fd = -1, .watcher_fd = -1, .watcher = -1 };
	/* A description of our own: O_NONBLOCK on the shell's one would be the shell's, too. */
	t->fd = open("/dev/tty", O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (t->fd < 0)
		return -1;
	if (tcgetattr(t->fd, &t->before) != 0) {
		close(t->fd);
		t->fd = -1;
		return -1;
	}
	catch_errors(t);
	tty_watcher_start(t);
	current = t;
	catch_fatal();
	return 0;
}

/* Keys come one by one and unseen; those that send signals go on to do so. */
void
tty_take(struct tty *t)
{
	struct termios raw = t->before;

	if (t->taken)
		return;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | IEXTEN);
	raw.c_iflag &= ~(tcflag_t)(IXON | ICRNL | INLCR | ISTRIP);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	/* Before: whoever is killed between the two is restored too often, and not too seldom. */
	tty_watcher_tell(t, 'T');
	t->taken = true;
	(void)tcsetattr(t->fd, TCSANOW, &raw);
	tty_write(t, S(PAINT_ENTER));
}

void
tty_give_back(struct tty *t)
{
	if (!t->taken)
		return;
	restore(t);
	t->taken = false;
	tty_watcher_tell(t, 'G');
}

void
tty_close(struct tty *t)
{
	if (t->fd < 0)
		return;
	tty_give_back(t);
	for (size_t i = 0; i < N_FATAL; i++)
		(void)sigaction(fatal[i], &before[i], NULL);
	current = NULL;
	pass_errors_on(t);
	if (t->errors >= 0)
		log_move(STDERR_FILENO);
	tty_watcher_stop(t);
	if (t->errors >= 0)
		close(t->errors);
	if (t->error_fd >= 0)
		close(t->error_fd);
	close(t->fd);
	t->fd = t->errors = t->error_fd = -1;
}
