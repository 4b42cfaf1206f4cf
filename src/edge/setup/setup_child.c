/* SPDX-License-Identifier: Apache-2.0 */
/* Runs other programs, this one among them. */
#include "edge/setup/setup_private.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define SELF_WORDS 12

/* Until the child has closed its end; what does not fit is read and forgotten. */
static void
take_output(int fd, struct buf *out)
{
	char part[4096];

	for (;;) {
		ssize_t n = read(fd, part, sizeof(part));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		buf_put(out, slice_of(part, (size_t)n));
	}
}

/* 0, or the error of the start. */
static int
start(const char *const *argv, int to, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	int error = posix_spawn_file_actions_init(&actions);

	if (error != 0)
		return error;
	if (to >= 0) {
		error = posix_spawn_file_actions_adddup2(&actions, to, STDOUT_FILENO);
		if (error == 0)
			error = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO,
			    "/dev/null", O_WRONLY, 0);
	}
	if (error == 0)
		error = posix_spawnp(ret, argv[0], &actions, NULL,
		    (char *const *)(const void *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

int
setup_child(const char *const *argv, struct buf *out)
{
	int fds[2] = { -1, -1 }, status, error;
	pid_t pid = -1;

	if (out != NULL && pipe2(fds, O_CLOEXEC) != 0)
		return -1;
	error = start(argv, fds[1], &pid);
	if (fds[1] >= 0)
		close(fds[1]);
	if (error == 0 && out != NULL)
		take_output(fds[0], out);
	if (fds[0] >= 0)
		close(fds[0]);
	if (error != 0) {
		errno = error;
		return -1;
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	errno = EINTR;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int
setup_self(const struct setup *s, const char *const *words, struct buf *out)
{
	const char *argv[SELF_WORDS + 1] = { "/proc/self/exe", "-f", s->o->file };
	size_t n = 3;

	if (out != NULL)
		argv[n++] = "--json";
	while (*words != NULL) {
		check(n < SELF_WORDS);
		argv[n++] = *words++;
	}
	return setup_child(argv, out);
}
