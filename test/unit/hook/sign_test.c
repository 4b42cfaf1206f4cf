/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/sign.h"

#include "fixture.h"
#include "hook/sign_private.h"
#include "unit.h"

#include <openssl/err.h>

#include <jansson.h>
#include <time.h>

/* --- vectors --- */

struct vector {
	struct hook_request req;
	struct sign_params params;
	struct hook_field fields[16];
	struct slice secrets[LIMIT_HOOK_SECRETS + 1];
};

static struct slice
text_of(json_t *v, const char *key)
{
	json_t *t = json_object_get(v, key);

	return t == NULL ? (struct slice){ NULL, 0 }
			 : slice_of(json_string_value(t), json_string_length(t));
}

/* Fills what both kinds of files have in common. */
static void
read_vector(json_t *v, struct vector *ret)
{
	const char *name;
	json_t *value;

	*ret = (struct vector){ 0 };
	json_object_foreach(json_object_get(v, "headers"), name, value) {
		ret->fields[ret->req.n_fields++] =
		    (struct hook_field){ slice_str(name), slice_str(json_string_value(value)) };
	}
	ret->req.fields = ret->fields;
	ret->req.method = text_of(v, "method");
	ret->req.body = text_of(v, "body");
	ret->req.url = text_of(v, "url");
	ret->req.path = text_of(v, "path");
	ret->req.query = text_of(v, "query");
	ret->req.now_ms = json_integer_value(json_object_get(v, "now")) * 1000;
	ret->params.secrets = ret->secrets;
}

static enum hmac_hash
algorithm_of(struct slice name)
{
	return slice_eq(name, S("sha1"))     ? HMAC_SHA1
	       : slice_eq(name, S("sha384")) ? HMAC_SHA384
	       : slice_eq(name, S("sha512")) ? HMAC_SHA512
					     : HMAC_SHA256;
}

static void
read_own(json_t *v, struct vector *ret)
{
	json_t *secrets = json_object_get(v, "secrets");

	read_vector(v, ret);
	ret->params.scheme = sign_find(text_of(v, "scheme"));
	for (size_t i = 0; i < json_array_size(secrets); i++) {
		json_t *s = json_array_get(secrets, i);

		ret->secrets[i] = slice_of(json_string_value(s), json_string_length(s));
	}
	ret->params.n_secrets = json_array_size(secrets);
	ret->params.tolerance_ms = json_integer_value(json_object_get(v, "tolerance_ms"));
	ret->params.allow_sha1 = json_is_true(json_object_get(v, "allow_sha1"));
	ret->params.base = text_of(v, "base");
	ret->params.header = text_of(v, "header");
	ret->params.prefix = text_of(v, "prefix");
	ret->params.encoding =
	    slice_eq(text_of(v, "encoding"), S("base64")) ? SIGN_BASE64 : SIGN_HEX;
	ret->params.algorithm = algorithm_of(text_of(v, "algorithm"));
	ret->req.now_ms += json_integer_value(json_object_get(v, "now_more")) * 1000;
}

static bool
is_reason(json_t *expect, const char *reason)
{
	if (json_is_string(expect))
		return strcmp(json_string_value(expect), reason) == 0;
	for (size_t i = 0; i < json_array_size(expect); i++) {
		if (is_reason(json_array_get(expect, i), reason))
			return true;
	}
	return false;
}

/* A sentence for the owner: short, printable, without a secret. */
static bool
text_ok(const struct sign_verdict *v, const struct sign_params *p)
{
	size_t n = strlen(v->text);

	if (n < 10 || n + 1 >= sizeof(v->text))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (v->text[i] < ' ' || v->text[i] > '~')
			return false;
	}
	for (size_t i = 0; i < p->n_secrets; i++) {
		if (p->secrets[i].n > 4 &&
		    memmem(v->text, n, p->secrets[i].p, p->secrets[i].n) != NULL)
			return false;
	}
	return true;
}

