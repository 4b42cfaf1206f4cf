/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the first bytes of a connection say, and who is to answer them.  They are looked at where they
 * lie, in the kernel, so that whoever it is gets all of them; each look is one system call, and
 * costs no more where nobody's TLS ends at an agent.
 *
 * In this order (a name that passes TLS through comes before everything that is spoken inside of it, so
 * that its agent can prove its own name to a CA with ALPN acme-tls/1):
 *
 *	a letter                    plain HTTP
 *	no whole ClientHello        wait
 *	SNI of a name of kind tls   its agent, whatever the ALPN; AWAY where it is not there
 *	anything else               OpenSSL: links, visitors, and alerts for what is malformed
 */
#ifndef ADIT_EDGE_ACCEPT_FIRST_H
#define ADIT_EDGE_ACCEPT_FIRST_H

#include "edge/core/edge.h"
#include "net/clienthello.h"
#include "net/conn.h"

enum first {
	FIRST_WAITS,
	FIRST_IS_HTTP,
	FIRST_IS_OURS,
	FIRST_PASSES, /* to *ret_worker */
	FIRST_IS_AWAY,
	FIRST_IS_OVER, /* the connection has ended, or broken */
};

/* c: plain, nothing was read of it.  *ret_hello: with PASSES and AWAY. */
enum first first_look(struct edge *e, const struct conn *c, struct clienthello *ret_hello,
    unsigned *ret_worker) must_use;
/* Somebody wrote http:// where https:// is spoken: an answer that can be read beats a broken connection.
 * The descriptor stays the caller's. */
void first_answer_http(int fd);

#endif
