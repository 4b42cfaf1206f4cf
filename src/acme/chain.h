/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate and what leads from it towards a root, as a CA delivers it (RFC 8555 7.4.2, 9.1).
 * Nothing becomes a certificate of ours before chain_judge() has found no fault in it.
 */
#ifndef ADIT_ACME_CHAIN_H
#define ADIT_ACME_CHAIN_H

#include "acme/ident.h"

#include "base/buf.h"

#include <openssl/x509.h>

#define CHAIN_CERTS 8
#define CHAIN_WHY_BYTES 256
#define CHAIN_ID_BYTES 96 /* two numbers of 20 bytes in base64url, and more */

struct chain_certs {
	size_t n; /* 0: none */
	X509 *certs[CHAIN_CERTS];
};

/* What people and the rules of renewal want to know. */
struct chain_facts {
	int64_t not_before_s, not_after_s;
	char issuer[128]; /* common name of who signed the certificate; printable ASCII */
	char id
	    [CHAIN_ID_BYTES]; /* of RFC 9773 section 4.1; "" where the CA left out its key's name */
};

/*
 * PEM certificates one behind the other; false for none, too many, or a block that cannot be read.
 * Text between them is skipped (RFC 8555 9.1 forbids it), so what is kept is written anew.
 */
bool chain_read(struct slice pem, struct chain_certs *ret) must_use;
void chain_fini(struct chain_certs *c);
void chain_facts(const struct chain_certs *c, struct chain_facts *ret);
/*
 * True when the first is for this key and all these names, valid at now_s, and each is signed by the
 * next one.  Else why[] has one sentence.  Who the last one is, the visitors' programs know.
 */
bool chain_judge(const struct chain_certs *c, EVP_PKEY *key, const struct ident *ids, size_t n,
    int64_t now_s, char why[CHAIN_WHY_BYTES]) must_use;
/* Whether the root that it leads to, or one on the way, has this common name; case is ignored. */
bool chain_leads_to(const struct chain_certs *c, const char *issuer);
/* All of it as PEM. */
bool chain_pem(const struct chain_certs *c, struct buf *out) must_use;
/* The first as DER, for a revocation. */
bool chain_der(const struct chain_certs *c, struct buf *out) must_use;

#endif
