/* SPDX-License-Identifier: Apache-2.0 */
/* Recognises handshakes of senders and writes the answers that they want. */
#include "hook/handshake.h"

#include "base/text.h"
#include "hook/crypto.h"
#include "hook/peek.h"
#include "hook/sign_private.h"

#include <stdio.h>

#define TOKEN_MAX 512

static void
answer(struct handshake *h, const char *name, uint16_t status, const char *type)
{
	check(h->status == 0); /* one answer a request */
	h->status = status;
	h->name = name;
	h->content_type = type;
}

static void
say(struct handshake *h, const char *text)
{
	h->body_n = strlen(text);
	check(h->body_n <= sizeof(h->body)); /* is_token() let no longer one through */
	memcpy(h->body, text, h->body_n);
}

/* Characters of tokens, so that what comes back can be neither markup nor a header. */
static bool
is_token(const char *text)
{
	static const char plain[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=";
	size_t n = strlen(text);

	return n > 0 && n < TOKEN_MAX && strspn(text, plain) == n;
}

static bool
is_scheme(const struct sign_params *p, const char *name)
{
	return p != NULL && p->scheme != NULL && strcmp(p->scheme->name, name) == 0;
}

/*
 * The challenge of a URL that is being set (url_verification). It is signed like any event, so
 * it is answered only where the signature was good.
 */
static bool
slack(const struct hook_request *req, struct handshake *h)
{
	struct peek want[] = { { .path = "type" }, { .path = "challenge" } };
	char challenge[TOKEN_MAX + 1];

	peek_json(req->body, want, 2);
	peek_text(&want[1], challenge, sizeof(challenge));
	if (want[0].kind != PEEK_STRING || !slice_eq(want[0].value, S("url_verification")) ||
	    !is_token(challenge))
		return false;
	answer(h, "slack", 200, "text/plain; charset=utf-8");
	say(h, challenge);
	return true;
}

/*
 * The sender wants its token back with an HMAC of it under the route's secret: that proves that
 * we know the secret, so the signature must have been good before.
 */
static bool
zoom(const struct hook_request *req, struct slice secret, struct handshake *h)
{
	struct peek want[] = { { .path = "event" }, { .path = "payload.plainToken" } };
	char token[TOKEN_MAX + 1], hex[2 * HMAC_BYTES_MAX + 1];
	uint8_t mac[HMAC_BYTES_MAX];
	struct slice plain;

	peek_json(req->body, want, 2);
	peek_text(&want[1], token, sizeof(token));
	if (want[0].kind != PEEK_STRING || !slice_eq(want[0].value, S("endpoint.url_validation")) ||
	    !is_token(token))
		return false;
	plain = slice_str(token);
	if (!hmac(HMAC_SHA256, secret, &plain, 1, mac))
		return false;
	text_hex(mac, 32, hex);
	answer(h, "zoom", 200, "application/json");
	h->body_n = (size_t)snprintf(h->body, sizeof(h->body),
	    "{\"plainToken\":\"%s\",\"encryptedToken\":\"%s\"}", token, hex);
	check(h->body_n < sizeof(h->body));
	return true;
}

/* The value of a query parameter, decoded; "" when it is missing, too long or holds a NUL. */
static void
parameter(struct slice query, const char *name, char *dst, size_t cap)
{
	char plain[TOKEN_MAX];
	struct slice raw = hook_form_get(query, name);
	ptrdiff_t n = hook_form_decode(raw, plain, sizeof(plain));

	if (n < 0 || !slice_z(slice_of(plain, (size_t)n), dst, cap))
		dst[0] = '\0';
}

/*
 * A GET that carries the verify token in clear. It is compared in constant time with each
 * secret; without one that fits nothing is echoed.
 */
static bool
meta(const struct hook_request *req, const struct sign_params *p, struct handshake *h)
{
	char mode[16], token[TOKEN_MAX + 1], challenge[TOKEN_MAX + 1];

	if (!slice_eq(req->method, S("GET")))
		return false;
	parameter(req->query, "hub.mode", mode, sizeof(mode));
	parameter(req->query, "hub.verify_token", token, sizeof(token));
	parameter(req->query, "hub.challenge", challenge, sizeof(challenge));
	if (strcmp(mode, "subscribe") != 0)
		return false;
	for (size_t i = 0; i < p->n_secrets && i < LIMIT_HOOK_SECRETS; i++) {
		if (p->secrets[i].n == 0 || !crypto_same(p->secrets[i], slice_str(token)) ||
		    !is_token(challenge))
			continue;
		answer(h, "meta", 200, "text/plain; charset=utf-8");
		say(h, challenge);
		return true;
	}
	answer(h, "meta", 403, "text/plain; charset=utf-8");
	say(h, "wrong verify token\n");
	return true;
}

enum handshake_result
handshake_read(const struct hook_request *req, const struct sign_params *p,
    const struct sign_verdict *v, struct handshake *ret)
{
	bool done = false;

	*ret = (struct handshake){ 0 };
	check(v == NULL || v->reason != SIGN_OK || v->secret < sign_n_secrets(p));
	/* The reason is only given to the very bytes of that test: see is_ping() of sign.c. */
	if (v != NULL && v->reason == SIGN_PING) {
		answer(ret, "bitbucket-dc-ping", 200, "text/plain; charset=utf-8");
		say(ret, "pong\n");
		done = true;
	} else if (is_scheme(p, "meta"))
		done = meta(req, p, ret);
	else if (v != NULL && v->reason == SIGN_OK && is_scheme(p, "slack"))
		done = slack(req, ret);
	else if (v != NULL && v->reason == SIGN_OK && is_scheme(p, "zoom"))
		done = zoom(req, p->secrets[v->secret], ret);
	return done ? HANDSHAKE_ANSWER : HANDSHAKE_NONE;
}
