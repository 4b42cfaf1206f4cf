/* SPDX-License-Identifier: Apache-2.0 */
/* What can be told of a configuration before it is used (selfcheck.h). */
#include "edge/daemon/selfcheck.h"

#include "base/sentence.h"
#include "base/tell.h"
#include "edge/daemon/privilege.h"
#include "net/udp.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* --- folders --- */

/* A folder that a start would make: NULL when it could. */
static char *
check_parent(const char *key, const char *path, bool as_root)
{
	char parent[1100], *slash;
	struct stat st;

	snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	if (slash == NULL)
		snprintf(parent, sizeof(parent), ".");
	else
		slash[slash == parent ? 1 : 0] = '\0';
	if (stat(parent, &st) != 0)
		return sentence("%s: %s cannot be made in %s: %s", key, path, parent,
		    strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return sentence("%s: %s cannot be made: %s is not a folder", key, path, parent);
	if (!as_root && access(parent, W_OK | X_OK) != 0)
		return sentence("%s: %s cannot be made in %s: %s", key, path, parent,
		    strerror(errno));
	return NULL;
}

/* As the user who runs. as_root: a start makes what is missing as root. */
static char *
check_folder(const char *key, const char *path, bool as_root)
{
	struct stat st;
	int error;

	if (stat(path, &st) != 0)
		return errno == ENOENT ? check_parent(key, path, as_root)
				       : sentence("%s: %s: %s", key, path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return sentence("%s: %s is not a folder", key, path);
	if (access(path, R_OK | W_OK | X_OK) == 0)
		return NULL;
	error = errno;
	return sentence("%s: the user %u, who runs aditd, may not write into %s: %s.  The folder "
			"and what is in it must be that user's (chown -R)",
	    key, (unsigned)geteuid(), path, strerror(error));
}

/* --- ports --- */

/* NULL, or why nothing can listen there. Ports that this process may not have are no news. */
static char *
check_port(const char *key, const struct addr *a)
{
	char text[ADDR_TEXT_BYTES + 256];
	int fd;

	if (a->kind != ADDR_TCP || a->port == 0)
		return NULL;
	fd = addr_listen(a, false, NULL);
	if (fd >= 0) {
		close(fd);
		return NULL;
	}
	/* The start may be root's. */
	if (errno == EACCES)
		return NULL;
	addr_text(a, text, sizeof(text));
	return sentence("%s: %s: %s", key, text, strerror(errno));
}

/* A control socket that answers, or that is not for us: an edge of this configuration runs, and
 * has the ports. */
static bool
is_running(const struct settings *s)
{
	struct sockaddr_storage ss;
	socklen_t len;
	bool running;
	int fd;

	if (addr_sockaddr(&s->control, false, &ss, &len) != 0)
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	running = fd >= 0 && (connect(fd, (struct sockaddr *)&ss, len) == 0 || errno == EAGAIN ||
				 errno == EACCES);
	if (fd >= 0)
		close(fd);
	return running;
}

/* Both transports. */
static char *
check_dns_port(const struct addr *a)
{
	char text[ADDR_TEXT_BYTES + 256], *error = check_port("dns.listen", a);
	int fd = error == NULL ? udp_open(a, NULL) : -1;

	if (fd >= 0)
		close(fd);
	if (fd >= 0 || error != NULL || errno == EACCES)
		return error;
	addr_text(a, text, sizeof(text));
	return sentence("dns.listen: %s: %s", text, strerror(errno));
}

static char *
check_ports(const struct settings *s)
{
	char *error = check_port("listen.https", &s->https);

	if (error == NULL && s->has_http)
		error = check_port("listen.http", &s->http);
	for (size_t i = 0; i < s->dns.n_listen && error == NULL; i++)
		error = check_dns_port(&s->dns.listen[i]);
	return error;
}

/* --- the whole --- */

/*
 * NULL also where there is nothing to find fault with. A certificate that is out of date is
 * a fault here, though a start would use it.
 */
static char *
check_certs(struct settings *s)
{
	char *error = NULL, *fault = NULL;
	struct tls_server *server;

	settings_read_certs(s);
	server = settings_tls(s, &error, &fault);
	if (server == NULL && error == NULL)
		error = sentence("out of memory");
	tls_server_unref(server);
	if (error == NULL)
		return fault;
	free(fault);
	return error;
}

/* The rights of root, where there are any, end in here. */
static char *
check_folders(const struct settings *s)
{
	bool as_root = geteuid() == 0, gives_state = privilege_gives(s->state_dir), gives_run;
	char folder[sizeof(s->control.path)], *slash, *error;

	snprintf(folder, sizeof(folder), "%s", s->control.path);
	slash = strrchr(folder, '/');
	if (slash != NULL && slash != folder)
		*slash = '\0';
	/* Asked while we may be root, since a start as root gives empty folders away. */
	gives_run = privilege_gives(folder);
	error = privilege_drop(s);
	if (error == NULL)
		error = settings_acme_trust(&s->acme);
	if (error == NULL && !gives_state)
		error = check_folder("state_dir", s->state_dir, as_root);
	if (error == NULL && !gives_run && slash != NULL && slash != folder)
		error = check_folder("listen.control", folder, as_root);
	return error;
}

/* Folders last: looking at them gives root up. */
static char *
check_all(struct settings *s)
{
	char *error = geteuid() == 0 ? privilege_user(s) : NULL;

	if (error == NULL)
		error = check_certs(s);
	if (error == NULL)
		error = settings_dns_read_keys(&s->dns);
	error = privilege_explain(error, s);
	if (error == NULL && !is_running(s))
		error = check_ports(s);
	return error == NULL ? check_folders(s) : error;
}

/*
 * By root, who has become the user by now: whether a start may read it depends on the unit, which
 * nobody can see from here.
 */
static void
note_denied(const struct settings *s, const char *config)
{
	const struct group *gr = getgrgid(getegid());
	const char *path = privilege_denied(s);

	if (privilege_is_denied(config) && gr != NULL)
		tell_note("%s: only root can read it, and the unit of systemd starts aditd as "
			  "%s.  Type: sudo chgrp %s %s && sudo chmod 640 %s",
		    config, s->user, gr->gr_name, config, config);
	if (path != NULL)
		tell_note("%s: only root can read it, and the unit of systemd starts aditd as "
			  "%s; aditd(8), \"Keys that only root can read\"",
		    path, s->user);
}

int
selfcheck_run(const struct daemon_options *o)
{
	char *error = NULL;
	struct settings *s = options_settings(o, NULL, &error);
	bool fine;

	if (s != NULL)
		error = check_all(s);
	fine = s != NULL && error == NULL;
	if (fine)
		printf("%s: fine\n", o->dev != NULL ? o->dev : o->file);
	else
		tell_error("failed", "%s", error != NULL ? error : "out of memory");
	if (fine)
		note_denied(s, o->dev != NULL ? NULL : o->file);
	settings_unref(s);
	free(error);
	return fine ? 0 : 1;
}

/* Only what differs is looked at: the rest is in use by this very edge. */
char *
selfcheck_reload(const struct settings *now, const struct settings *next)
{
	char *error = NULL;

	if (strcmp(now->user, next->user) != 0 || strcmp(now->group, next->group) != 0)
		error = privilege_user(next);
	if (error == NULL && strcmp(now->state_dir, next->state_dir) != 0)
		error = check_folder("state_dir", next->state_dir, true);
	if (error == NULL && !addr_same(&now->https, &next->https))
		error = check_port("listen.https", &next->https);
	if (error == NULL && next->has_http &&
	    (!now->has_http || !addr_same(&now->http, &next->http)))
		error = check_port("listen.http", &next->http);
	return error != NULL ? error : settings_acme_trust(&next->acme);
}
