/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/config_file.h"

#include "agent/yaml.h"
#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

bool
config_file_path(char *dst, size_t cap)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int n = -1;

	if (xdg != NULL && xdg[0] == '/')
		n = snprintf(dst, cap, "%s/adit/adit.yml", xdg);
	else if (home != NULL && home[0] == '/')
		n = snprintf(dst, cap, "%s/.config/adit/adit.yml", home);
	return n > 0 && (size_t)n < cap;
}

static char *printf_like(1, 2) sentence(const char *fmt, ...)
{
	va_list ap;
	char *z;

	va_start(ap, fmt);
	if (vasprintf(&z, fmt, ap) < 0)
		z = NULL;
	va_end(ap);
	check(z != NULL);
	return z;
}

/* The whole of an open file into b. False: errno says why. */
static bool
read_fd(int fd, struct buf *b)
{
	for (;;) {
		char *room = buf_room(b, 4096);
		ssize_t n;

		if (room == NULL) {
			errno = EFBIG;
			return false;
		}
		n = read(fd, room, 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0;
		b->n += (size_t)n;
	}
}

/* b is wiped by the caller. *ret_open: others than its owner may read or write it. */
static char *
read_file(const char *path, struct buf *b, bool *ret_open, bool *ret_missing)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *error = NULL;

	*ret_missing = fd < 0 && errno == ENOENT;
	if (fd < 0)
		return sentence("%s: %s", path, strerror(errno));
	if (fstat(fd, &st) != 0 || !read_fd(fd, b))
		error = sentence("%s: %s", path, strerror(errno));
	else
		*ret_open = S_ISREG(st.st_mode) && (st.st_mode & 077) != 0;
	close(fd);
	return error;
}

static char *
others_may_read(const char *path)
{
	return sentence("%s: others may read it, and it holds a token: chmod 600 %s", path, path);
}

static void
wipe_buf(struct buf *b)
{
	if (b->p != NULL)
		OPENSSL_cleanse(b->p, b->cap);
	buf_fini(b);
}

char *
config_file_read(const char *path, struct config *ret_c, bool *ret_missing)
{
	struct buf b;
	bool missing, open_to_others = false;
	char *error;

	*ret_c = (struct config){ 0 };
	buf_init(&b, LIMIT_CONFIG_BYTES + 4096);
	error = read_file(path, &b, &open_to_others, &missing);
	if (error == NULL)
		error = config_parse(buf_slice(&b), path, ret_c);
	if (error == NULL && ret_c->token != NULL && open_to_others)
		error = others_may_read(path);
	wipe_buf(&b);
	if (ret_missing != NULL)
		*ret_missing = missing;
	return error;
}

/* --- login --- */

/* True when a login writes this key anew. */
static bool
is_login_key(const struct yaml_node *n)
{
	static const char *const keys[] = { "edge", "ca", "token", "token_file" };

	for (size_t i = 0; i < 4; i++)
		if (n->key != NULL && strcmp(n->key, keys[i]) == 0)
			return true;
	return false;
}

/* True when the line (from 1) belongs to one of the keys of a login in the outermost mapping. */
static bool
is_login_line(const struct yaml *y, int line)
{
	int depth = 0;

	for (size_t i = 0; i < y->n; i++) {
		const struct yaml_node *n = &y->nodes[i];

		if (depth == 0 && n->value != NULL && is_login_key(n) && line >= n->line &&
		    line <= n->last_line)
			return true;
		if (n->key == NULL)
			depth--;
		else if (n->value == NULL)
			depth++;
	}
	return false;
}

static void
put_pair(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, "%s: ", key);
	buf_json(b, slice_str(value)); /* a JSON string is a YAML scalar */
	buf_putc(b, '\n');
}

/* What is in the file already, without the lines of an earlier login. */
static char *
keep_the_rest(const char *path, struct slice old, struct buf *out)
{
	struct yaml y;
	char *error = yaml_parse(&y, old, path);
	int line = 0;

	if (error == NULL && y.flow)
		error = sentence("%s is written with braces: put edge and token into it by hand, "
				 "or move it away",
		    path);
	while (error == NULL && old.n > 0) {
		size_t end = slice_find(old, '\n');
		size_t n = end == SIZE_MAX ? old.n : end + 1;

		if (!is_login_line(&y, ++line))
			buf_put(out, slice_head(old, n));
		old = slice_from(old, n);
	}
	yaml_fini(&y);
	return error;
}

static void
make_folders(char *path)
{
	for (char *p = path + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		if (mkdir(path, 0700) != 0 && errno != EEXIST) {
			*p = '/';
			return; /* opening the file will say why */
		}
		*p = '/';
	}
}

static bool
write_all(int fd, struct slice s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		s = slice_from(s, (size_t)n);
	}
	return fsync(fd) == 0;
}

/* Beside the file, then renamed over it: a crash leaves the old one or the new one. */
static char *
replace_file(const char *path, struct slice text)
{
	char next[4200];
	int fd, n = snprintf(next, sizeof(next), "%s.new", path);
	char *error = NULL;

	if (n < 0 || (size_t)n >= sizeof(next))
		return sentence("%s: the path is too long", path);
	make_folders(next);
	unlink(next);
	fd = open(next, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return sentence("%s: %s", next, strerror(errno));
	if (!write_all(fd, text) || rename(next, path) != 0) {
		error = sentence("%s: %s", path, strerror(errno));
		unlink(next);
	}
	close(fd);
	return error;
}

char *
config_file_save_login(const char *path, const char *edge, const char *ca, const char *token)
{
	struct buf old, out;
	bool missing, open_to_others;
	char *error;

	buf_init(&old, LIMIT_CONFIG_BYTES + 4096);
	buf_init(&out, 2 * LIMIT_CONFIG_BYTES);
	put_pair(&out, "edge", edge);
	if (ca != NULL)
		put_pair(&out, "ca", ca);
	put_pair(&out, "token", token);
	error = read_file(path, &old, &open_to_others, &missing);
	if (error == NULL) {
		error = keep_the_rest(path, buf_slice(&old), &out);
	} else if (missing) {
		free(error);
		error = NULL;
	}
	if (error == NULL && out.failed)
		error = sentence("%s: too large, or no memory", path);
	if (error == NULL)
		error = replace_file(path, buf_slice(&out));
	wipe_buf(&old);
	wipe_buf(&out);
	return error;
}

char *
config_file_token(const char *path, char *dst, size_t cap)
{
	bool missing, open_to_others = false, from_stdin = strcmp(path, "-") == 0;
	struct buf b;
	struct slice s;
	char *error = NULL;

	buf_init(&b, 8192);
	if (from_stdin && !read_fd(STDIN_FILENO, &b))
		error = sentence("standard input: %s", strerror(errno));
	if (!from_stdin)
		error = read_file(path, &b, &open_to_others, &missing);
	if (error == NULL && open_to_others)
		error = others_may_read(path);
	s = buf_slice(&b);
	while (s.n > 0 && strchr("\r\n\t ", s.p[s.n - 1]) != NULL)
		s.n--;
	if (error == NULL && (s.n == 0 || !slice_z(s, dst, cap)))
		error = sentence("%s: %s", from_stdin ? "standard input" : path,
		    s.n == 0 ? "holds no token" : "is no token: too long");
	wipe_buf(&b);
	return error;
}
