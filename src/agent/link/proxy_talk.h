/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The talk with a proxy until it passes bytes on: HTTP CONNECT (RFC 9110 9.3.6) or SOCKS5 (RFC
 * 1928, 1929). No I/O: bytes are drained and fed.
 */
#ifndef ADIT_AGENT_LINK_PROXY_TALK_H
#define ADIT_AGENT_LINK_PROXY_TALK_H

#include "agent/link/proxy.h"
#include "http/h1.h"

/* The longest answer of a proxy: a head with some fields, or a SOCKS5 reply (262). */
#define PROXY_TALK_BYTES 8192

struct proxy_talk {
	const struct proxy *proxy;
	const char *host; /* that is to be reached */
	uint16_t port;
	const char *error; /* after PROXY_TALK_FAILED: a sentence */
	/* private */
	/* What was said last, and is to be answered: CONNECT; or of SOCKS5 the methods, user
	 * and password, the request. */
	enum { TALK_CONNECT, TALK_METHOD, TALK_AUTH, TALK_REPLY } step;
	char out[2048];
	size_t out_from, out_to;
	char in[PROXY_TALK_BYTES];
	size_t in_n;
	char text[160]; /* of error */
	struct h1 h1;
};

enum proxy_talk_result { PROXY_TALK_MORE, PROXY_TALK_DONE, PROXY_TALK_FAILED };

/* host and proxy must live on. */
void proxy_talk_init(struct proxy_talk *t, const struct proxy *p, const char *host, uint16_t port);
/* What is to be sent, "": nothing; and that n bytes of it were. It may hold a password, which is
 * wiped once all is sent. */
struct slice proxy_talk_out(const struct proxy_talk *t);
void proxy_talk_out_done(struct proxy_talk *t, size_t n);
/* DONE: what is sent from now on reaches host:port.  Bytes behind the proxy's answer are a failure:
 * TLS servers do not speak first. */
enum proxy_talk_result proxy_talk_feed(struct proxy_talk *t, struct slice in) must_use;

#endif
