/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Atlassian Connect: a JWT (RFC 7519) of HS256 in `Authorization: JWT ...` or ?jwt=, whose claim
 * qsh is a hash of method, path and sorted query.  The body is not signed: that is how the scheme
 * is.  Only HS256: RS256 of the installation callback needs a key that would have to be fetched,
 * and "none" is no algorithm.
 */
#include "hook/params.h"
#include "hook/peek.h"
#include "hook/sign_private.h"

#include "base/buf.h"
#include "base/text.h"

#include <stdio.h>

#define TOKEN_BYTES 4096
#define SIG_BYTES 1024 /* one of RS256 is read too, to say that it is one */
#define LIFE_S 180     /* of a token that we make */

/* --- the hash --- */

/* Path without the base URL's path and without slashes at the end; '&' is escaped. */
static void
put_path(struct buf *b, struct slice path, struct slice base)
{
	if (base.n > 0 && slice_starts(path, base) && (path.n == base.n || path.p[base.n] == '/'))
		path = slice_from(path, base.n);
	while (path.n > 0 && path.p[path.n - 1] == '/')
		path.n--;
	if (path.n == 0)
		buf_putc(b, '/');
	for (size_t i = 0; i < path.n; i++) {
		if (path.p[i] == '&')
			buf_put(b, S("%26"));
		else
			buf_putc(b, path.p[i]);
	}
}

/* a=1,2&b=3: encoded, sorted, values of one name joined, jwt left out. */
static void
put_query(struct buf *b, const struct params *q)
{
	struct slice last = { NULL, 0 };

	for (size_t i = 0; i < q->n; i++) {
		const struct hook_field *f = &q->pairs[i];

		if (slice_eq(f->name, S("jwt")))
			continue;
		if (last.p != NULL && slice_eq(last, f->name)) {
			buf_putc(b, ',');
		} else {
			if (last.p != NULL)
				buf_putc(b, '&');
			buf_put(b, f->name);
			buf_putc(b, '=');
		}
		buf_put(b, f->value);
		last = f->name;
	}
}

/*
 * Atlassian's "query string hash": METHOD & path & sorted query, SHA-256 in hex. The method in
 * capitals, without regard to the locale.
 */
bool
sign_qsh(const struct hook_request *req, struct slice base, char *dst)
{
	struct slice all;
	struct params q;
	uint8_t hash[32];
	struct buf b;
	bool ok;

	if (!params_read(&q, req->query, true))
		return false;
	buf_init(&b, 4 * LIMIT_HOOK_FORM_BYTES);
	for (size_t i = 0; i < req->method.n; i++) {
		char c = req->method.p[i];

		buf_putc(&b, c >= 'a' && c <= 'z' ? (char)(c - 32) : c);
	}
	buf_putc(&b, '&');
	put_path(&b, req->path, base);
	buf_putc(&b, '&');
	put_query(&b, &q);
	all = buf_slice(&b);
	ok = !b.failed && crypto_sha256(&all, 1, hash);
	if (ok)
		text_hex(hash, sizeof(hash), dst);
	buf_fini(&b);
	params_fini(&q);
	return ok;
}

/* --- the token --- */

/* The token of a request; p is NULL when there is none. */
static struct slice
find_token(const struct hook_request *req)
{
	struct slice value = hook_header(req, S("Authorization")), word = slice_cut(&value, ' ');

	if (slice_ieq(word, S("JWT")))
		return slice_trim(value);
	return hook_form_get(req->query, "jwt");
}

struct token {
	struct slice covered;             /* header and claims as they were sent: what is signed */
	struct slice header, claims, sig; /* decoded */
	char space[TOKEN_BYTES];
	uint8_t sig_space[SIG_BYTES];
};

/*
 * Both parts are decoded into one space, one behind the other. base64url without padding (RFC
 * 7515 section 2); three parts, no more.
 */
static bool
split_token(struct slice token, struct token *t)
{
	struct slice rest = token, header = slice_cut(&rest, '.'), claims = slice_cut(&rest, '.');
	ptrdiff_t h, c, s;

	if (token.n > TOKEN_BYTES || rest.p == NULL)
		return false;
	s = text_unbase64(rest, true, false, t->sig_space, SIG_BYTES);
	if (s < 0)
		return false;
	h = text_unbase64(header, true, false, t->space, TOKEN_BYTES);
	if (h < 0)
		return false;
	c = text_unbase64(claims, true, false, t->space + h, TOKEN_BYTES - (size_t)h);
	if (c < 0)
		return false;
	check((size_t)h + (size_t)c <= sizeof(t->space));
	t->covered = slice_head(token, header.n + 1 + claims.n);
	t->header = slice_of(t->space, (size_t)h);
	t->claims = slice_of(t->space + h, (size_t)c);
	t->sig = slice_of(t->sig_space, (size_t)s);
	return true;
}

/* A claim in seconds; fractions are cut off. */
static bool
seconds_of(const struct peek *p, uint64_t *ret)
{
	struct slice s = p->value;

	return p->kind == PEEK_NUMBER && slice_u64(slice_cut(&s, '.'), ret) && *ret < 1ull << 40;
}

/*
 * exp must be there: a token without an end would be good for ever. nbf may be missing. The
 * leeway is for clocks, in both directions (RFC 7519 4.1.4).
 */
