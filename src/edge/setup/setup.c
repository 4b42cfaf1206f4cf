/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a setup, one after the other, and what is said at the end. */
#include "edge/setup/setup_private.h"

#include "base/clock.h"
#include "base/tell.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ACCOUNT "admin"

void
setup_say(const struct setup *s, const char *fmt, ...)
{
	va_list ap;

	if (s->o->json)
		return;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	fflush(stdout);
}

const char *
setup_name(const struct setup *s)
{
	return s->settings->domain[0] != '\0' ? s->settings->domain : s->settings->acme.ip;
}

bool
setup_pause(const struct setup *s, int ms)
{
	struct timespec pause = { ms / 1000, (ms % 1000) * 1000000L };

	if (clock_mono_us() >= s->end_us)
		return false;
	nanosleep(&pause, NULL);
	return true;
}

/* --- the file --- */

/*
 * The file is for root and the group that the edge runs as.  Without that user an edge would not start,
 * and a file for root alone would stay when he is made.  False: it was said what is missing.
 */
static bool
find_group(const struct settings *s, gid_t *ret)
{
	const struct passwd *pw = getpwnam(s->user);
	const struct group *gr = s->group[0] != '\0' ? getgrnam(s->group) : NULL;

	*ret = gr != NULL ? gr->gr_gid : pw != NULL ? pw->pw_gid : getegid();
	if (geteuid() != 0 || pw != NULL)
		return true;
	tell_error("failed",
	    "the user \"%s\", who runs aditd, does not exist, so nothing is written.  Make it: "
	    "useradd --system --user-group --no-create-home --shell /usr/sbin/nologin %s.  Then "
	    "type aditd setup again",
	    s->user, s->user);
	return false;
}

/* Beside the file, and then in its place: a file that is there is never half of one. */
static bool
write_file(const char *path, struct slice text, gid_t group)
{
	char beside[1100];
	bool ok;
	int fd;

	if ((size_t)snprintf(beside, sizeof(beside), "%s.new", path) >= sizeof(beside)) {
		errno = ENAMETOOLONG;
		return false;
	}
	(void)unlink(beside); /* of a run that was cut off */
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return false;
	ok = fchmod(fd, 0640) == 0 && write(fd, text.p, text.n) == (ssize_t)text.n &&
	     (geteuid() != 0 || fchown(fd, 0, group) == 0) && fsync(fd) == 0;
	close(fd);
	if (ok && rename(beside, path) == 0)
		return true;
	(void)unlink(beside);
	return false;
}

/* False: it was said why. With dry_run it is printed, and nothing is written. */
static bool
make_file(struct setup *s)
{
	struct setup_wish w;
	struct buf b;
	char *error = NULL;
	bool ok = false;
	gid_t group;

	if (!setup_wish_fill(s, &w))
		return false;
	buf_init(&b, LIMIT_SETUP_FILE_BYTES);
	setup_wish_text(&w, &b);
	s->settings = b.failed ? NULL : settings_parse(buf_slice(&b), s->o->file, &error);
	if (s->settings == NULL)
		tell_error("failed", "%s", error != NULL ? error : "out of memory");
	else if (s->o->dry_run)
		ok = tell_answer(&b);
	else if (!find_group(s->settings, &group))
		ok = false;
	else if ((ok = write_file(s->o->file, buf_slice(&b), group)))
		setup_say(s, "%s is written.\n", s->o->file);
	else
		tell_error("failed", "%s: %s%s", s->o->file, strerror(errno),
		    errno == EACCES ? "; type: sudo aditd setup" : "");
	s->wrote = ok && !s->o->dry_run;
	free(error);
	buf_fini(&b);
	return ok;
}

/* One that is there is somebody's, and stays as it is. */
static bool
configure(struct setup *s)
{
	char *error = NULL, domain[256];

	if (access(s->o->file, F_OK) != 0)
		return make_file(s);
	s->settings = settings_load(s->o->file, &error);
	if (s->settings == NULL) {
		tell_error("failed", "%s", error != NULL ? error : "out of memory");
		free(error);
		return false;
	}
	if (s->o->domain != NULL &&
	    settings_domain(slice_str(s->o->domain), domain, sizeof(domain)) &&
	    strcmp(domain, s->settings->domain) != 0) {
		tell_error("failed",
		    "%s is there already, and its domain is %s: remove the file, or set that "
		    "domain up",
		    s->o->file, s->settings->domain);
		return false;
	}
	setup_say(s, "%s is there, and stays as it is.\n", s->o->file);
	return true;
}

