/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/handshake.h"

#include "fixture.h"
#include "unit.h"

static struct slice
body_of(const struct handshake *h)
{
	return slice_of(h->body, h->body_n);
}

/* Verifies req with that scheme and secret and asks for a handshake. */
static enum handshake_result
shake(const char *scheme, struct slice secret, const struct hook_request *req,
    struct handshake *ret)
{
	struct sign_params p = {
		.scheme = sign_find(slice_str(scheme)), .secrets = &secret, .n_secrets = 1
	};
	struct sign_verdict v;
	bool ok = hook_verify(&p, req, &v);

	EXPECT(ok == (v.reason == SIGN_OK));
	return handshake_read(req, &p, &v, ret);
}

/* A signed request of that body. */
static enum handshake_result
shake_signed(const char *scheme, const char *body, struct handshake *ret)
{
	struct slice secret = S("correct-horse-battery");
	struct sign_params p = {
		.scheme = sign_find(slice_str(scheme)), .secrets = &secret, .n_secrets = 1
	};
	struct hook_request req = {
		.method = S("POST"), .body = slice_str(body), .now_ms = 1790000000000
	};
	struct sign_output out;

	EXPECT(hook_sign(&p, &req, S("m"), &out));
	req.fields = out.fields;
	req.n_fields = out.n_fields;
	return shake(scheme, secret, &req, ret);
}

TEST(slack)
{
	struct handshake h;
	struct fixture f;

	EXPECT(fixture_load(&f, FIXTURES "/webhooks", "slack_url_verification"));
	EXPECT_INT(shake("slack", S("slack-staple-4711"), &f.req, &h), HANDSHAKE_ANSWER);
	EXPECT_INT(h.status, 200);
	EXPECT_SLICE(body_of(&h), S("dig-where-you-stand-4711"));
	/* Unsigned, nothing comes back. */
	EXPECT_INT(shake("slack", S("another secret"), &f.req, &h), HANDSHAKE_NONE);
	EXPECT_INT(h.body_n, 0);
	fixture_unload(&f);
	EXPECT(fixture_load(&f, FIXTURES "/webhooks", "slack_event"));
	EXPECT_INT(shake("slack", S("slack-staple-4711"), &f.req, &h), HANDSHAKE_NONE);
	fixture_unload(&f);
}

/* What is echoed can be neither markup nor long nor a second header. */
TEST(challenges_are_plain)
{
	static const char *const bad[] = { "<script>", "a b", "a\\nb", "a\\u000d\\u000ab", "",
		"\\u00e9", "a\\\"b", "a&b" };
	char body[2000], longest[600];
	struct handshake h;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(body, sizeof(body), "{\"type\":\"url_verification\",\"challenge\":\"%s\"}",
		    bad[i]);
		EXPECT_INT(shake_signed("slack", body, &h), HANDSHAKE_NONE);
		snprintf(body, sizeof(body),
		    "{\"event\":\"endpoint.url_validation\",\"payload\":{\"plainToken\":\"%s\"}}",
		    bad[i]);
		EXPECT_INT(shake_signed("zoom", body, &h), HANDSHAKE_NONE);
	}
	memset(longest, 'a', sizeof(longest));
	snprintf(body, sizeof(body), "{\"type\":\"url_verification\",\"challenge\":\"%.512s\"}",
	    longest);
	EXPECT_INT(shake_signed("slack", body, &h), HANDSHAKE_NONE);
	snprintf(body, sizeof(body), "{\"type\":\"url_verification\",\"challenge\":\"%.511s\"}",
	    longest);
	EXPECT_INT(shake_signed("slack", body, &h), HANDSHAKE_ANSWER);
	EXPECT_INT(h.body_n, 511);
	snprintf(body, sizeof(body),
	    "{\"event\":\"endpoint.url_validation\",\"payload\":{\"plainToken\":\"%.511s\"}}",
	    longest);
	EXPECT_INT(shake_signed("zoom", body, &h), HANDSHAKE_ANSWER);
	EXPECT(h.body_n > 511 && h.body_n < sizeof(h.body));
}

TEST(zoom)
{
	struct handshake h;

	EXPECT_INT(shake_signed("zoom",
		       "{\"event\":\"endpoint.url_validation\",\"payload\":{\"plainToken\":"
		       "\"qgg8vlvZRS6UYooatFL8Aw\"}}",
		       &h),
	    HANDSHAKE_ANSWER);
	EXPECT_SLICE(body_of(&h),
	    S("{\"plainToken\":\"qgg8vlvZRS6UYooatFL8Aw\",\"encryptedToken\":"
	      "\"3f4b2e4968436d78db8b89f333079f7d56326812b09e3e4e2e4f80922bb515bd\"}"));
	EXPECT_INT(shake_signed("zoom", "{\"event\":\"meeting.started\"}", &h), HANDSHAKE_NONE);
}

