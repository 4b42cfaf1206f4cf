/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request for a certificate (PKCS #10, RFC 2986; RFC 8555 7.4): subject empty, names and
 * addresses in one subjectAltName.  No common name: it ends at 64 characters, and CAs that want one
 * choose it themselves.
 */
#ifndef ADIT_ACME_CSR_H
#define ADIT_ACME_CSR_H

#include "acme/eckey.h"
#include "acme/ident.h"

#include <openssl/x509v3.h>

/* Names and addresses as X.509 has them; NULL without memory. Freed with GENERAL_NAMES_free(). */
GENERAL_NAMES *csr_names(const struct ident *ids, size_t n) must_use;
/* DER into `out`, signed with `key`. */
bool csr_make(EVP_PKEY *key, const struct ident *ids, size_t n, struct buf *out) must_use;

#endif
