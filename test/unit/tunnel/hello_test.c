/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "tunnel/hello.h"

static struct hello h, back;
static const char *why;

static bool
decode(const char *json)
{
	why = NULL;
	hello_wipe(&h);
	return hello_decode(slice_str(json), &h, &why);
}

static void
expect_refused(const char *json, const char *reason)
{
	EXPECT(!decode(json));
	EXPECT_SLICE(slice_str(why), slice_str(reason));
	/* nothing of a refused message stays */
	EXPECT_INT(h.token[0], '\0');
	EXPECT_INT(h.n_tunnels, 0);
}

TEST(hello)
{
	EXPECT(decode(
	    "{\"type\":\"hello\",\"protocol\":1,\"agent\":\"adit/0.1.0\",\"token\":\"secret\","
	    "\"later\":[1,{}],\"tunnels\":[{\"id\":1,\"kind\":\"http\",\"name\":\"jenkins\"},"
	    "{\"id\":2,\"kind\":\"tcp\",\"port\":2222},{\"id\":9,\"kind\":\"tls\",\"key\":\"k\","
	    "\"new\":0}]}"));
	EXPECT_INT(h.type, HELLO_HELLO);
	EXPECT_INT(h.protocol, 1);
	EXPECT_SLICE(slice_str(h.program), S("adit/0.1.0"));
	EXPECT_SLICE(slice_str(h.token), S("secret"));
	EXPECT_INT(h.n_tunnels, 3);
	EXPECT_INT(h.tunnels[0].kind, TUNNEL_HTTP);
	EXPECT_SLICE(slice_str(h.tunnels[0].name), S("jenkins"));
	EXPECT_INT(h.tunnels[1].kind, TUNNEL_TCP);
	EXPECT_INT(h.tunnels[1].port, 2222);
	EXPECT_INT(h.tunnels[2].id, 9);
	EXPECT_SLICE(slice_str(h.tunnels[2].key), S("k"));
	hello_wipe(&h);
	for (size_t i = 0; i < sizeof(h.token); i++)
		EXPECT_INT(h.token[i], 0);
}

TEST(no_tunnels_is_a_wanted_set_too)
{
	EXPECT(decode("{\"type\":\"hello\",\"protocol\":1,\"token\":\"t\",\"tunnels\":[]}"));
	EXPECT_INT(h.n_tunnels, 0);
}

TEST(welcome_refused_replaced)
{
	EXPECT(decode(
	    "{\"type\":\"welcome\",\"protocol\":1,\"edge\":\"aditd/0.1.0\",\"account\":\"team\","
	    "\"generation\":9007199254740993,\"tunnels\":[{\"id\":1,\"name\":\"j\",\"url\":\"https:"
	    "//j.example.org\"},"
	    "{\"id\":3,\"error\":\"name-taken\",\"text\":\"Taken.\"}]}"));
	EXPECT_INT(h.type, HELLO_WELCOME);
	EXPECT_INT(h.generation, 9007199254740993);
	EXPECT_SLICE(slice_str(h.tunnels[0].url), S("https://j.example.org"));
	EXPECT_SLICE(slice_str(h.tunnels[1].error), S("name-taken"));
	EXPECT(decode("{\"type\":\"refused\",\"code\":\"bad-token\",\"text\":\"No.\",\"retry_ms\":"
		      "4294967295}"));
	EXPECT_INT(h.retry_ms, 4294967295);
	EXPECT(decode("{\"type\":\"replaced\",\"id\":65535}"));
	EXPECT_INT(h.id, 65535);
}

TEST(bind_and_unbind)
{
	struct buf out;

	EXPECT(decode("{\"type\":\"bind\",\"tunnels\":[{\"id\":3,\"kind\":\"tcp\",\"port\":22}]}"));
	EXPECT_INT(h.type, HELLO_BIND);
	EXPECT_INT(h.tunnels[0].port, 22);
	EXPECT(decode("{\"type\":\"bound\",\"tunnels\":[{\"id\":3,\"error\":\"limit\"}]}"));
	EXPECT_INT(h.type, HELLO_BOUND);
	EXPECT_SLICE(slice_str(h.tunnels[0].error), S("limit"));
	EXPECT(decode("{\"type\":\"unbind\",\"id\":65535}"));
	EXPECT_INT(h.id, 65535);
	buf_init(&out, 256);
	hello_encode(&h, &out);
	EXPECT_SLICE(buf_slice(&out), S("{\"type\":\"unbind\",\"id\":65535}"));
	buf_fini(&out);
	expect_refused("{\"type\":\"unbind\"}", "a tunnel has no id");
	expect_refused("{\"type\":\"bind\"}", "the list of tunnels is missing");
	EXPECT(decode("{\"type\":\"hello\",\"protocol\":1,\"token\":\"t\",\"bind\":true,"
		      "\"tunnels\":[]}"));
	EXPECT(h.binds);
}

