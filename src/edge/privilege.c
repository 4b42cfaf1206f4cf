/* SPDX-License-Identifier: Apache-2.0 */
/* Gives up root, raises the limit of descriptors, and tells the supervisor. */
#include "edge/privilege.h"

#include "base/log.h"
#include "base/sentence.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

void
privilege_limits(void)
{
	struct rlimit files, none = { 0, 0 };

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	(void)setrlimit(RLIMIT_CORE, &none);
}

/* The ids of the settings; false: there is no such user or group. Without a user: as we are. */
static bool
find_ids(const struct settings *s, uid_t *ret_uid, gid_t *ret_gid, char **ret_error)
{
	struct passwd *pw;
	struct group *gr;

	*ret_uid = geteuid();
	*ret_gid = getegid();
	if (s->user[0] != '\0') {
		pw = getpwnam(s->user);
		if (pw == NULL) {
			*ret_error = sentence("user \"%s\" does not exist", s->user);
			return false;
		}
		*ret_uid = pw->pw_uid;
		*ret_gid = pw->pw_gid;
	}
	if (s->group[0] != '\0') {
		gr = getgrnam(s->group);
		if (gr == NULL) {
			*ret_error = sentence("group \"%s\" does not exist", s->group);
			return false;
		}
		*ret_gid = gr->gr_gid;
	}
	return true;
}

char *
privilege_give(const char *path, const struct settings *s)
{
	char *error = NULL;
	uid_t uid;
	gid_t gid;

	if (geteuid() != 0)
		return NULL;
	if (!find_ids(s, &uid, &gid, &error))
		return error;
	if (lchown(path, uid, gid) != 0)
		return sentence("%s: %s", path, strerror(errno));
	return NULL;
}

char *
privilege_folder(const char *path, const struct settings *s)
{
	struct stat st;

	if (mkdir(path, 0700) == 0)
		return privilege_give(path, s);
	if (errno != EEXIST)
		return sentence("%s: %s", path, strerror(errno));
	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return sentence("%s: is not a folder", path);
	return NULL;
}

char *
privilege_drop(const struct settings *s)
{
	char *error = NULL;
	uid_t uid;
	gid_t gid;

	if (geteuid() == 0 && s->user[0] != '\0') {
		if (!find_ids(s, &uid, &gid, &error))
			return error;
		if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 ||
		    setresuid(uid, uid, uid) != 0)
			return sentence("becoming user \"%s\": %s", s->user, strerror(errno));
		if (uid != 0 && setuid(0) == 0)
			return sentence("user \"%s\" could become root again", s->user);
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return sentence("giving up new privileges: %s", strerror(errno));
	return NULL;
}

void
privilege_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t n = path == NULL ? 0 : strlen(path);
	int fd;

	if (n < 2 || n >= sizeof(un.sun_path))
		return;
	memcpy(un.sun_path, path, n);
	if (un.sun_path[0] == '@')
		un.sun_path[0] = '\0'; /* the abstract name space */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&un,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
		log_event(LOG_WARN, "notify-failed", LOG_Z("why", strerror(errno)));
	close(fd);
}
