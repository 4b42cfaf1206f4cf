/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/link/proxy.h"

#include "unit.h"

static const char *const *env_pairs;

static const char *
env(const char *name)
{
	for (const char *const *p = env_pairs; *p != NULL; p += 2)
		if (strcmp(p[0], name) == 0)
			return p[1];
	return NULL;
}

/* The proxy's kind for a host under an environment; -1 for an error. */
static int
choose(const char *const *pairs, const char *host, uint16_t port, struct proxy *p)
{
	const char *name;

	env_pairs = pairs;
	memset(p, 0, sizeof(*p));
	return proxy_from_env(env, host, port, p, &name) == NULL ? (int)p->kind : -1;
}

#define ENV(...)                                                                                   \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}

TEST(none)
{
	struct proxy p;

	EXPECT_INT(choose(ENV("PATH", "/bin"), "edge.example.org", 443, &p), PROXY_NONE);
	EXPECT_INT(choose(ENV("https_proxy", ""), "edge.example.org", 443, &p), PROXY_NONE);
	/* The edge is reached by https: the proxy for http is not asked. */
	EXPECT_INT(choose(ENV("http_proxy", "http://p:1"), "edge.example.org", 443, &p),
	    PROXY_NONE);
}

TEST(order_of_variables)
{
	struct proxy p;

	EXPECT_INT(choose(ENV("ALL_PROXY", "socks5://d:4", "all_proxy", "socks5://c:3",
			      "HTTPS_PROXY", "http://b:2", "https_proxy", "http://a:1"),
		       "e.org", 443, &p),
	    PROXY_CONNECT);
	EXPECT_SLICE(slice_str(p.addr.host), S("a"));
	EXPECT_INT(choose(ENV("ALL_PROXY", "socks5://d:4", "all_proxy", "socks5://c:3",
			      "HTTPS_PROXY", "http://b:2"),
		       "e.org", 443, &p),
	    PROXY_CONNECT);
	EXPECT_SLICE(slice_str(p.addr.host), S("b"));
	EXPECT_INT(choose(ENV("ALL_PROXY", "socks5://d:4", "all_proxy", "socks5://c:3"), "e.org",
		       443, &p),
	    PROXY_SOCKS5);
	EXPECT_SLICE(slice_str(p.addr.host), S("c"));
	EXPECT_INT(choose(ENV("ALL_PROXY", "socks5://d:4"), "e.org", 443, &p), PROXY_SOCKS5);
	EXPECT_INT(p.addr.port, 4);
}

TEST(this_machine_is_direct)
{
	struct proxy p;
	const char *const *pairs = ENV("https_proxy", "http://p:3128");

	EXPECT_INT(choose(pairs, "localhost", 443, &p), PROXY_NONE);
	EXPECT_INT(choose(pairs, "127.0.0.1", 443, &p), PROXY_NONE);
	EXPECT_INT(choose(pairs, "127.8.9.1", 443, &p), PROXY_NONE);
	EXPECT_INT(choose(pairs, "::1", 443, &p), PROXY_NONE);
	EXPECT_INT(choose(pairs, "128.0.0.1", 443, &p), PROXY_CONNECT);
	EXPECT_INT(choose(pairs, "edge.localhost", 443, &p), PROXY_CONNECT);
}

TEST(forms)
{
	struct proxy p;

	EXPECT(proxy_parse(S("proxy.corp:3128"), &p) == NULL);
	EXPECT(p.kind == PROXY_CONNECT && p.addr.port == 3128);
	EXPECT(proxy_parse(S("proxy.corp"), &p) == NULL);
	EXPECT(p.kind == PROXY_CONNECT && p.addr.port == 80);
	EXPECT(proxy_parse(S("HTTP://proxy.corp/"), &p) == NULL);
	EXPECT(p.kind == PROXY_CONNECT && p.addr.port == 80);
	EXPECT(proxy_parse(S("socks5h://[2001:db8::1]"), &p) == NULL);
	EXPECT(p.kind == PROXY_SOCKS5 && p.addr.port == 1080);
	EXPECT_SLICE(slice_str(p.addr.host), S("2001:db8::1"));
	EXPECT(proxy_parse(S("socks5://[2001:db8::1]:9050"), &p) == NULL);
	EXPECT_INT(p.addr.port, 9050);
	EXPECT(proxy_parse(S("http://unix:/run/proxy.sock"), &p) == NULL);
	EXPECT_INT(p.addr.kind, ADDR_UNIX);
	EXPECT(proxy_parse(S("https://proxy.corp:443"), &p) != NULL);
	EXPECT(proxy_parse(S("http://"), &p) != NULL);
	EXPECT(proxy_parse(S(""), &p) != NULL);
	EXPECT(proxy_parse(S("http://proxy:99999"), &p) != NULL);
}

