/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PROXY protocol of HAProxy (proxy-protocol.txt), versions 1 and 2: what a proxy says of a
 * connection in front of its first byte.  Reading and writing, without I/O.
 *
 * The specification forbids to guess: who expects the header demands it of each connection, and
 * takes it from proxies alone that he knows by their addresses.
 */
#ifndef ADIT_NET_PROXYPROTO_H
#define ADIT_NET_PROXYPROTO_H

#include "base/check.h"
#include "base/slice.h"

#include <sys/socket.h>

#define PROXYPROTO_V1_BYTES 107 /* with its CRLF */
/* Of version 2, with whatever a proxy has to say; the header's own length field allows 64 KiB. */
#define PROXYPROTO_BYTES_MAX 4096
#define PROXYPROTO_AUTHORITY_BYTES 256
#define PROXYPROTO_ID_BYTES 128

struct proxyproto {
	/* The proxy speaks for itself, as a health check does, or does not know: then it is the
	 * address of the connection itself that counts. */
	bool local;
	/* AF_INET or AF_INET6 with its port; unless local. */
	struct sockaddr_storage from, to;
	size_t n_bytes; /* of the header: what the connection is for begins behind it */
};

enum proxyproto_result {
	PROXYPROTO_MORE, /* feed the same bytes with more behind them */
	PROXYPROTO_DONE,
	PROXYPROTO_BAD, /* *ret_why says in one sentence */
};

/* bytes: everything from the first one on. How it is cut into calls changes nothing. */
enum proxyproto_result proxyproto_read(struct slice bytes, struct proxyproto *ret,
    const char **ret_why) must_use;

/* What is said of a visitor to an origin. */
struct proxyproto_say {
	int version; /* 1 or 2 */
	/* Both of one family with its port, else the header says that it does not know. */
	struct sockaddr_storage from, to;
	/* Version 2 alone: */
	struct slice authority; /* the name of SNI, or empty */
	struct slice alpn;      /* or empty */
	struct slice id;        /* UNIQUE_ID, at most PROXYPROTO_ID_BYTES; or empty */
	bool tls;               /* the visitor came by TLS */
	struct slice tls_version;
};

/* The size of the header; 0: cap is too small (never with PROXYPROTO_BYTES_MAX). */
size_t proxyproto_write(const struct proxyproto_say *say, char *dst, size_t cap) must_use;

#endif
