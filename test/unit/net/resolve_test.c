/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/net/pair.h"

#include "net/resolve.h"

#include <netinet/in.h>

static struct loop *loop;
static struct resolver *resolver;

struct result {
	struct dial dial;
	bool done;
	int fd, code;
	char why[512];
};

static void
on_done(struct dial *d, int fd, int code, const char *why)
{
	struct result *r = list_of(d, struct result, dial);

	EXPECT(d->private == NULL);
	r->done = true;
	r->fd = fd;
	r->code = code;
	snprintf(r->why, sizeof(r->why), "%s", why);
	loop_stop(loop);
}

static void
setup(void)
{
	loop = loop_new();
	resolver = resolver_new(loop);
}

static void names_down(void);

static void
teardown(void)
{
	resolver_free(resolver);
	names_down();
	loop_free(loop);
}

static struct result
dial_to(const struct addr *a, int64_t timeout_us)
{
	struct result r = { .dial.done = on_done };

	dial_start(resolver, &r.dial, a, timeout_us);
	EXPECT(!r.done);
	EXPECT(run_until_stopped(loop));
	EXPECT(r.done);
	return r;
}

static struct addr
addr_of(const char *text)
{
	struct addr a = { 0 };

	EXPECT(addr_parse(slice_str(text), &a) == NULL);
	return a;
}

static int
listen_at(const char *text, struct addr *ret_bound)
{
	struct addr a = addr_of(text);
	int fd = addr_listen(&a, false, ret_bound);

	EXPECT(fd >= 0);
	return fd;
}

static bool
mentions(const char *text, const char *word)
{
	return strstr(text, word) != NULL;
}

TEST(numeric)
{
	struct addr bound;
	struct result r;
	int listener;

	setup();
	listener = listen_at("127.0.0.1:0", &bound);
	r = dial_to(&bound, 5000000);
	EXPECT(r.fd >= 0);
	EXPECT_INT(r.code, 0);
	loop_close(r.fd);
	loop_close(listener);
	/* Nobody listens there any more. */
	r = dial_to(&bound, 5000000);
	EXPECT_INT(r.fd, -1);
	EXPECT_INT(r.code, ECONNREFUSED);
	EXPECT(mentions(r.why, "connection refused (127.0.0.1:"));
	teardown();
}

TEST(unix_socket)
{
	char dir[] = "/tmp/adit-dial-XXXXXX", text[64];
	struct addr a, bound;
	struct result r;
	int listener;

	setup();
	EXPECT(mkdtemp(dir) != NULL);
	snprintf(text, sizeof(text), "unix:%s/s", dir);
	a = addr_of(text);
	r = dial_to(&a, 5000000);
	EXPECT_INT(r.code, ENOENT);
	EXPECT(mentions(r.why, text));
	listener = listen_at(text, &bound);
	r = dial_to(&a, 5000000);
	EXPECT(r.fd >= 0);
	loop_close(r.fd);
	loop_close(listener);
	remove_dir(dir);
	teardown();
}

/* "localhost" is both families: who listens on one of them is found. */
TEST(localhost_either_family)
{
	static const char *const where[] = { "127.0.0.1:0", "[::1]:0" };
	struct addr bound, a;
	struct result r;

	setup();
	for (int i = 0; i < 2; i++) {
		int listener = listen_at(where[i], &bound);

		a = addr_of("localhost:1");
		a.port = bound.port;
		r = dial_to(&a, 5000000);
		EXPECT(r.fd >= 0);
		loop_close(r.fd);
		loop_close(listener);
	}
	teardown();
}

/* A listener whose backlog is full does not answer. */
static int
deaf_listener(struct addr *ret_bound, int *fds, int n)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int fd = listen_at("127.0.0.1:0", ret_bound);

	EXPECT_INT(listen(fd, 0), 0);
	EXPECT_INT(addr_sockaddr(ret_bound, false, &ss, &len), 0);
	for (int i = 0; i < n; i++)
		fds[i] = loop_connect((struct sockaddr *)&ss, len);
	return fd;
}

TEST(deadline)
{
	struct addr bound;
	struct result r;
	int fds[3], listener;

	setup();
	listener = deaf_listener(&bound, fds, 3);
	r = dial_to(&bound, 50000);
	EXPECT_INT(r.fd, -1);
	EXPECT_INT(r.code, ETIMEDOUT);
	EXPECT(mentions(r.why, "no answer (127.0.0.1:"));
	for (int i = 0; i < 3; i++)
		loop_close(fds[i]);
	loop_close(listener);
	teardown();
}