static void
run_own(json_t *v)
{
	const char *id = json_string_value(json_object_get(v, "id"));
	json_t *skew = json_object_get(v, "skew"), *why = json_object_get(v, "why");
	struct sign_verdict verdict;
	struct vector x;
	bool ok;

	read_own(v, &x);
	EXPECT(x.params.scheme != NULL);
	if (x.params.scheme == NULL)
		return;
	ok = hook_verify(&x.params, &x.req, &verdict);
	if (!is_reason(json_object_get(v, "expect"), sign_reason_name(verdict.reason))) {
		printf("%s: %s (%s)\n", id, sign_reason_name(verdict.reason), verdict.text);
		EXPECT(false && "the reason that was expected");
	}
	EXPECT(ok == (verdict.reason == SIGN_OK));
	if (!text_ok(&verdict, &x.params))
		printf("%s: %s\n", id, verdict.text);
	EXPECT(text_ok(&verdict, &x.params));
	if (skew != NULL)
		EXPECT_INT(verdict.skew_s, json_integer_value(skew));
	if (why != NULL) {
		sign_explain(&x.params, &x.req, &verdict);
		if (!is_reason(why, sign_reason_name(verdict.reason)))
			printf("%s: explained as %s\n", id, sign_reason_name(verdict.reason));
		EXPECT(is_reason(why, sign_reason_name(verdict.reason)));
		EXPECT(text_ok(&verdict, &x.params));
	}
}

TEST(s24_own_vectors)
{
	json_t *all = json_load_file(FIXTURES "/signatures.json", 0, NULL), *v;
	size_t i;

	EXPECT(json_array_size(json_object_get(all, "vectors")) > 200);
	json_array_foreach(json_object_get(all, "vectors"), i, v)
		run_own(v);
	json_decref(all);
}

/* --- the vectors beside the checkout, where they are --- */

static const struct {
	const char *provider, *scheme;
} providers[] = {
	{ "bitbucket-cloud", "bitbucket" },
	{ "bitbucket-dc", "bitbucket" },
	{ "bitbucket (receiver-accepted alt algorithms)", "bitbucket" },
	{ "github", "github" },
	{ "gitea/forgejo", "gitea" },
	{ "gitlab", "gitlab-token" },
	{ "gitlab (2026+)", "gitlab-signing" },
	{ "slack", "slack" },
	{ "stripe", "stripe" },
	{ "standard-webhooks", "standard-webhooks" },
	{ "svix", "svix" },
	{ "shopify", "shopify" },
	{ "generic", "hmac" },
	{ "twilio", "twilio" },
	{ "sendgrid", "sendgrid" },
	{ "atlassian-connect", "atlassian-connect" },
	{ "azure-devops", "azure-devops" },
};

static const struct sign_scheme *
scheme_of(struct slice provider)
{
	for (size_t i = 0; i < sizeof(providers) / sizeof(*providers); i++) {
		if (slice_eq(slice_str(providers[i].provider), provider))
			return sign_find(slice_str(providers[i].scheme));
	}
	return NULL;
}

/* Relative URLs of Atlassian Connect: path and query. */
static void
split_url(struct hook_request *req)
{
	struct slice rest = req->url;

	req->path = slice_cut(&rest, '?');
	req->query = rest;
}

static bool
expected(struct slice expect, const struct sign_verdict *v)
{
	if (slice_starts(expect, S("valid")))
		return v->reason == SIGN_OK;
	if (slice_eq(expect, S("missing")))
		return v->reason == SIGN_MISSING;
	if (slice_eq(expect, S("stale")))
		return v->reason == SIGN_SKEW;
	return slice_eq(expect, S("invalid")) &&
	       (v->reason == SIGN_WRONG || v->reason == SIGN_MALFORMED);
}

static bool
run_qsh(struct vector *x, struct slice want)
{
	char qsh[65];

	split_url(&x->req);
	return sign_qsh(&x->req, S(""), qsh) && slice_eq(slice_str(qsh), want);
}

