/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificates that a system trusts, wherever it keeps them.  OpenSSL knows one place, that of the system it was built
 * for; a program that has OpenSSL in itself (`make static`) runs on others, too.
 */
#ifndef ADIT_NET_TRUST_H
#define ADIT_NET_TRUST_H

#include "base/check.h"

#include <openssl/ssl.h>

/*
 * What SSL_CERT_FILE and SSL_CERT_DIR name; else OpenSSL's own place; where that is not there, the first bundle
 * that is one of Debian, Fedora, Alpine, openSUSE or the BSDs. NULL, or why nothing can be trusted.
 */
const char *trust_system(SSL_CTX *ctx) must_use;
/* The first of these files that can be read; they end with NULL. NULL: none. */
const char *trust_first(const char *const *paths) must_use;

#endif
