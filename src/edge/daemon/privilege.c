/* SPDX-License-Identifier: Apache-2.0 */
/* How the edge stops being root, and what it keeps of it (privilege.h). */
#include "edge/daemon/privilege.h"

#include "base/log.h"
#include "base/sentence.h"
#include "net/notify.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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
			*ret_error = sentence(
			    "user: the user \"%s\" does not exist; aditd was started as root and "
			    "runs as that user.  Make it: useradd --system --user-group "
			    "--no-create-home --shell /usr/sbin/nologin %s.  Or write \"user: "
			    "root\"",
			    s->user, s->user);
			return false;
		}
		*ret_uid = pw->pw_uid;
		*ret_gid = pw->pw_gid;
	}
	/* In place of the user's own group. */
	if (s->group[0] != '\0') {
		gr = getgrnam(s->group);
		if (gr == NULL) {
			*ret_error = sentence("group: the group \"%s\" does not exist", s->group);
			return false;
		}
		*ret_gid = gr->gr_gid;
	}
	return true;
}

/*
 * The path itself, never what a link there leads to (lchown): root gives nothing
 * away by mistake.
 */
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
privilege_user(const struct settings *s)
{
	char *error = NULL;
	uid_t uid;
	gid_t gid;

	return find_ids(s, &uid, &gid, &error) ? NULL : error;
}

/* False also where it cannot be read: what is in it stays somebody's. */
static bool
is_empty(const char *path)
{
	DIR *d = opendir(path);
	const struct dirent *e;
	bool empty = d != NULL;

	while (empty && (e = readdir(d)) != NULL)
		empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
	if (d != NULL)
		closedir(d);
	return empty;
}

bool
privilege_gives(const char *path)
{
	struct stat st;

	return geteuid() == 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == 0 &&
	       is_empty(path);
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
	return privilege_gives(path) ? privilege_give(path, s) : NULL;
}

/* For all threads to come; there is one. */
static char *
become(const struct settings *s)
{
	char *error = NULL;
	uid_t uid;
	gid_t gid;

	if (!find_ids(s, &uid, &gid, &error))
		return error;
	/* The groups first: who is no longer root may not give them up. */
	if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 ||
	    setresuid(uid, uid, uid) != 0)
		return sentence("becoming user \"%s\": %s", s->user, strerror(errno));
	/* Tried, not reckoned: a saved id that was left would be found here. */
	if (uid != 0 && setuid(0) == 0)
		return sentence("user \"%s\" could become root again", s->user);
	check(geteuid() == uid && getuid() == uid && getegid() == gid);
	return NULL;
}

/* The system call itself: it is all that libcap would be needed for. */
static bool
set_capabilities(uint64_t set)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { 0 };

	for (int i = 0; i < 2; i++)
		caps[i].effective = caps[i].permitted = (uint32_t)(set >> (32 * i));
	return syscall(SYS_capset, &head, caps) == 0;
}

/* What a process without any may do in every sandbox: to ask. */
static bool
has_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { 0 };

	return syscall(SYS_capget, &head, caps) != 0 ||
	       (caps[0].permitted | caps[1].permitted | caps[0].inheritable |
		   caps[1].inheritable) != 0;
}

/*
 * CAP_NET_BIND_SERVICE of the unit, or whatever a supervisor gave to a process that was never
 * root: the ports are open. The ambient set goes with these (capabilities(7)).
 */
static char *
give_up_capabilities(void)
{
	if (geteuid() != 0 && has_capabilities() && !set_capabilities(0))
		return sentence("giving up capabilities: %s", strerror(errno));
	return NULL;
}

/*
 * Also without root: no program that is started from here on gains rights by
 * its file's mode.
 */
char *
privilege_drop(const struct settings *s)
{
	char *error = NULL;

	if (geteuid() == 0 && s->user[0] != '\0')
		error = become(s);
	if (error == NULL)
		error = give_up_capabilities();
	if (error != NULL)
		return error;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return sentence("giving up new privileges: %s", strerror(errno));
	return NULL;
}

char *
privilege_keep_reading(const struct settings *s)
{
	/* Containers often have only the second, which is more than is needed. */
	static const int rights[] = { CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE };
	bool kept = false;
	char *error;

	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
		return sentence("keeping the right to read: %s", strerror(errno));
	error = become(s);
	if (error != NULL)
		return error;
	for (size_t i = 0; i < sizeof(rights) / sizeof(*rights) && !kept; i++)
		kept = set_capabilities(1ULL << rights[i]);
	/* Where neither is to be had, the others are not to be kept in their place. */
	if (!kept && !set_capabilities(0))
		return sentence("giving up rights: %s", strerror(errno));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return sentence("giving up new privileges: %s", strerror(errno));
	return NULL;
}

/* As an open tells it: modes, folders and access lists at once. */
bool
privilege_is_denied(const char *path)
{
	int fd;

	if (path == NULL || path[0] == '\0')
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0)
		close(fd);
	return fd < 0 && errno == EACCES;
}

const char *
privilege_denied(const struct settings *s)
{
	for (size_t i = 0; i < s->n_certs; i++) {
		if (privilege_is_denied(s->certs[i].cert_path))
			return s->certs[i].cert_path;
		if (privilege_is_denied(s->certs[i].key_path))
			return s->certs[i].key_path;
	}
	for (size_t i = 0; i < s->acme.n_cas; i++)
		if (privilege_is_denied(s->acme.cas[i].eab_hmac_file))
			return s->acme.cas[i].eab_hmac_file;
	for (size_t i = 0; i < s->dns.n_keys; i++)
		if (privilege_is_denied(s->dns.keys[i].secret_file))
			return s->dns.keys[i].secret_file;
	return NULL;
}

static bool
is_dns_secret(const struct settings_dns *d, const char *path)
{
	for (size_t i = 0; i < d->n_keys; i++)
		if (d->keys[i].secret_file == path)
			return true;
	return false;
}

char *
privilege_explain(char *error, const struct settings *s)
{
	const struct passwd *pw = getpwuid(geteuid());
	const struct group *gr = getgrgid(getegid());
	const char *path = error == NULL || geteuid() == 0 ? NULL : privilege_denied(s);
	char *how, *longer;

	if (path == NULL || pw == NULL || gr == NULL)
		return error;
	/* Secrets of DNS keys are refused where a group may read them. */
	if (is_dns_secret(&s->dns, path))
		how = sentence("sudo chown %s %s; its folders must let that user in, too",
		    pw->pw_name, path);
	else
		how = sentence("sudo chgrp %s %s && sudo chmod 640 %s; its folders must let that "
			       "group in, too",
		    gr->gr_name, path, path);
	longer = sentence("%s.  aditd runs as %s here, not as root.  Type: %s.  Or let aditd start "
			  "as root: aditd(8), \"Keys that only root can read\"",
	    error, pw->pw_name, how);
	free(how);
	free(error);
	return longer;
}

void
privilege_notify(const char *state)
{
	if (notify(state) != 0)
		log_event(LOG_WARN, "notify-failed", LOG_Z("why", strerror(errno)));
}
