/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/fetch.h"

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

/* A socket that listens on loopback, or is only bound. */
static int
server(struct fetch_request *r, bool listens)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&in, len) != 0 ||
	    getsockname(fd, (struct sockaddr *)&in, &len) != 0 || (listens && listen(fd, 1) != 0))
		abort();
	*r = (struct fetch_request){ .method = "GET",
		.addr = { .kind = ADDR_TCP, .host = "127.0.0.1", .port = ntohs(in.sin_port) },
		.host = "localhost",
		.target = S("/"),
		.timeout_ms = 50 };
	return fd;
}

/* What was never open is not closed: it would be standard input. */
TEST(refused)
{
	struct fetch_request r;
	struct fetch_answer a;
	int fd = server(&r, false);

	EXPECT_INT(fetch(&r, &a), -1);
	EXPECT_INT(a.stage, FETCH_TCP);
	EXPECT_INT(a.code, ECONNREFUSED);
	EXPECT(fcntl(STDIN_FILENO, F_GETFD) >= 0);
	fetch_fini(&a);
	close(fd);
}

/* Nobody waits any more, and the server sees that at once. */
TEST(no_answer_is_a_reset)
{
	struct fetch_request r;
	struct fetch_answer a;
	int fd = server(&r, true), peer;
	char byte[1000];
	ssize_t n;

	EXPECT_INT(fetch(&r, &a), -1);
	EXPECT_INT(a.stage, FETCH_HTTP);
	EXPECT_SLICE(slice_str(a.why), S("no answer in time"));
	peer = accept(fd, NULL, NULL);
	do {
		n = read(peer, byte, sizeof(byte));
	} while (n > 0);
	EXPECT_INT(n, -1);
	EXPECT_INT(errno, ECONNRESET);
	fetch_fini(&a);
	close(peer);
	close(fd);
}

TESTS(TEST_ROW(refused) TEST_ROW(no_answer_is_a_reset))