TEST(cancelled)
{
	struct result r = { .dial.done = on_done };
	struct addr bound;
	int fds[3], listener;

	setup();
	listener = deaf_listener(&bound, fds, 3);
	dial_start(resolver, &r.dial, &bound, 50000);
	dial_cancel(&r.dial);
	EXPECT(r.dial.private == NULL);
	dial_cancel(&r.dial);
	/* Running ones end with the resolver, without a call. */
	dial_start(resolver, &r.dial, &bound, 50000);
	teardown();
	EXPECT(!r.done && r.dial.private == NULL);
	for (int i = 0; i < 3; i++)
		loop_close(fds[i]);
	loop_close(listener);
}

/* --- names, with a name server of our own --- */

static struct names {
	struct loop_io udp, listener, tcp;
	char text[64];
	int n_tcp; /* questions over TCP */
} names;

enum { QTYPE_A = 1, QTYPE_AAAA = 28 };

/* "four.test" of a question, dots between the labels; returns the bytes of the question. */
static size_t
question(const unsigned char *p, char *host, int *ret_type)
{
	size_t at = 12;

	host[0] = '\0';
	while (p[at] != 0) {
		snprintf(host + strlen(host), 64, "%s%.*s", host[0] ? "." : "", p[at], p + at + 1);
		at += p[at] + 1u;
	}
	*ret_type = p[at + 1] << 8 | p[at + 2];
	return at + 5 - 12;
}

static size_t
add_record(unsigned char *p, int type, unsigned last)
{
	static const unsigned char v4[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0 };
	static const unsigned char v6[] = { 0xc0, 12, 0, 28, 0, 1, 0, 0, 0, 60, 0, 16 };

	if (type == QTYPE_A) {
		memcpy(p, v4, sizeof(v4));
		p[sizeof(v4)] = (unsigned char)last;
		return sizeof(v4) + 1;
	}
	memcpy(p, v6, sizeof(v6));
	memset(p + sizeof(v6), 0, 16);
	p[sizeof(v6) + 15] = 1;
	return sizeof(v6) + 16;
}

/* The answer to p in place; 0: silence. */
static size_t
answer(unsigned char *p, bool over_tcp)
{
	char host[256];
	int type, n = 0;
	size_t end = 12 + question(p, host, &type);
	bool cut = strcmp(host, "big.test") == 0 && type == QTYPE_A && !over_tcp;

	if (strcmp(host, "silent6.test") == 0 && type == QTYPE_AAAA)
		return 0;
	p[2] = (unsigned char)(0x81 | (cut ? 2 : 0));
	p[3] = (unsigned char)(0x80 | (strcmp(host, "gone.test") == 0 ? 3 : 0));
	memset(p + 6, 0, 6);
	if (strcmp(host, "four.test") == 0 || strcmp(host, "silent6.test") == 0)
		n = type == QTYPE_A;
	else if (strcmp(host, "six.test") == 0)
		n = type == QTYPE_AAAA;
	else if (strcmp(host, "big.test") == 0)
		n = type == QTYPE_A && !cut ? 40 : 0;
	for (int i = 0; i < n; i++)
		end += add_record(p + end, type, n == 1 ? 1u : (unsigned)(100 + i));
	p[7] = (unsigned char)n;
	return end;
}

static void
on_udp(struct loop_io *io, unsigned events)
{
	unsigned char p[4096];
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	ssize_t got;

	(void)events;
	while ((got = recvfrom(io->fd, p, 512, 0, (struct sockaddr *)&from, &len)) > 12) {
		size_t n = answer(p, false);

		if (n > 0)
			EXPECT_INT(sendto(io->fd, p, n, 0, (struct sockaddr *)&from, len),
			    (long long)n);
	}
}

static void
on_tcp(struct loop_io *io, unsigned events)
{
	unsigned char p[4096];
	ssize_t got;

	(void)events;
	while ((got = recv(io->fd, p, sizeof(p), 0)) > 14) {
		size_t n = answer(p + 2, true);

		names.n_tcp++;
		p[0] = (unsigned char)(n >> 8);
		p[1] = (unsigned char)n;
		/* In two parts: the edge of the second must not be lost. */
		EXPECT_INT(send(io->fd, p, 7, 0), 7);
		EXPECT_INT(send(io->fd, p + 7, n - 5, 0), (long long)n - 5);
	}
}

static void
on_tcp_listener(struct loop_io *io, unsigned events)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int fd;

	(void)events;
	while ((fd = loop_accept(io->fd, &ss, &len)) >= 0) {
		EXPECT(names.tcp.fd < 0);
		names.tcp = (struct loop_io){ .fd = fd, .fn = on_tcp };
		EXPECT_INT(loop_watch(loop, &names.tcp), 0);
	}
}