/* Ports in use, a user that is missing: aditd -n says it, where anything is wrong. */
static bool
check_file(struct setup *s)
{
	static const char *const words[] = { "-n", NULL };
	struct buf b;
	int status;

	buf_init(&b, LIMIT_SETUP_FILE_BYTES);
	status = s->o->json ? setup_self(s, words, &b) : setup_self(s, words, NULL);
	buf_fini(&b);
	if (status != 0 && s->o->json)
		tell_error("failed", "aditd -n -f %s says what is wrong", s->o->file);
	return status == 0;
}

/* --- the end --- */

static void
edge_url(const struct settings *s, char *dst, size_t cap)
{
	const char *name = s->domain[0] != '\0' ? s->domain : s->acme.ip;
	bool v6 = strchr(name, ':') != NULL;
	unsigned port = s->public_port != 0 ? (unsigned)s->public_port : s->https.port;

	if (port == 443 || port == 0)
		snprintf(dst, cap, "https://%s%s%s", v6 ? "[" : "", name, v6 ? "]" : "");
	else
		snprintf(dst, cap, "https://%s%s%s:%u", v6 ? "[" : "", name, v6 ? "]" : "", port);
}

static void
put_member(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, "%s\"%s\":", b->n > 1 ? "," : "", key);
	buf_json_ascii(b, slice_str(value));
}

static bool
tell_json(const struct setup *s, const char *url)
{
	struct buf b;
	bool ok;

	buf_init(&b, LIMIT_SETUP_FILE_BYTES);
	buf_putc(&b, '{');
	put_member(&b, "file", s->o->file);
	put_member(&b, "domain", s->settings->domain);
	put_member(&b, "edge", url);
	put_member(&b, "account", s->account);
	put_member(&b, "token", s->token);
	buf_put(&b, S("}\n"));
	ok = tell_answer(&b);
	buf_fini(&b);
	return ok;
}

/* The line for the laptop. The token stands beside it, since a command line ends up in a history. */
static bool
finish(struct setup *s)
{
	char url[300], ca[1100] = "";

	edge_url(s->settings, url, sizeof(url));
	if (s->o->json)
		return tell_json(s, url);
	if (s->settings->acme.n_cas > 0 && s->settings->acme.cas[0].ca_file[0] != '\0')
		snprintf(ca, sizeof(ca), " --ca FILE-WITH-THE-ROOTS-OF-THAT-CA");
	setup_say(s,
	    "\nThe edge is ready. Type this on the laptop, or wherever your server runs:\n"
	    "  adit login %s%s --token-file -\n",
	    url, ca);
	if (s->token[0] != '\0')
		setup_say(s, "and paste this token there, then Enter and Ctrl-D:\n  %s\n",
		    s->token);
	else
		setup_say(s,
		    "with the token of the account \"%s\"; aditd token add %s makes another "
		    "one.\n",
		    s->account, s->account);
	setup_say(s, "Then, for a Jenkins on port 8080:\n"
		     "  adit http 8080 --name jenkins --for jenkins-bitbucket\n");
	return true;
}

/* --- all --- */

static bool (*const steps[])(struct setup *) = {
	configure,
	check_file,
	setup_dns,
	setup_start,
	setup_certificate,
	setup_token,
	finish,
};

int
setup_run(const struct setup_options *o, const char *standard)
{
	uint64_t wait_s = LIMIT_SETUP_WAIT_S;
	struct setup s = { .o = o };
	size_t n = o->dry_run ? 1 : sizeof(steps) / sizeof(*steps), done = 0;

	check(o->file != NULL && standard != NULL);
	if (o->wait != NULL && !slice_u64(slice_str(o->wait), &wait_s))
		return 2;
	s.asks = !o->yes && !o->json && isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
	s.standard = strcmp(o->file, standard) == 0;
	s.end_us = clock_mono_us() + (int64_t)wait_s * 1000000;
	snprintf(s.account, sizeof(s.account), "%s", o->account != NULL ? o->account : ACCOUNT);
	while (done < n && steps[done](&s))
		done++;
	settings_unref(s.settings);
	explicit_bzero(s.token, sizeof(s.token));
	return done == n ? 0 : 1;
}
