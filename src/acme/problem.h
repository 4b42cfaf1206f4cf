/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a CA says went wrong (RFC 7807, RFC 8555 6.7), read, and said again in one plain sentence with
 * what to type.
 */
#ifndef ADIT_ACME_PROBLEM_H
#define ADIT_ACME_PROBLEM_H

#include "base/buf.h"

#include <jansson.h>

/* The kinds of RFC 8555 6.7, RFC 9773 and the draft of profiles, and what each means to us. */
#define PROBLEM_KINDS(X)                                                                           \
	X(NONE, "", "", "")                                                                        \
	X(ACCOUNT_GONE, "accountDoesNotExist", "the CA does not know our account",                 \
	    "a new one is made at the next attempt")                                               \
	X(REPLACED, "alreadyReplaced", "the certificate was renewed already", "")                  \
	X(REVOKED, "alreadyRevoked", "the certificate was revoked already", "")                    \
	X(BAD_CSR, "badCSR", "the CA does not take the request for this certificate",              \
	    "another profile: under acme: may")                                                    \
	X(BAD_NONCE, "badNonce", "the CA refused our nonces again and again", "")                  \
	X(BAD_KEY, "badPublicKey", "the CA does not take our key", "")                             \
	X(BAD_REASON, "badRevocationReason", "the CA does not take this reason of a revocation",   \
	    "leave the reason out")                                                                \
	X(BAD_ALGORITHM, "badSignatureAlgorithm", "the CA does not take ES256", "")                \
	X(CAA, "caa", "a CAA record forbids this CA to sign",                                      \
	    "add a CAA record for it at the DNS provider, or remove the one that is there")        \
	X(COMPOUND, "compound", "several things went wrong", "")                                   \
	X(CONFLICT, "conflict", "something else is under way for this certificate", "")            \
	X(CONNECTION, "connection", "the CA could not connect to us",                              \
	    "open ports 80 and 443 of this address, also over IPv6 where an AAAA record stands")   \
	X(DNS, "dns", "the CA could not look the name up",                                         \
	    "check the NS and A records at the DNS provider, and that port 53 is open over UDP "   \
	    "and TCP")                                                                             \
	X(NO_EAB, "externalAccountRequired", "the CA wants an account that was made on its pages", \
	    "set eab: {key_id:, hmac_file:} under acme:")                                          \
	X(WRONG_ANSWER, "incorrectResponse", "the CA got another answer than ours",                \
	    "check that the name leads to this edge and to nothing else")                          \
	X(CONTACT, "invalidContact",                                                               \
	    "the CA does not take the address of email:", "set another email: under acme:")        \
	X(PROFILE, "invalidProfile", "the CA has no such profile",                                 \
	    "set another profile: under acme:, or none")                                           \
	X(MALFORMED, "malformed", "the CA did not understand us", "")                              \
	X(NOT_READY, "orderNotReady", "the CA was not ready", "")                                  \
	X(LIMITED, "rateLimited", "a limit of the CA is reached",                                  \
	    "nothing has to be typed: it is tried again")                                          \
	X(REJECTED, "rejectedIdentifier", "the CA signs nothing for this name",                    \
	    "take another name, or another directory: under acme:")                                \
	X(INTERNAL, "serverInternal", "the CA has a fault of its own",                             \
	    "nothing has to be typed: it is tried again")                                          \
	X(TLS, "tls", "the CA could not shake hands with us",                                      \
	    "check that nothing else ends TLS on port 443 before this edge")                       \
	X(UNAUTHORIZED, "unauthorized", "the CA could not see what proves that the name is ours",  \
	    "check that the name leads to this edge and to nothing else")                          \
	X(CONTACT_KIND, "unsupportedContact", "the CA takes no address of this kind",              \
	    "leave email: out under acme:")                                                        \
	X(IDENT_KIND, "unsupportedIdentifier", "the CA signs no names or addresses of this kind",  \
	    "for an address set profile: shortlived under acme:, or take another directory:")      \
	X(TERMS, "userActionRequired", "the CA has new terms",                                     \
	    "read them, then set agree_to_terms: yes under acme:")                                 \
	X(OTHER, "", "the CA refused", "")

enum problem_kind {
#define X(name, word, says, advice) PROBLEM_##name,
	PROBLEM_KINDS(X)
#undef X
};

#define PROBLEM_PARTS 8 /* subproblems that are looked at (RFC 8555 6.7.1) */

struct problem_part {
	enum problem_kind kind;
	char detail[256]; /* in the CA's words; what is not printable is escaped */
	char name[256];   /* the identifier; "" for none */
};

struct problem {
	struct problem_part all; /* the whole; kind NONE: there was no problem document */
	int status;              /* of HTTP; 0: of a document within another one */
	char instance[512];      /* a page to read; "" for none */
	size_t n;
	struct problem_part parts[PROBLEM_PARTS];
};

/* An answer's body, whatever it holds: without a problem in it *ret has the status alone. */
void problem_read(struct slice body, int status, struct problem *ret);
/* An error member of an order, authorisation or challenge; o may be NULL or of any kind. */
void problem_of(const json_t *o, struct problem *ret);
/* Of the whole or of any part. */
bool problem_is(const struct problem *p, enum problem_kind kind);
/*
 * One sentence: name, what it means, the CA's words, what to type.  name: of what we were about
 * ("" for none); each part that names its own stands with it.
 */
void problem_put(struct buf *out, const struct problem *p, const char *name);

#endif