TEST(user_and_password)
{
	struct proxy p;
	char long_user[400];

	EXPECT(proxy_parse(S("http://ann:p%40ss%3Aw@proxy:3128"), &p) == NULL);
	EXPECT_SLICE(slice_str(p.user), S("ann"));
	EXPECT_SLICE(slice_str(p.password), S("p@ss:w"));
	EXPECT_SLICE(slice_str(p.addr.host), S("proxy"));
	EXPECT(proxy_parse(S("socks5://ann:a@b@proxy"), &p) == NULL);
	EXPECT_SLICE(slice_str(p.password), S("a@b"));
	EXPECT(proxy_parse(S("http://ann@proxy"), &p) == NULL);
	EXPECT_SLICE(slice_str(p.password), S(""));
	EXPECT(proxy_parse(S("http://a%zz:b@proxy"), &p) != NULL);
	EXPECT(proxy_parse(S("http://a%00b:b@proxy"), &p) != NULL);
	EXPECT(proxy_parse(S("http://a%4"), &p) != NULL);
	memset(long_user, 'u', sizeof(long_user));
	memcpy(long_user + sizeof(long_user) - 2, "@h", 2);
	EXPECT(proxy_parse(slice_of(long_user, sizeof(long_user)), &p) != NULL);
}

TEST(exempt)
{
	EXPECT(proxy_is_exempt(S("*"), "edge.example.org", 443));
	EXPECT(proxy_is_exempt(S("example.org"), "edge.example.org", 443));
	EXPECT(proxy_is_exempt(S(".example.org"), "edge.example.org", 443));
	EXPECT(proxy_is_exempt(S("*.example.org"), "edge.example.org", 443));
	EXPECT(proxy_is_exempt(S("a, EXAMPLE.org ,b"), "edge.example.org", 443));
	EXPECT(proxy_is_exempt(S("edge.example.org:443"), "edge.example.org", 443));
	EXPECT(!proxy_is_exempt(S("edge.example.org:444"), "edge.example.org", 443));
	EXPECT(!proxy_is_exempt(S("ample.org"), "edge.example.org", 443));
	EXPECT(!proxy_is_exempt(S("other.org, ,"), "edge.example.org", 443));
	EXPECT(!proxy_is_exempt(S(""), "edge.example.org", 443));
	EXPECT(!proxy_is_exempt(S("."), "edge.example.org", 443));
}

TEST(exempt_addresses)
{
	EXPECT(proxy_is_exempt(S("10.0.0.0/8"), "10.1.2.3", 443));
	EXPECT(!proxy_is_exempt(S("10.0.0.0/8"), "11.1.2.3", 443));
	EXPECT(proxy_is_exempt(S("192.168.4.0/22"), "192.168.7.255", 443));
	EXPECT(!proxy_is_exempt(S("192.168.4.0/22"), "192.168.8.0", 443));
	EXPECT(proxy_is_exempt(S("192.0.2.7"), "192.0.2.7", 443));
	EXPECT(!proxy_is_exempt(S("192.0.2.7:80"), "192.0.2.7", 443));
	EXPECT(!proxy_is_exempt(S("0.2.7"), "192.0.2.7", 443));
	EXPECT(proxy_is_exempt(S("2001:db8::/32"), "2001:db8:1::2", 443));
	EXPECT(proxy_is_exempt(S("[2001:db8::1]:443"), "2001:db8::1", 443));
	EXPECT(proxy_is_exempt(S("2001:db8::1"), "2001:db8:0::1", 443));
	EXPECT(!proxy_is_exempt(S("10.0.0.0/33"), "10.0.0.1", 443));
	EXPECT(!proxy_is_exempt(S("10.0.0.0/"), "10.0.0.1", 443));
}

TEST(no_proxy_variable)
{
	struct proxy p;

	EXPECT_INT(choose(ENV("https_proxy", "http://p:1", "no_proxy", "example.org"),
		       "e.example.org", 443, &p),
	    PROXY_NONE);
	EXPECT_INT(choose(ENV("https_proxy", "http://p:1", "NO_PROXY", "example.org"),
		       "e.example.org", 443, &p),
	    PROXY_NONE);
	EXPECT_INT(choose(ENV("https_proxy", "http://p:1", "NO_PROXY", "example.com"),
		       "e.example.org", 443, &p),
	    PROXY_CONNECT);
	EXPECT_INT(choose(ENV("https_proxy", "ftp://p:1"), "e.example.org", 443, &p), -1);
}

TESTS(TEST_ROW(none) TEST_ROW(order_of_variables) TEST_ROW(this_machine_is_direct) TEST_ROW(forms)
	TEST_ROW(user_and_password) TEST_ROW(exempt) TEST_ROW(exempt_addresses)
	    TEST_ROW(no_proxy_variable))
