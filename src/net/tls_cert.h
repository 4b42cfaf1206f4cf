/* SPDX-License-Identifier: Apache-2.0 */
/* What people are told of a certificate.  It comes from the other side and goes to a terminal: only
 * printable ASCII is let through. */
#ifndef ADIT_NET_TLS_CERT_H
#define ADIT_NET_TLS_CERT_H

#include <openssl/x509.h>

/* "a.example, *.b.example" of the certificate, cut short when long; `otherwise`
 * when it has none. */
void tls_cert_names(X509 *cert, const char *otherwise, char *dst, size_t cap);
/* Who signed it. */
void tls_cert_issuer(X509 *cert, char *dst, size_t cap);
void tls_cert_date(const ASN1_TIME *time, char *dst, size_t cap);

#endif
