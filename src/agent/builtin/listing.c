/* SPDX-License-Identifier: Apache-2.0 */
/* A folder as a page: names, sorted, as links; nothing of them is markup. */
#include "agent/builtin/builtin_private.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct listing_names {
	char **list; /* LIMIT_FILES_LISTED of them; a folder ends with a slash */
	size_t n;
	bool more; /* there are others */
};

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What is neither file nor folder is not shown; a link as what it leads to. */
static bool
look(int fd, const struct dirent *e, bool *ret_folder)
{
	struct stat st;

	if (e->d_type != DT_UNKNOWN && e->d_type != DT_LNK) {
		*ret_folder = e->d_type == DT_DIR;
		return e->d_type == DT_DIR || e->d_type == DT_REG;
	}
	if (fstatat(fd, e->d_name, &st, 0) != 0)
		return false;
	*ret_folder = S_ISDIR(st.st_mode);
	return S_ISDIR(st.st_mode) || S_ISREG(st.st_mode);
}

static bool
collect(DIR *d, bool hidden, struct listing_names *names)
{
	struct dirent *e;
	bool folder;

	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' &&
		    (!hidden || strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0))
			continue;
		if (!look(dirfd(d), e, &folder))
			continue;
		if (names->n == LIMIT_FILES_LISTED) {
			names->more = true;
			return true;
		}
		if (asprintf(&names->list[names->n], "%s%s", e->d_name, folder ? "/" : "") < 0)
			return false;
		names->n++;
	}
	return true;
}

/* As text of a page. */
static void
put_text(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		if (strchr("<>&\"'", *s) != NULL)
			buf_printf(out, "&#%d;", *s);
		else if ((unsigned char)*s < ' ' || *s == 0x7f)
			buf_putc(out, '?');
		else
			buf_putc(out, *s);
	}
}

/* As a path relative to this folder: whatever is no plain character is escaped. */
static void
put_link(struct buf *out, const char *s)
{
	static const char plain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";

	buf_printf(out, "./");
	for (; *s != '\0'; s++) {
		if (strchr(plain, *s) != NULL)
			buf_putc(out, *s);
		else
			buf_printf(out, "%%%02X", (unsigned char)*s);
	}
}

bool
builtin_list(struct builtin_conn *c, int fd)
{
	struct listing_names names = { .list = calloc(LIMIT_FILES_LISTED, sizeof(char *)) };
	DIR *d = fdopendir(fd);
	bool good = d != NULL && names.list != NULL && collect(d, c->site->hidden, &names);

	if (d != NULL)
		closedir(d);
	else
		close(fd);
	buf_init(&c->list, LIMIT_FILES_LIST_BYTES);
	if (good && names.n > 0)
		qsort(names.list, names.n, sizeof(char *), compare);
	buf_printf(&c->list, "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">"
			     "<meta name=\"viewport\" content=\"width=device-width\">"
			     "<title>Folder</title><ul>\n");
	for (size_t i = 0; i < names.n; i++) {
		buf_printf(&c->list, "<li><a href=\"");
		put_link(&c->list, names.list[i]);
		buf_printf(&c->list, "\">");
		put_text(&c->list, names.list[i]);
		buf_printf(&c->list, "</a>\n");
		free(names.list[i]);
	}
	buf_printf(&c->list, "</ul>%s</html>\n", names.more ? "<p>There are more." : "");
	free(names.list);
	return good && !c->list.failed;
}
