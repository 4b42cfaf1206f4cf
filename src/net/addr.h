/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses as people write them: `8080`, `host:8080`, `[::1]:8080`, `*:443`,
 * `https://host[:port]`, `http://host[:port]`, `unix:/path` -- everywhere the same.
 */
#ifndef ADIT_NET_ADDR_H
#define ADIT_NET_ADDR_H

#include "base/check.h"
#include "base/slice.h"

#include <sys/socket.h>

enum addr_kind { ADDR_TCP, ADDR_UNIX };

struct addr {
	enum addr_kind kind;
	bool tls;       /* https:// was written, or h2:// */
	bool h2;        /* h2:// or h2c:// was written: HTTP/2, with TLS or without */
	char host[256]; /* name, IPv4 or IPv6 without brackets; "" where only a port was given or
			   "*" */
	uint16_t port;  /* 0 = any free one, only where the caller allows it */
	char path[108]; /* ADDR_UNIX */
};

/* NULL, or the reason in one sentence. A bare port gives host "" for the caller to fill in. */
const char *addr_parse(struct slice s, struct addr *ret_addr) must_use;
/* The same of a local server's: also h2://host[:port], h2c://host[:port] and h2c://unix:/path. */
const char *addr_parse_origin(struct slice s, struct addr *ret_addr) must_use;
/* "host:port", "[v6]:port" or "unix:/path"; with its scheme where that is not http://. */
void addr_text(const struct addr *a, char *dst, size_t cap);

/* Numeric hosts and Unix paths only; -1 when the host is a name. "" is loopback (127.0.0.1)
 * unless any is true, then all addresses (IPv6 dual stack). */
int addr_sockaddr(const struct addr *a, bool any, struct sockaddr_storage *ret,
    socklen_t *ret_len) must_use;

#define ADDR_TEXT_BYTES 128
/* "192.0.2.1:4711", "[2001:db8::1]:4711", "unix:" of what accept() gave. v4-mapped
 * is shown as v4. */
void addr_show(const struct sockaddr_storage *ss, socklen_t len, char *dst, size_t cap);
/* Our own address as the other side of this socket reached it. */
void addr_local(int fd, char *dst, size_t cap);
/* The host without the port, into dst; the port, or 0. */
uint16_t addr_split(const struct sockaddr_storage *ss, socklen_t len, char *dst, size_t cap);

/* The same place, as it was written. */
bool addr_same(const struct addr *a, const struct addr *b);

/*
 * A listening socket: SO_REUSEADDR, SO_REUSEPORT where `share` (one per worker), backlog 4096,
 * non-blocking. A stale Unix socket that nobody listens on is replaced; a living one is EADDRINUSE.
 * -1 and errno. The address that was bound (port filled in) goes to *ret_bound when not NULL.
 */
int addr_listen(const struct addr *a, bool share, struct addr *ret_bound) must_use;

#endif
