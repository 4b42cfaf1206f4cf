/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of one tunnel: that it is up, its certificate, its own domain, its address. */
#include "agent/core/lines_private.h"

#include "http/close.h"

#include <stdio.h>

/* Members are there only where they say something (adit.1). */
static void
put_hook_members(struct lines *s, const struct screen_hook *h)
{
	check(h->mode[0] != '\0'); /* a policy has a mode */
	lines_member(s, "mode", slice_str(h->mode));
	if (h->open)
		lines_word(s, "unsigned", "true");
	lines_member(s, "hook_url", slice_str(h->url));
	if (h->secret_file[0] != '\0') {
		lines_member(s, "secret_file", slice_str(h->secret_file));
		lines_word(s, "secret_made", h->fresh ? "true" : "false");
	}
	if (h->events[0] != '\0')
		lines_member(s, "events", slice_str(h->events));
	if (h->next[0] != '\0')
		lines_member(s, "next", slice_str(h->next));
}

/* A line below the one of the tunnel; none without a value. */
static void
put_hook_line(struct buf *b, const char *what, const char *value)
{
	if (value[0] == '\0')
		return;
	buf_printf(b, "\n  %-18s", what);
	lines_plain(b, slice_str(value));
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
put_probe_members(struct lines *s, const struct screen_probe *p)
{
	lines_member(s, "probe", slice_str(p->code));
	if (p->status == 0)
		return;
	lines_word(s, "status", "%u", p->status);
	lines_ms(s, p->us);
}

/* Without a word where all is well: the line itself says that it is up. */
static void
put_probe_plain(struct buf *b, const struct screen_probe *p)
{
	const struct close_row *row = close_find(slice_str(p->code));

	if (strcmp(p->code, "ok") == 0)
		return;
	buf_put(b, S("\n  not online yet:   "));
	lines_plain(b, slice_str(p->code));
	if (row != NULL)
		buf_printf(b, ". %s %s", row->what, row->remedy);
}

static const char *const tls_words[] = { "edge", "agent", "origin" };

void
lines_up(struct screen *screen, const char *name, const char *url, const char *origin,
    enum screen_tls tls, const struct screen_probe *probe, const struct screen_hook *hook)
{
	struct lines *s = lines_of(screen);

	lines_begin(s, "up");
	if (s->form != LINES_PLAIN) {
		lines_member(s, "name", slice_str(name));
		lines_member(s, "url", slice_str(url));
		lines_member(s, "origin", slice_str(origin));
		if (tls != SCREEN_TLS_EDGE)
			lines_member(s, "tls", slice_str(tls_words[tls]));
		if (probe != NULL)
			put_probe_members(s, probe);
		if (hook != NULL)
			put_hook_members(s, hook);
		if (screen->web[0] != '\0')
			lines_member(s, "web", slice_str(screen->web));
	} else {
		lines_plain(&s->line, slice_str(url));
		buf_put(&s->line, S(" -> "));
		lines_plain(&s->line, slice_str(origin));
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
		put_hook_line(&s->line, "web interface:", s->link);
		s->link[0] = '\0';
	}
	lines_end(s);
}

void
lines_online(struct screen *screen, const char *name)
{
	struct lines *s = lines_of(screen);

	lines_begin(s, "online");
	if (s->form != LINES_PLAIN) {
		lines_member(s, "name", slice_str(name));
	} else {
		lines_plain(&s->line, slice_str(name));
		buf_put(&s->line, S(": online since "));
		lines_clock(&s->line);
	}
	lines_end(s);
}

void
lines_certificate(struct screen *screen, const char *name, const char *host, const char *issuer,
    const char *until, const char *caa)
{
	struct lines *s = lines_of(screen);
	char record[LINES_VALUE_BYTES_MAX + 300] = "";

	lines_begin(s, "certificate");
	if (s->form != LINES_PLAIN) {
		lines_member(s, "name", slice_str(name));
		lines_member(s, "host", slice_str(host));
		lines_member(s, "issuer", slice_str(issuer));
		lines_member(s, "until", slice_str(until));
		if (caa[0] != '\0') {
			snprintf(record, sizeof(record), "%s. %s", host, caa);
			lines_member(s, "caa", slice_str(record));
		}
	} else {
		lines_plain(&s->line, slice_str(name));
		buf_put(&s->line, S(": certificate of "));
		lines_plain(&s->line, slice_str(issuer));
		buf_printf(&s->line, " for %s until %s", host, until);
		if (caa[0] != '\0')
			snprintf(record, sizeof(record), "%s. %s", host, caa);
		put_hook_line(&s->line, "add to DNS:", record);
	}
	lines_end(s);
}

void
lines_no_certificate(struct screen *screen, const char *name, const char *why, int64_t again_s)
{
	struct lines *s = lines_of(screen);

	lines_begin(s, "no-certificate");
	if (s->form != LINES_PLAIN) {
		lines_member(s, "name", slice_str(name));
		lines_member(s, "text", slice_str(why));
		if (again_s > 0)
			lines_word(s, "again_s", "%lld", (long long)again_s);
	} else {
		lines_plain(&s->line, slice_str(name));
		buf_put(&s->line, S(": no certificate: "));
		lines_plain(&s->line, slice_str(why));
		if (again_s > 0)
			buf_printf(&s->line, " (next attempt in %lld s)", (long long)again_s);
	}
	lines_end(s);
}

void
lines_domain(struct screen *screen, const struct screen_domain *d)
{
	struct lines *s = lines_of(screen);

	lines_begin(s, "domain");
	if (s->form != LINES_PLAIN) {
		lines_member(s, "name", slice_str(d->name));
		lines_member(s, "tunnel", slice_str(d->tunnel));
		lines_member(s, "state", slice_str(d->state));
		lines_member(s, "text", slice_str(d->why));
	} else {
		lines_plain(&s->line, slice_str(d->name));
		buf_put(&s->line, d->why[0] == '\0' ? S(" -> ") : S(" is not served yet: "));
		lines_plain(&s->line, slice_str(d->why[0] == '\0' ? d->tunnel : d->why));
		if (d->why[0] != '\0' && d->value[0] != '\0') {
			buf_put(&s->line, S("; set "));
			lines_plain(&s->line, slice_str(d->name));
			buf_put(&s->line, S(". "));
			lines_plain(&s->line, slice_str(d->type));
			buf_putc(&s->line, ' ');
			lines_plain(&s->line, slice_str(d->value));
		}
	}
	lines_end(s);
}

static void
put_reach(struct buf *b, const struct screen_address *a, const char *family, const char *reach)
{
	if (reach[0] != '\0' && strcmp(reach, "unknown") != 0)
		buf_printf(b, "; port %u is %s (%s)", a->port, reach, family);
}

void
lines_address(struct screen *screen, const char *name, const struct screen_address *a)
{
	struct lines *s = lines_of(screen);

	lines_begin(s, "address");
	if (s->form != LINES_PLAIN) {
		lines_member(s, "name", slice_str(name));
		lines_member(s, "host", slice_str(a->host));
		lines_member(s, "v4", slice_str(a->v4));
		lines_member(s, "v6", slice_str(a->v6));
		lines_member(s, "reach4", slice_str(a->reach4));
		lines_member(s, "reach6", slice_str(a->reach6));
		lines_member(s, "way", a->tunnel ? S("tunnel") : S("straight"));
		lines_member(s, "text", slice_str(a->text));
	} else {
		lines_plain(&s->line, slice_str(a->host));
		buf_put(&s->line,
		    a->tunnel ? S(" leads to the edge and its tunnel") : S(" is at "));
		if (!a->tunnel) {
			lines_plain(&s->line, slice_str(a->v4));
			buf_put(&s->line,
			    a->v4[0] != '\0' && a->v6[0] != '\0' ? S(" and ") : S(""));
			lines_plain(&s->line, slice_str(a->v6));
		}
		put_reach(&s->line, a, "IPv4", a->reach4);
		put_reach(&s->line, a, "IPv6", a->reach6);
		if (a->text[0] != '\0') {
			buf_put(&s->line, S("\n  "));
			lines_plain(&s->line, slice_str(a->text));
		}
	}
	lines_end(s);
}