/* 1: passed, 0: failed, -1: there is nothing to verify in it. */
static int
run_shared(json_t *v)
{
	struct slice file = text_of(v, "body_file"), body = { NULL, 0 },
		     expect = text_of(v, "expect");
	struct sign_verdict verdict;
	struct vector x;
	bool passed;

	read_vector(v, &x);
	x.params.scheme = scheme_of(text_of(v, "provider"));
	if (x.params.scheme == NULL)
		return -1;
	if (slice_eq(expect, S("qsh")))
		return run_qsh(&x, text_of(v, "qsh"));
	x.params.allow_sha1 = slice_starts(expect, S("valid-"));
	x.params.header = S("X-Signature");
	x.secrets[0] =
	    text_of(v, "secret").p != NULL ? text_of(v, "secret") : text_of(v, "public_key");
	x.params.n_secrets = 1;
	if (slice_eq(slice_str(x.params.scheme->name), S("atlassian-connect")))
		split_url(&x.req);
	if (file.p != NULL)
		body = x.req.body = fixture_bytes(SHARED, file.p);
	passed = hook_verify(&x.params, &x.req, &verdict) == slice_starts(expect, S("valid")) &&
		 expected(expect, &verdict);
	if (!passed)
		printf("%s: %s (%s)\n", json_string_value(json_object_get(v, "id")),
		    sign_reason_name(verdict.reason), verdict.text);
	/* The legacy algorithm only where it is allowed. */
	if (x.params.allow_sha1) {
		x.params.allow_sha1 = false;
		if (hook_verify(&x.params, &x.req, &verdict))
			passed = passed && memmem(json_string_value(json_object_get(v, "id")), 8,
					       "sha1", 4) == NULL;
	}
	fixture_free(body);
	return passed;
}

TEST(shared_vectors)
{
	json_t *all = json_load_file(SHARED "/signatures.json", 0, NULL), *v;
	int passed = 0, nothing = 0;
	size_t i;

	if (all == NULL) {
		printf("note: no %s beside the checkout, its vectors are skipped\n", SHARED);
		return;
	}
	json_array_foreach(json_object_get(all, "vectors"), i, v) {
		int r = run_shared(v);

		passed += r > 0;
		nothing += r < 0;
		EXPECT(r != 0);
	}
	printf("note: %d vectors passed, %d have no signature that could be verified offline\n",
	    passed, nothing);
	EXPECT_INT(passed + nothing, json_array_size(json_object_get(all, "vectors")));
	EXPECT_INT(nothing, 2); /* PayPal wants a certificate fetched, Docker Hub signs nothing */
	json_decref(all);
}

/* --- signing --- */

static struct slice
usable_secret(const struct sign_scheme *s)
{
	if (slice_ends(slice_str(s->name), S("signing")) ||
	    strcmp(s->name, "standard-webhooks") == 0 || strcmp(s->name, "svix") == 0)
		return S("whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=");
	return strcmp(s->name, "azure-devops") == 0 ? S("miner:lamp") : S("correct-horse-battery");
}

/* What is signed is verified, and not with another body, secret or time. */
TEST(every_scheme_verifies_what_it_signs)
{
	int n = 0;

	for (size_t i = 0; i < sign_schemes_n; i++) {
		const struct sign_scheme *s = &sign_schemes[i];
		struct slice secret = usable_secret(s), other = S("another-horse-battery-staple");
		struct sign_params p = { .scheme = s,
			.secrets = &secret,
			.n_secrets = 1,
			.header = S("X-Mine"),
			.prefix = S("v=") };
		struct hook_request req = { .method = S("POST"),
			.path = S("/x"),
			.query = S("b=1&a=2"),
			.url = S("https://x.example.org/x?b=1&a=2"),
			.body = S("a=1&b=2"),
			.now_ms = 1790000000123 };
		struct sign_output out;
		struct sign_verdict v;

		if (!s->can_sign) {
			EXPECT(!hook_sign(&p, &req, S("msg_1"), &out));
			continue;
		}
		EXPECT(hook_sign(&p, &req, S("msg_1"), &out));
		req.fields = out.fields;
		req.n_fields = out.n_fields;
		EXPECT(hook_verify(&p, &req, &v));
		if (v.reason != SIGN_OK)
			printf("%s: %s\n", s->name, v.text);
		p.secrets = &other;
		EXPECT(!hook_verify(&p, &req, &v));
		p.secrets = &secret;
		if (s->kind == SIGN_KIND_MAC || s->kind == SIGN_KIND_TWILIO) {
			req.body = S("a=1&b=3");
			EXPECT(!hook_verify(&p, &req, &v));
			EXPECT_INT(v.reason, SIGN_WRONG);
			req.body = S("a=1&b=2");
		}
		if (s->tolerance_s > 0) {
			req.now_ms += 1000000;
			EXPECT(!hook_verify(&p, &req, &v));
			EXPECT(v.reason == SIGN_SKEW || v.reason == SIGN_EXPIRED);
		}
		n++;
	}
	EXPECT_INT(n, sign_schemes_n - 1); /* SendGrid's key is public */
}

