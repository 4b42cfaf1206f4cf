/* SPDX-License-Identifier: Apache-2.0 */
#include "http/url.h"

#include "unit.h"

/* want NULL: refused; want_port as found. */
static const struct {
	const char *in, *want;
	uint16_t port;
} authorities[] = {
	{ "example.com", "example.com", 0 },
	{ "EXAMPLE.Com", "example.com", 0 },
	{ "example.com.", "example.com", 0 },
	{ "Example.COM.:443", "example.com", 443 },
	{ "example.com:1", "example.com", 1 },
	{ "example.com:80", "example.com", 80 },
	{ "example.com:65535", "example.com", 65535 },
	{ "localhost", "localhost", 0 },
	{ "localhost:4040", "localhost", 4040 },
	{ "a", "a", 0 },
	{ "A.", "a", 0 },
	{ "a.b.c.d.e.f", "a.b.c.d.e.f", 0 },
	{ "a-b.example", "a-b.example", 0 },
	{ "a--b.example", "a--b.example", 0 },
	{ "r3---sn-x.example", "r3---sn-x.example", 0 },
	{ "1.example", "1.example", 0 },
	{ "1a", "1a", 0 },
	{ "123.a1", "123.a1", 0 },
	{ "9.9.9.9a", "9.9.9.9a", 0 },
	{ "0xg.example", "0xg.example", 0 },
	{ "0x7f.example", "0x7f.example", 0 },
	{ "x.0xyz", "x.0xyz", 0 },
	{ "xn--mnchen-3ya.example", "xn--mnchen-3ya.example", 0 },
	{ "XN--MNCHEN-3YA.example", "xn--mnchen-3ya.example", 0 },
	{ "xn--p1ai", "xn--p1ai", 0 },
	{ "jenkins.xn--fiqs8s.:8443", "jenkins.xn--fiqs8s", 8443 },
	{ "127.0.0.1", "127.0.0.1", 0 },
	{ "127.0.0.1.", "127.0.0.1", 0 },
	{ "127.0.0.1:8080", "127.0.0.1", 8080 },
	{ "0.0.0.0", "0.0.0.0", 0 },
	{ "255.255.255.255", "255.255.255.255", 0 },
	{ "[::]", "[::]", 0 },
	{ "[::1]", "[::1]", 0 },
	{ "[::1]:8080", "[::1]", 8080 },
	{ "[0:0:0:0:0:0:0:1]", "[::1]", 0 },
	{ "[2001:DB8::1]", "[2001:db8::1]", 0 },
	{ "[2001:0db8:0000::0001]:443", "[2001:db8::1]", 443 },
	{ "[::ffff:192.0.2.1]", "[::ffff:192.0.2.1]", 0 },
	{ "[64:ff9b::192.0.2.1]", "[64:ff9b::c000:201]", 0 },
	{ "[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7:8]", 0 },
	{ "[fe80::1]", "[fe80::1]", 0 },
	/* refused: empty and dots */
	{ "", NULL, 0 },
	{ ".", NULL, 0 },
	{ "..", NULL, 0 },
	{ ".com", NULL, 0 },
	{ "a..b", NULL, 0 },
	{ "a..", NULL, 0 },
	{ ".a.", NULL, 0 },
	/* ports */
	{ "a:", NULL, 0 },
	{ ":80", NULL, 0 },
	{ ":", NULL, 0 },
	{ "a:0", NULL, 0 },
	{ "a:00", NULL, 0 },
	{ "a:080", NULL, 0 },
	{ "a:65536", NULL, 0 },
	{ "a:99999", NULL, 0 },
	{ "a:100000", NULL, 0 },
	{ "a:4294967376", NULL, 0 },
	{ "a:-1", NULL, 0 },
	{ "a:+80", NULL, 0 },
	{ "a: 80", NULL, 0 },
	{ "a:80 ", NULL, 0 },
	{ "a:0x50", NULL, 0 },
	{ "a:http", NULL, 0 },
	{ "a:80:80", NULL, 0 },
	{ "a:8a", NULL, 0 },
	{ "a.:", NULL, 0 },
	/* characters */
	{ " a", NULL, 0 },
	{ "a ", NULL, 0 },
	{ "a b", NULL, 0 },
	{ "a\tb", NULL, 0 },
	{ "a,b", NULL, 0 },
	{ "a;b", NULL, 0 },
	{ "a/b", NULL, 0 },
	{ "a\\b", NULL, 0 },
	{ "a?b", NULL, 0 },
	{ "a#b", NULL, 0 },
	{ "u@a", NULL, 0 },
	{ "u:p@a", NULL, 0 },
	{ "a%62", NULL, 0 },
	{ "%61", NULL, 0 },
	{ "a%00.b", NULL, 0 },
	{ "a_b", NULL, 0 },
	{ "_acme-challenge.a", NULL, 0 },
	{ "*.a", NULL, 0 },
	{ "a!b", NULL, 0 },
	{ "a'b", NULL, 0 },
	{ "\"a\"", NULL, 0 },
	{ "a+b", NULL, 0 },
	{ "a=b", NULL, 0 },
	{ "a~b", NULL, 0 },
	{ "a|b", NULL, 0 },
	{ "<a>", NULL, 0 },
	{ "{a}", NULL, 0 },
	{ "http://a", NULL, 0 },
	{ "//a", NULL, 0 },
	{ "m\xc3\xbcnchen.example", NULL, 0 },
	{ "a\xe3\x80\x82"
	  "b",
	    NULL, 0 },
	{ "\xff", NULL, 0 },
	{ "a\r\nb", NULL, 0 },
	{ "a\x7f", NULL, 0 },
	/* dashes */
	{ "-", NULL, 0 },
	{ "-a", NULL, 0 },
	{ "a-", NULL, 0 },
	{ "a.-b", NULL, 0 },
	{ "a-.b", NULL, 0 },
	{ "a.b-", NULL, 0 },
	{ "xn--", NULL, 0 },
	{ "xn--.example", NULL, 0 },
	/* addresses in other spellings: what comes last and reads as a number is one */
	{ "1", NULL, 0 },
	{ "127", NULL, 0 },
	{ "127.1", NULL, 0 },
	{ "127.0.1", NULL, 0 },
	{ "2130706433", NULL, 0 },
	{ "0x7f000001", NULL, 0 },
	{ "0X7F.0.0.1", NULL, 0 },
	{ "127.0.0.0x1", NULL, 0 },
	{ "0x", NULL, 0 },
	{ "a.0x", NULL, 0 },
	{ "0177.0.0.1", NULL, 0 },
	{ "127.0.0.01", NULL, 0 },
	{ "127.000.0.1", NULL, 0 },
	{ "256.0.0.1", NULL, 0 },
	{ "127.0.0.256", NULL, 0 },
	{ "127.0.0.1000", NULL, 0 },
	{ "1.2.3.4.5", NULL, 0 },
	{ "a.1.2.3.4", NULL, 0 },
	{ "example.1", NULL, 0 },
	{ "127.0.0.1..", NULL, 0 },
	/* brackets */
	{ "[", NULL, 0 },
	{ "[]", NULL, 0 },
	{ "[]:80", NULL, 0 },
	{ "]", NULL, 0 },
	{ "[::1", NULL, 0 },
	{ "::1]", NULL, 0 },
	{ "::1", NULL, 0 },
	{ "[::1]]", NULL, 0 },
	{ "[[::1]]", NULL, 0 },
	{ "[::1]a", NULL, 0 },
	{ "[::1].", NULL, 0 },
	{ "[::1]:", NULL, 0 },
	{ "[::1]:0", NULL, 0 },
	{ "[::1]:080", NULL, 0 },
	{ "[::1]80", NULL, 0 },
	{ "a[::1]", NULL, 0 },
	{ "[::1] ", NULL, 0 },
	{ "[ ::1]", NULL, 0 },
	{ "[:::]", NULL, 0 },
	{ "[::1::]", NULL, 0 },
	{ "[1:2:3:4:5:6:7]", NULL, 0 },
	{ "[1:2:3:4:5:6:7:8:9]", NULL, 0 },
	{ "[12345::]", NULL, 0 },
	{ "[g::1]", NULL, 0 },
	{ "[127.0.0.1]", NULL, 0 },
	{ "[::127.1]", NULL, 0 },
	{ "[::ffff:192.0.2.01]", NULL, 0 },
	{ "[fe80::1%eth0]", NULL, 0 },
	{ "[fe80::1%25eth0]", NULL, 0 },
	{ "[v1.a]", NULL, 0 },
	{ "[example.com]", NULL, 0 },
	{ "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]", NULL, 0 },
};

