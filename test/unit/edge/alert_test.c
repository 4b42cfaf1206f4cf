/* SPDX-License-Identifier: Apache-2.0 */
/* The POSTs of an alert: what they share is made once. */
#include "unit.h"

#include "edge/core/alert.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOK_US 5000
#define GIVE_UP 4000 /* looks */

static int n_made;

/* In the place of the library's: counts TLS clients and servers that are made. */
SSL_CTX *
SSL_CTX_new(const SSL_METHOD *method)
{
	static SSL_CTX *(*real)(const SSL_METHOD *);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "SSL_CTX_new");
	n_made++;
	return real(method);
}

static struct {
	struct loop *loop;
	struct loop_timer timer;
	int fd, n_looks, n_came;
} server;

/* Takes connections and ends them at once. */
static void
on_look(struct loop_timer *t)
{
	int fd = accept4(server.fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0) {
		server.n_came++;
		close(fd);
	}
	if (server.n_came == 2 || ++server.n_looks == GIVE_UP)
		loop_stop(server.loop);
	else
		loop_timer_set(server.loop, t, LOOK_US);
}

TEST(posts_share_one_tls_client)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct settings *s = settings_new();
	struct settings_url *url = &s->inbox.alert_url;
	socklen_t len = sizeof(in);
	struct alert *a;

	server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	EXPECT_INT(bind(server.fd, (struct sockaddr *)&in, len), 0);
	EXPECT_INT(listen(server.fd, 8), 0);
	EXPECT_INT(getsockname(server.fd, (struct sockaddr *)&in, &len), 0);
	*url = (struct settings_url){ .host = "localhost", .target = "/" };
	url->addr = (struct addr){ .kind = ADDR_TCP, .host = "127.0.0.1", .tls = true };
	url->addr.port = ntohs(in.sin_port);
	server.loop = loop_new();
	server.timer.fn = on_look;
	a = alert_new(server.loop);
	alert_use_settings(a, s);
	EXPECT_INT(n_made, 1);
	alert_give(a, s, S("{}"));
	loop_timer_set(server.loop, &server.timer, LOOK_US);
	loop_run(server.loop);
	EXPECT_INT(server.n_came, 2); /* the second attempt */
	EXPECT_INT(n_made, 1);
	alert_free(a);
	loop_free(server.loop);
	close(server.fd);
	settings_unref(s);
}

TESTS(TEST_ROW(posts_share_one_tls_client))
