/* SPDX-License-Identifier: Apache-2.0 */
/* Prints events as lines for people, as JSON or as logfmt, without ever waiting for the reader. */
#include "agent/core/lines_private.h"

#include "base/clock.h"
#include "base/plain.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* A pipe that poll() calls writable takes this much without blocking (PIPE_BUF). */
#define LINE_BYTES_MAX 4096

void
lines_plain(struct buf *b, struct slice s)
{
	plain_put(b, slice_head(s, LINES_VALUE_BYTES_MAX));
}

/* A text in JSON, or in logfmt, where one without spaces needs no quotes. */
void
lines_member(struct lines *s, const char *key, struct slice value)
{
	bool bare = value.n > 0;

	value = slice_head(value, LINES_VALUE_BYTES_MAX);
	if (s->form == LINES_JSON) {
		buf_printf(&s->line, ",\"%s\":", key);
		buf_json(&s->line, value);
		return;
	}
	for (size_t i = 0; i < value.n; i++)
		bare = bare && value.p[i] > ' ' && value.p[i] < 0x7f && value.p[i] != '"' &&
		       value.p[i] != '=' && value.p[i] != '\\';
	buf_printf(&s->line, " %s=", key);
	if (bare)
		buf_put(&s->line, value);
	else
		buf_json_ascii(&s->line, value);
}

/* A number, or true. */
void
lines_word(struct lines *s, const char *key, const char *fmt, ...)
{
	char word[64];
	va_list args;

	va_start(args, fmt);
	vsnprintf(word, sizeof(word), fmt, args);
	va_end(args);
	buf_printf(&s->line, s->form == LINES_JSON ? ",\"%s\":%s" : " %s=%s", key, word);
}

void
lines_ms(struct lines *s, int64_t us)
{
	lines_word(s, "ms", "%lld.%03lld", (long long)(us / 1000), (long long)(us % 1000));
}

static void
write_line(struct lines *s)
{
	struct pollfd p = { .fd = s->fd, .events = POLLOUT };

	buf_putc(&s->line, '\n');
	check(s->line.n <= LINE_BYTES_MAX); /* or the write below could wait */
	/* The end of a line that never ends up there must not stop the traffic. */
	if (s->line.failed || poll(&p, 1, 0) != 1 || !(p.revents & POLLOUT) ||
	    write(s->fd, s->line.p, s->line.n) < 0)
		s->dropped++;
	else
		s->dropped = 0;
}

/* For scripts: which event it is, in logfmt when, and how many lines were lost before this one. */
void
lines_begin(struct lines *s, const char *event)
{
	char when[CLOCK_RFC3339_BYTES];

	buf_reset(&s->line);
	if (s->form == LINES_PLAIN)
		return;
	if (s->form == LINES_JSON) {
		buf_printf(&s->line, "{\"event\":\"%s\"", event);
	} else {
		clock_rfc3339(clock_wall_ms(), when, sizeof(when));
		buf_printf(&s->line, "time=%s event=%s", when, event);
	}
	if (s->dropped > 0)
		lines_word(s, "dropped", "%llu", (unsigned long long)s->dropped);
}

/* A line is written once, when it is whole. */
void
lines_end(struct lines *s)
{
	if (s->form == LINES_JSON)
		buf_putc(&s->line, '}');
	write_line(s);
}

/* "18:04:05" here. */
void
lines_clock(struct buf *b)
{
	time_t now = time(NULL);
	struct tm tm;
	char when[16];

	if (localtime_r(&now, &tm) != NULL && strftime(when, sizeof(when), "%H:%M:%S", &tm) != 0)
		buf_put(b, slice_str(when));
}

/* Scripts find the address in "up", people the link below the first tunnel; that there is none is a
 * line of its own. */
static void
lines_web(struct screen *screen, const char *address, const char *link)
{
	struct lines *s = lines_of(screen);

	snprintf(s->link, sizeof(s->link), "%s", address[0] != '\0' ? link : "");
	if (address[0] != '\0')
		return;
	lines_begin(s, "no-web");
	if (s->form != LINES_PLAIN) {
		lines_member(s, "text", slice_str(link));
	} else {
		buf_put(&s->line, S("no web interface: "));
		lines_plain(&s->line, slice_str(link));
	}
	lines_end(s);
}

static void
lines_down(struct screen *screen, const char *why)
{
	struct lines *s = lines_of(screen);

	lines_begin(s, "down");
	if (s->form != LINES_PLAIN) {
		lines_member(s, "reason", slice_str(why));
	} else {
		buf_put(&s->line, S("link lost: "));
		lines_plain(&s->line, slice_str(why));
	}
	lines_end(s);
}

static void
lines_retry(struct screen *screen, int64_t pause_ms, const char *why)
{
	struct lines *s = lines_of(screen);

	check(pause_ms >= 0);
	lines_begin(s, "retry");
	if (s->form != LINES_PLAIN) {
		lines_word(s, "in_ms", "%lld", (long long)pause_ms);
		lines_member(s, "reason", slice_str(why));
	} else {
		buf_printf(&s->line, "connecting in %lld.%lld s: ", (long long)(pause_ms / 1000),
		    (long long)(pause_ms % 1000 / 100));
		lines_plain(&s->line, slice_str(why));
	}
	lines_end(s);
}

