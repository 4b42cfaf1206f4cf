/* SPDX-License-Identifier: Apache-2.0 */
/* The first line of a head; each function gives CLOSE_OK or the fault. */
#include "http/h1_private.h"

#include "http/token.h"
#include "http/url.h"

/*
 * Of another version it is said so (505) only where it is written as one: people and other
 * protocols get 400.
 */
static enum close_code
parse_version(struct h1_head *head, struct slice s)
{
	if (s.n == 8 && memcmp(s.p, "HTTP/1.", 7) == 0 && (s.p[7] == '0' || s.p[7] == '1')) {
		head->minor = (uint8_t)(s.p[7] - '0');
		return CLOSE_OK;
	}
	if (s.n == 8 && memcmp(s.p, "HTTP/", 5) == 0 && s.p[5] >= '0' && s.p[5] <= '9' &&
	    s.p[5] != '1' && s.p[6] == '.' && s.p[7] >= '0' && s.p[7] <= '9')
		return CLOSE_VERSION_UNSUPPORTED;
	return CLOSE_BAD_VERSION;
}

bool
h1_host_is_valid(struct slice s)
{
	char host[URL_HOST_BYTES] UNCLEARED;
	uint16_t port;

	return url_authority(s, host, sizeof(host), &port);
}

/* Behind the authority, or a whole origin-form target. */
static enum close_code
parse_path(struct h1_head *head, const char *buf, const char *p, const char *end)
{
	const char *path = p;

	p = char_skip(p, end, CHAR_PATH);
	head->path = h1_span_of(buf, path, p);
	if (p < end && *p == '?') {
		const char *query = ++p;

		p = char_skip(p, end, CHAR_QUERY);
		head->query = h1_span_of(buf, query, p);
	}
	return p == end ? CLOSE_OK : CLOSE_BAD_TARGET;
}

/* RFC 9112 3.2.2; the scheme is not the parser's affair as long as it is one of ours. */
static enum close_code
parse_absolute(struct h1_head *head, const char *buf, struct slice target)
{
	const char *end = target.p + target.n, *p, *authority;
	size_t scheme = slice_find(target, ':');

	if (scheme == SIZE_MAX || !slice_starts(slice_from(target, scheme), S("://")) ||
	    !(token_is(slice_head(target, scheme), S("http")) ||
		token_is(slice_head(target, scheme), S("https"))))
		return CLOSE_BAD_TARGET;
	authority = p = target.p + scheme + 3;
	while (p < end && *p != '/' && *p != '?' && *p != '#')
		p++;
	head->authority = h1_span_of(buf, authority, p);
	if (!h1_host_is_valid(slice_of(authority, (size_t)(p - authority))))
		return CLOSE_BAD_HOST;
	head->flags |= H1_ABSOLUTE;
	return parse_path(head, buf, p, end);
}

/*
 * RFC 9112 3.2: origin-form, absolute-form, asterisk-form; authority-form belongs to CONNECT,
 * which is not served.
 */
static enum close_code
parse_target(struct h1_head *head, const char *buf)
{
	struct slice target = { buf + head->target.at, head->target.n };
	struct slice method = { buf + head->method.at, head->method.n };

	if (slice_eq(method, S("CONNECT")))
		return CLOSE_CONNECT_REFUSED;
	if (target.p[0] == '/')
		return parse_path(head, buf, target.p, target.p + target.n);
	if (target.p[0] == '*') {
		head->path = head->target;
		return target.n == 1 && slice_eq(method, S("OPTIONS")) ? CLOSE_OK
								       : CLOSE_BAD_TARGET;
	}
	return parse_absolute(head, buf, target);
}

/*
 * Single spaces, nothing more: RFC 9112 section 3 lets a server be lenient, and that is how two
 * of them disagree.
 */
enum close_code
h1_parse_request_line(struct h1_head *head, const char *buf, const char *p, const char *end)
{
	struct slice rest = { p, (size_t)(end - p) }, method, target;
	enum close_code fault;

	method = slice_cut(&rest, ' ');
	target = slice_cut(&rest, ' ');
	if (rest.p == NULL || method.n == 0 || target.n == 0 || slice_find(rest, ' ') != SIZE_MAX ||
	    char_skip(method.p, method.p + method.n, CHAR_TOKEN) != method.p + method.n)
		return CLOSE_BAD_REQUEST_LINE;
	fault = parse_version(head, rest);
	if (fault != CLOSE_OK)
		return fault;
	head->method = h1_span_of(buf, method.p, method.p + method.n);
	head->target = h1_span_of(buf, target.p, target.p + target.n);
	return parse_target(head, buf);
}

/* "HTTP/1.1 200 OK"; the reason may be empty and, as many servers send it, its space missing. */
enum close_code
h1_parse_status_line(struct h1_head *head, const char *buf, const char *p, const char *end)
{
	size_t n = (size_t)(end - p);

	if (n < 12 || p[8] != ' ' || (n > 12 && p[12] != ' '))
		return CLOSE_BAD_STATUS_LINE;
	for (int i = 9; i < 12; i++)
		if (p[i] < '0' || p[i] > '9')
			return CLOSE_BAD_STATUS_LINE;
	head->status = (uint16_t)((p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0'));
	if (head->status < 100)
		return CLOSE_BAD_STATUS_LINE;
	if (n > 12)
		head->reason = h1_span_of(buf, p + 13, end);
	return parse_version(head, slice_of(p, 8));
}
