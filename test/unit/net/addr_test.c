/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/net/pair.h"

#include <arpa/inet.h>
#include <sys/stat.h>
#include <sys/un.h>

static void
good(const char *text, const char *shown, bool tls)
{
	struct addr a;
	char out[512];
	const char *why = addr_parse(slice_str(text), &a);

	if (why != NULL)
		printf("%s: %s\n", text, why);
	EXPECT(why == NULL);
	if (why != NULL)
		return;
	EXPECT_INT(a.tls, tls);
	addr_text(&a, out, sizeof(out));
	EXPECT_SLICE(slice_str(out), slice_str(shown));
}

TEST(what_people_write)
{
	good("8080", "*:8080", false);
	good("*:443", "*:443", false);
	good("localhost:8080", "localhost:8080", false);
	good("192.0.2.1:0", "192.0.2.1:0", false);
	good("[::1]:8080", "[::1]:8080", false);
	good("https://ci.example.org", "https://ci.example.org:443", true);
	good("https://ci.example.org/", "https://ci.example.org:443", true);
	good("https://ci.example.org:8443", "https://ci.example.org:8443", true);
	good("https://[2001:db8::1]", "https://[2001:db8::1]:443", true);
	good("http://ci_2.example.org", "ci_2.example.org:80", false);
	good("unix:/run/adit.sock", "unix:/run/adit.sock", false);
}

static void
bad(const char *text, const char *word)
{
	struct addr a = { .port = 7 };
	const char *why = addr_parse(slice_str(text), &a);

	if (why == NULL || strstr(why, word) == NULL)
		printf("%s: %s\n", text, why == NULL ? "(good)" : why);
	EXPECT(why != NULL && strstr(why, word) != NULL);
	EXPECT_INT(a.port, 7); /* untouched */
}

TEST(what_is_refused_and_why)
{
	char path[200] = "unix:/", host[300];

	bad("", "empty");
	bad("localhost", "port is missing");
	bad("localhost:", "port is a number");
	bad("localhost:x", "port is a number");
	bad("localhost:65536", "port is a number");
	bad("99999", "port is a number");
	bad("localhost:+1", "port is a number");
	bad(":80", "host is missing");
	bad("::1:80", "brackets");
	bad("[::1:80", "closing ]");
	bad("[zz]:80", "not an IPv6");
	bad("[::1]80", "only :port");
	bad("a b:80", "letters");
	bad("user@host:80", "letters");
	bad("https://h/path", "no path");
	bad("ftp://h", "an address is");
	bad("unix:", "path must follow");
	bad("http://unix:80", "taken for a path");
	memset(path + 6, 'p', 150);
	bad(path, "107");
	memset(host, 'h', sizeof(host));
	memcpy(host + 290, ":80", 4);
	bad(host, "255");
}

TEST(as_the_system_has_them)
{
	struct sockaddr_storage ss;
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(4711) };
	struct addr a;
	socklen_t len;
	char out[ADDR_TEXT_BYTES];

	EXPECT(addr_parse(S("8080"), &a) == NULL);
	EXPECT_INT(addr_sockaddr(&a, false, &ss, &len), 0);
	addr_show(&ss, len, out, sizeof(out));
	EXPECT_SLICE(slice_str(out), S("127.0.0.1:8080"));
	EXPECT_INT(addr_sockaddr(&a, true, &ss, &len), 0);
	addr_show(&ss, len, out, sizeof(out));
	EXPECT_SLICE(slice_str(out), S("[::]:8080"));
	EXPECT(addr_parse(S("name:1"), &a) == NULL);
	EXPECT_INT(addr_sockaddr(&a, false, &ss, &len), -1);
	/* A v4 visitor of a dual-stack listener. */
	EXPECT_INT(inet_pton(AF_INET6, "::ffff:192.0.2.7", &in6.sin6_addr), 1);
	memset(&ss, 0, sizeof(ss));
	memcpy(&ss, &in6, sizeof(in6));
	addr_show(&ss, sizeof(in6), out, sizeof(out));
	EXPECT_SLICE(slice_str(out), S("192.0.2.7:4711"));
	EXPECT_INT(addr_split(&ss, sizeof(in6), out, sizeof(out)), 4711);
	EXPECT_SLICE(slice_str(out), S("192.0.2.7"));
	ss = (struct sockaddr_storage){ .ss_family = AF_UNIX };
	addr_show(&ss, sizeof(sa_family_t), out, sizeof(out));
	EXPECT_SLICE(slice_str(out), S("unix:"));
}

TEST(listen_shared_port)
{
	struct addr a, bound;
	int one, two;

	EXPECT(addr_parse(S("127.0.0.1:0"), &a) == NULL);
	one = addr_listen(&a, true, &bound);
	EXPECT(one >= 0);
	EXPECT(bound.port != 0);
	two = addr_listen(&bound, true, NULL);
	EXPECT(two >= 0);
	loop_close(two);
	EXPECT_INT(addr_listen(&bound, false, NULL), -1);
	EXPECT_INT(errno, EADDRINUSE);
	loop_close(one);
}

TEST(listen_on_a_name_is_refused)
{
	struct addr a;

	EXPECT(addr_parse(S("example.test:80"), &a) == NULL);
	EXPECT_INT(addr_listen(&a, false, NULL), -1);
	EXPECT_INT(errno, EINVAL);
}

TEST(unix_socket_stale_and_alive)
{
	char dir[] = "/tmp/adit-addr-XXXXXX";
	struct addr a = { .kind = ADDR_UNIX };
	struct stat st;
	int one, two;

	EXPECT(mkdtemp(dir) != NULL);
	snprintf(a.path, sizeof(a.path), "%s/s", dir);
	one = addr_listen(&a, false, NULL);
	EXPECT(one >= 0);
	EXPECT_INT(addr_listen(&a, false, NULL), -1); /* somebody lives there */
	EXPECT_INT(errno, EADDRINUSE);
	loop_close(one); /* and dies without unlink */
	two = addr_listen(&a, false, NULL);
	EXPECT(two >= 0);
	loop_close(two);
	unlink(a.path);
	/* A file that is no socket is never removed. */
	EXPECT_INT(mkdir(a.path, 0700), 0);
	EXPECT_INT(addr_listen(&a, false, NULL), -1);
	EXPECT_INT(stat(a.path, &st), 0);
	rmdir(a.path);
	rmdir(dir);
}

TESTS(TEST_ROW(what_people_write) TEST_ROW(what_is_refused_and_why) TEST_ROW(as_the_system_has_them)
	TEST_ROW(listen_shared_port) TEST_ROW(listen_on_a_name_is_refused)
	    TEST_ROW(unix_socket_stale_and_alive))
