/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/text.h"
#include "hook/policy.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define SECOND 1000000LL

static struct sockaddr_storage
from(const char *text)
{
	struct sockaddr_storage ss = { 0 };
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&ss;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)&ss;

	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
		ss.ss_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1)
		ss.ss_family = AF_INET6;
	return ss;
}

static struct policy *
make(const char *json)
{
	char why[200] = "";
	struct policy *p = policy_new(slice_str(json), why, sizeof(why));

	if (p == NULL)
		printf("%s\n", why);
	EXPECT(p != NULL);
	return p;
}

static enum policy_verdict
judge(struct policy *p, const char *address, const char *method, const char *path)
{
	struct sockaddr_storage ss = from(address);

	return policy_judge(p, &ss, slice_str(method), slice_str(path), (struct slice){ 0 },
	    SECOND);
}

TEST(an_empty_policy_allows_everything)
{
	struct policy *p = make("{}");

	EXPECT_INT(judge(p, "192.0.2.1", "ANY", "/%2e%2e//x"), POLICY_ALLOW);
	EXPECT_INT(p->mode, PRESET_PASS);
	policy_unref(p);
}

TEST(methods_for_allow)
{
	static const struct {
		const char *json, *want;
	} rows[] = {
		{ "{}", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS" },
		{ "{\"methods\":[\"PUT\",\"GET\"]}", "PUT, GET" },
		{ "{\"preset\":\"jenkins-github\"}", "POST" },
		{ "{\"mode\":\"store\"}", "POST, PUT, PATCH, DELETE" },
		{ "{\"preset\":\"jenkins-github\",\"methods\":[\"GET\",\"POST\"]}", "POST" },
		{ "{\"preset\":\"jenkins-github\",\"paths\":[\"/\"],\"methods\":[\"GET\"]}",
		    "GET" },
		{ "{\"preset\":\"atlassian-connect\"}", "GET, POST" },
	};
	char text[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct policy *p = make(rows[i].json);

		EXPECT_SLICE(slice_of(text, policy_methods(p, text, sizeof(text))),
		    slice_str(rows[i].want));
		EXPECT(policy_methods(p, text, 3) <= 3);
		policy_unref(p);
	}
}

TEST(faults_name_their_member)
{
	static const struct {
		const char *json, *why;
	} rows[] = {
		{ "[]", "JSON" },
		{ "{", "JSON" },
		{ "{\"alow\":[]}", "alow" },
		{ "{\"allow\":[\"10.0.0.1/8\"]}", "allow" },
		{ "{\"allow\":\"10.0.0.0/8\"}", "allow" },
		{ "{\"mode\":\"later\"}", "mode" },
		{ "{\"preset\":\"jenkinz\"}", "preset" },
		{ "{\"scheme\":\"bitbucket\"}", "scheme" },
		{ "{\"secrets\":[\"x\"]}", "secrets" },
		{ "{\"scheme\":\"bitbucket\",\"secrets\":[\"\"]}", "secrets" },
		{ "{\"scheme\":\"bitbucket\",\"secrets\":[\"x\"]}", "needs mode store or relay" },
		{ "{\"mode\":\"pass\",\"preset\":\"jenkins-bitbucket\",\"secrets\":[\"x\"]}",
		    "secrets" },
		{ "{\"deliver\":{\"concurrency\":0}}", "concurrency" },
		{ "{\"scheme\":\"hmac\",\"secrets\":[\"x\"]}", "hmac" },
		{ "{\"methods\":[\"GET POST\"]}", "methods" },
		{ "{\"paths\":[\"hook\"]}", "paths" },
		{ "{\"users\":[\"bob:secret\"]}", "users" },
		{ "{\"users\":[\":$2y$05$x\"]}", "users" },
		{ "{\"rate\":-1}", "rate" },
		{ "{\"body_max\":\"1\"}", "body_max" },
		{ "{\"request_headers\":{\"set\":{\"A b\":\"x\"}}}", "request_headers" },
		{ "{\"request_headers\":{\"set\":{\"A\":\"x\\r\\nB: y\"}}}", "request_headers" },
		{ "{\"response_headers\":{\"drop\":[]}}", "response_headers" },
		{ "{\"deliver\":{\"order\":1}}", "deliver" },
		{ "{\"coalesce\":true}", "coalesce: needs mode store or relay" },
		{ "{\"mode\":\"store\",\"coalesce\":1}", "coalesce: must be true or false" },
		{ "{\"mode\":\"store\",\"resign\":true}", "resign: needs a scheme" },
		{ "{\"mode\":\"store\",\"scheme\":\"github\",\"secrets\":[\"x\"],\"resign\":true}",
		    "resign: this scheme signs no time" },
		{ "{\"mode\":\"store\",\"scheme\":\"standard-webhooks\",\"secrets\":"
		  "[\"whpk_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\"],\"resign\":true}",
		    "resign: the first secret cannot sign" },
		{ "{\"fan_out\":[\"eu\"]}", "fan_out: needs mode store or relay" },
		{ "{\"mode\":\"store\",\"fan_out\":\"eu\"}", "fan_out" },
		{ "{\"mode\":\"store\",\"fan_out\":[\"\"]}", "fan_out: must be names" },
		{ "{\"mode\":\"store\",\"fan_out\":[\"eu\",\"us\",\"eu\"]}", "twice" },
		{ "{\"mode\":\"store\",\"fan_out\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\","
		  "\"8\","
		  "\"9\"]}",
		    "fan_out: too many: at most 8" },
		{ "{\"mode\":\"pass\",\"mode\":\"store\"}", "JSON" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char why[200] = "";
		struct policy *p = policy_new(slice_str(rows[i].json), why, sizeof(why));

		EXPECT(p == NULL);
		if (strstr(why, rows[i].why) == NULL)
			printf("%s: %s\n", rows[i].json, why);
		EXPECT(strstr(why, rows[i].why) != NULL);
		policy_unref(p);
	}
}

TEST(addresses_deny_wins)
{
	struct policy *p =
	    make("{\"allow\":[\"10.0.0.0/8\",\"2001:db8::/32\"],\"deny\":[\"10.1.0.0/16\"]}");

	EXPECT_INT(judge(p, "10.2.3.4", "GET", "/"), POLICY_ALLOW);
	EXPECT_INT(judge(p, "::ffff:10.2.3.4", "GET", "/"), POLICY_ALLOW);
	EXPECT_INT(judge(p, "10.1.3.4", "GET", "/"), POLICY_ADDRESS);
	EXPECT_INT(judge(p, "::ffff:10.1.3.4", "GET", "/"), POLICY_ADDRESS);
	EXPECT_INT(judge(p, "192.0.2.1", "GET", "/"), POLICY_ADDRESS);
	EXPECT_INT(judge(p, "2001:db8::1", "GET", "/"), POLICY_ALLOW);
	EXPECT_INT(judge(p, "unix", "GET", "/"), POLICY_ADDRESS);
	policy_unref(p);
}

TEST(a_prefix_cannot_be_left_again)
{
	static const char *const refused[] = { "/apix", "/", "/api/../admin", "/api/%2e%2e/admin",
		"/api/%2E%2e/admin", "/api/..;/admin", "/api/.;/x", "/api//x", "/api/x%2fy",
		"/api/x\\y", "/api/x%5Cy", "/api/%00", "/api/%252e%252e/", "/API/x", "/api/./x",
		"/api/..", "/api/.", "/api/%c0%ae%c0%ae/admin", "/api/%C0%AF", "/api/%c1%9c",
		"/api/%e0%80%ae/x", "/api/%E0%80%AF", "/api/%f0%80%80%ae",
		"/api/%u002e%u002e/admin", "/api/%U2216x", "/api/%", "/api/%2", "/api/%zz" };
	static const char *const allowed[] = { "/api/", "/api/x", "/api/x.y/z",
		"/api/.well-known/a", "/api/x%20y", "/api/%c3%bc%E2%82%ac", "/api/%e0%a4%85",
		"/api/%f0%9f%98%80", "/hook" };
	struct policy *p =
	    make("{\"paths\":[\"/api/*\",\"/hook\"],\"methods\":[\"GET\",\"POST\"]}");

	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		EXPECT_INT(judge(p, "192.0.2.1", "GET", refused[i]), POLICY_PATH);
	for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++)
		EXPECT_INT(judge(p, "192.0.2.1", "GET", allowed[i]), POLICY_ALLOW);
	EXPECT_INT(judge(p, "192.0.2.1", "DELETE", "/hook"), POLICY_METHOD);
	EXPECT_INT(judge(p, "192.0.2.1", "get", "/hook"), POLICY_METHOD);
	EXPECT_INT(judge(p, "192.0.2.1", "GET", "/hook/"), POLICY_PATH);
	policy_unref(p);
}

static bool
password(struct policy *p, const char *pair)
{
	char value[256] = "Basic ";

	text_base64(pair, strlen(pair), value + 6);
	return policy_password(p, slice_str(value));
}

/* S-07: a security option that is ignored would let this test fail. */
TEST(s07_passwords_of_every_hash)
{
	/* bcrypt, SHA-512 and argon2id of "correct horse" */
	struct policy *p =
	    make("{\"users\":["
		 "\"ann:$2b$05$abcdefghijklmnopqrstuu9Z5.xXv/aF9SPh.cR7l.bRpHeFcM0F2\","
		 "\"bob:$6$adittest$TEgmubpchgdks5jsgrZFL0sxdaSbRLq4bLF/"
		 "cF.PMVsIgesXrBUjPk5HPy28iPZaMpHN2HSDPAkUE.4dOq6ET.\",\"cyd:$argon2id$v=19$m=64,t="
		 "1,p=1$c2FsdHNhbHRzYWx0$UVnsdTdJlF4hUvHUMPJ8szXU8YysXSmZ\"]}");

	EXPECT_INT(judge(p, "192.0.2.1", "GET", "/"), POLICY_PASSWORD);
	EXPECT(password(p, "bob:correct horse"));
	EXPECT(password(p, "cyd:correct horse"));
	EXPECT(!password(p, "ann:correct horse battery"));
	EXPECT(!password(p, "bob:Correct horse"));
	EXPECT(!password(p, "dan:correct horse"));
	EXPECT(!password(p, "bob"));
	EXPECT(!policy_password(p, S("Bearer Ym9iOmNvcnJlY3QgaG9yc2U=")));
	EXPECT(!policy_password(p, S("Basic !!!")));
	policy_unref(p);
}

TEST(right_credentials_are_known_for_a_while)
{
	struct slice good = S("Basic Ym9iOmNvcnJlY3QgaG9yc2U="),
		     other = S("Basic Ym9iOmNvcnJlY3QgaG9yc2X=");
	int64_t now = 1000 * SECOND, until = now + LIMIT_PASSWORD_KNOWN_MS * 1000LL;
	struct policy *p = make("{\"users\":[\"bob:$2b$05$x\"]}");

	EXPECT(!policy_knows(p, good, now));
	policy_remember(p, good, now);
	EXPECT(policy_knows(p, good, now));
	EXPECT(policy_knows(p, good, until - 1));
	EXPECT(!policy_knows(p, good, until));
	EXPECT(!policy_knows(p, other, now));
	for (int i = 0; i < LIMIT_PASSWORD_KNOWN; i++) {
		char text[32];

		snprintf(text, sizeof(text), "Basic %d", i);
		policy_remember(p, slice_str(text), now);
	}
	EXPECT(!policy_knows(p, good, now)); /* the oldest was given up */
	policy_unref(p);
}

/* What costs a second for each guess, or a GiB, is told when the policy comes. */
TEST(costs_of_hashes_have_a_ceiling)
{
	static const struct {
		const char *hash, *why; /* NULL: it is taken */
	} rows[] = {
		{ "$2b$13$abcdefghijklmnopqrstuu9Z5.xXv/aF9SPh.cR7l.bRpHeFcM0F2", NULL },
		{ "$2y$04$abcdefghijklmnopqrstuu9Z5.xXv/aF9SPh.cR7l.bRpHeFcM0F2", NULL },
		{ "$2b$14$abcdefghijklmnopqrstuu9Z5.xXv/aF9SPh.cR7l.bRpHeFcM0F2", "04 to 13" },
		{ "$2b$31$abcdefghijklmnopqrstuu9Z5.xXv/aF9SPh.cR7l.bRpHeFcM0F2", "04 to 13" },
		{ "$2b$1", "04 to 13" },
		{ "$2x$05$abcdefghijklmnopqrstuu9Z5.xXv/aF9SPh.cR7l.bRpHeFcM0F2",
		    "bcrypt, yescrypt" },
		{ "$6$salt$hash", NULL },
		{ "$6$rounds=1000000$salt$hash", NULL },
		{ "$5$rounds=1000$salt$hash", NULL },
		{ "$6$rounds=1000001$salt$hash", "rounds=1000000" },
		{ "$6$rounds=999999999$salt$hash", "rounds=1000000" },
		{ "$5$rounds=18446744073709551617$salt$hash", "rounds=1000000" },
		{ "$6$rounds=$salt$hash", "rounds=1000000" },
		{ "$6$rounds=-1$salt$hash", "rounds=1000000" },
		{ "$y$j9T$salt$hash", NULL },
		{ "$y$j75$salt$hash", NULL },
		{ "$y$jBT$salt$hash", NULL },
		{ "$y$jCT$salt$hash", "64 MiB" },
		{ "$y$jFT$salt$hash", "64 MiB" },
		{ "$y$jZZ$salt$hash", "64 MiB" },
		{ "$y$j9T/$salt$hash", "64 MiB" },
		{ "$y$k9T$salt$hash", "64 MiB" },
		{ "$y$j9", "64 MiB" },
		{ "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaA", NULL },
		{ "$argon2id$v=19$m=65537,t=3,p=4$c2FsdHNhbHQ$aGFzaA", "m=65536, t=5 and p=4" },
		{ "$argon2id$v=19$m=1048576,t=3,p=4$c2FsdHNhbHQ$aGFzaA", "m=65536" },
		{ "$argon2id$v=19$m=64,t=6,p=4$c2FsdHNhbHQ$aGFzaA", "m=65536" },
		{ "$argon2id$v=19$m=64,t=1,p=5$c2FsdHNhbHQ$aGFzaA", "m=65536" },
		{ "$argon2id$v=19$m=64,t=1,p=16777215$c2FsdHNhbHQ$aGFzaA", "m=65536" },
		{ "$argon2id$v=19$t=1,m=64,p=1$c2FsdHNhbHQ$aGFzaA", "m=65536" },
		{ "$argon2i$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaA", "argon2id" },
		{ "$7$CU..../....salt$hash", "bcrypt, yescrypt" },
		{ "$sha1$4294967295$salt$hash", "bcrypt, yescrypt" },
		{ "$md5,rounds=4294967295$salt$hash", "bcrypt, yescrypt" },
		{ "$gy$jFT$salt$hash", "bcrypt, yescrypt" },
		{ "secret", "bcrypt, yescrypt" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char json[256], why[200] = "";
		struct policy *p;

		snprintf(json, sizeof(json), "{\"users\":[\"bob:%s\"]}", rows[i].hash);
		p = policy_new(slice_str(json), why, sizeof(why));
		if ((p == NULL) != (rows[i].why != NULL) ||
		    (p == NULL && strstr(why, rows[i].why) == NULL))
			printf("%s: %s\n", rows[i].hash, why);
		EXPECT((p == NULL) == (rows[i].why != NULL));
		EXPECT(p != NULL || strstr(why, rows[i].why) != NULL);
		policy_unref(p);
	}
}

TEST(a_password_that_is_too_long_is_not_hashed)
{
	struct policy *p = make("{\"users\":[\"bob:$6$adittest$x\"]}");
	char pair[200] = "bob:";

	memset(pair + 4, 'x', LIMIT_PASSWORD_BYTES + 1);
	EXPECT(!password(p, pair));
	policy_unref(p);
}

TEST(header_rules)
{
	struct policy *p = make("{\"request_headers\":{\"set\":{\"X-A\":\"1\",\"X-B\":\"two\"},"
				"\"remove\":[\"Cookie\"]}}");

	EXPECT_INT(p->request.n_drop, 3);
	EXPECT_SLICE(p->request.add, S("X-A: 1\r\nX-B: two\r\n"));
	EXPECT_INT(p->response.n_drop, 0);
	policy_unref(p);
}

/* 1.08e-13 a second was undefined behaviour: no microseconds of 64 bits hold that pause. */
TEST(rates_have_bounds)
{
	static const char *const refused[] = { "{\"rate\":1.08e-13}", "{\"rate\":0.000009}",
		"{\"rate\":1000001}", "{\"rate\":1e300}", "{\"rate\":-1}",
		"{\"visitor_rate\":1e-9}", "{\"visitor_rate\":1e9}", "{\"rate\":1,\"burst\":0.5}",
		"{\"burst\":1000001}", "{\"visitor_burst\":1e18}",
		"{\"deliver\":{\"rate\":1e-13}}" };
	static const unsigned char here[16] = { 1 };
	int64_t now = INT64_C(1) << 50;
	struct policy *p;

	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		char why[200] = "";

		EXPECT(policy_new(slice_str(refused[i]), why, sizeof(why)) == NULL);
		EXPECT(strstr(why, "must be from") != NULL);
	}
	/* the slowest rate with the deepest burst still counts right */
	p = make("{\"rate\":0.00001,\"burst\":1000000}");
	for (int i = 0; i < 1000000; i++)
		EXPECT(policy_take(p, here, now));
	EXPECT(!policy_take(p, here, now));
	EXPECT(!policy_take(p, here, now + 99999 * SECOND));
	EXPECT(policy_take(p, here, now + 100001 * SECOND));
	policy_unref(p);
}

/* Each tunnel counts each address by itself. */
TEST(s14_rates_are_per_tunnel_and_address)
{
	static const unsigned char ann[16] = { 1 }, bob[16] = { 2 };
	struct policy *p = make("{\"visitor_rate\":1,\"visitor_burst\":2}"),
		      *other = make("{\"visitor_rate\":1,\"visitor_burst\":2}");
	int64_t now = 1000 * SECOND;

	EXPECT(policy_take(p, ann, now));
	EXPECT(policy_take(p, ann, now));
	EXPECT(!policy_take(p, ann, now));
	EXPECT(policy_take(p, bob, now));
	EXPECT(policy_take(other, ann, now));
	EXPECT(policy_take(p, NULL, now));
	/* a flood of other addresses is bounded, and the table goes on */
	for (unsigned i = 0; i < 100000; i++) {
		unsigned char key[16] = { 3 };

		memcpy(key + 4, &i, sizeof(i));
		EXPECT(policy_take(p, key, now));
	}
	EXPECT(policy_take(p, ann, now + 3 * SECOND));
	policy_unref(p);
	policy_unref(other);
}

TEST(s14_guesses_are_counted_unless_they_are_right)
{
	static const unsigned char ann[16] = { 1 }, bob[16] = { 2 };
	struct policy *p = make("{}");
	int64_t now = 1000 * SECOND;

	for (int i = 0; i < 100; i++) {
		EXPECT(policy_guess(p, ann, now));
		policy_no_guess(p, ann);
	}
	for (int i = 0; i < LIMIT_PASSWORD_GUESSES; i++)
		EXPECT(policy_guess(p, ann, now));
	EXPECT(!policy_guess(p, ann, now));
	EXPECT(policy_guess(p, bob, now));
	EXPECT(policy_guess(p, ann, now + 61 * SECOND / LIMIT_PASSWORD_GUESSES));
	EXPECT(!policy_guess(p, ann, now + 61 * SECOND / LIMIT_PASSWORD_GUESSES));
	policy_unref(p);
}

TEST(a_preset_keeps_the_rest_of_jenkins_away)
{
	struct policy *p =
	    make("{\"preset\":\"jenkins-bitbucket\",\"secrets\":[\"s\"],\"context\":\"/jenkins\"}");

	EXPECT_INT(p->mode, PRESET_STORE);
	EXPECT(p->sign.scheme != NULL);
	EXPECT_INT(judge(p, "192.0.2.1", "POST", "/jenkins/bitbucket-hook/"), POLICY_ALLOW);
	EXPECT_INT(judge(p, "192.0.2.1", "POST", "/bitbucket-hook/"), POLICY_PATH);
	EXPECT_INT(judge(p, "192.0.2.1", "POST", "/jenkins/bitbucket-hook"), POLICY_SLASH);
	EXPECT_INT(judge(p, "192.0.2.1", "GET", "/jenkins/script"), POLICY_PATH);
	EXPECT_INT(judge(p, "192.0.2.1", "GET", "/jenkins/bitbucket-hook/"), POLICY_METHOD);
	policy_unref(p);
}

TEST(what_happens_with_stored_webhooks)
{
	struct policy *p = make("{\"mode\":\"relay\",\"scheme\":\"slack\",\"secrets\":[\"s\"],"
				"\"coalesce\":true,\"resign\":true,\"fan_out\":[\"eu\",\"us\"]}");

	EXPECT(p->coalesce && p->resign);
	EXPECT_INT(p->n_fan_out, 2);
	EXPECT_SLICE(p->fan_out[1], S("us"));
	policy_unref(p);
	p = make("{\"mode\":\"store\",\"coalesce\":false,\"resign\":false,\"fan_out\":[]}");
	EXPECT(!p->coalesce && !p->resign && p->n_fan_out == 0);
	policy_unref(p);
}

TESTS(TEST_ROW(an_empty_policy_allows_everything) TEST_ROW(faults_name_their_member)
	TEST_ROW(methods_for_allow) TEST_ROW(addresses_deny_wins)
	    TEST_ROW(a_prefix_cannot_be_left_again) TEST_ROW(s07_passwords_of_every_hash)
		TEST_ROW(header_rules) TEST_ROW(what_happens_with_stored_webhooks)
		    TEST_ROW(rates_have_bounds) TEST_ROW(right_credentials_are_known_for_a_while)
			TEST_ROW(costs_of_hashes_have_a_ceiling)
			    TEST_ROW(a_password_that_is_too_long_is_not_hashed)
				TEST_ROW(s14_rates_are_per_tunnel_and_address)
				    TEST_ROW(s14_guesses_are_counted_unless_they_are_right)
					TEST_ROW(a_preset_keeps_the_rest_of_jenkins_away))
