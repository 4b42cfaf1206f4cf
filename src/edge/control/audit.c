/* SPDX-License-Identifier: Apache-2.0 */
/* Lines about what operators changed, in a file of bounded size. */
#include "edge/control/audit.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_BYTES 1024

struct audit {
	char path[1100], before[1104];
	json_t *rows; /* the newest first */
	int fd;
	bool told; /* that the file cannot be written */
};

static void
remember(struct audit *a, json_t *row)
{
	if (json_array_insert_new(a->rows, 0, row) == 0 &&
	    json_array_size(a->rows) > LIMIT_AUDIT_SHOWN)
		json_array_remove(a->rows, LIMIT_AUDIT_SHOWN);
}

/* A line that is none, of a write that a crash has cut, is passed over. */
static void
read_file(struct audit *a, const char *path)
{
	FILE *f = fopen(path, "re");
	char line[LINE_BYTES];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		json_t *row = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

		if (json_is_object(row))
			remember(a, row);
		else
			json_decref(row);
	}
	if (f != NULL)
		fclose(f);
}

static void
tell(struct audit *a)
{
	if (!a->told)
		log_event(LOG_WARN, "audit", LOG_Z("path", a->path), LOG_Z("why", strerror(errno)),
		    LOG_Z("todo", "make room, or give the folder to aditd's user"));
	a->told = true;
}

static void
open_file(struct audit *a)
{
	struct stat st;
	char last = '\n';

	a->fd = open(a->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (a->fd < 0) {
		tell(a);
		return;
	}
	/* What a crash has cut is a line of its own. */
	if (fstat(a->fd, &st) == 0 && st.st_size > 0 &&
	    pread(a->fd, &last, 1, st.st_size - 1) == 1 && last != '\n' &&
	    write(a->fd, "\n", 1) != 1)
		tell(a);
}

struct audit *
audit_open(const char *folder)
{
	struct audit *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->fd = -1;
	a->rows = json_array();
	if (a->rows == NULL ||
	    (size_t)snprintf(a->path, sizeof(a->path), "%s/audit.log", folder) >= sizeof(a->path)) {
		audit_close(a);
		return NULL;
	}
	snprintf(a->before, sizeof(a->before), "%s.1", a->path);
	read_file(a, a->before);
	read_file(a, a->path);
	open_file(a);
	return a;
}

void
audit_close(struct audit *a)
{
	if (a == NULL)
		return;
	if (a->fd >= 0)
		close(a->fd);
	json_decref(a->rows);
	free(a);
}

void
audit_about(const json_t *request, char *dst, size_t cap)
{
	static const char *const members[] = { "account", "name", "id", "port", "tunnel", "to",
		"role", "label", "states" };
	size_t n = 0;

	dst[0] = '\0';
	for (size_t i = 0; i < sizeof(members) / sizeof(*members) && n < cap; i++) {
		const json_t *v = json_object_get(request, members[i]);
		char *text =
		    v == NULL ? NULL
			      : json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII);
		size_t left = cap - n;

		if (text != NULL && !json_is_null(v)) {
			int k =
			    snprintf(dst + n, left, "%s%s %s", n > 0 ? ", " : "", members[i], text);

			n += k > 0 ? (size_t)k : 0;
		}
		free(text);
	}
}

/* The file that was full is the one before, from now on. */
static void
turn_over(struct audit *a)
{
	struct stat st;

	if (a->fd < 0 || fstat(a->fd, &st) != 0 || st.st_size < LIMIT_AUDIT_FILE_BYTES)
		return;
	if (rename(a->path, a->before) != 0) {
		tell(a);
		return;
	}
	close(a->fd);
	open_file(a);
}

void
audit_put(struct audit *a, const char *who, const char *op, const char *about, const char *code)
{
	json_t *row;
	char line[LINE_BYTES];
	size_t n;

	if (a == NULL)
		return;
	row = json_pack("{s:I, s:s, s:s, s:s, s:s}", "at_ms", (json_int_t)clock_wall_ms(), "who",
	    who, "op", op, "about", about, "code", code);
	n = row == NULL ? 0
			: json_dumpb(row, line, sizeof(line) - 1, JSON_COMPACT | JSON_ENSURE_ASCII);
	if (n == 0 || n > sizeof(line) - 1) { /* a member is no UTF-8, or there is no memory */
		json_decref(row);
		return;
	}
	remember(a, row);
	line[n++] = '\n';
	turn_over(a);
	if (a->fd < 0)
		open_file(a);
	if (a->fd >= 0 && write(a->fd, line, n) != (ssize_t)n)
		tell(a);
}

json_t *
audit_list(const struct audit *a)
{
	return a == NULL ? json_array() : json_copy(a->rows);
}
