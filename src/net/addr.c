/* SPDX-License-Identifier: Apache-2.0 */
/* Parses and prints addresses, and opens listening sockets. */
#include "net/addr.h"

#include "net/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>

/* --- as people write them --- */

static const char *
parse_unix(struct slice path, struct addr *a)
{
	a->kind = ADDR_UNIX;
	if (path.n == 0)
		return "a path must follow unix:";
	if (!slice_z(path, a->path, sizeof(a->path)))
		return "the path of a Unix socket has at most 107 bytes";
	return NULL;
}

static bool
is_host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_';
}

/* Which characters, not whether it is a legal name: the resolver says that, with its own reason. */
static const char *
parse_host(struct slice host, struct addr *a)
{
	if (slice_eq(host, S("*")))
		return NULL; /* "" */
	if (host.n == 0)
		return "the host is missing";
	if (slice_eq(host, S("unix")))
		return "a host of the name \"unix\" would be taken for a path";
	for (size_t i = 0; i < host.n; i++) {
		if (!is_host_char(host.p[i]))
			return "a host consists of letters, digits, '-', '.' and '_'";
	}
	if (!slice_z(host, a->host, sizeof(a->host)))
		return "a host name has at most 255 characters";
	return NULL;
}

/* 0 is taken here: where it means "any free one" the caller allows it, elsewhere he refuses it. */
static const char *
parse_port(struct slice s, struct addr *a)
{
	uint64_t port;

	if (!slice_u64(s, &port) || port > UINT16_MAX)
		return "a port is a number from 1 to 65535";
	a->port = (uint16_t)port;
	return NULL;
}

/* `rest` is what stands behind the host: nothing or ":port". */
static const char *
parse_rest(struct slice rest, uint16_t port_default, struct addr *a)
{
	if (rest.n == 0 && port_default == 0)
		return "the port is missing: write host:port";
	if (rest.n == 0) {
		a->port = port_default;
		return NULL;
	}
	if (rest.p[0] != ':')
		return "only :port may follow the host";
	return parse_port(slice_from(rest, 1), a);
}

/*
 * "[::1]:8080"; s begins with the bracket. Zones are not taken: they mean something on
 * one machine alone.
 */
static const char *
parse_v6(struct slice s, uint16_t port_default, struct addr *a)
{
	size_t end = slice_find(s, ']');
	struct in6_addr v6;

	if (end == SIZE_MAX)
		return "the closing ] of the IPv6 address is missing";
	if (!slice_z(slice_head(slice_from(s, 1), end - 1), a->host, sizeof(a->host)) ||
	    inet_pton(AF_INET6, a->host, &v6) != 1)
		return "the text in [] is not an IPv6 address";
	return parse_rest(slice_from(s, end + 1), port_default, a);
}

/*
 * Without a scheme a number alone is a port, and a port must be there: "example" could be a
 * host or a slip.
 */
static const char *
parse_tcp(struct slice s, uint16_t port_default, struct addr *a)
{
	size_t colon = slice_find(s, ':');
	const char *why;
	uint64_t number;

	if (s.n == 0)
		return "the address is empty";
	if (s.p[0] == '[')
		return parse_v6(s, port_default, a);
	if (port_default == 0 && slice_u64(s, &number))
		return parse_port(s, a);
	if (colon == SIZE_MAX)
		colon = s.n;
	else if (slice_find(slice_from(s, colon + 1), ':') != SIZE_MAX)
		return "an IPv6 address is written in brackets: [::1]:8080";
	why = parse_host(slice_head(s, colon), a);
	return why != NULL ? why : parse_rest(slice_from(s, colon), port_default, a);
}

/*
 * A scheme brings its port. One slash at the end is what browsers write; a path is not, as
 * nothing here would go by it.
 */
static const char *
parse_any(struct slice s, struct addr *a, bool origin)
{
	uint16_t port_default = 0;

	if (slice_starts(s, S("unix:")))
		return parse_unix(slice_from(s, 5), a);
	if (origin && slice_starts(s, S("h2c://"))) {
		a->h2 = true;
		port_default = 80;
		s = slice_from(s, 6);
		if (slice_starts(s, S("unix:")))
			return parse_unix(slice_from(s, 5), a);
	} else if (origin && slice_starts(s, S("h2://"))) {
		a->h2 = a->tls = true;
		port_default = 443;
		s = slice_from(s, 5);
	} else if (slice_starts(s, S("https://"))) {
		a->tls = true;
		port_default = 443;
		s = slice_from(s, 8);
	} else if (slice_starts(s, S("http://"))) {
		port_default = 80;
		s = slice_from(s, 7);
	}
	if (port_default != 0 && slice_ends(s, S("/")))
		s = slice_head(s, s.n - 1);
	if (slice_find(s, '/') != SIZE_MAX)
		return port_default != 0
			   ? "an address has no path"
			   : "an address is 8080, host:8080, https://host or unix:/path";
	return parse_tcp(s, port_default, a);
}

const char *
addr_parse(struct slice s, struct addr *ret_addr)
{
	struct addr a = { 0 };
	const char *why = parse_any(s, &a, false);

	if (why == NULL)
		*ret_addr = a;
	return why;
}

const char *
addr_parse_origin(struct slice s, struct addr *ret_addr)
{
	struct addr a = { 0 };
	const char *why = parse_any(s, &a, true);

	if (why == NULL)
		*ret_addr = a;
	return why;
}

/*
 * What addr_parse() reads again. "*" stands for no host; a literal with colons gets
 * its brackets back.
 */
