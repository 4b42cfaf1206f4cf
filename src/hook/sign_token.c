/* SPDX-License-Identifier: Apache-2.0 */
/* The two schemes whose secret is sent itself: a token in a header field, and Basic. */
#include "hook/sign_private.h"

#include "base/text.h"

/*
 * The secret in a header, as GitLab's classic webhooks send it. It protects nothing but itself:
 * the body is not covered.
 */
bool
sign_token_ok(const struct sign_params *p, const struct hook_request *req, struct sign_verdict *v)
{
	const char *header = p->scheme->form->places[0].header;
	struct slice value = hook_header(req, slice_str(header));

	check(p->scheme->kind == SIGN_KIND_TOKEN && header != NULL);
	if (value.n == 0) {
		sign_say(v, SIGN_MISSING,
		    "The request has no %s field. Set the same token at the sender and at "
		    "the tunnel.",
		    header);
		return false;
	}
	for (size_t i = 0; i < sign_n_secrets(p); i++) {
		if (p->secrets[i].n == 0 || !crypto_same(value, p->secrets[i]))
			continue;
		v->secret = (uint8_t)i;
		return sign_settle(v, SIGN_OK);
	}
	sign_say(v, SIGN_WRONG, "The token in the %s field is not the tunnel's.", header);
	return false;
}

/*
 * RFC 7617. Compared whole, "user:password", so that a wrong user takes as long as
 * a wrong password.
 */
bool
sign_basic_ok(const struct sign_params *p, const struct hook_request *req, struct sign_verdict *v)
{
	struct slice value = hook_header(req, S("Authorization")), word = slice_cut(&value, ' ');
	uint8_t plain[1024];
	ptrdiff_t n;

	check(p->scheme->kind == SIGN_KIND_BASIC);
	if (word.p == NULL) {
		sign_say(v, SIGN_MISSING,
		    "The request has no Authorization field. Set user name and password at the "
		    "sender.");
		return false;
	}
	n = slice_ieq(word, S("Basic"))
		? text_unbase64(slice_trim(value), false, true, plain, sizeof(plain))
		: -1;
	if (n < 0) {
		sign_say(v, SIGN_MALFORMED, "The Authorization field is not of the Basic kind.");
		return false;
	}
	for (size_t i = 0; i < sign_n_secrets(p); i++) {
		if (p->secrets[i].n == 0 || !crypto_same(slice_of(plain, (size_t)n), p->secrets[i]))
			continue;
		v->secret = (uint8_t)i;
		return sign_settle(v, SIGN_OK);
	}
	sign_say(v, SIGN_WRONG, "User name or password are not the tunnel's.");
	return false;
}
