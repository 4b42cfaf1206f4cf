/* SPDX-License-Identifier: Apache-2.0 */
/* Prints events as lines or as JSON, without ever waiting for the reader. */
#include "agent/core/screen.h"

#include "base/plain.h"
#include "http/close.h"
#include "net/notify.h"

#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* A pipe that poll() calls writable takes this much without blocking (PIPE_BUF). */
#define LINE_BYTES_MAX 4096
/* Of one value, so that a long one costs itself its end, and not the line. */
#define VALUE_BYTES_MAX 768

void
screen_init(struct screen *s, int fd, bool json, bool requests)
{
	*s = (struct screen){ .fd = fd, .json = json, .requests = requests };
	buf_init(&s->line, LINE_BYTES_MAX);
}

void
screen_fini(struct screen *s)
{
	buf_fini(&s->line);
}

static void
put_plain(struct buf *b, struct slice s)
{
	plain_put(b, slice_head(s, VALUE_BYTES_MAX));
}

static void
put_member(struct buf *b, const char *key, struct slice value)
{
	buf_printf(b, ",\"%s\":", key);
	buf_json(b, slice_head(value, VALUE_BYTES_MAX));
}

static void
write_line(struct screen *s)
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

/* In JSON: the first member, and how many lines were lost before this one. */
static void
begin(struct screen *s, const char *event)
{
	buf_reset(&s->line);
	if (!s->json)
		return;
	buf_printf(&s->line, "{\"event\":\"%s\"", event);
	if (s->dropped > 0)
		buf_printf(&s->line, ",\"dropped\":%llu", (unsigned long long)s->dropped);
}

/* A line is written once, when it is whole. */
static void
end(struct screen *s)
{
	if (s->json)
		buf_putc(&s->line, '}');
	write_line(s);
}

/* Members are there only where they say something (adit.1). */
static void
put_hook_json(struct buf *b, const struct screen_hook *h)
{
	check(h->mode[0] != '\0'); /* a policy has a mode */
	put_member(b, "mode", slice_str(h->mode));
	if (h->open)
		buf_put(b, S(",\"unsigned\":true"));
	put_member(b, "hook_url", slice_str(h->url));
	if (h->secret_file[0] != '\0') {
		put_member(b, "secret_file", slice_str(h->secret_file));
		buf_printf(b, ",\"secret_made\":%s", h->fresh ? "true" : "false");
	}
	if (h->events[0] != '\0')
		put_member(b, "events", slice_str(h->events));
	if (h->next[0] != '\0')
		put_member(b, "next", slice_str(h->next));
}

/* A line below the one of the tunnel; none without a value. */
static void
put_hook_line(struct buf *b, const char *what, const char *value)
{
	if (value[0] == '\0')
		return;
	buf_printf(b, "\n  %-18s", what);
	put_plain(b, slice_str(value));
}

/* What goes where at the sender of the webhooks. People who have seen it are told the mode
 * alone, and each time that nothing is checked. */
static void
put_hook_plain(struct buf *b, const struct screen_hook *h)
{
	if (strcmp(h->mode, "pass") != 0)
		buf_printf(b, h->implied ? "  (%s: --scheme implies --store)" : "  (%s)", h->mode);
	if (h->open)
		put_hook_line(b, "NOT CHECKED:",
		    "no signature; anybody who knows the address can store webhooks");
	if (h->brief)
		return;
	if (strcmp(h->mode, "pass") != 0 || h->next[0] != '\0')
		put_hook_line(b, "URL to paste:", h->url);
	put_hook_line(b, "secret is in:", h->secret_file);
	if (h->fresh)
		buf_put(b, S(" (made just now)"));
	put_hook_line(b, "events to tick:", h->events);
	put_hook_line(b, "then:", h->next);
}

static void
put_probe_json(struct buf *b, const struct screen_probe *p)
{
	put_member(b, "probe", slice_str(p->code));
	if (p->status != 0)
		buf_printf(b, ",\"status\":%u,\"ms\":%lld.%03lld", p->status,
		    (long long)(p->us / 1000), (long long)(p->us % 1000));
}