static bool
times_ok(const struct sign_params *p, const struct hook_request *req, const struct peek *exp,
    const struct peek *nbf, struct sign_verdict *v)
{
	int64_t leeway_ms =
	    p->tolerance_ms != 0 ? p->tolerance_ms : (int64_t)p->scheme->tolerance_s * 1000;
	int64_t now_s = req->now_ms / 1000, late;
	uint64_t at;

	if (leeway_ms < 0)
		return true;
	if (!seconds_of(exp, &at)) {
		sign_say(v, SIGN_MALFORMED, "The token has no expiry.");
		return false;
	}
	late = now_s - (int64_t)at;
	if (late * 1000 >= leeway_ms) {
		v->skew_s = late;
		sign_say(v, SIGN_EXPIRED,
		    "The token expired %lld s ago: an old request sent again, or this machine's "
		    "clock is ahead.",
		    (long long)late);
		return false;
	}
	if (nbf->kind != PEEK_NONE && seconds_of(nbf, &at) &&
	    (int64_t)at * 1000 > req->now_ms + leeway_ms) {
		v->skew_s = now_s - (int64_t)at;
		sign_say(v, SIGN_SKEW,
		    "The token is valid only from %lld s from now: this machine's clock is late.",
		    (long long)-v->skew_s);
		return false;
	}
	return true;
}

/* The signature was good: do the claims fit this request? */
static bool
claims_ok(const struct sign_params *p, const struct hook_request *req, struct slice claims,
    struct sign_verdict *v)
{
	struct peek want[] = { { .path = "exp" }, { .path = "nbf" }, { .path = "qsh" } };
	char qsh[65];

	peek_json(claims, want, sizeof(want) / sizeof(*want));
	if (!times_ok(p, req, &want[0], &want[1], v))
		return false;
	if (!sign_qsh(req, p->base, qsh))
		return sign_settle(v, SIGN_TOO_BIG);
	if (want[2].kind == PEEK_STRING && crypto_same(want[2].value, slice_str(qsh)))
		return sign_settle(v, SIGN_OK);
	sign_say(v, SIGN_OTHER_URL,
	    "The token is for another method, path or query than this request's (claim qsh): was "
	    "the path rewritten, or "
	    "does the app's base URL have one?");
	return false;
}

/*
 * The algorithm is looked at first and must be HS256: a token may not choose how it is checked
 * (RFC 8725 section 2.1). Claims are read only behind a good signature.
 */
bool
sign_jwt_ok(const struct sign_params *p, const struct hook_request *req, struct sign_verdict *v)
{
	struct slice text = find_token(req);
	struct peek alg = { .path = "alg" };
	uint8_t mac[HMAC_BYTES_MAX];
	struct token t;

	if (text.p == NULL) {
		sign_say(v, SIGN_MISSING,
		    "No JWT in Authorization or ?jwt=: does a proxy on the way drop "
		    "Authorization?");
		return false;
	}
	if (!split_token(text, &t))
		return sign_settle(v, SIGN_MALFORMED);
	if (!peek_json(t.header, &alg, 1) || !slice_eq(alg.value, S("HS256"))) {
		sign_say(v, SIGN_ALGORITHM,
		    "The token is not signed with HS256; RS256 of the installation callback is for "
		    "the app itself to check.");
		return false;
	}
	for (size_t i = 0; i < sign_n_secrets(p); i++) {
		if (!hmac(HMAC_SHA256, p->secrets[i], &t.covered, 1, mac) ||
		    !crypto_same(slice_of(mac, 32), t.sig))
			continue;
		v->secret = (uint8_t)i;
		return claims_ok(p, req, t.claims, v);
	}
	return sign_settle(v, SIGN_WRONG);
}

/* --- making one --- */

/* RFC 4648 section 5, without padding. */
static void
put_base64url(struct sign_writer *w, const void *bytes, size_t n)
{
	char text[1024];
	size_t len;

	if (n > 700) {
		w->failed = true;
		return;
	}
	text_base64(bytes, n, text);
	len = strlen(text);
	while (len > 0 && text[len - 1] == '=')
		len--;
	for (size_t i = 0; i < len; i++)
		text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
	sign_put(w, slice_of(text, len));
}

bool
sign_jwt_make(const struct sign_params *p, const struct hook_request *req, struct slice id,
    struct sign_writer *w)
{
	static const char header[] = "{\"typ\":\"JWT\",\"alg\":\"HS256\"}";
	long long now_s = (long long)(req->now_ms / 1000);
	uint8_t mac[HMAC_BYTES_MAX];
	struct slice covered;
	struct buf claims;
	char qsh[65];
	bool ok;

	check(w->at == 0); /* what is signed begins behind "JWT " */
	if (!sign_qsh(req, p->base, qsh))
		return false;
	buf_init(&claims, 700);
	buf_put(&claims, S("{\"iss\":"));
	buf_json(&claims, id);
	buf_printf(&claims, ",\"iat\":%lld,\"exp\":%lld,\"qsh\":\"%s\"}", now_s, now_s + LIFE_S,
	    qsh);
	sign_put(w, S("JWT "));
	put_base64url(w, header, sizeof(header) - 1);
	sign_put(w, S("."));
	put_base64url(w, claims.p, claims.n);
	ok = !claims.failed && !w->failed;
	buf_fini(&claims);
	covered = slice_of(w->out->text + 4, w->at - 4);
	if (!ok || !hmac(HMAC_SHA256, p->secrets[0], &covered, 1, mac))
		return false;
	sign_put(w, S("."));
	put_base64url(w, mac, 32);
	sign_field(w, S("Authorization"), 0);
	return true;
}
