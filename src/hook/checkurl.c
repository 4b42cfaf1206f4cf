/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a webhook's URL, without asking the network. */
#include "hook/checkurl.h"

#include "hook/checkurl_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define O CHECKURL_OK
#define W CHECKURL_WARNING
#define R CHECKURL_REFUSED

const struct checkurl_code checkurl_codes[] = {
#define X(symbol, code, cloud, dc, source, remedy) { code, cloud, dc, source },
	CHECKURL_CODES(X)
#undef X
};
const size_t checkurl_codes_n = sizeof(checkurl_codes) / sizeof(*checkurl_codes);

static const char *const remedies[] = {
#define X(symbol, code, cloud, dc, source, remedy) remedy,
	CHECKURL_CODES(X)
#undef X
};

const char *
checkurl_severity_name(enum checkurl_severity s)
{
	static const char *const names[] = {
		[CHECKURL_OK] = "ok",
		[CHECKURL_WARNING] = "warning",
		[CHECKURL_REFUSED] = "refused",
	};

	check((size_t)s < sizeof(names) / sizeof(*names));
	return names[s];
}

static enum checkurl_severity
worse(enum checkurl_severity a, enum checkurl_severity b)
{
	return a > b ? a : b;
}

/* The verdict is counted even where the list is full: it must not look better for being long. */
struct checkurl_finding *
checkurl_put(struct checkurl *c, const struct checkurl_code *code, const char *fmt, va_list ap)
{
	struct checkurl_finding *f;

	check(c->n_findings <= CHECKURL_FINDINGS);
	c->cloud = worse(c->cloud, code->cloud);
	c->dc = worse(c->dc, code->dc);
	if (c->n_findings == CHECKURL_FINDINGS)
		return NULL;
	f = &c->findings[c->n_findings++];
	*f = (struct checkurl_finding){
		.code = code->code, .cloud = code->cloud, .dc = code->dc, .source = code->source
	};
	vsnprintf(f->cause, sizeof(f->cause), fmt, ap);
	return f;
}

void
checkurl_add(struct checkurl *c, enum checkurl_what what, const char *fmt, ...)
{
	va_list ap;

	check((size_t)what < checkurl_codes_n);
	va_start(ap, fmt);
	(void)checkurl_put(c, &checkurl_codes[what], fmt, ap);
	va_end(ap);
}

/* --- what to do --- */

static const char *
name_of(const struct checkurl_params *p)
{
	return p->name != NULL ? p->name : "jenkins";
}