/* Without a word where all is well: the line itself says that it is up. */
static void
put_probe_plain(struct buf *b, const struct screen_probe *p)
{
	const struct close_row *row = close_find(slice_str(p->code));

	if (strcmp(p->code, "ok") == 0)
		return;
	buf_put(b, S("\n  not online yet:   "));
	put_plain(b, slice_str(p->code));
	if (row != NULL)
		buf_printf(b, ". %s %s", row->what, row->remedy);
}

/* Words of our own only: a line of the edge's could be an order to the supervisor. */
static void
tell_supervisor(const struct screen *s, const char *state)
{
	if (s->fd >= 0)
		(void)notify(state); /* nobody listens: the agent goes on */
}

static const char *const tls_words[] = { "edge", "agent", "origin" };

void
screen_up(struct screen *s, const char *name, const char *url, const char *origin,
    enum screen_tls tls, const struct screen_probe *probe, const struct screen_hook *hook)
{
	begin(s, "up");
	if (s->json) {
		put_member(&s->line, "name", slice_str(name));
		put_member(&s->line, "url", slice_str(url));
		put_member(&s->line, "origin", slice_str(origin));
		if (tls != SCREEN_TLS_EDGE)
			put_member(&s->line, "tls", slice_str(tls_words[tls]));
		if (probe != NULL)
			put_probe_json(&s->line, probe);
		if (hook != NULL)
			put_hook_json(&s->line, hook);
	} else {
		put_plain(&s->line, slice_str(url));
		buf_put(&s->line, S(" -> "));
		put_plain(&s->line, slice_str(origin));
		if (tls != SCREEN_TLS_EDGE)
			buf_printf(&s->line,
			    "\n  %-18sat %s; the edge cannot read it, so policies, passwords, the "
			    "inbox and error pages are off",
			    "TLS ends:",
			    tls == SCREEN_TLS_AGENT ? "this agent" : "the local server");
		if (hook != NULL)
			put_hook_plain(&s->line, hook);
		if (probe != NULL)
			put_probe_plain(&s->line, probe);
	}
	end(s);
	tell_supervisor(s, "READY=1\nSTATUS=connected to the edge");
}

/* "18:04:05" here. */
static void
put_clock(struct buf *b)
{
	time_t now = time(NULL);
	struct tm tm;
	char when[16];

	if (localtime_r(&now, &tm) != NULL && strftime(when, sizeof(when), "%H:%M:%S", &tm) != 0)
		buf_put(b, slice_str(when));
}

void
screen_online(struct screen *s, const char *name)
{
	begin(s, "online");
	if (s->json) {
		put_member(&s->line, "name", slice_str(name));
	} else {
		put_plain(&s->line, slice_str(name));
		buf_put(&s->line, S(": online since "));
		put_clock(&s->line);
	}
	end(s);
}

void
screen_certificate(struct screen *s, const char *name, const char *host, const char *issuer,
    const char *until, const char *caa)
{
	char record[VALUE_BYTES_MAX + 300] = "";

	begin(s, "certificate");
	if (s->json) {
		put_member(&s->line, "name", slice_str(name));
		put_member(&s->line, "host", slice_str(host));
		put_member(&s->line, "issuer", slice_str(issuer));
		put_member(&s->line, "until", slice_str(until));
		if (caa[0] != '\0') {
			snprintf(record, sizeof(record), "%s. %s", host, caa);
			put_member(&s->line, "caa", slice_str(record));
		}
	} else {
		put_plain(&s->line, slice_str(name));
		buf_put(&s->line, S(": certificate of "));
		put_plain(&s->line, slice_str(issuer));
		buf_printf(&s->line, " for %s until %s", host, until);
		if (caa[0] != '\0')
			snprintf(record, sizeof(record), "%s. %s", host, caa);
		put_hook_line(&s->line, "add to DNS:", record);
	}
	end(s);
}

