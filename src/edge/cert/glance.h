/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a CA would see of a challenge, asked before the CA is.  It is a hint and stops nothing: behind some
 * routers a machine does not reach its own public address.
 *
 *	dns-01         who is responsible for the record's name, and what they say: no cache is asked for
 *	               the record itself, which would remember for the CA that there is none
 *	http-01        port 80 of the name, for the token
 *	tls-alpn-01    port 443 of the name, for the certificate (RFC 8737)
 */
#ifndef ADIT_EDGE_CERT_GLANCE_H
#define ADIT_EDGE_CERT_GLANCE_H

#include "acme/challenge.h"
#include "edge/core/dnsask.h"

#define GLANCE_TEXT_BYTES 1024

struct glance;

/*
 * done: called once, never from within here: "" where all is as it should be, else what was asked, what
 * came and what to do.  The challenge is copied; servers must live on.  NULL: no memory, or nothing can be
 * asked for this kind.
 */
struct glance *glance_start(struct loop *l, const struct dnsask_servers *servers,
    const struct challenge *c, void (*done)(void *owner, const char *text), void *owner) must_use;
/* What is under way ends without a call; freed at the end of the turn. Harmless with NULL. */
void glance_end(struct glance *k);

#endif
