/* SPDX-License-Identifier: Apache-2.0 */
/* TLS visitors of an agent: from the acceptor to a pipe of the worker that has the tunnel. */
#include "edge/tcp/passthrough.h"

#include "base/log.h"
#include "edge/core/own_domain.h"
#include "edge/tcp/tcp_pipe.h"

#include <stdio.h>

/* A record of TLS with a fatal alert (RFC 8446 6): internal_error. */
#define ALERT "\x15\x03\x03\x00\x02\x02\x50"

int
passthrough_send(struct worker *w, struct conn *conn, const struct sockaddr_storage *ss,
    const char *peer, const struct clienthello *hello)
{
	char local[PEER_TEXT_BYTES], said[sizeof(hello->sni) + sizeof(hello->alpn)];
	int n = snprintf(said, sizeof(said), "%s %s", hello->sni, hello->alpn);

	check(n > 0 && (size_t)n < sizeof(said));
	addr_local(conn->io.fd, local, sizeof(local));
	return worker_send(w, conn, ss, peer, local, ARRIVAL_TLS, slice_of(said, (size_t)n));
}

/* What has come is read first: a close with bytes unread would be a reset, and the alert lost. */
void
passthrough_refuse(int fd)
{
	char hello[LIMIT_CLIENTHELLO_BYTES] UNCLEARED;
	struct iovec iov = { hello, sizeof(hello) };
	size_t n;

	(void)loop_recv(fd, &iov, 1, &n);
	iov = (struct iovec){ (char[]){ ALERT }, sizeof(ALERT) - 1 };
	(void)loop_send(fd, &iov, 1, &n);
	loop_shutdown(fd);
	loop_close(fd);
}

/* The connection's descriptor alone: it is plain, and goes on as a pipe's. */
static int
take_fd(struct arrival *a)
{
	int fd = a->conn.io.fd;

	check(a->conn.tls == NULL && fd >= 0);
	conn_init(&a->conn, -1, NULL, NULL);
	return fd;
}

static void
refuse(struct worker *w, struct arrival *a, struct slice sni, const char *why)
{
	log_event(LOG_INFO, "tls-refused", LOG_S("name", sni), LOG_Z("peer", a->peer),
	    LOG_Z("why", why));
	counter_add(&w->counters.tls_refused, 1);
	passthrough_refuse(take_fd(a));
}

/* The tunnel has moved while the connection was on its way: it follows. True: it is there. */
static bool
follow(struct worker *w, struct arrival *a, struct slice name, struct slice said)
{
	unsigned at = 0;

	return directory_find(w->edge->directory, name, &at) == DIRECTORY_UP && at != w->index &&
	       worker_send(edge_worker(w->edge, at), &a->conn, &a->ss, a->peer, a->local,
		   ARRIVAL_TLS, said) == 0;
}

void
passthrough_arrived(struct worker *w, struct arrival *a)
{
	struct slice said = slice_of(a->bytes, a->n), alpn = said, sni = slice_cut(&alpn, ' ');
	char label[DIRECTORY_KEY_BYTES];
	struct slice name = own_domain_tunnel(w->edge, sni, label);
	struct tunnel *t = tunnel_find(w, name);
	struct source_key key;
	struct source *source = NULL;

	if (t == NULL && follow(w, a, name, said))
		return;
	if (t == NULL || t->kind != TUNNEL_TLS) {
		refuse(w, a, sni, "its agent is not connected");
		return;
	}
	if (source_key(&a->ss, &key) && (source = sources_take(&w->sources, &key)) == NULL) {
		refuse(w, a, sni, "too many connections of one address");
		return;
	}
	counter_add(&w->counters.tls_total, 1);
	tcp_pipe_start(w, t,
	    &(struct tcp_visitor){
		.fd = take_fd(a),
		.source = source,
		.peer = a->peer,
		.local = a->local,
		.sni = sni,
		.alpn = alpn,
	    });
}
