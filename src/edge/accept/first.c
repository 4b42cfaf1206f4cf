/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at a ClientHello before anybody answers it. */
#include "edge/accept/first.h"

#include "base/clock.h"
#include "base/limits.h"
#include "edge/core/own_domain.h"
#include "http/page.h"

#include <errno.h>

static enum first
whose(struct edge *e, const struct clienthello *hello, unsigned *ret_worker)
{
	char key[DIRECTORY_KEY_BYTES];
	struct slice name = own_domain_tunnel(e, slice_str(hello->sni), key);

	if (name.n == 0 || !directory_is_tls(e->directory, name))
		return FIRST_IS_OURS;
	return directory_find(e->directory, name, ret_worker) == DIRECTORY_UP ? FIRST_PASSES
									      : FIRST_IS_AWAY;
}

enum first
first_look(struct edge *e, const struct conn *c, struct clienthello *ret_hello,
    unsigned *ret_worker)
{
	char bytes[LIMIT_CLIENTHELLO_BYTES] UNCLEARED;
	ssize_t n;

	do
		n = recv(c->io.fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return FIRST_WAITS;
	/* An end before the first byte: a probe of a load balancer, or nobody. */
	if (n <= 0)
		return FIRST_IS_OVER;
	if (bytes[0] >= 'A' && bytes[0] <= 'Z')
		return FIRST_IS_HTTP;
	switch (clienthello_read(slice_of(bytes, (size_t)n), ret_hello)) {
	case CLIENTHELLO_MORE:
		/* Half a ClientHello and then an end: no more will come. */
		return c->io.ended ? FIRST_IS_OVER : FIRST_WAITS;
	case CLIENTHELLO_DONE:
		return whose(e, ret_hello, ret_worker);
	case CLIENTHELLO_OTHER:
		ret_hello->sni[0] = '\0'; /* half a name may stand there */
		break;
	}
	return FIRST_IS_OURS; /* OpenSSL has the right words */
}

void
first_answer_http(int fd)
{
	struct page page = {
		.code = CLOSE_PLAIN_HTTP_ON_TLS,
		.to = { .request_id = S("-"), .wall_ms = clock_wall_ms() },
	};
	struct buf out;
	char request[4096];
	struct iovec iov = { request, sizeof(request) };
	size_t n;

	(void)loop_recv(fd, &iov, 1, &n); /* or close() would reset */
	buf_init(&out, LIMIT_HEAD_BYTES);
	page_write(&out, &page);
	iov = (struct iovec){ out.p, out.n };
	if (!out.failed)
		(void)loop_send(fd, &iov, 1, &n);
	loop_shutdown(fd);
	buf_fini(&out);
}
