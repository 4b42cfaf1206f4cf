/* SPDX-License-Identifier: Apache-2.0 */
/* Takes a URL apart as a person meant it, however it is written, and says what is
 * wrong with the writing. */
#include "hook/checkurl_private.h"

#include "base/text.h"

/* Quotes and brackets that came along with the copy. */
static struct slice
unquote(struct checkurl *c, struct slice s)
{
	static const char pairs[] = "<>\"\"''``()[]";

	for (size_t i = 0; pairs[i] != '\0'; i += 2) {
		/* "[::1]" is a host, not a quotation */
		if (s.n < 2 || s.p[0] != pairs[i] || s.p[s.n - 1] != pairs[i + 1] ||
		    (pairs[i] == '[' && slice_find(s, '/') == SIZE_MAX))
			continue;
		checkurl_add(c, CHECKURL_QUOTES, "The URL is written in quotes or brackets.");
		return slice_of(s.p + 1, s.n - 2);
	}
	return s;
}

/* Letters, digits, '+', '-', '.' up to the first other byte. */
static size_t
scheme_length(struct slice s)
{
	size_t n = 0;

	while (n < s.n && ((s.p[n] >= 'a' && s.p[n] <= 'z') || (s.p[n] >= 'A' && s.p[n] <= 'Z') ||
			      (n > 0 && ((s.p[n] >= '0' && s.p[n] <= '9') ||
					    memchr("+-.", s.p[n], 3) != NULL))))
		n++;
	return n;
}

/* Lower case, and cut where nobody knows such a scheme anyway. */
static void
set_scheme(struct checkurl *c, struct slice name)
{
	size_t n = name.n < sizeof(c->scheme) ? name.n : sizeof(c->scheme) - 1;

	for (size_t i = 0; i < n; i++)
		c->scheme[i] =
		    name.p[i] >= 'A' && name.p[i] <= 'Z' ? (char)(name.p[i] + 32) : name.p[i];
	c->scheme[n] = '\0';
}

static bool
is_web(const struct checkurl *c)
{
	return strcmp(c->scheme, "http") == 0 || strcmp(c->scheme, "https") == 0;
}

static struct slice
skip(struct slice s, const char *bytes)
{
	while (s.n > 0 && s.p[0] != '\0' && strchr(bytes, s.p[0]) != NULL)
		s = slice_from(s, 1);
	return s;
}

static struct slice
no_scheme(struct checkurl *c, struct slice rest)
{
	checkurl_add(c, CHECKURL_SCHEME_MISSING,
	    "The URL does not begin with https:// (or http://).");
	c->scheme[0] = '\0';
	return skip(rest, ":/");
}

/* What follows the scheme. */
static struct slice
split_scheme(struct checkurl *c, struct slice s)
{
	size_t n = scheme_length(s);
	struct slice name = slice_head(s, n), rest = slice_from(s, n);

	set_scheme(c, name);
	/* "https//host", "https;//host": the colon was missed */
	if (is_web(c) && rest.n > 0 && rest.p[0] != ':' &&
	    slice_starts(skip(rest, ";,."), S("//"))) {
		checkurl_add(c, CHECKURL_SCHEME_SLASHES, "Behind %s there must be ://", c->scheme);
		return skip(rest, ";,./");
	}
	if (n == 0 || rest.n == 0 || rest.p[0] != ':')
		return no_scheme(c, s);
	rest = slice_from(rest, 1);
	if (is_web(c)) {
		struct slice behind = skip(rest, "/");

		if (!slice_starts(rest, S("//")) || behind.n != rest.n - 2)
			checkurl_add(c, CHECKURL_SCHEME_SLASHES,
			    "Behind %s: there must be two slashes.", c->scheme);
		return behind;
	}
	/* "host:8080": a colon before a number is a port's */
	if (!slice_starts(rest, S("//")) &&
	    (slice_find(name, '.') != SIZE_MAX || slice_ieq(name, S("localhost")) ||
		(rest.n > 0 && rest.p[0] >= '0' && rest.p[0] <= '9')))
		return no_scheme(c, s);
	checkurl_add(c, CHECKURL_SCHEME_UNKNOWN,
	    "The URL of a webhook begins with https:// or http://, not with %s:", c->scheme);
	return skip(rest, "/");
}

/* A port that is none leaves the scheme's standard one in place: something must go on. */
static void
split_port(struct checkurl *c, struct checkurl_parts *parts)
{
	uint64_t port;

	c->port = strcmp(c->scheme, "http") == 0 ? 80 : 443;
	if (!parts->has_port)
		return;
	if (parts->port.n == 0) {
		checkurl_add(c, CHECKURL_PORT_EMPTY,
		    "There is no port number after the colon of the host.");
		return;
	}
	if (!slice_u64(parts->port, &port) || port == 0 || port > 65535) {
		checkurl_add(c, CHECKURL_PORT_INVALID,
		    "The text after the colon of the host is not a port number.");
		return;
	}
	c->port = (uint16_t)port;
	if ((port == 80 && strcmp(c->scheme, "https") == 0) ||
	    (port == 443 && strcmp(c->scheme, "http") == 0))
		checkurl_add(c, CHECKURL_PORT_SCHEME, "Port %u is not the one where %s is spoken.",
		    c->port, c->scheme);
	else if (port != 80 && port != 443)
		checkurl_add(c, CHECKURL_PORT_ODD, "Port %u is neither 443 nor 80.", c->port);
}

