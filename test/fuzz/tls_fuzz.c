/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of a stranger against the server's handshake, from the socket on: whatever comes, it ends
 * in success, waiting or a sentence, and a name that gets through is a legal host. The first byte
 * says in which portions the rest arrives.
 */
#include "net/conn.h"
#include "fuzz/must.h"

#include <sys/socket.h>
#include <unistd.h>

static struct tls_server *
make_server(void)
{
	static const char *const names[] = { "localhost", "*.example.test" };
	static const char *const files[] = { "ca.pem", "ca.key", "cert.pem", "key.pem" };
	char dir[] = "/tmp/adit-fuzz-XXXXXX", path[4][64], *error = NULL;
	struct tls_cert_files f = { path[2], path[3] };
	struct tls_server *s;

	MUST(mkdtemp(dir) != NULL);
	MUST(tls_make_dev_certs(dir, names, 2) == NULL);
	for (int i = 0; i < 4; i++)
		snprintf(path[i], sizeof(path[i]), "%s/%s", dir, files[i]);
	s = tls_server_new(&f, 1, &error);
	MUST(s != NULL);
	for (int i = 0; i < 4; i++)
		unlink(path[i]);
	rmdir(dir);
	return s;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct tls_server *server;
	struct conn c;
	enum io io = IO_WAIT;
	char drain[4096];
	size_t step;
	int fd[2];

	if (server == NULL)
		server = make_server();
	if (n < 2 || n > 60000)
		return 0;
	step = data[0] == 0 ? n : data[0];
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) == 0);
	conn_init(&c, fd[0], tls_accept(server), NULL);
	MUST(c.tls != NULL);
	for (size_t at = 1; at < n && io == IO_WAIT; at += step) {
		size_t len = n - at < step ? n - at : step;

		MUST(send(fd[1], data + at, len, MSG_NOSIGNAL) == (ssize_t)len);
		io = conn_handshake(&c);
		while (recv(fd[1], drain, sizeof(drain), 0) > 0)
			;
	}
	if (io == IO_FAIL)
		MUST(conn_error(&c)[0] != '\0');
	MUST(strspn(tls_sni(c.tls), "abcdefghijklmnopqrstuvwxyz0123456789-._") ==
	     strlen(tls_sni(c.tls)));
	conn_close(&c);
	close(fd[1]);
	return 0;
}
