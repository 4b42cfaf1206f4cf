/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates of --dev that name what visitors ask for.  Clients do not accept "*.localhost", a wildcard right below
 * a top-level name; so the gate looks at the name that a TLS client is about to ask for (SNI), and where the
 * certificate does not have it yet, a new one is made that does.  On loopback, for development, only.
 */
#ifndef ADIT_EDGE_DEVCERT_H
#define ADIT_EDGE_DEVCERT_H

#include "base/check.h"
#include "base/slice.h"
#include "net/tls.h"

struct devcert;

/* A folder that tls_make_dev_certs() has filled for domain and *.domain. NULL without memory. */
struct devcert *devcert_new(const char *dir, const char *domain) must_use;
void devcert_free(struct devcert *d);
/* hello: the first bytes of a connection. A server with a certificate for its SNI, or NULL: nothing is to be done. */
struct tls_server *devcert_server(struct devcert *d, struct slice hello) must_use;
/* The certificate was made anew without the names that were learned. */
void devcert_forget(struct devcert *d);

/* The host name of a ClientHello (RFC 8446 4.1.2, RFC 6066 3), empty when there is none or it is not whole. */
struct slice devcert_sni(struct slice hello);

#endif