TEST(s06_authorities)
{
	for (size_t i = 0; i < sizeof(authorities) / sizeof(*authorities); i++) {
		char host[URL_HOST_BYTES] = "untouched";
		uint16_t port = 7;
		bool ok = url_authority(slice_str(authorities[i].in), host, sizeof(host), &port);

		if (ok != (authorities[i].want != NULL)) {
			printf("%s is %s\n", authorities[i].in, ok ? "accepted" : "refused");
			unit_faults++;
		} else if (ok) {
			EXPECT_SLICE(slice_str(host), slice_str(authorities[i].want));
			EXPECT_INT(port, authorities[i].port);
		} else {
			EXPECT_INT(port, 7);
		}
	}
}

TEST(authority_with_nul)
{
	char host[URL_HOST_BYTES];
	uint16_t port;

	EXPECT(!url_authority(S("a\0b"), host, sizeof(host), &port));
	EXPECT(!url_authority(S("a\0"), host, sizeof(host), &port));
	EXPECT(!url_authority(S("[::1\0]"), host, sizeof(host), &port));
	EXPECT(!url_authority(S("a:8\0"), host, sizeof(host), &port));
}

/* Labels of 63, names of 253 bytes are the longest. */
TEST(authority_lengths)
{
	char in[300], host[URL_HOST_BYTES];
	uint16_t port;

	memset(in, 'a', sizeof(in));
	EXPECT(url_authority(slice_of(in, 63), host, sizeof(host), &port));
	EXPECT(!url_authority(slice_of(in, 64), host, sizeof(host), &port));
	for (size_t i = 63; i < sizeof(in); i += 64)
		in[i] = '.';
	EXPECT(url_authority(slice_of(in, 253), host, sizeof(host), &port));
	EXPECT_INT(strlen(host), 253);
	EXPECT(!url_authority(slice_of(in, 254), host, sizeof(host), &port));
	in[253] = '.'; /* the trailing dot does not count */
	EXPECT(url_authority(slice_of(in, 254), host, sizeof(host), &port));
	EXPECT_INT(strlen(host), 253);
	in[253] = ':';
	memcpy(in + 254, "65535", 5);
	EXPECT(url_authority(slice_of(in, 259), host, sizeof(host), &port));
	EXPECT_INT(port, 65535);
}

