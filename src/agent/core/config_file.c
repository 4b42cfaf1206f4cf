/* SPDX-License-Identifier: Apache-2.0 */
/* Finds adit.yml and the token's file, and refuses a token that others may read. */
#include "agent/core/config_file.h"

#include "base/buf.h"
#include "base/sentence.h"
#include "conf/file.h"
#include "conf/yamldoc.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

bool
config_file_path(char *dst, size_t cap)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int n = -1;

	/* Relative paths in it are to be ignored (XDG Base Directory Specification). */
	if (xdg != NULL && xdg[0] == '/')
		n = snprintf(dst, cap, "%s/adit/adit.yml", xdg);
	else if (home != NULL && home[0] == '/')
		n = snprintf(dst, cap, "%s/.config/adit/adit.yml", home);
	return n > 0 && (size_t)n < cap;
}

bool
config_state_folder(char *dst, size_t cap)
{
	const char *unit = getenv("STATE_DIRECTORY"), *xdg = getenv("XDG_STATE_HOME"),
		   *home = getenv("HOME");
	int n = -1;

	if (unit != NULL && unit[0] == '/')
		n = snprintf(dst, cap, "%s", unit);
	else if (xdg != NULL && xdg[0] == '/')
		n = snprintf(dst, cap, "%s/adit", xdg);
	else if (home != NULL && home[0] == '/' && access(home, F_OK) == 0)
		n = snprintf(dst, cap, "%s/.local/state/adit", home);
	return n > 0 && (size_t)n < cap;
}

static char *
others_may_read(const char *path)
{
	return sentence("%s: others may read it, and it holds a token: chmod 600 %s", path, path);
}

char *
config_file_read(const char *path, struct config *ret_c, bool *ret_missing)
{
	struct slice text = S("");
	mode_t others = 0;
	char *error, *bytes = file_read(path, LIMIT_CONFIG_BYTES + 1, &text, &others);

	*ret_c = (struct config){ 0 };
	if (ret_missing != NULL)
		*ret_missing = bytes == NULL && errno == ENOENT;
	error = bytes != NULL ? config_parse(text, path, ret_c)
			      : sentence("%s: %s", path, strerror(errno));
	/* Without a token in it the file may be everybody's: a team's, in a repository. */
	if (error == NULL && ret_c->token != NULL && others != 0)
		error = others_may_read(path);
	file_free(bytes, text);
	return error;
}

/* --- login --- */

/* True when the line (from 1) belongs to a key that a login writes anew. A key's value may go on
 * for lines ("token: |"): they go with it. */
static bool
is_login_line(const struct yamldoc *doc, int line)
{
	static const char *const keys[] = { "edge", "ca", "token", "token_file" };
	const struct yamldoc_node *n = doc->root == NULL ? NULL : doc->root->first;

	check(line >= 1);
	for (; n != NULL; n = n->next)
		for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
			if (n->key != NULL && strcmp(n->key, keys[i]) == 0 && line >= n->key_line &&
			    (line == n->key_line || line <= n->last_line))
				return true;
	return false;
}

static void
put_pair(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, "%s: ", key);
	buf_json(b, slice_str(value)); /* a JSON string is a YAML scalar */
	buf_putc(b, '\n');
}

/* What is in the file already, without the lines of an earlier login. By lines and not by the
 * tree, so that comments and the form that people gave it stay. NULL, or a malloced sentence. */
static char *
keep_the_rest(const char *path, struct slice old, struct buf *out)
{
	struct yamldoc_error why;
	struct yamldoc doc;
	char *error = NULL;
	int line = 0;

	if (!yamldoc_parse(&doc, old, &why))
		error = sentence("%s:%d:%d: %s", path, why.line, why.column, why.text);
	if (error == NULL && doc.flow)
		error = sentence("%s is written with braces: put edge and token into it by hand, "
				 "or move it away",
		    path);
	while (error == NULL && old.n > 0) {
		size_t end = slice_find(old, '\n');
		size_t n = end == SIZE_MAX ? old.n : end + 1;

		if (!is_login_line(&doc, ++line))
			buf_put(out, slice_head(old, n));
		old = slice_from(old, n);
	}
	yamldoc_fini(&doc);
	return error;
}

/* All of it, and on the disk, or false and errno. */
static bool
write_all(int fd, struct slice s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		check((size_t)n <= s.n);
		s = slice_from(s, (size_t)n);
	}
	return fsync(fd) == 0;
}

/* Beside the file, then renamed over it: a crash leaves the old one or the new one. */
char *
config_file_replace(const char *path, struct slice text)
{
	char next[4200];
	int fd, n = snprintf(next, sizeof(next), "%s.new", path);
	char *error = NULL;

	if (n < 0 || (size_t)n >= sizeof(next))
		return sentence("%s: the path is too long", path);
	file_make_folders(next);
	/* What an earlier crash left; O_EXCL then takes no file or link that somebody
	 * else has put there. */
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
	struct slice old = S("");
	char *error = NULL, *bytes = file_read(path, LIMIT_CONFIG_BYTES + 1, &old, NULL);
	struct buf out;

	if (bytes == NULL && errno != ENOENT)
		return sentence("%s: %s", path, strerror(errno));
	check(edge != NULL && edge[0] != '\0'); /* a login was tried with it before */
	buf_init(&out, 2 * LIMIT_CONFIG_BYTES);
	put_pair(&out, "edge", edge);
	if (ca != NULL)
		put_pair(&out, "ca", ca);
	put_pair(&out, "token", token);
	if (bytes != NULL)
		error = keep_the_rest(path, old, &out);
	if (error == NULL && out.failed)
		error = sentence("%s: too large, or no memory", path);
	if (error == NULL)
		error = config_file_replace(path, buf_slice(&out));
	file_free(bytes, old);
	/* The token was in it. */
	if (out.p != NULL)
		OPENSSL_cleanse(out.p, out.cap);
	buf_fini(&out);
	return error;
}

char *
config_file_token(const char *path, char *dst, size_t cap)
{
	bool named = strcmp(path, "-") != 0;
	mode_t others = 0;
	const char *from = named ? path : "standard input";
	struct slice all = S(""), s;
	char *bytes = file_read(named ? path : NULL, 8192, &all, &others), *error = NULL;

	if (bytes == NULL)
		return sentence("%s: %s", from, strerror(errno));
	s = all;
	while (s.n > 0 && strchr("\r\n\t ", s.p[s.n - 1]) != NULL)
		s.n--;
	if (others != 0)
		error = others_may_read(path);
	else if (s.n == 0 || !slice_z(s, dst, cap))
		error =
		    sentence("%s: %s", from, s.n == 0 ? "holds no token" : "is no token: too long");
	file_free(bytes, all);
	return error;
}