static size_t
count(struct slice s, char byte)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == byte;
	return n;
}

/* host[:port], with the IPv6 forms people write. */
static void
split_authority(struct checkurl *c, struct slice s, struct checkurl_parts *parts)
{
	uint8_t bytes[16];
	size_t at;

	for (at = s.n; at > 0 && s.p[at - 1] != '@'; at--)
		continue;
	if (at > 0) {
		checkurl_add(c, CHECKURL_USERINFO,
		    "There is a user name or password before the host.");
		s = slice_from(s, at);
	}
	if (s.n > 0 && s.p[0] == '[' && (at = slice_find(s, ']')) != SIZE_MAX) {
		parts->bracketed = true;
		parts->host = slice_of(s.p + 1, at - 1);
		s = slice_from(s, at + 1);
		parts->has_port = s.n > 0 && s.p[0] == ':';
		parts->port = slice_from(s, 1);
		parts->host_bad = s.n > 0 && !parts->has_port;
		return;
	}
	if (count(s, ':') > 1 && ipclass_parse_v6(s, bytes)) {
		checkurl_add(c, CHECKURL_V6_BRACKETS,
		    "An IPv6 address in a URL needs brackets around it.");
		parts->bracketed = true;
		parts->host = s;
		return;
	}
	parts->host = slice_cut(&s, ':');
	parts->has_port = s.p != NULL;
	parts->port = s;
}

/*
 * Scheme, then all up to the first of / ? #, then path, query, fragment (RFC 3986, appendix B),
 * but without refusing what does not fit.
 */
void
checkurl_split(struct checkurl *c, struct slice url, struct checkurl_parts *ret)
{
	struct slice rest = split_scheme(c, unquote(c, url)), path;
	size_t end = 0;

	while (end < rest.n && memchr("/?#", rest.p[end], 3) == NULL)
		end++;
	ret->authority = slice_head(rest, end);
	rest = slice_from(rest, end);
	if (slice_find(rest, '#') != SIZE_MAX)
		checkurl_add(c, CHECKURL_FRAGMENT,
		    "Senders never send the part from '#' on to a server.");
	path = slice_cut(&rest, '#');
	ret->path = slice_cut(&path, '?');
	ret->query = path;
	c->has_query = path.p != NULL;
	split_authority(c, ret->authority, ret);
	split_port(c, ret);
	if (strcmp(c->scheme, "http") == 0)
		checkurl_add(c, CHECKURL_HTTP,
		    "http:// is not encrypted, and where a server redirects it to https:// the "
		    "POST is lost.");
}

/* --- path --- */

static bool
has_dots(struct slice path)
{
	static const struct slice dots[] = { S("."), S(".."), S("%2e"), S("%2e%2e"), S(".%2e"),
		S("%2e.") };

	while (path.p != NULL) {
		struct slice part = slice_cut(&path, '/');

		for (size_t i = 0; i < sizeof(dots) / sizeof(*dots); i++) {
			if (slice_ieq(part, dots[i]))
				return true;
		}
	}
	return false;
}

/* Bytes outside ASCII, and a '%' without two digits (RFC 3986 2.1). */
static bool
bad_escapes(struct slice s)
{
	char byte;

	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] >= 0x80)
			return true;
		if (s.p[i] == '%' &&
		    (s.n - i < 3 || text_unhex(slice_of(s.p + i + 1, 2), &byte, 1) != 1))
			return true;
	}
	return false;
}

/* The path of a preset, ending differently or in another case; context paths before it are fine. */
static void
compare(struct checkurl *c, const struct preset *p, struct slice path)
{
	bool exact = p->paths[0] == NULL, folded = exact, slash = false;

	for (size_t i = 0; i < PRESET_PATHS && p->paths[i] != NULL; i++) {
		struct slice want = slice_str(p->paths[i]), bare = want;

		while (bare.n > 1 && bare.p[bare.n - 1] == '/')
			bare.n--;
		exact = exact || slice_ends(path, want);
		folded = folded ||
			 (path.n >= want.n && slice_ieq(slice_from(path, path.n - want.n), want));
		slash = slash ||
			(path.n >= bare.n && slice_ieq(slice_from(path, path.n - bare.n), bare));
	}
	if (exact)
		return;
	if (folded)
		checkurl_add(c, CHECKURL_PATH_CASE,
		    "Jenkins tells capital letters apart: its path is %s", p->path);
	else if (slash)
		checkurl_add(c, CHECKURL_SLASH_MISSING,
		    "The final '/' is missing: Jenkins answers with a redirect, and the push is "
		    "lost on the way.");
	else
		checkurl_add(c, CHECKURL_PATH_OTHER,
		    "The webhooks of %s arrive at %s, not at this path.", p->title, p->path);
}

