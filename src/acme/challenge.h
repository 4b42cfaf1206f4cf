/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has to be seen by the CA so that it believes that a name is ours.
 *
 *	kind      where                                  text
 *	dns-01    _acme-challenge.NAME                   TXT: base64url(SHA-256(key authorisation))
 *	alpn-01   server name of the CA's handshake      nothing; cert and key, ALPN "acme-tls/1"
 *	http-01   /.well-known/acme-challenge/TOKEN      body: the key authorisation
 *	persist   _validation-persist.NAME               TXT: issuer; accounturi=...[; policy=wildcard]
 *
 * RFC 8555 8.1 (key authorisation), 8.3, 8.4; RFC 8737; RFC 8738 sections 4 to 7;
 * draft-ietf-acme-dns-persist-01 and -02.
 */
#ifndef ADIT_ACME_CHALLENGE_H
#define ADIT_ACME_CHALLENGE_H

#include "acme/eckey.h"
#include "acme/ident.h"

/*
 * In the order in which they are chosen.  dns-01 first: it alone gives wildcards at every CA and needs
 * no visitor's port.  The standing record last: few CAs take it, and who can write it can do dns-01.
 */
enum challenge_kind { CHALLENGE_DNS, CHALLENGE_ALPN, CHALLENGE_HTTP, CHALLENGE_PERSIST };
#define CHALLENGE_KINDS 4
#define CHALLENGE_CAN(kind) (1u << (kind)) /* a bit of a set of kinds */
#define CHALLENGE_TOKEN_BYTES 257
#define CHALLENGE_ISSUER_BYTES 256

struct challenge {
	enum challenge_kind kind;
	struct ident ident;
	char token[CHALLENGE_TOKEN_BYTES]; /* "" for the standing record */
	char where[320];
	char text[2048];
	/* alpn-01 alone, DER: of PKCS #8 the key. */
	struct buf cert, key;
};

/* "dns-01" and so on. */
const char *challenge_word(enum challenge_kind kind);
bool challenge_kind(struct slice word, enum challenge_kind *ret) must_use;
/* Kinds that can prove it at all: no wildcard but by DNS, no address by DNS (RFC 8738 section 7). */
unsigned challenge_possible(const struct ident *id);
/* base64url of at least 128 bits (RFC 8555 8.3): it becomes part of a path. */
bool challenge_token_ok(struct slice token);

/*
 * Fills in where and text, and for alpn-01 certificate and key; kind, ident and token stand in *c.
 * False: libcrypto failed.
 */
bool challenge_make(struct challenge *c, const char *thumbprint) must_use;

/* What a standing record is made of. */
struct challenge_standing {
	const char *issuer;      /* issuer-domain-names of the challenge, the first */
	const char *account_url; /* its accounturi (draft -01) */
	/* meta.accountHashPrefix of the directory (draft -02); "" is the older form. */
	const char *hash_prefix;
	const char *thumbprint; /* for -02 */
};
/* The same for CHALLENGE_PERSIST. */
bool challenge_standing(struct challenge *c, const struct challenge_standing *s) must_use;
void challenge_fini(struct challenge *c);

#endif
