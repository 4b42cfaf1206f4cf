/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Twilio signs the URL that it called and the form's parameters, sorted, names and values without
 * anything between; of a JSON body the URL carries the SHA-256.  Its senders write the port or not,
 * so both spellings of a default port are tried.
 */
#include "hook/params.h"
#include "hook/sign_private.h"

#include "base/text.h"

#define URL_PARTS 4

/* The URL in up to four pieces. */
struct spelling {
	struct slice parts[URL_PARTS];
};

/* As it is, and with the scheme's default port added or taken away; returns how many there are. */
static size_t
spellings(struct slice url, struct spelling ret[2])
{
	bool tls = slice_starts(url, S("https://"));
	struct slice port = tls ? S(":443") : S(":80"), rest, authority;
	size_t at = tls ? 8 : 7, end;

	ret[0] = (struct spelling){ { url } };
	if (!tls && !slice_starts(url, S("http://")))
		return 1;
	for (end = at; end < url.n && memchr("/?#", url.p[end], 3) == NULL; end++)
		continue;
	authority = slice_head(url, end);
	rest = slice_from(url, end);
	if (slice_ends(authority, port))
		ret[1] = (struct spelling){ { slice_head(authority, authority.n - port.n), rest } };
	else if (slice_find(slice_from(authority, at), ':') == SIZE_MAX)
		ret[1] = (struct spelling){ { authority, port, rest } };
	else
		return 1;
	return 2;
}

/* With bodySHA256 in the URL: true when the body has that hash. */
static bool
body_hash_ok(struct slice want, struct slice body)
{
	uint8_t hash[32], sent[32];

	return text_unhex(want, sent, sizeof(sent)) == 32 && crypto_sha256(&body, 1, hash) &&
	       memcmp(hash, sent, 32) == 0;
}

/* Names and values behind the URL; equal pairs count once. */
static size_t
add_params(const struct params *form, struct slice *parts)
{
	size_t n = 0;

	check(form->n <= LIMIT_HOOK_PARAMS); /* callers have room for two parts of each */
	for (size_t i = 0; i < form->n; i++) {
		const struct hook_field *f = &form->pairs[i], *last = i > 0 ? f - 1 : NULL;

		if (last != NULL && slice_eq(last->name, f->name) &&
		    slice_eq(last->value, f->value))
			continue;
		parts[n++] = f->name;
		parts[n++] = f->value;
	}
	return n;
}

/* What is signed: the form's parameters, or none where the URL has the body's hash. */
static bool
read_form(const struct hook_request *req, struct params *ret, struct sign_verdict *v)
{
	struct slice query = req->url, hash;

	slice_cut(&query, '?');
	hash = hook_form_get(query, "bodySHA256");
	if (hash.p != NULL && !body_hash_ok(hash, req->body)) {
		sign_say(v, SIGN_BODY_ALTERED,
		    "The body does not have the hash that the URL carries: something altered it on "
		    "its way.");
		return false;
	}
	if (!params_read(ret, hash.p != NULL ? S("") : req->body, false)) {
		sign_settle(v, SIGN_TOO_BIG);
		return false;
	}
	return true;
}

/* SHA-1, as Twilio gives no choice; an HMAC does not fall with collisions of its hash. */
bool
sign_twilio_ok(const struct sign_params *p, const struct hook_request *req, struct sign_verdict *v)
{
	struct slice value = hook_header(req, S("X-Twilio-Signature")),
		     parts[URL_PARTS + 2 * LIMIT_HOOK_PARAMS];
	uint8_t sent[20], mac[HMAC_BYTES_MAX];
	struct spelling urls[2];
	struct params form;
	size_t n, n_urls = spellings(req->url, urls);

	if (value.p == NULL)
		return sign_settle(v, SIGN_MISSING);
	if (text_unbase64(value, false, true, sent, sizeof(sent)) != 20)
		return sign_settle(v, SIGN_MALFORMED);
	if (!read_form(req, &form, v))
		return false;
	n = URL_PARTS + add_params(&form, parts + URL_PARTS);
	check(n <= sizeof(parts) / sizeof(*parts));
	sign_settle(v, SIGN_WRONG);
	for (size_t i = 0; i < sign_n_secrets(p) && v->reason != SIGN_OK; i++) {
		for (size_t u = 0; u < n_urls && v->reason != SIGN_OK; u++) {
			memcpy(parts, urls[u].parts, sizeof(urls[u].parts));
			if (!hmac(HMAC_SHA1, p->secrets[i], parts, n, mac) ||
			    !crypto_same(slice_of(mac, 20), slice_of(sent, 20)))
				continue;
			v->secret = (uint8_t)i;
			sign_settle(v, SIGN_OK);
		}
	}
	params_fini(&form);
	if (v->reason == SIGN_WRONG)
		sign_say(v, SIGN_WRONG,
		    "The signature does not match: the auth token is another one, or "
		    "Twilio does not call the tunnel's public URL (scheme, host, path and "
		    "query are signed).");
	return v->reason == SIGN_OK;
}

bool
sign_twilio_make(const struct sign_params *p, const struct hook_request *req, struct sign_writer *w)
{
	struct slice parts[1 + 2 * LIMIT_HOOK_PARAMS];
	uint8_t mac[HMAC_BYTES_MAX];
	struct sign_verdict v;
	struct params form;
	bool ok;

	if (req->url.n == 0 || !read_form(req, &form, &v))
		return false;
	parts[0] = req->url;
	ok = hmac(HMAC_SHA1, p->secrets[0], parts, 1 + add_params(&form, parts + 1), mac);
	params_fini(&form);
	sign_put_coded(w, SIGN_BASE64, mac, 20);
	sign_field(w, S("X-Twilio-Signature"), 0);
	return ok;
}
