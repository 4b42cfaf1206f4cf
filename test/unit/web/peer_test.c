/* SPDX-License-Identifier: Apache-2.0 */
/* Who is on the other side of a real socket.  The user of another process needs root (a child that becomes somebody
 * else); without it that test says so. */
#include "web/peer.h"

#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

struct pair {
	int client, server;
	struct sockaddr_storage ss;
	socklen_t len;
};

static int
listen_on(int family, const char *host, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), off = 0;

	*ret = (struct sockaddr_storage){ .ss_family = (sa_family_t)family };
	if (family == AF_INET6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
		inet_pton(AF_INET6, host, &((struct sockaddr_in6 *)(void *)ret)->sin6_addr);
		*ret_len = sizeof(struct sockaddr_in6);
	} else {
		inet_pton(AF_INET, host, &((struct sockaddr_in *)(void *)ret)->sin_addr);
		*ret_len = sizeof(struct sockaddr_in);
	}
	if (bind(fd, (struct sockaddr *)ret, *ret_len) != 0 || listen(fd, 8) != 0 ||
	    getsockname(fd, (struct sockaddr *)ret, ret_len) != 0)
		abort();
	return fd;
}

static int
connect_to(const struct sockaddr_storage *to, socklen_t len)
{
	int fd = socket(to->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (const struct sockaddr *)to, len) != 0)
		abort();
	return fd;
}

/* The client's address may be written in another family than the listener's. */
static void
pair_open(struct pair *p, int family, const char *host, int client_family, const char *client_host)
{
	struct sockaddr_storage at;
	socklen_t len;
	int fd = listen_on(family, host, &at, &len);
	uint16_t port = family == AF_INET ? ((struct sockaddr_in *)(void *)&at)->sin_port
					  : ((struct sockaddr_in6 *)(void *)&at)->sin6_port;
	struct sockaddr_storage to = { .ss_family = (sa_family_t)client_family };

	if (client_family == AF_INET) {
		struct sockaddr_in *a = (struct sockaddr_in *)(void *)&to;

		a->sin_port = port;
		inet_pton(AF_INET, client_host, &a->sin_addr);
		len = sizeof(*a);
	} else {
		struct sockaddr_in6 *a = (struct sockaddr_in6 *)(void *)&to;

		a->sin6_port = port;
		inet_pton(AF_INET6, client_host, &a->sin6_addr);
		len = sizeof(*a);
	}
	p->client = connect_to(&to, len);
	p->len = sizeof(p->ss);
	p->server = accept(fd, (struct sockaddr *)&p->ss, &p->len);
	close(fd);
}

static void
expect_me(int family, const char *host, int client_family, const char *client_host)
{
	struct pair p;
	struct web_peer peer;

	pair_open(&p, family, host, client_family, client_host);
	web_peer_ask(p.server, &p.ss, p.len, &peer);
	EXPECT(peer.known && peer.uid == geteuid() && !peer.local && peer.text[0] != '\0');
	/* It sends nothing more, but it is there. */
	shutdown(p.client, SHUT_WR);
	web_peer_ask(p.server, &p.ss, p.len, &peer);
	EXPECT(peer.known && peer.uid == geteuid());
	/* Its process has let it go: the kernel would call it root's. */
	close(p.client);
	web_peer_ask(p.server, &p.ss, p.len, &peer);
	EXPECT(!peer.known);
	close(p.server);
}

TEST(my_own)
{
	expect_me(AF_INET, "127.0.0.1", AF_INET, "127.0.0.1");
	expect_me(AF_INET, "127.0.0.1", AF_INET6, "::ffff:127.0.0.1");
	expect_me(AF_INET6, "::1", AF_INET6, "::1");
	expect_me(AF_INET6, "::", AF_INET, "127.0.0.1");
	expect_me(AF_INET6, "::", AF_INET6, "::ffff:127.0.0.1");
	expect_me(AF_INET6, "::", AF_INET6, "::1");
}

/* Closed with data unread on our side, as whoever wants to be taken for root would. */
TEST(who_went_is_not_root)
{
	struct pair p;
	struct web_peer peer;
	char text[] = "POST / HTTP/1.1\r\n\r\n";

	pair_open(&p, AF_INET, "127.0.0.1", AF_INET, "127.0.0.1");
	EXPECT(send(p.client, text, sizeof(text) - 1, 0) > 0);
	close(p.client);
	web_peer_ask(p.server, &p.ss, p.len, &peer);
	EXPECT(!peer.known);
	close(p.server);
}

TEST(another_user)
{
	struct sockaddr_storage at, ss;
	socklen_t len, n = sizeof(ss);
	struct web_peer peer;
	int fd, server, status, go[2];
	char byte;
	pid_t pid;

	if (geteuid() != 0) {
		printf("skipped: needs root\n");
		return;
	}
	fd = listen_on(AF_INET, "127.0.0.1", &at, &len);
	EXPECT(pipe(go) == 0);
	pid = fork();
	if (pid == 0) {
		if (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
			_exit(1);
		close(go[1]);
		int client = connect_to(&at, len);

		_exit(read(go[0], &byte, 1) == 0 && client >= 0 ? 0 : 1);
	}
	server = accept(fd, (struct sockaddr *)&ss, &n);
	web_peer_ask(server, &ss, n, &peer);
	EXPECT(peer.known && peer.uid == NOBODY);
	close(go[0]);
	close(go[1]);
	EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
	/* It has ended: nobody has that socket any more. */
	web_peer_ask(server, &ss, n, &peer);
	EXPECT(!peer.known);
	close(server);
	close(fd);
}

TEST(unix_sockets)
{
	int fd[2];
	struct web_peer peer;
	struct sockaddr_storage ss = { .ss_family = AF_UNIX };

	EXPECT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == 0);
	web_peer_ask(fd[0], &ss, sizeof(sa_family_t), &peer);
	EXPECT(peer.known && peer.local && peer.uid == geteuid());
	close(fd[0]);
	close(fd[1]);
}

/* What is no socket, or none of this machine. */
TEST(unknown)
{
	struct sockaddr_storage ss = { .ss_family = AF_INET };
	struct web_peer peer;
	struct pair p;

	web_peer_ask(-1, &ss, sizeof(struct sockaddr_in), &peer);
	EXPECT(!peer.known);
	pair_open(&p, AF_INET, "127.0.0.1", AF_INET, "127.0.0.1");
	inet_pton(AF_INET, "192.0.2.1", &((struct sockaddr_in *)(void *)&p.ss)->sin_addr);
	web_peer_ask(p.server, &p.ss, p.len, &peer);
	EXPECT(!peer.known);
	close(p.client);
	close(p.server);
}

TESTS(TEST_ROW(my_own) TEST_ROW(who_went_is_not_root) TEST_ROW(another_user) TEST_ROW(unix_sockets)
	TEST_ROW(unknown))
