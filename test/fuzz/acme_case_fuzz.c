/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A case and what a CA answers it: parts of one byte of choices, a length in two bytes, and text.
 * The first byte of all says which case. Held to:
 *
 *	- nothing of a CA reaches a check()
 *	- every case comes to an end, or has been asked for more than there is input
 *	- requests are signed JSON for an https URL; what is shown has no way out of its path
 *	- the text that is stored is read, and written again the same
 *	- a certificate that is ready is of the stored key and the names
 */
#include "acme/acme.h"
#include "acme/cadoc.h"
#include "acme/eckey.h"
#include "fuzz/must.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

#define NOW 1796000000

/* Of an answer; without PLAIN the text is the whole body and the fields have what a CA would send. */
enum choice {
	ERROR = 1,
	BUSY = 2,
	LOST = 4,
	LINK = 8,
	LATER = 16,
	LOCATION = 32,
	RELOAD = 64,
	BROKEN = 128
};

static const char directory[] = "{\"newNonce\":\"https://ca/n\",\"newAccount\":\"https://ca/"
				"a\",\"newOrder\":\"https://ca/o\",\"revokeCert\":\"https://ca/r\","
				"\"keyChange\":\"https://ca/k\",\"renewalInfo\":\"https://ca/i\"}";

/* One key for all inputs (RFC 7515 A.3.1), so that one of them can hold a certificate for it. */
#define KEY                                                                                        \
	"\"-----BEGIN PRIVATE KEY-----\\n"                                                         \
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff\\n"                      \
	"H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\\n"                      \
	"7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\\n"                              \
	"-----END PRIVATE KEY-----\\n\""

static struct ca *
make_ca(void)
{
	const struct ca_options o = { .directory = "https://ca/d",
		.agree_to_terms = true,
		.email = "a@b.example",
		.eab_key_id = "k",
		.eab_hmac = S("secret") };
	const char *why;
	struct ca *ca =
	    ca_new(&o, S("{\"v\":1,\"directory\":\"https://ca/d\",\"key\":" KEY "}"), &why);

	MUST(ca != NULL);
	return ca;
}

static struct acme *
make_case(struct ca *ca, unsigned which)
{
	switch (which % 6) {
	case 0:
		return acme_register(ca);
	case 1:
		return acme_revoke(ca, S("certificate"), 1, S(""));
	case 2:
		return acme_deactivate(ca, "https://ca/z/1");
	case 3:
		return acme_ask_renewal(ca, "a.b");
	default:
		return acme_load(ca, S("{\"v\":1,\"directory\":\"https://ca/d\",\"key\":" KEY
				       ",\"names\":[{\"name\":\"example.org\",\"can\":15},"
				       "{\"name\":\"*.example.org\",\"can\":9},{\"name\":\"192.0.2."
				       "1\",\"can\":6}],\"replaces\":\"a.b\","
				       "\"profile\":\"p\",\"issuer\":\"R\"}"));
	}
}

static bool
is_issue(unsigned which)
{
	return which % 6 > 3;
}

/* Written, read, written: the same. */
static struct acme *
reload(struct ca *ca, struct acme *a)
{
	uint64_t v;
	char *x = acme_save(a, &v), *y;
	struct acme *b;

	MUST(x != NULL && (b = acme_load(ca, slice_str(x))) != NULL);
	y = acme_save(b, &v);
	/* An order of an account that has changed meanwhile is left behind. */
	MUST(strcmp(x, y) == 0 || strstr(x, "\"order\":") != NULL);
	free(x);
	free(y);
	acme_free(a);
	return b;
}

static void
store(struct ca *ca, struct acme *a, const struct acme_step *s)
{
	uint64_t v;

	if (s->store.ca) {
		free(ca_save(ca, &v));
		ca_stored(ca, v);
	}
	if (s->store.own) {
		free(acme_save(a, &v));
		acme_stored(a, v);
	}
}