/* Where the path of a page of Jenkins begins; SIZE_MAX: it is none. */
static size_t
find_page(struct slice path)
{
	static const char *const pages[] = { "/job/", "/view/", "/manage", "/login", "/configure" };

	for (size_t i = 0; i < path.n; i++) {
		for (size_t k = 0; k < sizeof(pages) / sizeof(*pages); k++) {
			struct slice page = slice_str(pages[k]);

			if (slice_ieq(slice_head(slice_from(path, i), page.n), page))
				return i;
		}
	}
	return SIZE_MAX;
}

/* "/jenkins" and "/jenkins/": where a Jenkins lives, not where its webhooks arrive. */
static bool
is_home(struct slice path)
{
	static const struct slice homes[] = { S("/jenkins"), S("/hudson"), S("/ci") };

	if (slice_ends(path, S("/")))
		path.n--;
	for (size_t i = 0; i < sizeof(homes) / sizeof(*homes); i++)
		if (slice_ieq(path, homes[i]))
			return true;
	return false;
}

/* How much of the path stands before the preset's own, which it ends with in some spelling. */
static size_t
before_preset(const struct preset *p, struct slice path)
{
	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	for (size_t i = 0; p != NULL && i < PRESET_PATHS && p->paths[i] != NULL; i++) {
		struct slice want = slice_str(p->paths[i]);

		while (want.n > 1 && want.p[want.n - 1] == '/')
			want.n--;
		if (path.n > want.n && slice_ieq(slice_from(path, path.n - want.n), want))
			return path.n - want.n;
	}
	return 0;
}

/* The context path of a Jenkins, where it is plain: it goes into a command. */
static void
keep_context(struct checkurl *c, struct slice path)
{
	static const char plain[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_/";
	size_t page = find_page(path), n = before_preset(c->preset, path);

	if (is_home(path))
		n = path.n;
	else if (n == 0 && page != SIZE_MAX)
		n = page;
	check(n <= path.n);
	path.n = n;
	while (path.n > 0 && path.p[path.n - 1] == '/')
		path.n--;
	for (size_t i = 0; i < path.n; i++)
		if (path.p[i] == '\0' || strchr(plain, path.p[i]) == NULL)
			return;
	if (path.n < sizeof(c->context) && slice_find(path, '/') == 0 &&
	    !slice_iholds(path, S("//")))
		(void)slice_z(path, c->context, sizeof(c->context));
}

/* The path as far as there is room, what cannot be shown as %XX. */
static void
keep_path(struct checkurl *c, struct slice path)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t n = 0;

	for (size_t i = 0; i < path.n && n + 4 < sizeof(c->path); i++) {
		unsigned char b = (unsigned char)path.p[i];

		if (b > ' ' && b < 0x7f) {
			c->path[n++] = (char)b;
			continue;
		}
		c->path[n++] = '%';
		c->path[n++] = hex[b >> 4];
		c->path[n++] = hex[b & 15];
	}
	check(n < sizeof(c->path));
	c->path[n] = '\0';
}

void
checkurl_path(struct checkurl *c, const struct checkurl_params *p,
    const struct checkurl_parts *parts)
{
	struct slice path = parts->path, query = parts->query;
	bool root = path.n == 0 || slice_eq(path, S("/"));

	keep_path(c, path);
	if (slice_iholds(path, S("//")))
		checkurl_add(c, CHECKURL_SLASH_DOUBLED,
		    "There are two slashes in a row in the path.");
	if (has_dots(path))
		checkurl_add(c, CHECKURL_PATH_DOTS, "There is a '.' or '..' in the path.");
	if (bad_escapes(path) || bad_escapes(query))
		checkurl_add(c, CHECKURL_PATH_ENCODING,
		    "There is a '%%' without two hex digits, or a character outside ASCII.");
	keep_context(c, path);
	if (root && p->preset != NULL && p->preset->paths[0] != NULL)
		checkurl_add(c, CHECKURL_PATH_MISSING, "The webhooks of %s arrive at %s",
		    p->preset->title, p->preset->path);
	else if (root && p->preset == NULL && c->cloud != CHECKURL_REFUSED)
		checkurl_add(c, CHECKURL_PATH_MISSING,
		    "The URL has no path, and webhooks arrive at one of their own: in Jenkins at "
		    "/bitbucket-hook/ where the plugin is Bitbucket.");
	else if (!root && c->preset != NULL)
		compare(c, c->preset, path);
	else if (is_home(path) || find_page(path) != SIZE_MAX) {
		c->preset = preset_find(S("jenkins-bitbucket"));
		checkurl_add(c, CHECKURL_PATH_NO_HOOK,
		    "This is a page of Jenkins, not a webhook: Jenkins answers 403 (no valid "
		    "crumb).");
	}
	if (c->preset != NULL && strcmp(c->preset->name, "jenkins-bitbucket-branch-source") == 0 &&
	    !root && hook_form_get(query, "server_url").p == NULL)
		checkurl_add(c, CHECKURL_SERVER_URL,
		    "The plugin wants to know which Data Center calls.");
}