/* Who the agent is, and what the edge's own request met. */
TEST(instance_and_probe)
{
	EXPECT(
	    decode("{\"type\":\"hello\",\"protocol\":1,\"token\":\"t\",\"host\":\"b\",\"instance\":"
		   "\"k3\",\"age_ms\":3162240000000,\"probe\":true,\"tunnels\":[]}"));
	EXPECT_SLICE(slice_str(h.host), S("b"));
	EXPECT_SLICE(slice_str(h.instance), S("k3"));
	EXPECT_INT(h.age_ms, 3162240000000);
	EXPECT(h.probe);
	EXPECT(decode("{\"type\":\"hello\",\"protocol\":1,\"token\":\"t\",\"tunnels\":[]}"));
	EXPECT(!h.probe && h.age_ms == 0 && h.instance[0] == '\0');
	EXPECT(decode("{\"type\":\"probed\",\"id\":3,\"probe\":\"ok\",\"status\":204,\"us\":5}"));
	EXPECT_INT(h.type, HELLO_PROBED);
	EXPECT(h.id == 3 && h.status == 204 && h.us == 5 && strcmp(h.code, "ok") == 0);
}

TEST(unknown_types_are_no_error)
{
	EXPECT(decode("{\"type\":\"weather\",\"token\":5}"));
	EXPECT_INT(h.type, HELLO_OTHER);
	EXPECT(decode("{\"type\":\"\"}"));
	EXPECT_INT(h.type, HELLO_OTHER);
}

#define HELLO(rest) "{\"type\":\"hello\",\"protocol\":1,\"token\":\"t\"," rest "}"
#define TUNNEL(members) HELLO("\"tunnels\":[{" members "}]")

TEST(what_is_refused)
{
	const char *json = "not valid JSON", *object = "not an object with a type";
	const char *text = "a member that should be a string is something else";
	const char *number = "a member that should be a whole number is something else";
	const char *range = "a number is out of range",
		   *control = "a string has control characters";

	expect_refused("", json);
	expect_refused("{\"type\":\"hello\"", json);
	expect_refused("{\"type\":\"hello\"} x", json);
	expect_refused("{\"type\":\"hello\",\"type\":\"hello\"}", json);
	expect_refused("{\"type\":\"refused\",\"code\":\"a\\u0000b\"}", json);
	expect_refused("[]", object);
	expect_refused("{\"kind\":\"hello\"}", object);
	expect_refused("{\"type\":1}", object);
	expect_refused("[[[[[[[[[]]]]]]]]]", "too large or too deeply nested");
	expect_refused("{\"type\":\"hello\",\"protocol\":1,\"tunnels\":[]}",
	    "the token is missing");
	expect_refused("{\"type\":\"hello\",\"token\":\"t\",\"tunnels\":[]}",
	    "the protocol's version is missing");
	expect_refused("{\"type\":\"hello\",\"protocol\":\"1\",\"token\":\"t\",\"tunnels\":[]}",
	    number);
	expect_refused("{\"type\":\"hello\",\"protocol\":1,\"token\":[],\"tunnels\":[]}", text);
	expect_refused(HELLO("\"tunnels\":{}"), "the list of tunnels is missing");
	expect_refused(HELLO("\"agent\":\"x\""), "the list of tunnels is missing");
	expect_refused(HELLO("\"tunnels\":[1]"), "a tunnel is not an object");
	expect_refused(TUNNEL("\"kind\":\"http\""), "a tunnel has no id");
	expect_refused(TUNNEL("\"id\":0,\"kind\":\"http\""), "a tunnel has no id");
	expect_refused(TUNNEL("\"id\":1"), "a tunnel is of no known kind");
	expect_refused(TUNNEL("\"id\":1,\"kind\":\"udp\""), "a tunnel is of no known kind");
	expect_refused(TUNNEL("\"id\":65536,\"kind\":\"http\""), range);
	expect_refused(TUNNEL("\"id\":-1,\"kind\":\"http\""), range);
	expect_refused(TUNNEL("\"id\":1.0,\"kind\":\"http\""), number);
	expect_refused(TUNNEL("\"id\":1,\"kind\":\"tcp\",\"port\":65536"), range);
	expect_refused(TUNNEL("\"id\":1,\"kind\":\"http\",\"name\":\"a\\nb\""), control);
	expect_refused(TUNNEL("\"id\":1,\"kind\":\"http\",\"name\":\"\\u001b[2J\""), control);
	expect_refused(
	    HELLO("\"tunnels\":[{\"id\":1,\"kind\":\"http\"},{\"id\":1,\"kind\":\"tcp\"}]"),
	    "two tunnels have the same id");
	expect_refused(TUNNEL("\"id\":1,\"kind\":\"http\",\"policy\":[]"),
	    "a tunnel's policy is not an object");
	/* the policy of the first does not leak when the second is refused */
	expect_refused(HELLO("\"tunnels\":[{\"id\":1,\"kind\":\"http\",\"policy\":{}},{\"id\":2}]"),
	    "a tunnel is of no known kind");
	expect_refused("{\"type\":\"refused\",\"text\":\"x\"}", "the code is missing");
	expect_refused("{\"type\":\"replaced\"}", "a tunnel has no id");
	expect_refused("{\"type\":\"probed\",\"id\":1}", "the probe's outcome is missing");
	expect_refused("{\"type\":\"probed\",\"id\":1,\"probe\":\"ok\",\"status\":1000}", range);
	expect_refused(HELLO("\"age_ms\":3162240000001,\"tunnels\":[]"), range);
	expect_refused(HELLO("\"probe\":1,\"tunnels\":[]"),
	    "a member that should be true or false is something else");
}

