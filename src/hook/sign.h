/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures of webhooks: the schemes of the senders are rows of one table, one verifier and one
 * signer read them. Verification is over raw bytes, compares in constant time, tries every secret
 * of the route (rotation), and says why it failed; the reason is for the owner's log, inbox and
 * doctor, never for the sender.
 *
 * No scheme is chosen by what a request says: the route's configuration names the row, and a key's
 * own form (whsec_, whpk_) names the algorithm.
 *
 * libcrypto allocates a few hundred bytes for a call and frees them before it returns; nothing else
 * here allocates, apart from schemes that sort parameters (Twilio, Atlassian Connect), which hold
 * at most LIMIT_HOOK_FORM_BYTES.
 */
#ifndef ADIT_HOOK_SIGN_H
#define ADIT_HOOK_SIGN_H

#include "base/hmac.h"
#include "base/limits.h"
#include "hook/hook.h"

enum sign_encoding { SIGN_HEX, SIGN_BASE64 };

/* A row. Fields from `kind` on are private to sign*.c. */
struct sign_scheme {
	const char *name;     /* as in configurations: "bitbucket", "stripe" ... */
	const char *title;    /* for people: "Bitbucket Cloud and Data Center" */
	const char *secret;   /* what the secret is and where it is found there, one sentence */
	uint32_t tolerance_s; /* of the timestamp; 0: the scheme has none, or leaves it to the
				 receiver */
	bool can_sign;        /* hook_sign() can make it from the same secret */
	int kind;
	const struct sign_form *form;
};

extern const struct sign_scheme sign_schemes[];
extern const size_t sign_schemes_n;
/* NULL for an unknown name. */
const struct sign_scheme *sign_find(struct slice name);
/* All names, "bitbucket, github, ...", for people. */
void sign_names(char *dst, size_t cap);

/* A route's configuration. Zeroed fields are the scheme's defaults. */
struct sign_params {
	const struct sign_scheme *scheme;
	/*
	 * Newest first. HMAC schemes: the shared secret; whsec_/whpk_ (Standard Webhooks),
	 * base64 SPKI (SendGrid), "user:password" (Azure DevOps), auth token (Twilio),
	 * shared secret (Atlassian Connect).
	 */
	const struct slice *secrets;
	size_t n_secrets;     /* at most LIMIT_HOOK_SECRETS; what is more is not tried */
	int64_t tolerance_ms; /* 0: the scheme's; < 0: timestamps are not checked (replays from an
				 archive) */
	bool allow_sha1;      /* take GitHub's and Bitbucket's legacy sha1= */
	struct slice base;    /* Atlassian Connect: path of the app's base URL, "" for none */
	/* scheme "hmac" only */
	struct slice header, prefix; /* header name; text before the encoded value, "" for none */
	enum sign_encoding encoding;
	enum hmac_hash algorithm;
};

/* X(symbol, name, sentence when there is nothing more exact to say) */
/* clang-format off */
#define SIGN_REASONS(X) \
	X(OK, "ok", "The signature is good.") \
	X(PING, "unsigned-ping", \
	    "A connection test that is never signed; answer it, do not deliver it.") \
	X(NO_SECRET, "no-secret", "The route has no secret to check with.") \
	X(MISSING, "missing", "The request is not signed: set the same secret at the sender.") \
	X(MALFORMED, "malformed", "The signature header cannot be read.") \
	X(ALGORITHM, "algorithm", "The signature names an algorithm that is not accepted.") \
	X(BAD_SECRET, "bad-secret", \
	    "The route's secret does not have the form that the scheme wants.") \
	X(WRONG, "wrong", "The signature does not match: another secret, or the body was " \
	    "altered.") \
	X(SECRET_TRIM, "secret-whitespace", \
	    "Matches if white space around the secret is removed: save the secret again without " \
	    "it.") \
	X(SECRET_FORM, "secret-form", \
	    "Matches if the secret is read in another form (with or without its prefix, base64 " \
	    "or text).") \
	X(BODY_NEWLINE, "body-newline", \
	    "Matches if a newline at the end of the body is removed or added: something altered " \
	    "the body.") \
	X(BODY_ALTERED, "body-altered", \
	    "Matches if the body is written as JSON in another layout: something re-serialised " \
	    "it.") \
	X(SKEW, "clock-skew", "The timestamp is too far from this machine's clock.") \
	X(EXPIRED, "expired", "The token has expired.") \
	X(OTHER_URL, "other-url", "The signature is for another method, path or query.") \
	X(TOO_BIG, "too-big", "There are more parameters than the edge reads.")
/* clang-format on */

enum sign_reason {
#define X(symbol, ...) SIGN_##symbol,
	SIGN_REASONS(X)
#undef X
};
const char *sign_reason_name(enum sign_reason r);

struct sign_verdict {
	enum sign_reason reason;
	uint8_t secret; /* SIGN_OK: index of the secret that matched: when 0 always, the older ones
			   can go */
	int64_t skew_s; /* SIGN_SKEW, SIGN_EXPIRED: seconds that the sender's time is behind ours;
			   negative: ahead */
	char text[224]; /* a sentence for the owner; printable ASCII, holds neither secrets nor
			   signatures */
};

/*
 * True only for SIGN_OK. SIGN_PING is not true: the caller answers it (handshake.h), and it must
 * never reach the origin, since anybody can send it.
 */
bool hook_verify(const struct sign_params *p, const struct hook_request *req,
    struct sign_verdict *ret) must_use;

/*
 * After hook_verify() said SIGN_WRONG: tries what people and relays do wrong, and makes *v more
 * exact. Costs about ten verifications, so the caller limits how often; bodies above
 * LIMIT_HOOK_EXPLAIN_BYTES are left alone.
 */
void sign_explain(const struct sign_params *p, const struct hook_request *req,
    struct sign_verdict *v);

/* Header fields that were made; slices point into `text`. */
struct sign_output {
	struct hook_field fields[4];
	size_t n_fields;
	char text[2048];
};

/*
 * Signs req with secrets[0] at time req->now_ms: for deliveries whose timestamp would be stale, and
 * for test events. `id` is the delivery id of Standard Webhooks and the issuer of Atlassian
 * Connect, ignored elsewhere. False when the scheme cannot sign (can_sign) or the secret is not of
 * its form. req->fields are not looked at.
 */
bool hook_sign(const struct sign_params *p, const struct hook_request *req, struct slice id,
    struct sign_output *ret) must_use;

/*
 * NULL when what a route stores can be signed anew once its timestamp is stale, else why not: the
 * scheme signs no time, or the first secret is the sender's public key (v1a).
 */
const char *sign_again_fault(const struct sign_params *p) must_use;
/*
 * The fields that take the place of req's own of the same names.  True only when its timestamp is
 * older than half of what receivers of the scheme allow, so that some time is left for the way, and
 * its own signature is good with a secret of the route: what nobody has signed is not signed here.
 */
bool hook_sign_again(const struct sign_params *p, const struct hook_request *req,
    struct sign_output *ret) must_use;

#endif