/* What waited too long is signed anew, with the first secret, and only what was signed. */
TEST(s24_stale_signatures_are_made_anew)
{
	int n = 0;

	for (size_t i = 0; i < sign_schemes_n; i++) {
		const struct sign_scheme *s = &sign_schemes[i];
		struct slice first = usable_secret(s),
			     second = slice_starts(first, S("whsec_"))
					  ? S("whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=")
					  : S("the-secret-of-last-year"),
			     both[] = { first, second };
		struct sign_params old = { .scheme = s, .secrets = &second, .n_secrets = 1 },
				   p = { .scheme = s, .secrets = both, .n_secrets = 2 },
				   now_only = { .scheme = s, .secrets = &first, .n_secrets = 1 };
		struct hook_request req = { .method = S("POST"),
			.path = S("/x"),
			.body = S("{\"a\": 1}"),
			.now_ms = 1790000000123 };
		struct sign_output was, made;
		struct sign_verdict v;

		if (s->kind != SIGN_KIND_MAC || s->tolerance_s == 0) {
			EXPECT(sign_again_fault(&p) != NULL);
			continue;
		}
		n++;
		EXPECT(sign_again_fault(&p) == NULL);
		EXPECT(hook_sign(&old, &req, S("msg_1"), &was));
		req.fields = was.fields;
		req.n_fields = was.n_fields;
		req.now_ms += s->tolerance_s * 1000 / 2;
		EXPECT(!hook_sign_again(&p, &req, &made)); /* good as it is */
		req.now_ms += 2000;
		EXPECT(hook_sign_again(&p, &req, &made));
		req.now_ms += 3 * 86400000LL;
		EXPECT(hook_sign_again(&p, &req, &made));
		EXPECT(!hook_sign_again(&now_only, &req, &made)); /* not signed by the sender */
		req.body = S("{\"a\": 2}");
		EXPECT(!hook_sign_again(&p, &req, &made));
		req.body = S("{\"a\": 1}");
		EXPECT(hook_sign_again(&p, &req, &made));
		EXPECT_INT(made.n_fields, was.n_fields);
		for (size_t k = 0; k < made.n_fields && k < was.n_fields; k++)
			EXPECT_SLICE(made.fields[k].name, was.fields[k].name);
		req.fields = made.fields;
		req.n_fields = made.n_fields;
		EXPECT(hook_verify(&now_only, &req, &v));
		EXPECT(!hook_sign_again(&p, &req, &made)); /* it is fresh now */
		req.n_fields = 0;
		EXPECT(!hook_sign_again(&p, &req, &made));
	}
	EXPECT_INT(n, 7);
}

