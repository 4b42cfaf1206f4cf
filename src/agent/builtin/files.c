/* SPDX-License-Identifier: Apache-2.0 */
/* Answers with what is in a folder: which file, which part of it, and whether it is needed at all. */
#include "agent/builtin/builtin_private.h"

#include "agent/builtin/file_match.h"
#include "agent/builtin/file_open.h"
#include "agent/builtin/file_path.h"

#include <errno.h>
#include <unistd.h>

static struct slice
field(const struct builtin_conn *c, struct slice name)
{
	struct slice in = slice_of(c->in, c->in_n);
	size_t at = 0;
	const struct h1_field *f = h1_find(&c->h1.head, in, name, &at);

	return f == NULL ? slice_of(NULL, 0) : h1_text(in, f->value);
}

static void
not_found(struct builtin_conn *c)
{
	builtin_say(c, 404, "", "There is no such file here.\n");
}

/* The page of a folder is asked for with a slash at its end, or its own links would lead elsewhere.
 * "./NAME/" and no more: a path with two slashes at its front would be another host. */
static void
add_slash(struct builtin_conn *c)
{
	struct slice in = slice_of(c->in, c->in_n), path = h1_text(in, c->h1.head.path);
	struct slice query = h1_text(in, c->h1.head.query), last = path;
	char fields[BUILTIN_OUT_BYTES / 2];
	int n;

	while (slice_find(last, '/') != SIZE_MAX)
		last = slice_from(last, slice_find(last, '/') + 1);
	n = snprintf(fields, sizeof(fields), "Location: ./%.*s/%s%.*s\r\n", PS(last),
	    query.n > 0 ? "?" : "", PS(query));
	if (n < 0 || (size_t)n >= sizeof(fields))
		not_found(c);
	else
		builtin_say(c, 301, fields, "This is a folder: its address ends with a slash.\n");
}

/* True: the one who asks has it already. */
static bool
is_known(const struct builtin_conn *c, struct slice tag, time_t changed)
{
	struct slice tags = field(c, S("If-None-Match"));
	time_t since;

	if (tags.p != NULL)
		return file_tag_listed(tags, tag);
	since = file_date_read(field(c, S("If-Modified-Since")));
	return since >= 0 && changed <= since;
}

/* A part is only good for who has the rest of the same file (RFC 9110 13.1.5). */
static struct slice
wanted_range(const struct builtin_conn *c, struct slice tag, struct slice date)
{
	struct slice range = field(c, S("Range")), only = field(c, S("If-Range"));

	if (c->head_only || (only.p != NULL && !slice_eq(only, tag) && !slice_eq(only, date)))
		return S("");
	return range;
}

/* fd is taken over. */
static void
send_whole_or_part(struct builtin_conn *c, int fd, const struct stat *st, const char *name)
{
	char tag[64], date[FILE_DATE_BYTES], fields[256], range[96] = "";
	uint64_t size = (uint64_t)st->st_size, first = 0, n = size;
	enum file_range part;

	snprintf(tag, sizeof(tag), "\"%llx-%llx-%llx%08lx\"", (unsigned long long)st->st_ino,
	    (unsigned long long)size, (unsigned long long)st->st_mtim.tv_sec,
	    (unsigned long)st->st_mtim.tv_nsec);
	file_date(st->st_mtim.tv_sec, date);
	snprintf(fields, sizeof(fields),
	    "ETag: %s\r\nLast-Modified: %s\r\nCache-Control: no-cache\r\n"
	    "Accept-Ranges: bytes\r\nX-Content-Type-Options: nosniff\r\n",
	    tag, date);
	c->file = fd; /* closed with the answer, whatever it is */
	if (is_known(c, slice_str(tag), st->st_mtim.tv_sec)) {
		buf_printf(&c->out, "HTTP/1.1 304 Not Modified\r\n%s%s\r\n", fields,
		    c->keep_alive ? "" : "Connection: close\r\n");
		return;
	}
	part = file_range(wanted_range(c, slice_str(tag), slice_str(date)), size, &first, &n);
	if (part == FILE_RANGE_BEYOND) {
		snprintf(range, sizeof(range), "Content-Range: bytes */%llu\r\n",
		    (unsigned long long)size);
		builtin_say(c, 416, range, "The file is shorter than that.\n");
		return;
	}
	if (part == FILE_RANGE_PART)
		snprintf(range, sizeof(range), "Content-Range: bytes %llu-%llu/%llu\r\n",
		    (unsigned long long)first, (unsigned long long)(first + n - 1),
		    (unsigned long long)size);
	buf_printf(&c->out, "HTTP/1.1 %s\r\n%s%sContent-Type: %s\r\nContent-Length: %llu\r\n%s\r\n",
	    part == FILE_RANGE_PART ? "206 Partial Content" : "200 OK", fields, range,
	    file_type(name), (unsigned long long)n, c->keep_alive ? "" : "Connection: close\r\n");
	c->file_at = first;
	c->file_left = c->head_only ? 0 : n;
}

