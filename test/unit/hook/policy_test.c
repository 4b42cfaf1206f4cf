/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/text.h"
#include "hook/policy.h"

#include <arpa/inet.h>
#include <netinet/in.h>

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

	return policy_judge(p, &ss, slice_str(method), slice_str(path), (struct slice){ 0 });
}

TEST(an_empty_policy_allows_everything)
{
	struct policy *p = make("{}");

	EXPECT_INT(judge(p, "192.0.2.1", "ANY", "/%2e%2e//x"), POLICY_ALLOW);
	EXPECT_INT(p->mode, PRESET_PASS);
	policy_unref(p);
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
		    "fan_out: too many tunnels" },
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
		"/api/..", "/api/." };
	static const char *const allowed[] = { "/api/", "/api/x", "/api/x.y/z",
		"/api/.well-known/a", "/api/x%20y", "/hook" };
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
	struct sockaddr_storage ss = from("192.0.2.1");
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
	EXPECT_INT(policy_judge(p, &ss, S("GET"), S("/"), S("Basic Ym9iOmNvcnJlY3QgaG9yc2U=")),
	    POLICY_ALLOW);
	EXPECT_INT(policy_judge(p, &ss, S("GET"), S("/"), S("Basic Ym9iOmNvcnJlY3QgaG9yc2X=")),
	    POLICY_PASSWORD);
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

TEST(a_bucket_refills)
{
	struct policy_bucket b = { 0 };
	int64_t wait = 0, now = 1000000000;
	int taken = 0;

	while (taken < 100 && policy_take(&b, 10, 5, now, &wait))
		taken++;
	EXPECT_INT(taken, 5);
	EXPECT_INT(wait, 100000);
	EXPECT(!policy_take(&b, 10, 5, now + wait - 1, &wait));
	EXPECT(policy_take(&b, 10, 5, now + 100000, &wait));
	EXPECT(!policy_take(&b, 10, 5, now + 100000, &wait));
	for (taken = 0; taken < 100 && policy_take(&b, 10, 5, now + 60000000, &wait);)
		taken++;
	EXPECT_INT(taken, 5);
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
	TEST_ROW(addresses_deny_wins) TEST_ROW(a_prefix_cannot_be_left_again)
	    TEST_ROW(s07_passwords_of_every_hash) TEST_ROW(header_rules)
		TEST_ROW(what_happens_with_stored_webhooks) TEST_ROW(a_bucket_refills)
		    TEST_ROW(a_preset_keeps_the_rest_of_jenkins_away))
