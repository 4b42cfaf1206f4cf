/* SPDX-License-Identifier: Apache-2.0 */
/* Opens, writes and forms lines of the access log. */
#include "edge/core/access_log.h"

#include "base/sentence.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Another file takes this number (dup3), so that a thread in the middle of a line needs no lock. */
static atomic_int log_fd = -1;

/* The number stays taken: a thread may be about to write to it. */
static void
close_log(void)
{
	int old = atomic_load(&log_fd), null;

	if (old < 0)
		return;
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (null >= 0) {
		(void)dup3(null, old, O_CLOEXEC);
		close(null);
	}
}

char *
access_log_open(const char *path)
{
	int old = atomic_load(&log_fd), fd;
	struct stat st;

	if (path[0] == '\0') {
		close_log();
		return NULL;
	}
	/* No wait where it is a pipe that nobody reads. */
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
	if (fd < 0)
		return sentence("log.access_file %s: %s", path, strerror(errno));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return sentence("log.access_file %s: a file is wanted", path);
	}
	if (old < 0) {
		atomic_store(&log_fd, fd);
		return NULL;
	}
	(void)dup3(fd, old, O_CLOEXEC);
	close(fd);
	return NULL;
}

void
access_log_reopen(const char *path)
{
	char *error = access_log_open(path);

	if (error != NULL)
		log_event(LOG_ERROR, "access-log", LOG_Z("why", error));
	free(error);
}

void
access_log_write(struct slice line)
{
	int fd = atomic_load(&log_fd);
	ssize_t n = fd < 0 ? 0 : write(fd, line.p, line.n);

	(void)n;
}

/* As Apache has it: \xHH for what would end the field or the line, or paint a terminal. */
static void
put_quoted(struct buf *out, const char *text)
{
	buf_putc(out, '"');
	if (text[0] == '\0')
		buf_putc(out, '-');
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < ' ' || c >= 0x7f)
			buf_printf(out, "\\x%02x", c);
		else if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else
			buf_putc(out, (char)c);
	}
	buf_putc(out, '"');
}

void
access_log_combined(const struct access_line *l, struct buf *out)
{
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
		"Sep", "Oct", "Nov", "Dec" };
	time_t now = (time_t)(l->wall_ms / 1000);
	char request[256];
	struct tm tm;

	if (gmtime_r(&now, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	/* A head that could not be read has no request line. */
	request[0] = '\0';
	if (l->method[0] != '\0')
		snprintf(request, sizeof(request), "%s %s %s", l->method, l->path, l->proto);
	/* 499: the status that others give to a visitor who left. */
	buf_printf(out, "%s - - [%02d/%s/%04d:%02d:%02d:%02d +0000] ",
	    l->peer[0] != '\0' ? l->peer : "-", tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900,
	    tm.tm_hour, tm.tm_min, tm.tm_sec);
	put_quoted(out, request);
	buf_printf(out, " %u %llu ", l->status != 0 ? l->status : 499,
	    (unsigned long long)l->bytes);
	put_quoted(out, l->referer);
	buf_putc(out, ' ');
	put_quoted(out, l->agent);
	buf_putc(out, '\n');
}
