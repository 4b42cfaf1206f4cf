/* SPDX-License-Identifier: Apache-2.0 */
#include "http/forwarded.h"

#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

static struct cidr_set trusted;

/* The visitor's address of a request with these fields, "" for none. */
static const char *
client(const char *fields)
{
	static char text[INET6_ADDRSTRLEN];
	static char buf[LIMIT_HEAD_BYTES];
	struct sockaddr_storage ss;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct h1 h;
	int n = snprintf(buf, sizeof(buf), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);

	h1_init(&h, H1_REQUEST);
	EXPECT_INT(h1_head(&h, slice_of(buf, (size_t)n)), H1_DONE);
	if (!forwarded_client(&h.head, slice_of(buf, (size_t)n), &trusted, &ss))
		return "";
	if (ss.ss_family == AF_INET) {
		memcpy(&in, &ss, sizeof(in));
		return inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text));
	}
	memcpy(&in6, &ss, sizeof(in6));
	return inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof(text));
}

#define CLIENT(fields, want) EXPECT_SLICE(slice_str(client(fields)), S(want))

TEST(the_last_that_is_no_proxy)
{
	CLIENT("X-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1");
	/* What the visitor has written himself stands before it. */
	CLIENT("X-Forwarded-For: 10.0.0.1, 6.6.6.6, 192.0.2.1\r\n", "192.0.2.1");
	CLIENT("X-Forwarded-For: 6.6.6.6, 192.0.2.1, 10.0.0.1, 10.9.9.9\r\n", "192.0.2.1");
	CLIENT("X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1");
	CLIENT("X-Forwarded-For: 192.0.2.1,,\r\nX-Forwarded-For:\r\n", "192.0.2.1");
	/* Proxies alone: the first of them. */
	CLIENT("X-Forwarded-For: 10.0.0.1, 10.0.0.2\r\n", "10.0.0.1");
	CLIENT("X-Forwarded-For: 192.0.2.1:4711\r\n", "192.0.2.1");
	CLIENT("X-Forwarded-For: 2001:db8::7\r\n", "2001:db8::7");
	CLIENT("X-Forwarded-For: [2001:db8::7]:443\r\n", "2001:db8::7");
	CLIENT("X-Forwarded-For: fd00::1, fd00::2\r\n", "fd00::1");
}

TEST(what_is_no_address_ends_the_chain)
{
	CLIENT("", "");
	CLIENT("X-Forwarded-For: unknown\r\n", "");
	CLIENT("X-Forwarded-For: 6.6.6.6, unknown\r\n", "");
	CLIENT("X-Forwarded-For: 6.6.6.6, unknown, 10.0.0.1\r\n", "10.0.0.1");
	CLIENT("X-Forwarded-For: 192.0.2.300\r\n", "");
	CLIENT("X-Forwarded-For: 6.6.6.6, [\r\n", "");
	CLIENT("X-Forwarded-For: 6.6.6.6, []\r\n", "");
	CLIENT("X-Forwarded-For: :\r\n", "");
	CLIENT("X-Forwarded-For: 1:2\r\n", "");
}

TEST(forwarded_where_there_is_no_other)
{
	CLIENT("Forwarded: for=192.0.2.1;proto=https\r\n", "192.0.2.1");
	CLIENT("Forwarded: for=6.6.6.6, proto=http ; FOR=\"192.0.2.1:80\"\r\n", "192.0.2.1");
	CLIENT("Forwarded: For=\"[2001:db8::7]:4711\"\r\n", "2001:db8::7");
	CLIENT("Forwarded: for=192.0.2.1;host=\"a,b;for=6.6.6.6\"\r\n", "192.0.2.1");
	CLIENT("Forwarded: for=6.6.6.6, host=\"\\\"\", for=192.0.2.1, for=10.0.0.1\r\n",
	    "192.0.2.1");
	CLIENT("Forwarded: for=_hidden\r\n", "");
	CLIENT("Forwarded: by=192.0.2.1\r\n", "");
	CLIENT("Forwarded: for\r\nForwarded: for=\"\r\n", "");
	/* Only where the other is not there. */
	CLIENT("Forwarded: for=6.6.6.6\r\nX-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1");
}

TEST(long_chains_are_read_from_their_end)
{
	char fields[4096];
	int n = snprintf(fields, sizeof(fields), "X-Forwarded-For: 6.6.6.6");

	for (int i = 0; i < 100; i++)
		n += snprintf(fields + n, sizeof(fields) - (size_t)n, ", 10.0.0.%d", i);
	snprintf(fields + n, sizeof(fields) - (size_t)n, "\r\n");
	CLIENT(fields, "10.0.0.84");
}

static void
trust(const char *network)
{
	const char *why = cidr_set_add(&trusted, slice_str(network));

	EXPECT(why == NULL);
}

TEST(setup)
{
	trust("10.0.0.0/8");
	trust("fd00::/8");
}

TEST(teardown)
{
	cidr_set_fini(&trusted);
}

TESTS(TEST_ROW(setup) TEST_ROW(the_last_that_is_no_proxy)
	TEST_ROW(what_is_no_address_ends_the_chain) TEST_ROW(forwarded_where_there_is_no_other)
	    TEST_ROW(long_chains_are_read_from_their_end) TEST_ROW(teardown))