static void
judge_request(const struct acme_request *r)
{
	MUST(slice_starts(slice_str(r->url), S("https://")));
	MUST((strcmp(r->method, "POST") == 0) == (r->body.n > 0));
	if (r->body.n > 0) {
		json_t *o = cadoc_read(r->body);

		MUST(o != NULL && cadoc_text(o, "signature").n == 86);
		json_decref(o);
	}
}

static void
judge_challenge(const struct challenge *c)
{
	MUST(strlen(c->where) > 0 && (c->kind == CHALLENGE_ALPN || strlen(c->text) > 0));
	MUST(strstr(c->where, "..") == NULL && strpbrk(c->where, " \r\n?#%") == NULL);
	MUST(strpbrk(c->text, "\r\n\"") == NULL);
}

static void
judge_ready(struct acme *a)
{
	struct acme_certificate c;
	char why[CHAIN_WHY_BYTES];
	struct chain_certs chain;
	struct ident id;
	EVP_PKEY *key;

	acme_certificate(a, &c);
	key = eckey_read(c.key);
	MUST(key != NULL && chain_read(c.chain, &chain));
	MUST(ident_read(S("*.example.org"), &id) == NULL &&
	     chain_judge(&chain, key, &id, 1, NOW, why));
	chain_fini(&chain);
	EVP_PKEY_free(key);
}

/* The next answer of the input; false at its end. */
static bool
next_answer(const uint8_t **data, size_t *n, const struct acme_request *r, struct acme_answer *ret,
    unsigned *ret_choice)
{
	size_t len;
	unsigned c;

	if (*n < 3)
		return false;
	c = (*data)[0];
	len = (size_t)(*data)[1] | (size_t)(*data)[2] << 8;
	*data += 3;
	*n -= 3;
	len = len < *n ? len : *n;
	*ret = (struct acme_answer){
		.status = 200, .body = slice_of(*data, len), .nonce = S("nonce-_1")
	};
	*data += len;
	*n -= len;
	if (!(c & BROKEN) && strcmp(r->url, "https://ca/d") == 0)
		ret->body = slice_str(directory);
	if (c & ERROR)
		ret->status = c & BUSY ? 503 : 400;
	else if (c & BUSY)
		ret->status = 429;
	else if (c & LOST)
		ret->status = c & LATER ? 404 : 0;
	if (c & LINK)
		ret->link = ret->body;
	if (c & LATER)
		ret->retry_after = slice_head(ret->body, 30);
	ret->location = c & LOCATION ? ret->body : S("https://ca/x/1");
	*ret_choice = c;
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	unsigned which = n > 0 ? data[0] : 0, choice = 0;
	struct ca *ca = make_ca();
	struct acme *a = make_case(ca, which);
	int64_t now_s = NOW;

	MUST(a != NULL);
	if (n > 0)
		data++, n--;
	for (int steps = 0; steps < 400; steps++) {
		struct acme_step s = acme_next(a, now_s);
		struct acme_answer ans;

		if (s.what == ACME_READY)
			judge_ready(a);
		if (s.what == ACME_FAILED)
			MUST(strlen(s.failure->text) > 0);
		if (s.what >= ACME_READY)
			break;
		if (s.what == ACME_STORE) {
			store(ca, a, &s);
		} else if (s.what == ACME_WAIT) {
			MUST(s.until_s > now_s);
			now_s = s.until_s;
		} else if (s.what == ACME_PUBLISH) {
			judge_challenge(s.challenge);
			if (choice & LINK)
				acme_unpublishable(a, "no");
			else
				acme_published(a);
		} else {
			judge_request(&s.request);
			if (!next_answer(&data, &n, &s.request, &ans, &choice))
				break;
			acme_answer(a, &ans, now_s);
			if (choice & RELOAD && is_issue(which))
				a = reload(ca, a);
		}
	}
	MUST(ERR_peek_error() == 0);
	acme_free(a);
	ca_free(ca);
	return 0;
}