/* Nothing in it that a shell would read. */
static bool
is_plain_host(const char *host)
{
	return host[0] != '\0' && host[0] != '-' &&
	       host[strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789.:_-")] == '\0';
}

static bool
found(const struct checkurl *c, const char *const *codes)
{
	for (size_t i = 0; i < c->n_findings; i++) {
		for (size_t k = 0; codes[k] != NULL; k++) {
			if (strcmp(c->findings[i].code, codes[k]) == 0)
				return true;
		}
	}
	return false;
}

/* The address of a server on this machine as `adit http` takes it: the port that was typed, or the
 * one that the scheme stands for. */
static void
put_here(const struct checkurl *c, bool this_machine, char *dst, size_t cap)
{
	bool tls = strcmp(c->scheme, "https") == 0;
	unsigned port = c->port;

	/* A port that only the outside knows is not the server's; nor one that nobody meant. */
	if (port == 0 || ((port == 80 || port == 443) && (!this_machine || c->scheme[0] == '\0')) ||
	    (port == 443 && !tls))
		port = 8080;
	if (tls && port == 443)
		snprintf(dst, cap, "https://localhost");
	else
		snprintf(dst, cap, "%s%u", tls && port % 1000 == 443 ? "https://localhost:" : "",
		    port);
}

/* `adit http` with what was typed as the origin. */
static void
set_command(struct checkurl *c, const struct checkurl_params *p)
{
	static const char *const here[] = { "localhost", "address-loopback", "address-unspecified",
		NULL };
	static const char *const elsewhere[] = { "random-name", "relay", "reserved-name",
		"example-name", "private-dns", "host-label", "host-numeric", "placeholder", "idn",
		"ipv6-zone", NULL };
	bool tls = strcmp(c->scheme, "https") == 0, this_machine = found(c, here);
	bool v6 = strchr(c->host, ':') != NULL;
	unsigned port = c->port == 0 || (c->port == 443 && !tls) ? 8080 : c->port;
	char origin[300];

	if (!is_plain_host(c->host) || this_machine || found(c, elsewhere))
		put_here(c, this_machine, origin, sizeof(origin));
	else
		snprintf(origin, sizeof(origin), "%s%s%s%s:%u", tls ? "https://" : "",
		    v6 ? "[" : "", c->host, v6 ? "]" : "", port);
	snprintf(c->command, sizeof(c->command), "adit http %s --name %.40s%s%.40s%s%s", origin,
	    name_of(p), c->preset != NULL ? " --for " : "",
	    c->preset != NULL ? c->preset->name : "",
	    c->preset != NULL && c->context[0] != '\0' ? " --context " : "",
	    c->preset != NULL ? c->context : "");
}

/* The path that was typed where it is good, or the preset's; a context path stays before it. */
static void
put_path(const struct checkurl *c, char *dst, size_t cap)
{
	static const char *const faults[] = { "slash-missing", "slash-doubled", "path-case",
		"path-missing", "path-other", "path-no-hook", "path-dots", "path-encoding", "space",
		"control-character", NULL };
	bool root = c->path[0] != '/' || strcmp(c->path, "/") == 0;

	if (c->preset != NULL && (root || found(c, faults)))
		snprintf(dst, cap, "%s%s", c->context, c->preset->path);
	else
		snprintf(dst, cap, "%s", root ? "/" : c->path);
}

/*
 * No finding says that nobody outside can mean this host: neither one whose remedy is a tunnel,
 * nor one that leaves no host to speak of.
 */
static bool
is_public(const struct checkurl *c)
{
	for (size_t i = 0; i < c->n_findings; i++) {
		const char *code = c->findings[i].code;

		for (size_t k = 0; k < checkurl_codes_n; k++) {
			if (strcmp(remedies[k], PUBLISH) == 0 &&
			    strcmp(checkurl_codes[k].code, code) == 0)
				return false;
		}
		if (strncmp(code, "host-", 5) == 0 && strcmp(code, "host-underscore") != 0)
			return false;
		if (strcmp(code, "placeholder") == 0 || strcmp(code, "idn") == 0 ||
		    strcmp(code, "ipv6-brackets") == 0)
			return false;
	}
	return c->host[0] != '\0';
}

/* Plain HTTP is spoken there, as far as scheme and port tell. */
static bool
is_plain_http(const struct checkurl *c)
{
	if (strcmp(c->scheme, "http") == 0)
		return true;
	return strcmp(c->scheme, "https") != 0 && c->port % 1000 != 443;
}

static bool
is_usual(const struct checkurl *c)
{
	return c->port == 80 || c->port == 443 || c->port == 0;
}

/* Nothing is gained by what was typed already; queries are not shown, so they do not count. */
static void
drop_what_was_typed(struct checkurl *c)
{
	size_t n = strcspn(c->suggestion, "?");

	if (strncmp(c->suggestion, c->typed, n) == 0 && (c->typed[n] == '\0' || c->typed[n] == '?'))
		c->suggestion[0] = '\0';
}

/*
 * Where the host is good, the URL as it should have been written; else the name that a tunnel
 * would give. A query is never shown again: it may hold a token.
 */
static void
set_suggestion(struct checkurl *c, const struct checkurl_params *p)
{
	const char *edge = p->edge != NULL ? p->edge : "EDGE";
	char port[8] = "", path[600];
	bool v6 = strchr(c->host, ':') != NULL;

	c->suggestion[0] = c->command[0] = '\0';
	if (c->n_findings == 0)
		return;
	put_path(c, path, sizeof(path));
	/* A port of plain HTTP stays one: only a tunnel makes https:// of it. */
	if (!is_public(c) || (!is_usual(c) && is_plain_http(c))) {
		set_command(c, p);
		if (p->port != 0 && p->port != 443)
			snprintf(port, sizeof(port), ":%u", p->port);
		snprintf(c->suggestion, sizeof(c->suggestion), "https://%s.%s%s%.480s", name_of(p),
		    edge, port, path);
	} else {
		if (!is_usual(c))
			snprintf(port, sizeof(port), ":%u", c->port);
		snprintf(c->suggestion, sizeof(c->suggestion), "https://%s%s%s%s%.300s%s",
		    v6 ? "[" : "", c->host, v6 ? "]" : "", port, path, c->has_query ? "?..." : "");
	}
	drop_what_was_typed(c);
}

/* After the suggestion, which most of them name. Done anew whenever a finding is added. */
static void
set_remedies(struct checkurl *c, const struct checkurl_params *p)
{
	for (size_t i = 0; i < c->n_findings; i++) {
		struct checkurl_finding *f = &c->findings[i];
		const char *text = NULL, *to = c->suggestion;

		for (size_t k = 0; k < checkurl_codes_n; k++) {
			if (strcmp(checkurl_codes[k].code, f->code) == 0)
				text = remedies[k];
		}
		if (text == NULL)
			continue; /* of a probe: it has its own */
		if (strcmp(text, WRITE) == 0 && to[0] != '\0')
			snprintf(f->remedy, sizeof(f->remedy), "Write %.300s", to);
		else if (strcmp(text, WRITE) == 0)
			snprintf(f->remedy, sizeof(f->remedy), "Correct that in the URL.");
		else if (strcmp(text, PUBLISH) == 0)
			snprintf(f->remedy, sizeof(f->remedy),
			    "Type `%s`: it prints the %sURL to paste%s%.120s%s", c->command,
			    p->trying ? "" : "public ", to[0] != '\0' ? ", " : "", to,
			    p->trying ? ". Your edge has no public name, so Bitbucket cannot "
					"reach it either"
				      : "");
		else
			snprintf(f->remedy, sizeof(f->remedy), "%s", text);
	}
}

/* The worst first: it is what a person asks for. */
static void
sort(struct checkurl *c)
{
	for (size_t i = 1; i < c->n_findings; i++) {
		struct checkurl_finding f = c->findings[i];
		size_t at = i;

		for (;
		     at > 0 && c->findings[at - 1].cloud + c->findings[at - 1].dc < f.cloud + f.dc;
		     at--)
			c->findings[at] = c->findings[at - 1];
		c->findings[at] = f;
	}
}

/* --- the whole --- */

/* Without a path the plugin that most people have is meant. */
static const struct preset *
guess_preset(const struct checkurl_params *p, struct slice path)
{
	if (p->preset != NULL)
		return p->preset;
	if (path.n == 0 || slice_eq(path, S("/")))
		return preset_find(S("jenkins-bitbucket"));
	return preset_of_path(path);
}

static bool
is_invisible(struct slice s, bool at_end, size_t *ret_n)
{
	/* no-break space, zero-width space, byte order mark: what comes along when one
	 * copies from a page */
	static const struct slice odd[] = { S("\xc2\xa0"), S("\xe2\x80\x8b"), S("\xef\xbb\xbf") };

	*ret_n = 1;
	if (s.n > 0 && memchr(" \t\r\n\v\f", at_end ? s.p[s.n - 1] : s.p[0], 6) != NULL)
		return true;
	for (size_t i = 0; i < 3; i++) {
		*ret_n = odd[i].n;
		if (at_end ? slice_ends(s, odd[i]) : slice_starts(s, odd[i]))
			return true;
	}
	return false;
}

static struct slice
strip(struct slice s)
{
	size_t n;

	while (is_invisible(s, false, &n))
		s = slice_from(s, n);
	while (is_invisible(s, true, &n))
		s.n -= n;
	return s;
}

/* Once for each kind, however many there are. */
static void
look_at_bytes(struct checkurl *c, struct slice url)
{
	bool control = false, space = false;

	for (size_t i = 0; i < url.n; i++) {
		unsigned char b = (unsigned char)url.p[i];

		control = control || b < ' ' || b == 0x7f;
		space = space || b == ' ';
	}
	if (control)
		checkurl_add(c, CHECKURL_CONTROL,
		    "There is a control character (a line break, a tab) inside the URL.");
	if (space)
		checkurl_add(c, CHECKURL_SPACE, "There is a space inside the URL.");
	if (url.n > 2000)
		checkurl_add(c, CHECKURL_LONG,
		    "The URL has %zu characters, which is more than some programs keep.", url.n);
}

/* Slashes that a Windows keyboard turned round are meant as slashes, so the path is kept. */
static struct slice
straighten(struct checkurl *c, struct slice s, char dst[LIMIT_CHECKURL_BYTES])
{
	if (slice_find(s, '\\') == SIZE_MAX)
		return s;
	checkurl_add(c, CHECKURL_BACKSLASH, "There is a backslash in the URL.");
	check(s.n <= LIMIT_CHECKURL_BYTES);
	for (size_t i = 0; i < s.n; i++)
		dst[i] = s.p[i] == '\\' ? '/' : s.p[i];
	return slice_of(dst, s.n);
}

void
checkurl_read(struct slice url, const struct checkurl_params *p, struct checkurl *ret)
{
	struct slice bare = strip(slice_head(url, LIMIT_CHECKURL_BYTES));
	struct checkurl_parts parts = { { 0 } };
	char straight[LIMIT_CHECKURL_BYTES];

	*ret = (struct checkurl){ 0 };
	(void)slice_z(slice_head(bare, sizeof(ret->typed) - 1), ret->typed, sizeof(ret->typed));
	ret->preset = p->preset != NULL ? p->preset : preset_find(S("jenkins-bitbucket"));
	if (url.n > LIMIT_CHECKURL_BYTES) {
		checkurl_add(ret, CHECKURL_TOO_LONG, "The URL has more than %d characters.",
		    LIMIT_CHECKURL_BYTES);
	} else if (bare.n == 0) {
		checkurl_add(ret, CHECKURL_EMPTY, "There is no URL.");
	} else {
		if (bare.n != url.n)
			checkurl_add(ret, CHECKURL_SPACE_AROUND,
			    "There is white space before or after the URL.");
		look_at_bytes(ret, bare);
		bare = straighten(ret, bare, straight);
		checkurl_split(ret, bare, &parts);
		ret->preset = guess_preset(p, parts.path);
		checkurl_host(ret, &parts);
		checkurl_path(ret, p, &parts);
	}
	sort(ret);
	set_suggestion(ret, p);
	set_remedies(ret, p);
}

void
checkurl_address(struct checkurl *c, const struct checkurl_params *p, const struct sockaddr *sa,
    socklen_t len, const char *text)
{
	enum ipclass class = ipclass_sockaddr(sa, len);

	if (class == IPCLASS_GLOBAL)
		return;
	checkurl_add(c, CHECKURL_RESOLVES, "%.100s has the address %.64s: that is %s.", c->host,
	    text, ipclass_text(class));
	sort(c);
	set_suggestion(c, p);
	set_remedies(c, p);
}

/* On the heap: a struct checkurl has about 20 KiB. */
bool
checkurl_is_for_trying(const char *url)
{
	struct checkurl_params none = { 0 };
	struct checkurl *c = malloc(sizeof(*c));
	bool refused;

	if (c == NULL)
		return false;
	checkurl_read(slice_str(url), &none, c);
	refused = c->cloud == CHECKURL_REFUSED;
	free(c);
	return refused;
}