static void
names_up(void)
{
	struct addr bound;
	struct sockaddr_storage ss;
	socklen_t len;

	names = (struct names){ .tcp.fd = -1 };
	names.listener =
	    (struct loop_io){ .fd = listen_at("127.0.0.1:0", &bound), .fn = on_tcp_listener };
	EXPECT_INT(addr_sockaddr(&bound, false, &ss, &len), 0);
	names.udp.fn = on_udp;
	names.udp.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	EXPECT_INT(bind(names.udp.fd, (struct sockaddr *)&ss, len), 0);
	EXPECT_INT(loop_watch(loop, &names.udp), 0);
	EXPECT_INT(loop_watch(loop, &names.listener), 0);
	addr_text(&bound, names.text, sizeof(names.text));
	resolver_servers(resolver, names.text);
}

static void
names_down(void)
{
	struct loop_io *all[] = { &names.udp, &names.listener, &names.tcp };

	for (int i = 0; i < 3; i++) {
		if (all[i]->fd <= 0)
			continue;
		loop_unwatch(all[i]);
		loop_close(all[i]->fd);
		all[i]->fd = -1;
	}
}

static struct result
dial_name(const char *host, uint16_t port)
{
	char text[300];
	struct addr a;

	snprintf(text, sizeof(text), "%s:%u", host, port);
	a = addr_of(text);
	return dial_to(&a, 5000000);
}

TEST(names_of_either_family)
{
	static const char *const hosts[] = { "four.test", "six.test" };
	static const char *const where[] = { "127.0.0.1:0", "[::1]:0" };

	setup();
	names_up();
	for (int i = 0; i < 2; i++) {
		struct addr bound;
		struct result r;
		int listener = listen_at(where[i], &bound);

		r = dial_name(hosts[i], bound.port);
		EXPECT(r.fd >= 0);
		loop_close(r.fd);
		loop_close(listener);
		r = dial_name(hosts[i], bound.port);
		EXPECT_INT(r.code, ECONNREFUSED);
	}
	teardown();
}

TEST(name_that_does_not_exist)
{
	struct result r;

	setup();
	names_up();
	r = dial_name("gone.test", 80);
	EXPECT_INT(r.fd, -1);
	EXPECT_INT(r.code, ENOENT);
	EXPECT_SLICE(slice_str(r.why), S("there is no host of that name (gone.test)"));
	r = dial_name("no-addresses.test", 80);
	EXPECT_INT(r.code, ENOENT);
	teardown();
}

/* RFC 8305 3: a name server that never answers for IPv6 costs 50 ms, not seconds. */
TEST(silence_about_one_family)
{
	struct addr bound;
	struct result r;
	int64_t start;
	int listener;

	setup();
	names_up();
	listener = listen_at("127.0.0.1:0", &bound);
	start = loop_now_us(loop);
	r = dial_name("silent6.test", bound.port);
	EXPECT(r.fd >= 0);
	EXPECT(loop_now_us(loop) - start >= 50000);
	EXPECT(loop_now_us(loop) - start < 1500000);
	loop_close(r.fd);
	loop_close(listener);
	teardown();
}

/* An answer too large for UDP comes over TCP; of 40 addresses at most 16 are tried. */
TEST(large_answer_over_tcp)
{
	struct addr bound;
	struct result r;
	int listener;

	setup();
	names_up();
	listener = listen_at("127.0.0.1:0", &bound);
	r = dial_name("big.test", bound.port);
	EXPECT_INT(r.fd, -1);
	EXPECT_INT(r.code, ECONNREFUSED);
	EXPECT(names.n_tcp > 0);
	loop_close(listener);
	teardown();
}

TEST(cancelled_while_looking_up)
{
	struct result r = { .dial.done = on_done };
	struct addr a = addr_of("silent6.test:80");

	setup();
	names_up();
	dial_start(resolver, &r.dial, &a, 5000000);
	dial_cancel(&r.dial);
	dial_start(resolver, &r.dial, &a, 5000000);
	teardown();
	EXPECT(!r.done && r.dial.private == NULL);
}

TESTS(TEST_ROW(numeric) TEST_ROW(unix_socket) TEST_ROW(localhost_either_family) TEST_ROW(deadline)
	TEST_ROW(cancelled) TEST_ROW(names_of_either_family) TEST_ROW(name_that_does_not_exist)
	    TEST_ROW(silence_about_one_family) TEST_ROW(large_answer_over_tcp)
		TEST_ROW(cancelled_while_looking_up))
