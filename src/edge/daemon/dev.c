/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the folder of `aditd --dev`: a CA, a certificate, settings and a token. */
#include "edge/daemon/dev.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/sentence.h"
#include "edge/core/await.h"
#include "net/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- the folder: whoever may write into it, or read its keys, could play the edge --- */

/* What an edge makes there, whether others may read it, and whether it may be a link: a database may
 * lie on another disk. */
static const struct {
	const char *name;
	bool secret, link;
} made[] = {
	{ "ca.pem", false, false },
	{ "cert.pem", false, false },
	{ "ca.key", true, false },
	{ "key.pem", true, false },
	{ "token", true, false },
	{ "secret.key", true, false },
	{ "adit.db", true, true },
	{ "adit.db-wal", true, true },
};

/* NULL, or what is wrong with a file that is there. */
static char *
check_file(const char *dir, size_t i)
{
	char *path = sentence("%s/%s", dir, made[i].name), *error = NULL;
	int follow = made[i].link ? 0 : O_NOFOLLOW,
	    fd = open(path, O_RDONLY | follow | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 && errno != ENOENT)
		error = sentence("%s: %s", path, strerror(errno));
	else if (fd >= 0 && fstat(fd, &st) != 0)
		error = sentence("%s: %s", path, strerror(errno));
	else if (fd >= 0 && !S_ISREG(st.st_mode))
		error = sentence("%s: is no ordinary file", path);
	else if (fd >= 0 && st.st_uid != geteuid())
		error = sentence("%s: belongs to another user", path);
	else if (fd >= 0 && (st.st_mode & 022) != 0)
		error = sentence("%s: others may write it: chmod go-w %s", path, path);
	else if (fd >= 0 && made[i].secret && (st.st_mode & 044) != 0)
		error = sentence("%s: others may read it, and it holds a secret: chmod 600 %s",
		    path, path);
	if (fd >= 0)
		close(fd);
	free(path);
	return error;
}

