/* SPDX-License-Identifier: Apache-2.0 */
/* Writes log lines, logfmt or JSON. */
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LINE_MAX_BYTES PIPE_BUF /* what a pipe that has room takes whole */
#define VALUE_MAX_BYTES 1024

static int log_fd = STDERR_FILENO, terminal_fd = -1;
static enum log_level level_max = LOG_INFO;
static enum log_format line_format = LOG_LOGFMT;

/* By enum log_level. */
static const char *const level_names[] = { "error", "warn", "info", "debug" };

/* What several threads share: one asks for room and writes before the next one asks. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long long n_lost;  /* lines for which there was no room */
static bool is_cut;       /* the last line was written in part */
static char *kept;        /* a ring of the last bytes; NULL: none are kept */
static uint64_t kept_end; /* of all bytes that were ever put into it */

/*
 * A terminal with room for a byte makes whoever writes two wait.  O_NONBLOCK belongs to the open
 * file, which the shell shares with us, so the terminal is opened once more.
 */
static int
open_terminal(int fd)
{
	char path[32];

	if (!isatty(fd))
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

void
log_move(int fd)
{
	int old = terminal_fd;

	pthread_mutex_lock(&lock);
	terminal_fd = open_terminal(fd);
	log_fd = terminal_fd >= 0 ? terminal_fd : fd;
	pthread_mutex_unlock(&lock);
	if (old >= 0)
		close(old);
}

void
log_init(int fd, enum log_level level, enum log_format format)
{
	log_move(fd);
	level_max = level;
	line_format = format;
}

bool
log_level_parse(struct slice s, enum log_level *ret_level)
{
	for (size_t i = 0; i < sizeof(level_names) / sizeof(*level_names); i++)
		if (slice_eq(s, slice_str(level_names[i]))) {
			*ret_level = (enum log_level)i;
			return true;
		}
	return false;
}

bool
log_wants(enum log_level level)
{
	return level <= level_max;
}

/* What logfmt takes without quotes. */
static bool
plain(struct slice s)
{
	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 0x7f)
			return false;
	}
	return true;
}

/*
 * logfmt values are quoted as JSON strings are, so that either reader finds the same text; in ASCII
 * alone, since terminals obey C1 controls and bidirectional marks too (S-10).
 */
static void
put_text(struct buf *b, enum log_format format, struct slice s)
{
	if (s.n > VALUE_MAX_BYTES) {
		/* Not within a character. */
		for (s.n = VALUE_MAX_BYTES; s.n > VALUE_MAX_BYTES - 3; s.n--)
			if (((unsigned char)s.p[s.n] & 0xc0) != 0x80)
				break;
	}
	if (format == LOG_LOGFMT && plain(s))
		buf_put(b, s);
	else
		buf_json_ascii(b, s);
}

static void
put_field(struct buf *b, enum log_format format, const struct log_field *f)
{
	if (format == LOG_JSON)
		buf_printf(b, ",\"%s\":", f->key);
	else
		buf_printf(b, " %s=", f->key);
	if (f->kind == LOG_KIND_INT)
		buf_printf(b, "%lld", (long long)f->number);
	else
		put_text(b, format, f->text);
}

size_t
log_line(enum log_format format, enum log_level level, int64_t wall_ms, const char *event,
    const struct log_field *fields, char *dst, size_t cap)
{
	/* A buf over the caller's bytes: it never grows, since cap is already max. */
	struct buf b = { .p = dst, .cap = cap - 2, .max = cap - 2 };
	/*
	 * The two bytes that are left out are for '}' and the newline, which every line gets.
	 */
	char when[32];
	size_t whole;

	check(cap > 2); /* room for the end of the line is kept */
	check((size_t)level < sizeof(level_names) / sizeof(*level_names));
	clock_rfc3339(wall_ms, when, sizeof(when));
	if (format == LOG_JSON)
		buf_printf(&b, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"", when,
		    level_names[level], event);
	else
		buf_printf(&b, "time=%s level=%s event=%s", when, level_names[level], event);
	for (whole = b.n; fields->kind != LOG_KIND_END; fields++) {
		put_field(&b, format, fields);
		if (b.failed)
			break; /* a line that is too long loses its last fields whole */
		whole = b.n;
	}
	if (format == LOG_JSON)
		dst[whole++] = '}';
	dst[whole++] = '\n';
	return whole;
}

/* A pipe, a socket and a file that poll(2) calls writable take PIPE_BUF bytes without waiting. */
static bool
has_room(void)
{
	struct pollfd p = { .fd = log_fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) != 0;
}

/*
 * False: nobody takes it, or not all of it. The rest of a line that was cut is not sent later;
 * the next one begins with a newline.
 */
static bool
put_line(const char *line, size_t n)
{
	ssize_t k = has_room() ? write(log_fd, line, n) : -1;

	if (k > 0)
		is_cut = (size_t)k < n;
	return k > 0 && !is_cut;
}

/* There may be room again: what was lost is told before what comes next. */
static bool
told_lost(void)
{
	const struct log_field fields[] = { LOG_U("lines", n_lost), { 0 } };
	char line[256];
	size_t n;

	if (is_cut && !put_line("\n", 1))
		return false;
	if (n_lost == 0)
		return true;
	n = log_line(line_format, LOG_WARN, clock_wall_ms(), "log-lost", fields, line,
	    sizeof(line));
	if (!put_line(line, n))
		return false;
	n_lost = 0;
	return true;
}

/* --- the last lines --- */

void
log_keep(void)
{
	if (kept == NULL)
		kept = malloc(LIMIT_LOG_TAIL_BYTES); /* NULL: none are kept */
}

static void
keep_line(const char *line, size_t n)
{
	for (size_t i = 0; kept != NULL && i < n; i++)
		kept[kept_end++ % LIMIT_LOG_TAIL_BYTES] = line[i];
}

size_t
log_tail(uint64_t after, char *dst, size_t cap, uint64_t *ret_next)
{
	uint64_t at;
	size_t n = 0;

	pthread_mutex_lock(&lock);
	at = after > kept_end ? 0 : after; /* it is from before a restart */
	if (kept_end - at > LIMIT_LOG_TAIL_BYTES)
		at = kept_end - LIMIT_LOG_TAIL_BYTES;
	if (kept_end - at > cap)
		at = kept_end - cap;
	/* What begins within a line goes on behind it. */
	if (at != 0)
		while (at < kept_end && kept[(at - 1) % LIMIT_LOG_TAIL_BYTES] != '\n')
			at++;
	while (at < kept_end)
		dst[n++] = kept[at++ % LIMIT_LOG_TAIL_BYTES];
	*ret_next = kept_end;
	pthread_mutex_unlock(&lock);
	return n;
}

void
log_write(enum log_level level, const char *event, const struct log_field *fields)
{
	char line[LINE_MAX_BYTES];
	size_t n = log_line(line_format, level, clock_wall_ms(), event, fields, line, sizeof(line));

	/* A log that cannot be written must not stop the traffic. */
	pthread_mutex_lock(&lock);
	keep_line(line, n);
	if (!told_lost() || !put_line(line, n))
		n_lost++;
	pthread_mutex_unlock(&lock);
}
