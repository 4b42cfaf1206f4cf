/* SPDX-License-Identifier: Apache-2.0 */
/* Finds user, folder and systemctl (service_place.h). */
#include "agent/command/service_place.h"

#include "agent/core/config_file.h"
#include "agent/core/exit_code.h"
#include "base/tell.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* systemd's default; it can be built for another one. */
#define SYSTEM_FOLDER "/etc/systemd/system"
#define WORDS_MAX 8

extern char **environ;

/* --- systemctl --- */

/* Its words in front of those of the caller. */
static void
make_argv(const struct service_place *p, const char *const *words, char *argv[WORDS_MAX + 3])
{
	int n = 0;

	argv[n++] = (char *)(uintptr_t) "systemctl";
	if (!p->system)
		argv[n++] = (char *)(uintptr_t) "--user";
	for (int i = 0; words[i] != NULL; i++) {
		check(i < WORDS_MAX);
		argv[n++] = (char *)(uintptr_t)words[i];
	}
	argv[n] = NULL;
}

/* out: where its standard output goes, -1: away, with its errors, too. */
static int
run(char **argv, int out)
{
	posix_spawn_file_actions_t files;
	pid_t pid;
	int status = 0, error;

	if (posix_spawn_file_actions_init(&files) != 0)
		return -1;
	error = out >= 0 && out != STDOUT_FILENO
		    ? posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO)
		    : 0;
	if (error == 0 && out < 0)
		error = posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null",
		    O_WRONLY, 0);
	if (error == 0 && out != STDOUT_FILENO)
		error = posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null",
		    O_WRONLY, 0);
	if (error == 0)
		error = posix_spawnp(&pid, argv[0], &files, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	if (error != 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int
service_systemctl(const struct service_place *p, const char *const *words)
{
	char *argv[WORDS_MAX + 3];

	make_argv(p, words, argv);
	if (p->dry) {
		for (int i = 0; argv[i] != NULL; i++)
			printf("%s%s", i > 0 ? " " : "would run: ", argv[i]);
		putchar('\n');
		return 0;
	}
	fflush(stdout);
	return run(argv, STDOUT_FILENO);
}

void
service_ask(const struct service_place *p, const char *const *words, char *dst, size_t cap)
{
	char *argv[WORDS_MAX + 3];
	int fds[2];
	ssize_t n = 0;

	dst[0] = '\0';
	if (pipe2(fds, O_CLOEXEC) != 0)
		return;
	make_argv(p, words, argv);
	/* One line fits into a pipe, whoever reads it later. */
	(void)run(argv, fds[1]);
	close(fds[1]);
	n = read(fds[0], dst, cap - 1);
	close(fds[0]);
	dst[n < 0 ? 0 : n] = '\0';
	dst[strcspn(dst, "\n")] = '\0';
}

int
service_place_systemd(const struct service_place *p)
{
	char *argv[WORDS_MAX + 3];
	int code;

	make_argv(p, (const char *const[]){ "show-environment", NULL }, argv);
	code = run(argv, -1);
	if (code == 0)
		return 0;
	if (code < 0 || p->system)
		tell_error("failed",
		    "no systemd runs here: let what starts programs on this machine (OpenRC, "
		    "runit, "
		    "cron's @reboot) run \"adit start --all\" as the user whose tunnels they are");
	else
		tell_error("failed",
		    "no systemd answers for this user: log in as the user itself and not by su or "
		    "sudo; or install a unit of the system, as root: adit service install "
		    "--system --user %s",
		    p->user);
	return EXIT_BROKE;
}

/* --- who and where --- */

/* A name goes into the unit as it is. */
static bool
is_user_name(const char *s)
{
	return s[0] != '\0' && s[0] != '-' &&
	       s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] ==
		   '\0';
}

static int
find_system(struct service_place *p, const struct options *o)
{
	const char *name = o->user != NULL ? o->user : getenv("SUDO_USER");
	const struct passwd *w;

	if (geteuid() != 0)
		return usage_error("a unit of the system is root's to write: sudo adit service ... "
				   "--system");
	snprintf(p->folder, sizeof(p->folder), SYSTEM_FOLDER);
	/* What is there already says itself whose it is. */
	if (strcmp(o->args[0], "install") != 0)
		return 0;
	if (name == NULL)
		return usage_error("say whose tunnels they are, since the agent needs no root: "
				   "--user NAME");
	w = is_user_name(name) ? getpwnam(name) : NULL;
	if (w == NULL || strlen(name) >= sizeof(p->user))
		return usage_error("--user %s: there is no such user", name);
	snprintf(p->user, sizeof(p->user), "%s", name);
	snprintf(p->config, sizeof(p->config), "%s/.config/adit/adit.yml", w->pw_dir);
	return 0;
}

static int
find_own(struct service_place *p, const struct options *o)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	const struct passwd *w = getpwuid(geteuid());
	char linger[128];

	if (o->user != NULL)
		return usage_error("--user is for a unit of the system (--system)");
	if (!config_file_path(p->config, sizeof(p->config)))
		return usage_error("neither XDG_CONFIG_HOME nor HOME is set");
	if (xdg != NULL && xdg[0] == '/')
		snprintf(p->folder, sizeof(p->folder), "%s/systemd/user", xdg);
	else
		snprintf(p->folder, sizeof(p->folder), "%s/.config/systemd/user", home);
	snprintf(p->user, sizeof(p->user), "%s", w != NULL ? w->pw_name : "NAME");
	snprintf(linger, sizeof(linger), "/var/lib/systemd/linger/%s", p->user);
	p->lingers = access(linger, F_OK) == 0;
	return 0;
}

int
service_place_find(struct service_place *p, const struct options *o)
{
	int rc;

	*p = (struct service_place){ .system = o->system || geteuid() == 0, .dry = o->dry_run };
	rc = p->system ? find_system(p, o) : find_own(p, o);
	if (rc == 0)
		snprintf(p->path, sizeof(p->path), "%s/" SERVICE_UNIT, p->folder);
	if (rc == 0 && o->file != NULL &&
	    (o->file[0] == '\0' || strlen(o->file) >= sizeof(p->config)))
		return usage_error("--file: a path is wanted");
	return rc;
}