/* Each length at its limit and one beyond. */
TEST(lengths_are_capped)
{
	char json[512], name[200];

	for (size_t n = 62; n <= 65; n++) {
		memset(name, 'a', n);
		name[n] = '\0';
		snprintf(json, sizeof(json), TUNNEL("\"id\":1,\"kind\":\"http\",\"name\":\"%s\""),
		    name);
		EXPECT_INT(decode(json), n < sizeof(h.tunnels[0].name));
	}
	for (size_t n = 126; n <= 129; n++) {
		memset(name, 'a', n);
		name[n] = '\0';
		snprintf(json, sizeof(json),
		    "{\"type\":\"hello\",\"protocol\":1,\"token\":\"%s\",\"tunnels\":[]}", name);
		EXPECT_INT(decode(json), n < sizeof(h.token));
	}
}

TEST(number_of_tunnels_is_capped)
{
	struct buf b;

	for (int n = LIMIT_TUNNELS_PER_LINK; n <= LIMIT_TUNNELS_PER_LINK + 1; n++) {
		buf_init(&b, LIMIT_CONTROL_BYTES);
		buf_put(&b, S("{\"type\":\"hello\",\"protocol\":1,\"token\":\"t\",\"tunnels\":["));
		for (int i = 1; i <= n; i++)
			buf_printf(&b, "%s{\"id\":%d,\"kind\":\"http\"}", i > 1 ? "," : "", i);
		buf_put(&b, S("]}"));
		EXPECT_INT(hello_decode(buf_slice(&b), &h, &why), n <= LIMIT_TUNNELS_PER_LINK);
		buf_fini(&b);
	}
}

TEST(size_is_capped)
{
	static char json[LIMIT_CONTROL_BYTES + 2];

	memset(json, ' ', sizeof(json));
	memcpy(json, "{\"type\":\"weather\"}", 18);
	EXPECT(hello_decode(slice_of(json, LIMIT_CONTROL_BYTES), &h, &why));
	EXPECT(!hello_decode(slice_of(json, LIMIT_CONTROL_BYTES + 1), &h, &why));
}

TEST(brackets_in_strings_are_no_depth)
{
	EXPECT(decode("{\"type\":\"refused\",\"code\":\"[[[[[[[[[[{{{{{{{\\\"[[[[[[[[\"}"));
}