void
screen_no_certificate(struct screen *s, const char *name, const char *why, int64_t again_s)
{
	begin(s, "no-certificate");
	if (s->json) {
		put_member(&s->line, "name", slice_str(name));
		put_member(&s->line, "text", slice_str(why));
		if (again_s > 0)
			buf_printf(&s->line, ",\"again_s\":%lld", (long long)again_s);
	} else {
		put_plain(&s->line, slice_str(name));
		buf_put(&s->line, S(": no certificate: "));
		put_plain(&s->line, slice_str(why));
		if (again_s > 0)
			buf_printf(&s->line, " (next attempt in %lld s)", (long long)again_s);
	}
	end(s);
}

void
screen_domain(struct screen *s, const struct screen_domain *d)
{
	begin(s, "domain");
	if (s->json) {
		put_member(&s->line, "name", slice_str(d->name));
		put_member(&s->line, "tunnel", slice_str(d->tunnel));
		put_member(&s->line, "state", slice_str(d->state));
		put_member(&s->line, "text", slice_str(d->why));
	} else {
		put_plain(&s->line, slice_str(d->name));
		buf_put(&s->line, d->why[0] == '\0' ? S(" -> ") : S(" is not served yet: "));
		put_plain(&s->line, slice_str(d->why[0] == '\0' ? d->tunnel : d->why));
		if (d->why[0] != '\0' && d->value[0] != '\0') {
			buf_put(&s->line, S("; set "));
			put_plain(&s->line, slice_str(d->name));
			buf_put(&s->line, S(". "));
			put_plain(&s->line, slice_str(d->type));
			buf_putc(&s->line, ' ');
			put_plain(&s->line, slice_str(d->value));
		}
	}
	end(s);
}

static void
put_reach(struct buf *b, const struct screen_address *a, const char *family, const char *reach)
{
	if (reach[0] != '\0' && strcmp(reach, "unknown") != 0)
		buf_printf(b, "; port %u is %s (%s)", a->port, reach, family);
}

void
screen_address(struct screen *s, const char *name, const struct screen_address *a)
{
	begin(s, "address");
	if (s->json) {
		put_member(&s->line, "name", slice_str(name));
		put_member(&s->line, "host", slice_str(a->host));
		put_member(&s->line, "v4", slice_str(a->v4));
		put_member(&s->line, "v6", slice_str(a->v6));
		put_member(&s->line, "reach4", slice_str(a->reach4));
		put_member(&s->line, "reach6", slice_str(a->reach6));
		put_member(&s->line, "way", a->tunnel ? S("tunnel") : S("straight"));
		put_member(&s->line, "text", slice_str(a->text));
	} else {
		put_plain(&s->line, slice_str(a->host));
		buf_put(&s->line,
		    a->tunnel ? S(" leads to the edge and its tunnel") : S(" is at "));
		if (!a->tunnel) {
			put_plain(&s->line, slice_str(a->v4));
			buf_put(&s->line,
			    a->v4[0] != '\0' && a->v6[0] != '\0' ? S(" and ") : S(""));
			put_plain(&s->line, slice_str(a->v6));
		}
		put_reach(&s->line, a, "IPv4", a->reach4);
		put_reach(&s->line, a, "IPv6", a->reach6);
		if (a->text[0] != '\0') {
			buf_put(&s->line, S("\n  "));
			put_plain(&s->line, slice_str(a->text));
		}
	}
	end(s);
}

void
screen_down(struct screen *s, const char *why)
{
	begin(s, "down");
	if (s->json) {
		put_member(&s->line, "reason", slice_str(why));
	} else {
		buf_put(&s->line, S("link lost: "));
		put_plain(&s->line, slice_str(why));
	}
	end(s);
	tell_supervisor(s, "STATUS=the link to the edge is lost");
}

void
screen_retry(struct screen *s, int64_t pause_ms, const char *why)
{
	check(pause_ms >= 0);
	begin(s, "retry");
	if (s->json) {
		buf_printf(&s->line, ",\"in_ms\":%lld", (long long)pause_ms);
		put_member(&s->line, "reason", slice_str(why));
	} else {
		buf_printf(&s->line, "connecting in %lld.%lld s: ", (long long)(pause_ms / 1000),
		    (long long)(pause_ms % 1000 / 100));
		put_plain(&s->line, slice_str(why));
	}
	end(s);
	/* Ready all the same: a machine that starts without a network must not wait for it. */
	tell_supervisor(s, "READY=1\nSTATUS=connecting to the edge");
}