/* A list of what is in it, where that is wanted. fd is taken over. */
static void
send_list(struct builtin_conn *c, int fd)
{
	if (!c->site->listing) {
		close(fd);
		not_found(c);
		return;
	}
	if (!builtin_list(c, fd)) {
		buf_fini(&c->list);
		builtin_say(c, 500, "", "The folder could not be read.\n");
		return;
	}
	buf_printf(&c->out,
	    "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
	    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"
	    "X-Content-Type-Options: nosniff\r\nCache-Control: no-cache\r\n"
	    "Content-Length: %zu\r\n%s\r\n",
	    c->list.n, c->keep_alive ? "" : "Connection: close\r\n");
	c->body = c->list.p;
	c->body_n = c->head_only ? 0 : c->list.n;
}

/* A folder with its slash: its index.html, or the list. */
static void
send_folder(struct builtin_conn *c, int fd)
{
	struct stat st;
	/* Beneath the folder that is open: a link that leads out of it is no index of it. */
	int index = file_open(fd, "index.html", &st);

	if (index >= 0 && S_ISREG(st.st_mode)) {
		close(fd);
		send_whole_or_part(c, index, &st, "index.html");
		return;
	}
	if (index >= 0)
		close(index);
	send_list(c, fd);
}

void
builtin_files(struct builtin_conn *c)
{
	struct slice in = slice_of(c->in, c->in_n), method = h1_text(in, c->h1.head.method);
	struct file_path path;
	struct stat st;
	int fd;

	if (!c->head_only && !slice_eq(method, S("GET"))) {
		builtin_say(c, 405, "Allow: GET, HEAD\r\n", "Files are read alone: GET or HEAD.\n");
		return;
	}
	switch (file_path(h1_text(in, c->h1.head.path), c->site->hidden, &path)) {
	case FILE_PATH_OK:
		break;
	case FILE_PATH_BAD:
		builtin_say(c, 400, "", "This is no path of a file.\n");
		return;
	case FILE_PATH_HIDDEN:
	case FILE_PATH_LONG:
		not_found(c);
		return;
	}
	fd = file_open(c->site->root, path.text, &st);
	if (fd < 0 && (errno == EACCES || errno == EPERM))
		builtin_say(c, 403, "", "The agent must not read this file.\n");
	else if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
		builtin_say(c, 503, "", "The agent is short of descriptors or memory.\n");
	else if (fd < 0)
		not_found(c);
	else if (S_ISDIR(st.st_mode) && path.folder)
		send_folder(c, fd);
	else if (S_ISREG(st.st_mode) && !path.folder)
		send_whole_or_part(c, fd, &st, path.text);
	else {
		close(fd);
		if (S_ISDIR(st.st_mode))
			add_slash(c);
		else
			not_found(c);
	}
}