static void
lines_refused(struct screen *screen, const char *name, const char *code, const char *text)
{
	struct lines *s = lines_of(screen);

	lines_begin(s, "refused");
	if (s->form != LINES_PLAIN) {
		if (name[0] != '\0')
			lines_member(s, "name", slice_str(name));
		lines_member(s, "code", slice_str(code));
		lines_member(s, "text", slice_str(text));
	} else {
		if (name[0] != '\0') {
			lines_plain(&s->line, slice_str(name));
			buf_put(&s->line, S(": "));
		}
		buf_put(&s->line, S("refused by the edge: "));
		lines_plain(&s->line, slice_str(text[0] != '\0' ? text : code));
		if (text[0] != '\0') {
			buf_put(&s->line, S(" ("));
			lines_plain(&s->line, slice_str(code));
			buf_putc(&s->line, ')');
		}
	}
	lines_end(s);
}

static void
lines_replaced(struct screen *screen, const char *name, const char *text)
{
	struct lines *s = lines_of(screen);

	lines_begin(s, "replaced");
	if (s->form != LINES_PLAIN) {
		lines_member(s, "name", slice_str(name));
		lines_member(s, "text", slice_str(text));
	} else {
		lines_plain(&s->line, slice_str(name));
		buf_put(&s->line, S(": "));
		lines_plain(&s->line,
		    slice_str(text[0] != '\0' ? text
					      : "taken over by another agent of this account"));
	}
	lines_end(s);
}

static void
lines_speaks_tls(struct screen *screen, const char *name, const char *origin)
{
	struct lines *s = lines_of(screen);
	/* Its text has the scheme that is wrong. */
	const char *address = strncmp(origin, "http://", 7) == 0 ? origin + 7 : origin;
	char text[400];

	snprintf(text, sizeof(text), "the local server speaks TLS: use https://%s", address);
	lines_begin(s, "origin-tls");
	if (s->form != LINES_PLAIN) {
		lines_member(s, "name", slice_str(name));
		lines_member(s, "origin", slice_str(origin));
		lines_member(s, "text", slice_str(text));
	} else {
		lines_plain(&s->line, slice_str(name));
		buf_put(&s->line, S(": "));
		lines_plain(&s->line, slice_str(text));
	}
	lines_end(s);
}

static void
lines_stopping(struct screen *screen, size_t n)
{
	struct lines *s = lines_of(screen);

	lines_begin(s, "stopping");
	if (s->form != LINES_PLAIN)
		lines_word(s, "open", "%zu", n);
	else
		buf_printf(&s->line, "stopping; %zu still open, a second signal ends them", n);
	lines_end(s);
}

static void
request_members(struct lines *s, const struct screen_request *r)
{
	lines_member(s, "name", slice_str(r->name));
	lines_member(s, "request_id", r->request_id);
	lines_member(s, "method", r->method);
	lines_member(s, "path", r->path);
	lines_member(s, "outcome", slice_str(r->outcome));
	lines_word(s, "status", "%u", r->status);
	lines_ms(s, r->took_us);
	lines_word(s, "bytes_in", "%llu", (unsigned long long)r->tx_bytes);
	lines_word(s, "bytes_out", "%llu", (unsigned long long)r->rx_bytes);
}

/* "18:04:05 web POST /hook 201 12.3 ms"; in place of a status why there is none. */
static void
request_plain(struct buf *b, const struct screen_request *r)
{
	lines_clock(b);
	buf_putc(b, ' ');
	lines_plain(b, slice_str(r->name));
	buf_putc(b, ' ');
	lines_plain(b, r->method);
	buf_putc(b, ' ');
	lines_plain(b, r->path);
	if (r->status != 0)
		buf_printf(b, " %u", r->status);
	if (r->status == 0 || strcmp(r->outcome, "ok") != 0)
		buf_printf(b, " %s", r->outcome);
	buf_printf(b, " %lld.%lld ms", (long long)(r->took_us / 1000),
	    (long long)(r->took_us % 1000 / 100));
}

static void
lines_request(struct screen *screen, const struct screen_request *r)
{
	struct lines *s = lines_of(screen);

	check(r->took_us >= 0);
	lines_begin(s, "request");
	if (s->form != LINES_PLAIN)
		request_members(s, r);
	else
		request_plain(&s->line, r);
	lines_end(s);
}

static const struct screen_calls calls = {
	.up = lines_up,
	.online = lines_online,
	.certificate = lines_certificate,
	.no_certificate = lines_no_certificate,
	.domain = lines_domain,
	.address = lines_address,
	.web = lines_web,
	.down = lines_down,
	.retry = lines_retry,
	.refused = lines_refused,
	.replaced = lines_replaced,
	.speaks_tls = lines_speaks_tls,
	.stopping = lines_stopping,
	.request = lines_request,
	.activity = lines_activity,
	.inbox = lines_inbox,
	.activity_lost = lines_activity_lost,
};

void
lines_init(struct lines *s, int fd, enum lines_form form, bool requests)
{
	*s = (struct lines){ .screen = { &calls, requests }, .fd = fd, .form = form };
	buf_init(&s->line, LINE_BYTES_MAX);
}

void
lines_fini(struct lines *s)
{
	buf_fini(&s->line);
}