void
screen_refused(struct screen *s, const char *name, const char *code, const char *text)
{
	begin(s, "refused");
	if (s->json) {
		if (name[0] != '\0')
			put_member(&s->line, "name", slice_str(name));
		put_member(&s->line, "code", slice_str(code));
		put_member(&s->line, "text", slice_str(text));
	} else {
		if (name[0] != '\0') {
			put_plain(&s->line, slice_str(name));
			buf_put(&s->line, S(": "));
		}
		buf_put(&s->line, S("refused by the edge: "));
		put_plain(&s->line, slice_str(text[0] != '\0' ? text : code));
		if (text[0] != '\0') {
			buf_put(&s->line, S(" ("));
			put_plain(&s->line, slice_str(code));
			buf_putc(&s->line, ')');
		}
	}
	end(s);
}

void
screen_replaced(struct screen *s, const char *name, const char *text)
{
	begin(s, "replaced");
	if (s->json) {
		put_member(&s->line, "name", slice_str(name));
		put_member(&s->line, "text", slice_str(text));
	} else {
		put_plain(&s->line, slice_str(name));
		buf_put(&s->line, S(": "));
		put_plain(&s->line,
		    slice_str(text[0] != '\0' ? text
					      : "taken over by another agent of this account"));
	}
	end(s);
}

void
screen_speaks_tls(struct screen *s, const char *name, const char *origin)
{
	/* Its text has the scheme that is wrong. */
	const char *address = strncmp(origin, "http://", 7) == 0 ? origin + 7 : origin;
	char text[400];

	snprintf(text, sizeof(text), "the local server speaks TLS: use https://%s", address);
	begin(s, "origin-tls");
	if (s->json) {
		put_member(&s->line, "name", slice_str(name));
		put_member(&s->line, "origin", slice_str(origin));
		put_member(&s->line, "text", slice_str(text));
	} else {
		put_plain(&s->line, slice_str(name));
		buf_put(&s->line, S(": "));
		put_plain(&s->line, slice_str(text));
	}
	end(s);
}

void
screen_stopping(struct screen *s, size_t n)
{
	begin(s, "stopping");
	if (s->json)
		buf_printf(&s->line, ",\"open\":%zu", n);
	else
		buf_printf(&s->line, "stopping; %zu still open, a second signal ends them", n);
	end(s);
}

static void
request_json(struct buf *b, const struct screen_request *r)
{
	put_member(b, "name", slice_str(r->name));
	put_member(b, "request_id", r->request_id);
	put_member(b, "method", r->method);
	put_member(b, "path", r->path);
	put_member(b, "outcome", slice_str(r->outcome));
	buf_printf(b, ",\"status\":%u,\"ms\":%lld.%03lld,\"bytes_in\":%llu,\"bytes_out\":%llu",
	    r->status, (long long)(r->took_us / 1000), (long long)(r->took_us % 1000),
	    (unsigned long long)r->tx_bytes, (unsigned long long)r->rx_bytes);
}

/* "18:04:05 web POST /hook 201 12.3 ms"; in place of a status why there is none. */
static void
request_plain(struct buf *b, const struct screen_request *r)
{
	put_clock(b);
	buf_putc(b, ' ');
	put_plain(b, slice_str(r->name));
	buf_putc(b, ' ');
	put_plain(b, r->method);
	buf_putc(b, ' ');
	put_plain(b, r->path);
	if (r->status != 0)
		buf_printf(b, " %u", r->status);
	if (r->status == 0 || strcmp(r->outcome, "ok") != 0)
		buf_printf(b, " %s", r->outcome);
	buf_printf(b, " %lld.%lld ms", (long long)(r->took_us / 1000),
	    (long long)(r->took_us % 1000 / 100));
}

void
screen_request(struct screen *s, const struct screen_request *r)
{
	if (!s->requests)
		return;
	check(r->took_us >= 0);
	begin(s, "request");
	if (s->json) {
		request_json(&s->line, r);
	} else {
		request_plain(&s->line, r);
	}
	end(s);
}
