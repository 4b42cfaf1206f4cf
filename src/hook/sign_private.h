/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of sign: what a row's form says, and the verifiers and signers of each kind. */
#ifndef ADIT_HOOK_SIGN_PRIVATE_H
#define ADIT_HOOK_SIGN_PRIVATE_H

#include "hook/crypto.h"

enum sign_kind {
	SIGN_KIND_MAC,   /* a MAC or signature in a header, over a message made of id, timestamp and
			    body */
	SIGN_KIND_TOKEN, /* the secret itself in a header */
	SIGN_KIND_BASIC, /* user:password by RFC 7617 */
	SIGN_KIND_TWILIO, /* over the public URL and the form */
	SIGN_KIND_JWT,    /* Atlassian Connect */
};

/* How signatures stand in a header. */
enum sign_layout {
	SIGN_PLAIN, /* prefix, then the value */
	SIGN_NAMED, /* "sha256=" names the algorithm */
	SIGN_PAIRS, /* t=1,v1=aa,v1=bb with separator, time_key, mark_key of the form */
	SIGN_LIST,  /* v1,aa v1a,bb (Standard Webhooks) */
};

enum sign_key {
	SIGN_KEY_TEXT,  /* the secret's bytes */
	SIGN_KEY_WHSEC, /* base64 behind whsec_ (HMAC) or whpk_, whsk_ (Ed25519) */
	SIGN_KEY_SPKI,  /* base64 of a SubjectPublicKeyInfo (ECDSA) */
};

struct sign_place {
	const char *header;
	enum sign_layout layout;
	const char *prefix; /* SIGN_PLAIN */
};

#define SIGN_PLACES 4

struct sign_form {
	struct sign_place
	    places[SIGN_PLACES]; /* all that are there are tried; the first is used for signing */
	enum sign_encoding encoding;
	enum hmac_hash algorithm;
	enum sign_key key;
	const char *message; /* %i id, %t timestamp, %b body, the rest as it stands */
	const char *time_header, *id_header;
	char separator;
	const char *time_key, *mark_key;
	bool ping; /* Bitbucket: diagnostics:ping is never signed */
};

/* Sets reason and a sentence of its own. */
void sign_say(struct sign_verdict *v, enum sign_reason r, const char *fmt, ...) printf_like(3, 4);
/* Reason with the table's sentence; true for SIGN_OK. */
bool sign_settle(struct sign_verdict *v, enum sign_reason r);
/* When `seconds` is outside the tolerance: SIGN_SKEW and false. */
bool sign_in_time(const struct sign_params *p, const struct hook_request *req, uint64_t seconds,
    struct sign_verdict *v) must_use;
/* Secrets that are tried. */
size_t sign_n_secrets(const struct sign_params *p);

bool sign_mac_ok(const struct sign_params *p, const struct hook_request *req,
    struct sign_verdict *v) must_use;
bool sign_token_ok(const struct sign_params *p, const struct hook_request *req,
    struct sign_verdict *v) must_use;
bool sign_basic_ok(const struct sign_params *p, const struct hook_request *req,
    struct sign_verdict *v) must_use;
bool sign_twilio_ok(const struct sign_params *p, const struct hook_request *req,
    struct sign_verdict *v) must_use;
bool sign_jwt_ok(const struct sign_params *p, const struct hook_request *req,
    struct sign_verdict *v) must_use;

/* Text that is appended to sign_output.text piece by piece; sticky failure. */
struct sign_writer {
	struct sign_output *out;
	size_t at;
	bool failed;
};
void sign_put(struct sign_writer *w, struct slice s);
/* Bytes in hex or base64. */
void sign_put_coded(struct sign_writer *w, enum sign_encoding e, const uint8_t *bytes, size_t n);
/* What was put since `from` becomes the value of a new field. */
void sign_field(struct sign_writer *w, struct slice name, size_t from);

/* The timestamp that a request claims, and its id where the scheme has one. */
bool sign_mac_claim(const struct sign_params *p, const struct hook_request *req,
    uint64_t *ret_seconds, struct slice *ret_id) must_use;
/* The secret can make signatures, not only check them. */
bool sign_mac_makes(const struct sign_params *p, struct slice secret) must_use;
bool sign_mac_make(const struct sign_params *p, const struct hook_request *req, struct slice id,
    struct sign_writer *w) must_use;
bool sign_twilio_make(const struct sign_params *p, const struct hook_request *req,
    struct sign_writer *w) must_use;
bool sign_jwt_make(const struct sign_params *p, const struct hook_request *req, struct slice id,
    struct sign_writer *w) must_use;

/* The query string hash of Atlassian Connect: 64 hex digits and NUL. False: too many
 * parameters, or no memory. */
bool sign_qsh(const struct hook_request *req, struct slice base, char *dst) must_use;

#endif