TEST(meta)
{
	struct slice secrets[] = { S("app secret"), S("verify token") };
	struct sign_params p = {
		.scheme = sign_find(S("meta")), .secrets = secrets, .n_secrets = 2
	};
	struct hook_request req = { .method = S("GET"),
		.query = S(
		    "hub.mode=subscribe&hub.verify_token=verify+token&hub.challenge=1158201444") };
	struct sign_verdict v;
	struct handshake h;

	EXPECT(!hook_verify(&p, &req, &v));
	EXPECT_INT(handshake_read(&req, &p, &v, &h), HANDSHAKE_ANSWER);
	EXPECT_INT(h.status, 200);
	EXPECT_SLICE(body_of(&h), S("1158201444"));
	req.query = S("hub.mode=subscribe&hub.verify_token=verify&hub.challenge=1158201444");
	EXPECT_INT(handshake_read(&req, &p, &v, &h), HANDSHAKE_ANSWER);
	EXPECT_INT(h.status, 403);
	EXPECT(memmem(h.body, h.body_n, "1158201444", 10) == NULL);
	req.query = S("hub.mode=subscribe&hub.verify_token=&hub.challenge=1");
	EXPECT_INT(handshake_read(&req, &p, &v, &h), HANDSHAKE_ANSWER);
	EXPECT_INT(h.status, 403);
	req.query =
	    S("hub.mode=subscribe&hub.verify_token=verify+token&hub.challenge=%3Cscript%3E");
	EXPECT_INT(handshake_read(&req, &p, &v, &h), HANDSHAKE_ANSWER);
	EXPECT_INT(h.status, 403);
	req.query = S("hub.challenge=1");
	EXPECT_INT(handshake_read(&req, &p, &v, &h), HANDSHAKE_NONE);
	req.method = S("POST");
	EXPECT_INT(handshake_read(&req, &p, &v, &h), HANDSHAKE_NONE);
}

TEST(pings)
{
	struct handshake h;
	struct fixture f;

	EXPECT(fixture_load(&f, FIXTURES "/webhooks", "bitbucket_dc_ping"));
	EXPECT_INT(shake("bitbucket", S("x"), &f.req, &h), HANDSHAKE_ANSWER);
	EXPECT_SLICE(slice_str(h.name), S("bitbucket-dc-ping"));
	EXPECT_INT(handshake_read(&f.req, NULL, NULL, &h), HANDSHAKE_NONE);
	/* To another scheme it is an unsigned request. */
	EXPECT_INT(shake("github", S("x"), &f.req, &h), HANDSHAKE_NONE);
	fixture_unload(&f);
	/* GitHub's ping is signed and goes on. */
	EXPECT(fixture_load(&f, FIXTURES "/webhooks", "github_ping"));
	EXPECT_INT(shake("github", S("octo-staple-4711"), &f.req, &h), HANDSHAKE_NONE);
	fixture_unload(&f);
}

/* --- the request itself --- */

TEST(forms)
{
	struct slice form = S("a=1&&b=%41+c&d&=e&f=%zz%4"), n, v;
	char text[16];

	EXPECT(hook_form_next(&form, &n, &v) && slice_eq(n, S("a")) && slice_eq(v, S("1")));
	EXPECT(hook_form_next(&form, &n, &v) && slice_eq(n, S("b")));
	EXPECT_INT(hook_form_decode(v, text, sizeof(text)), 3);
	EXPECT(memcmp(text, "A c", 3) == 0);
	EXPECT_INT(hook_form_decode(v, text, 2), -1);
	EXPECT(hook_form_next(&form, &n, &v) && slice_eq(n, S("d")) && slice_eq(v, S("")));
	EXPECT(hook_form_next(&form, &n, &v) && slice_eq(n, S("")) && slice_eq(v, S("e")));
	EXPECT(hook_form_next(&form, &n, &v));
	EXPECT_INT(hook_form_decode(v, text, sizeof(text)), 5);
	EXPECT(memcmp(text, "%zz%4", 5) == 0);
	EXPECT(!hook_form_next(&form, &n, &v));
	EXPECT(hook_form_get(S("a=1&b=2"), "c").p == NULL);
	EXPECT_SLICE(hook_form_get(S("a=1&b=2"), "b"), S("2"));
}

TEST(types)
{
	const struct hook_field f = { S("content-type"), S("Application/JSON ; charset=utf-8") };
	struct hook_request req = { .fields = &f, .n_fields = 1 };

	EXPECT(hook_is_type(&req, S("application/json")));
	EXPECT(!hook_is_type(&req, S("application/x-www-form-urlencoded")));
	req.n_fields = 0;
	EXPECT(!hook_is_type(&req, S("application/json")));
}

TESTS(TEST_ROW(slack) TEST_ROW(challenges_are_plain) TEST_ROW(zoom) TEST_ROW(meta) TEST_ROW(pings)
	TEST_ROW(forms) TEST_ROW(types))