static char *
check_folder(const char *dir)
{
	char *error = NULL;
	struct stat st;

	if (stat(dir, &st) != 0)
		return sentence("%s: %s", dir, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return sentence("%s: is not a folder", dir);
	if (st.st_uid != geteuid())
		return sentence("%s: belongs to another user, who could put files into it; name a "
				"folder of your own",
		    dir);
	if ((st.st_mode & 022) != 0)
		return sentence("%s: others may write into it: chmod go-w %s", dir, dir);
	for (size_t i = 0; i < sizeof(made) / sizeof(*made) && error == NULL; i++)
		error = check_file(dir, i);
	return error;
}

/* --- settings --- */

/* Also for the bare addresses, so that an agent on this host can be given 127.0.0.1. */
static char *
make_certs(const char *dir, const char *domain)
{
	char wildcard[260];
	const char *names[] = { domain, wildcard, "127.0.0.1", "::1" };

	snprintf(wildcard, sizeof(wildcard), "*.%s", domain);
	return tls_make_dev_certs(dir, names, sizeof(names) / sizeof(*names));
}

static bool
add_cert(struct settings *s, const char *dir)
{
	check(s->certs == NULL && s->n_certs == 0);
	s->certs = calloc(1, sizeof(*s->certs));
	if (s->certs == NULL)
		return false;
	s->certs[0] =
	    (struct tls_cert_files){ sentence("%s/cert.pem", dir), sentence("%s/key.pem", dir) };
	s->n_certs = 1;
	s->mint = true;
	s->user[0] = '\0'; /* whoever tries things out stays who they are */
	return true;
}

/* NULL, or what is wrong. */
static char *
fill_in(struct settings *s, const char *dir, const char *domain)
{
	size_t cap = sizeof(s->control.path);
	char *error;

	/* One that is there is looked at before anything is put into it. */
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return sentence("%s: %s", dir, strerror(errno));
	error = check_folder(dir);
	if (error != NULL)
		return error;
	if (!slice_z(slice_str(dir), s->state_dir, sizeof(s->state_dir)) ||
	    (size_t)snprintf(s->control.path, cap, "%s/control.sock", dir) >= cap)
		return sentence("%s: the path is too long for a socket in it", dir);
	if (!settings_domain(slice_str(domain), s->domain, sizeof(s->domain)))
		return sentence("\"%s\" is not a domain", domain);
	s->https = s->http = (struct addr){ .kind = ADDR_TCP, .host = "127.0.0.1" };
	s->has_http = true;
	s->http_mode = SETTINGS_HTTP_SERVE;
	snprintf(s->host, sizeof(s->host), "127.0.0.1");
	/* Any port that needs no root: whoever tries things out has one in mind. */
	s->port_min = 1024;
	s->port_max = 65535;
	if (!add_cert(s, dir))
		return sentence("out of memory");
	return make_certs(dir, s->domain);
}

struct settings *
dev_settings(const char *dir, const char *domain, char **ret_error)
{
	struct settings *s = settings_new();
	char *error = s == NULL ? sentence("out of memory") : NULL;

	if (error == NULL)
		error = fill_in(s, dir, domain != NULL ? domain : "localhost");
	if (error == NULL)
		return s;
	settings_unref(s);
	*ret_error = error;
	return NULL;
}

/* --- the token --- */

/*
 * A token is kept from start to start as long as the store knows it: agents that have
 * it go on.
 */
static bool
is_good(const char *path, struct store *store)
{
	struct store_req req = { .op = STORE_LOGIN };
	FILE *f = fopen(path, "re");
	bool good = false;

	if (f == NULL)
		return false;
	if (fgets(req.grant.token, sizeof(req.grant.token), f) != NULL) {
		req.grant.token[strcspn(req.grant.token, "\n")] = '\0';
		/* One whose row cannot be read may be good: it stays as it is. */
		good = store_token_ok(slice_str(req.grant.token)) &&
		       (await_store(store, &req) == STORE_OK || req.result == STORE_DAMAGED);
	}
	fclose(f);
	store_req_fini(&req);
	return good;
}

/* Whoever reads the file sees the old token or the new one, whole, and nobody else does. */
static char *
write_secret(const char *path, const char *text)
{
	char *fresh = sentence("%s.new", path), *error = NULL;
	int fd;

	(void)unlink(fresh); /* of a start that was cut off */
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || fchmod(fd, 0600) != 0 || dprintf(fd, "%s\n", text) < 0 ||
	    rename(fresh, path) != 0)
		error = sentence("%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(fresh);
	return error;
}

char *
dev_token(const char *dir, struct store *store)
{
	struct store_req req = {
		.op = STORE_TOKEN_ADD, .account = "dev", .grant.label = "made by --dev"
	};
	char *path = sentence("%s/token", dir), *error = NULL;

	if (!is_good(path, store)) {
		if (await_store(store, &req) != STORE_OK)
			error = sentence("making a token: %s", store_result_text(req.result));
		else
			error = write_secret(path, req.grant.token);
		store_req_fini(&req);
	}
	free(path);
	return error;
}

/* --- ready --- */

static void
member(struct buf *b, const char *key, const char *a, const char *end)
{
	char text[1200];

	snprintf(text, sizeof(text), "%s%s", a, end);
	buf_printf(b, "%s\"%s\":", b->n > 1 ? "," : "", key);
	buf_json(b, slice_str(text));
}

static void
member_addr(struct buf *b, const char *key, const struct addr *a)
{
	char text[ADDR_TEXT_BYTES + 256];

	addr_text(a, text, sizeof(text));
	member(b, key, text, "");
}

/* The line is made whole before any of it is written: a script waits for it. */
bool
dev_ready(const char *dir, const struct settings *s, const char *dashboard,
    const struct addr *https, const struct addr *http)
{
	struct buf b;
	bool ok;

	buf_init(&b, LIMIT_CONTROL_LINE_BYTES);
	buf_putc(&b, '{');
	member_addr(&b, "https", https);
	if (http != NULL)
		member_addr(&b, "http", http);
	member(&b, "domain", s->domain, "");
	member(&b, "ca", dir, "/ca.pem");
	member(&b, "token", dir, "/token");
	member(&b, "control", dir, "/control.sock");
	if (dashboard[0] != '\0')
		member(&b, "dashboard", dashboard, "");
	buf_put(&b, S("}\n"));
	ok = !b.failed && fwrite(b.p, 1, b.n, stdout) == b.n && fflush(stdout) == 0;
	buf_fini(&b);
	return ok;
}