TEST(who_cannot_sign_anew)
{
	static const struct {
		const char *scheme, *secret, *why;
	} rows[] = {
		{ "bitbucket", "x", "signs no time" },
		{ "twilio", "x", "signs no time" },
		{ "sendgrid", "x", "only the sender" },
		{ "atlassian-connect", "x", "Atlassian Connect" },
		{ "standard-webhooks",
		    "whpk_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=", "public key (v1a)" },
		{ "svix", "?", "form" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct slice secret = slice_str(rows[i].secret);
		struct sign_params p = { .scheme = sign_find(slice_str(rows[i].scheme)),
			.secrets = &secret,
			.n_secrets = 1 };
		const char *why = sign_again_fault(&p);

		EXPECT(why != NULL && strstr(why, rows[i].why) != NULL);
	}
}

/* The pair of keys of the vector "standard-v1a-by-private-key" and its public half. */
TEST(ed25519_signs)
{
	json_t *all = json_load_file(FIXTURES "/signatures.json", 0, NULL), *v;
	struct slice pair = { NULL, 0 }, public = { NULL, 0 };
	size_t i;

	json_array_foreach(json_object_get(all, "vectors"), i, v) {
		json_t *secret = json_array_get(json_object_get(v, "secrets"), 0);

		if (slice_starts(slice_str(json_string_value(secret)), S("whsk_")))
			pair = slice_str(json_string_value(secret));
		if (slice_starts(slice_str(json_string_value(secret)), S("whpk_")))
		public = slice_str(json_string_value(secret));
	}
	EXPECT(pair.n > 0 && public.n > 0);
	struct sign_params p = {
		.scheme = sign_find(S("standard-webhooks")), .secrets = &pair, .n_secrets = 1
	};
	struct hook_request req = { .body = S("{}"), .now_ms = 1790000000000 };
	struct sign_output out;
	struct sign_verdict verdict;

	EXPECT(hook_sign(&p, &req, S("msg_1"), &out));
	req.fields = out.fields;
	req.n_fields = out.n_fields;
	p.secrets = &public;
	EXPECT(hook_verify(&p, &req, &verdict));
	req.body = S("{ }");
	EXPECT(!hook_verify(&p, &req, &verdict));
	/* With the public half nobody can sign, nor without an id. */
	EXPECT(!hook_sign(&p, &req, S("msg_1"), &out));
	p.secrets = &pair;
	EXPECT(!hook_sign(&p, &req, S(""), &out));
	json_decref(all);
}

/* --- what must not pass --- */

static bool
verify_one(const char *scheme, const struct hook_field *fields, size_t n, struct sign_verdict *v)
{
	struct slice secret = S("correct-horse-battery");
	struct sign_params p = {
		.scheme = sign_find(slice_str(scheme)), .secrets = &secret, .n_secrets = 1
	};
	struct hook_request req = { .fields = fields, .n_fields = n, .body = S("{\"id\":1}") };

	return hook_verify(&p, &req, v);
}

TEST(two_signature_fields_are_refused)
{
	const struct hook_field fields[] = {
		{ S("X-Gitlab-Token"), S("correct-horse-battery") },
		{ S("x-gitlab-token"), S("void") },
	};
	struct sign_verdict v;

	EXPECT(verify_one("gitlab-token", fields, 1, &v));
	EXPECT(!verify_one("gitlab-token", fields, 2, &v));
	EXPECT_INT(v.reason, SIGN_MALFORMED);
}

/* S-24: an altered body or timestamp, a replay outside the tolerance. The vectors hold the rows;
 * here the raw bytes. */
TEST(s24_body_is_compared_byte_for_byte)
{
	struct slice secret = S("correct-horse-battery");
	struct sign_params p = {
		.scheme = sign_find(S("bitbucket")), .secrets = &secret, .n_secrets = 1
	};
	struct sign_verdict v;
	struct fixture f;

	EXPECT(fixture_load(&f, FIXTURES "/webhooks", "bitbucket_push_30k"));
	EXPECT(hook_verify(&p, &f.req, &v));
	for (size_t at = 0; at < f.body.n; at += 997) {
		char byte;

		memcpy(&byte, f.body.p + at, 1);
		byte ^= 1;
		/* slices are const; the memory is ours */
		memcpy((void *)(uintptr_t)(f.body.p + at), &byte, 1);
		EXPECT(!hook_verify(&p, &f.req, &v));
		EXPECT_INT(v.reason, SIGN_WRONG);
		byte ^= 1;
		memcpy((void *)(uintptr_t)(f.body.p + at), &byte, 1);
	}
	EXPECT(hook_verify(&p, &f.req, &v));
	f.req.body.n--;
	EXPECT(!hook_verify(&p, &f.req, &v));
	fixture_unload(&f);
}

TEST(ninth_secret_is_not_tried)
{
	struct slice secrets[LIMIT_HOOK_SECRETS + 1];
	struct sign_params p = { .scheme = sign_find(S("gitlab-token")), .secrets = secrets };
	const struct hook_field field = { S("X-Gitlab-Token"), S("good") };
	struct hook_request req = { .fields = &field, .n_fields = 1 };
	struct sign_verdict v;

	for (size_t i = 0; i <= LIMIT_HOOK_SECRETS; i++)
		secrets[i] = S("bad");
	secrets[LIMIT_HOOK_SECRETS - 1] = S("good");
	p.n_secrets = LIMIT_HOOK_SECRETS + 1;
	EXPECT(hook_verify(&p, &req, &v));
	EXPECT_INT(v.secret, LIMIT_HOOK_SECRETS - 1);
	secrets[LIMIT_HOOK_SECRETS - 1] = S("bad");
	secrets[LIMIT_HOOK_SECRETS] = S("good");
	EXPECT(!hook_verify(&p, &req, &v));
}

/* A failure must not leave anything in libcrypto's queue: SSL_get_error() of a connection would
 * read it. */
TEST(failures_leave_no_openssl_errors)
{
	const struct hook_field fields[] = {
		{ S("X-Twilio-Email-Event-Webhook-Signature"), S("AAAA") },
		{ S("X-Twilio-Email-Event-Webhook-Timestamp"), S("1790000000") },
	};
	struct slice keys[] = { S("AAAA"), S("whpk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
		S("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/"
		  "7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==") };
	struct sign_params p = {
		.scheme = sign_find(S("sendgrid")), .secrets = keys, .n_secrets = 3
	};
	struct hook_request req = { .fields = fields, .n_fields = 2, .body = S("x") };
	struct sign_verdict v;

	ERR_clear_error();
	EXPECT(!hook_verify(&p, &req, &v));
	EXPECT_INT(ERR_peek_error(), 0);
}

TEST(fixtures_verify)
{
	static const struct {
		const char *name, *scheme;
		struct slice secret;
	} rows[] = {
		{ "bitbucket_push", "bitbucket", S("correct-horse-battery") },
		{ "bitbucket_push_many", "bitbucket", S("correct-horse-battery") },
		{ "bitbucket_push_30k", "bitbucket", S("correct-horse-battery") },
		{ "bitbucket_push_delete", "bitbucket", S("correct-horse-battery") },
		{ "bitbucket_pullrequest", "bitbucket", S("correct-horse-battery") },
		{ "bitbucket_dc_push", "bitbucket", S("dc-staple-4711") },
		{ "github_push", "github", S("octo-staple-4711") },
		{ "github_ping", "github", S("octo-staple-4711") },
		{ "github_push_form", "github", S("octo-staple-4711") },
		{ "gitlab_push", "gitlab-token", S("glab-staple-4711") },
		{ "gitea_push", "gitea", S("tea-staple-4711") },
		{ "slack_event", "slack", S("slack-staple-4711") },
		{ "slack_url_verification", "slack", S("slack-staple-4711") },
		{ "stripe_event", "stripe", S("whsec_stripe_staple_4711") },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sign_params p = { .scheme = sign_find(slice_str(rows[i].scheme)),
			.secrets = &rows[i].secret,
			.n_secrets = 1 };
		struct sign_verdict v;
		struct fixture f;

		EXPECT(fixture_load(&f, FIXTURES "/webhooks", rows[i].name));
		EXPECT(hook_verify(&p, &f.req, &v));
		fixture_unload(&f);
	}
}

TEST(names_are_unique)
{
	for (size_t i = 0; i < sign_schemes_n; i++) {
		for (size_t k = 0; k < i; k++)
			EXPECT(strcmp(sign_schemes[i].name, sign_schemes[k].name) != 0);
	}
	EXPECT(sign_find(S("none")) == NULL);
	EXPECT(sign_find(S("")) == NULL);
}

/* Not a judgement, a figure: how long one verification takes. */
TEST(speed)
{
	struct slice secret = S("correct-horse-battery");
	struct sign_params p = {
		.scheme = sign_find(S("bitbucket")), .secrets = &secret, .n_secrets = 1
	};
	static const char *names[] = { "bitbucket_push_delete", "bitbucket_push_30k" };

	for (size_t i = 0; i < 2; i++) {
		struct timespec a, b;
		struct sign_verdict v;
		struct fixture f;
		int n = 2000, ok = 0;

		if (!fixture_load(&f, FIXTURES "/webhooks", names[i]))
			continue;
		clock_gettime(CLOCK_MONOTONIC, &a);
		for (int k = 0; k < n; k++)
			ok += hook_verify(&p, &f.req, &v);
		clock_gettime(CLOCK_MONOTONIC, &b);
		EXPECT_INT(ok, n);
		printf("note: %zu bytes verified in %.2f us\n", f.body.n,
		    ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / n /
			1000);
		fixture_unload(&f);
	}
}

TESTS(TEST_ROW(s24_own_vectors) TEST_ROW(shared_vectors)
	TEST_ROW(every_scheme_verifies_what_it_signs) TEST_ROW(s24_stale_signatures_are_made_anew)
	    TEST_ROW(who_cannot_sign_anew) TEST_ROW(ed25519_signs)
		TEST_ROW(two_signature_fields_are_refused)
		    TEST_ROW(s24_body_is_compared_byte_for_byte) TEST_ROW(ninth_secret_is_not_tried)
			TEST_ROW(failures_leave_no_openssl_errors) TEST_ROW(fixtures_verify)
			    TEST_ROW(names_are_unique) TEST_ROW(speed))