void
addr_text(const struct addr *a, char *dst, size_t cap)
{
	const char *scheme = a->h2 && a->tls ? "h2://"
			     : a->h2         ? "h2c://"
			     : a->tls        ? "https://"
					     : "";

	if (a->kind == ADDR_UNIX)
		snprintf(dst, cap, "%sunix:%s", scheme, a->path);
	else if (strchr(a->host, ':') != NULL)
		snprintf(dst, cap, "%s[%s]:%u", scheme, a->host, a->port);
	else
		snprintf(dst, cap, "%s%s:%u", scheme, a->host[0] == '\0' ? "*" : a->host, a->port);
}

/* --- as the system has them --- */

static int
unix_sockaddr(const struct addr *a, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	_Static_assert(sizeof(un.sun_path) >= sizeof(a->path), "a path must fit");
	memcpy(un.sun_path, a->path, sizeof(a->path));
	memset(ret, 0, sizeof(*ret));
	memcpy(ret, &un, sizeof(un));
	*ret_len = sizeof(un);
	return 0;
}

static int
v4_sockaddr(const struct in_addr *v4, uint16_t port, struct sockaddr_storage *ret,
    socklen_t *ret_len)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = *v4 };

	memset(ret, 0, sizeof(*ret));
	memcpy(ret, &in, sizeof(in));
	*ret_len = sizeof(in);
	return 0;
}

static int
v6_sockaddr(const struct in6_addr *v6, uint16_t port, struct sockaddr_storage *ret,
    socklen_t *ret_len)
{
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(port),
		.sin6_addr = *v6,
	};

	memset(ret, 0, sizeof(*ret));
	memcpy(ret, &in6, sizeof(in6));
	*ret_len = sizeof(in6);
	return 0;
}

/* A host that is no number is a name, which is the resolver's: -1, without errno. */
int
addr_sockaddr(const struct addr *a, bool any, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	struct in_addr v4 = { htonl(INADDR_LOOPBACK) };
	struct in6_addr v6;

	if (a->kind == ADDR_UNIX)
		return unix_sockaddr(a, ret, ret_len);
	if (a->host[0] == '\0' && any)
		return v6_sockaddr(&in6addr_any, a->port, ret, ret_len);
	if (a->host[0] == '\0' || inet_pton(AF_INET, a->host, &v4) == 1)
		return v4_sockaddr(&v4, a->port, ret, ret_len);
	if (inet_pton(AF_INET6, a->host, &v6) == 1)
		return v6_sockaddr(&v6, a->port, ret, ret_len);
	return -1;
}

/* v4-mapped addresses come from sockets of both families; people know them as IPv4. */
uint16_t
addr_split(const struct sockaddr_storage *ss, socklen_t len, char *dst, size_t cap)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	check(cap >= INET6_ADDRSTRLEN); /* inet_ntop() writes nothing where it does not fit */
	if (ss->ss_family == AF_INET && len >= sizeof(in)) {
		memcpy(&in, ss, sizeof(in));
		inet_ntop(AF_INET, &in.sin_addr, dst, (socklen_t)cap);
		return ntohs(in.sin_port);
	}
	if (ss->ss_family == AF_INET6 && len >= sizeof(in6)) {
		memcpy(&in6, ss, sizeof(in6));
		if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr))
			inet_ntop(AF_INET, &in6.sin6_addr.s6_addr[12], dst, (socklen_t)cap);
		else
			inet_ntop(AF_INET6, &in6.sin6_addr, dst, (socklen_t)cap);
		return ntohs(in6.sin6_port);
	}
	snprintf(dst, cap, "unix:");
	return 0;
}

void
addr_show(const struct sockaddr_storage *ss, socklen_t len, char *dst, size_t cap)
{
	char host[INET6_ADDRSTRLEN];
	uint16_t port = addr_split(ss, len, host, sizeof(host));

	if (ss->ss_family != AF_INET && ss->ss_family != AF_INET6)
		snprintf(dst, cap, "%s", host);
	else
		snprintf(dst, cap, strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u", host, port);
}

void
addr_local(int fd, char *dst, size_t cap)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &len) != 0)
		ss.ss_family = AF_UNSPEC;
	addr_show(&ss, len, dst, cap);
}

/* Compared as written: two names of one place are two addresses. */
bool
addr_same(const struct addr *a, const struct addr *b)
{
	return a->kind == b->kind && a->port == b->port && strcmp(a->host, b->host) == 0 &&
	       strcmp(a->path, b->path) == 0;
}

/* "*" is one socket for both families. Where the kernel has no IPv6 it is 0.0.0.0. */
static int
listen_on(const struct addr *a, bool share, struct sockaddr_storage *ss, socklen_t *len)
{
	static const struct in_addr any4 = { 0 };
	int fd;

	if (addr_sockaddr(a, true, ss, len) != 0) {
		errno = EINVAL;
		return -1;
	}
	fd = loop_listen((struct sockaddr *)ss, *len, share, ss, len);
	if (fd >= 0 || (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL) || a->host[0] != '\0')
		return fd;
	/* A kernel without IPv6. */
	v4_sockaddr(&any4, a->port, ss, len);
	return loop_listen((struct sockaddr *)ss, *len, share, ss, len);
}

int
addr_listen(const struct addr *a, bool share, struct addr *ret_bound)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int fd = listen_on(a, share, &ss, &len);

	if (fd < 0 || ret_bound == NULL)
		return fd;
	*ret_bound = *a;
	if (a->kind == ADDR_TCP) {
		char host[INET6_ADDRSTRLEN];

		ret_bound->port = addr_split(&ss, len, host, sizeof(host));
	}
	return fd;
}