static void
round_trip(const char *json)
{
	struct buf b;

	EXPECT(decode(json));
	buf_init(&b, LIMIT_CONTROL_BYTES);
	hello_encode(&h, &b);
	EXPECT(!b.failed);
	EXPECT_SLICE(buf_slice(&b), slice_str(json));
	EXPECT(hello_decode(buf_slice(&b), &back, &why));
	for (size_t i = 0; i < h.n_tunnels; i++) {
		char *a = h.tunnels[i].policy, *c = back.tunnels[i].policy;

		EXPECT((a == NULL) == (c == NULL));
		if (a != NULL && c != NULL)
			EXPECT_SLICE(slice_str(a), slice_str(c));
		free(a);
		free(c);
		h.tunnels[i].policy = back.tunnels[i].policy = NULL;
	}
	EXPECT(memcmp(&h, &back, sizeof(h)) == 0);
	buf_fini(&b);
}

/* What a policy says is not looked at here, but it comes through as it is, and is freed with the
 * rest. */
TEST(policy_comes_through)
{
	EXPECT(decode("{\"type\":\"hello\",\"protocol\":1,\"token\":\"t\",\"tunnels\":[{\"id\":1,"
		      "\"kind\":\"http\","
		      "\"policy\":{ \"secrets\" : [\"s\"], \"a\":{\"b\":[1]} "
		      "}},{\"id\":2,\"kind\":\"http\"}]}"));
	EXPECT(h.tunnels[0].policy != NULL);
	EXPECT_SLICE(slice_str(h.tunnels[0].policy), S("{\"secrets\":[\"s\"],\"a\":{\"b\":[1]}}"));
	EXPECT(h.tunnels[1].policy == NULL);
	hello_wipe(&h);
	EXPECT(h.tunnels[0].policy == NULL);
}

TEST(what_is_written_is_read)
{
	round_trip("{\"type\":\"hello\",\"protocol\":1,\"agent\":\"adit/"
		   "0.1.0\",\"token\":\"t\",\"tunnels\":["
		   "{\"id\":1,\"kind\":\"http\",\"name\":\"jenkins\",\"origin_silent_ms\":5000},"
		   "{\"id\":2,\"kind\":\"tcp\",\"port\":2222},"
		   "{\"id\":3,\"kind\":\"http\",\"key\":\"a key \\\"of\\\" "
		   "it\",\"policy\":{\"mode\":\"store\"}}]}");
	round_trip(
	    "{\"type\":\"welcome\",\"protocol\":1,\"edge\":\"aditd/"
	    "0.1.0\",\"account\":\"team\",\"generation\":7,"
	    "\"tunnels\":[{\"id\":1,\"name\":\"jenkins\",\"url\":\"https://jenkins.example.org\"},"
	    "{\"id\":2,\"port\":2222,\"url\":\"tcp://"
	    "example.org:2222\"},{\"id\":3,\"error\":\"name-taken\",\"text\":\"...\"}]}");
	round_trip("{\"type\":\"refused\",\"code\":\"bad-token\",\"text\":\"The token is not "
		   "known.\",\"retry_ms\":5}");
	round_trip("{\"type\":\"replaced\",\"id\":1,\"text\":\"A newer link serves it.\"}");
	round_trip(
	    "{\"type\":\"hello\",\"protocol\":1,\"agent\":\"a\",\"token\":\"t\",\"host\":\"b\","
	    "\"instance\":\"i\",\"age_ms\":7,\"probe\":true,\"watch\":true,\"tunnels\":[]}");
	round_trip("{\"type\":\"welcome\",\"protocol\":1,\"edge\":\"e\",\"account\":\"a\","
		   "\"generation\":1,"
		   "\"tunnels\":[{\"id\":1,\"url\":\"u\",\"probe\":true}]}");
	round_trip("{\"type\":\"waiting\",\"id\":1,\"waits\":true}");
	round_trip("{\"type\":\"waiting\",\"id\":65535,\"waits\":false}");
	round_trip("{\"type\":\"probed\",\"id\":1,\"probe\":\"ok\",\"status\":200,\"us\":4200}");
}

TESTS(TEST_ROW(bind_and_unbind) TEST_ROW(hello) TEST_ROW(no_tunnels_is_a_wanted_set_too)
	TEST_ROW(welcome_refused_replaced) TEST_ROW(instance_and_probe)
	    TEST_ROW(unknown_types_are_no_error) TEST_ROW(what_is_refused)
		TEST_ROW(lengths_are_capped) TEST_ROW(number_of_tunnels_is_capped)
		    TEST_ROW(size_is_capped) TEST_ROW(brackets_in_strings_are_no_depth)
			TEST_ROW(what_is_written_is_read) TEST_ROW(policy_comes_through))
