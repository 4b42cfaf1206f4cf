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

static void
teardown(void)
{
	resolver_free(resolver);
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

/* Reserved never to exist (RFC 6761): answered by a name server, or there is none to ask. */
TEST(unknown_name)
{
	struct addr a = addr_of("nothing-here.invalid:80");
	struct result r;

	setup();
	r = dial_to(&a, 3000000);
	EXPECT_INT(r.fd, -1);
	EXPECT(r.code == ENOENT || r.code == ETIMEDOUT || r.code == EAGAIN);
	EXPECT(mentions(r.why, "nothing-here.invalid"));
	printf("     (%s)\n", r.why);
	teardown();
}

TESTS(TEST_ROW(numeric) TEST_ROW(unix_socket) TEST_ROW(localhost_either_family) TEST_ROW(deadline)
	TEST_ROW(cancelled) TEST_ROW(unknown_name))