/* want NULL: refused. */
static const struct {
	const char *in, *want;
} names[] = {
	{ "jenkins", "jenkins" },
	{ "Jenkins", "jenkins" },
	{ "JENKINS", "jenkins" },
	{ "a", "a" },
	{ "A", "a" },
	{ "a1", "a1" },
	{ "1a", "1a" },
	{ "4u", "4u" },
	{ "my-hook", "my-hook" },
	{ "My-Hook-2", "my-hook-2" },
	{ "a-b-c", "a-b-c" },
	{ "a--b", "a--b" },
	{ "abc--d", "abc--d" },
	{ "a-1", "a-1" },
	{ "1-1", "1-1" },
	{ "10-0-0-1", "10-0-0-1" },
	{ "0xg", "0xg" },
	{ "x0", "x0" },
	{ "deadbeef", "deadbeef" },
	{ "ci", "ci" },
	{ "webhooks", "webhooks" },
	{ "apis", "apis" },
	{ "www-data", "www-data" },
	{ "wwwx", "wwwx" },
	{ "nsa", "nsa" },
	{ "ns1a", "ns1a" },
	{ "mailman", "mailman" },
	{ "mx-5", "mx-5" },
	{ "administration", "administration" },
	{ "xn-a", "xn-a" },
	{ "xna", "xna" },
	/* refused: characters */
	{ "", NULL },
	{ " ", NULL },
	{ " a", NULL },
	{ "a ", NULL },
	{ "a b", NULL },
	{ "a\t", NULL },
	{ "a\n", NULL },
	{ "a.", NULL },
	{ ".a", NULL },
	{ ".", NULL },
	{ "a.b", NULL },
	{ "jenkins.example.com", NULL },
	{ "a_b", NULL },
	{ "_acme-challenge", NULL },
	{ "_dmarc", NULL },
	{ "a:80", NULL },
	{ "a/b", NULL },
	{ "a\\b", NULL },
	{ "a@b", NULL },
	{ "a%62", NULL },
	{ "a,b", NULL },
	{ "a;b", NULL },
	{ "a#b", NULL },
	{ "a?b", NULL },
	{ "a*", NULL },
	{ "*", NULL },
	{ "@", NULL },
	{ "\"a\"", NULL },
	{ "'a'", NULL },
	{ "$a", NULL },
	{ "a+b", NULL },
	{ "a=b", NULL },
	{ "<a>", NULL },
	{ "[::1]", NULL },
	{ "m\xc3\xbcnchen", NULL },
	{ "\xd0\xb0pple", NULL },
	{ "\xe2\x84\xaa", NULL },
	{ "a\xc2\xad"
	  "b",
	    NULL },
	{ "a\xe2\x80\x8b", NULL },
	{ "\xff", NULL },
	{ "a\x7f", NULL },
	{ "a\x01", NULL },
	/* dashes and IDN */
	{ "-", NULL },
	{ "--", NULL },
	{ "---", NULL },
	{ "----", NULL },
	{ "-a", NULL },
	{ "a-", NULL },
	{ "-a-", NULL },
	{ "ab--", NULL },
	{ "ab--c", NULL },
	{ "xn--a", NULL },
	{ "XN--A", NULL },
	{ "Xn--mnchen-3ya", NULL },
	{ "xn--", NULL },
	{ "00--1", NULL },
	/* numbers */
	{ "0", NULL },
	{ "1", NULL },
	{ "123", NULL },
	{ "2130706433", NULL },
	{ "0x7f", NULL },
	{ "0X7F", NULL },
	{ "0x", NULL },
	{ "127.0.0.1", NULL },
	/* nobody's by convention alone */
	{ "www", "www" },
	{ "API", "api" },
	{ "Admin", "admin" },
	{ "status", "status" },
	{ "ns1", "ns1" },
};

TEST(s02_names)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char name[64] = "untouched";
		const char *why = url_name(slice_str(names[i].in), name, sizeof(name));

		if ((why == NULL) != (names[i].want != NULL)) {
			printf("\"%s\": %s\n", names[i].in, why == NULL ? "accepted" : why);
			unit_faults++;
		} else if (why == NULL) {
			EXPECT_SLICE(slice_str(name), slice_str(names[i].want));
		} else {
			EXPECT_SLICE(slice_str(name), S("untouched"));
			EXPECT(why[strlen(why) - 1] == '.');
		}
	}
}

TEST(name_lengths)
{
	char in[65], name[64];

	memset(in, 'A', sizeof(in));
	EXPECT(url_name(slice_of(in, 63), name, sizeof(name)) == NULL);
	EXPECT_INT(strlen(name), 63);
	EXPECT(url_name(slice_of(in, 64), name, sizeof(name)) != NULL);
	EXPECT(url_name(S("a\0b"), name, sizeof(name)) != NULL);
}

TESTS(TEST_ROW(s06_authorities) TEST_ROW(authority_with_nul) TEST_ROW(authority_lengths)
	TEST_ROW(s02_names) TEST_ROW(name_lengths))
