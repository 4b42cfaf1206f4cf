/* SPDX-License-Identifier: Apache-2.0 */
/* Who the visitor of an exchange is, behind trusted proxies, too (client.h). */
#include "edge/visit/client.h"

#include "http/forwarded.h"
#include "net/addr.h"

#include <netinet/in.h>
#include <stdio.h>

/* Kept as v4-mapped IPv6: 16 bytes an exchange instead of the 128 of any address. */
void
client_find(struct exchange *x, struct slice bytes)
{
	struct sockaddr_storage ss;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	x->told = x->front->trusted &&
		  forwarded_client(&x->req.head, bytes, &x->worker->settings->trusted, &ss);
	if (!x->told)
		return;
	if (ss.ss_family == AF_INET6) {
		memcpy(&in6, &ss, sizeof(in6));
		memcpy(x->client, &in6.sin6_addr, 16);
		return;
	}
	check(ss.ss_family == AF_INET); /* forwarded_client() gives no other */
	memcpy(&in, &ss, sizeof(in));
	memset(x->client, 0, 10);
	memset(x->client + 10, 0xff, 2);
	memcpy(x->client + 12, &in.sin_addr, 4);
}

void
client_sockaddr(const struct exchange *x, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	if (!x->told) { /* asked for again rather than carried by every visitor */
		conn_peer(x->front->conn, ret);
		return;
	}
	*ret = (struct sockaddr_storage){ 0 };
	memcpy(&in6.sin6_addr, x->client, 16);
	memcpy(ret, &in6, sizeof(in6));
}

/*
 * By a proxy's word the client is counted, else whoever is connected, as he was counted
 * when he came.
 */
bool
client_key(const struct exchange *x, struct source_key *ret_key)
{
	struct sockaddr_storage ss;

	if (x->told) {
		client_sockaddr(x, &ss);
		return source_key(&ss, ret_key);
	}
	if (x->front->source == NULL)
		return false;
	*ret_key = x->front->source->key;
	return true;
}

/* A proxy names no port that would help anybody, so it is shown as 0. */
void
client_text(const struct exchange *x, char dst[PEER_TEXT_BYTES])
{
	struct sockaddr_storage ss;

	if (!x->told) {
		snprintf(dst, PEER_TEXT_BYTES, "%s", x->front->peer);
		return;
	}
	client_sockaddr(x, &ss);
	addr_show(&ss, sizeof(struct sockaddr_in6), dst, PEER_TEXT_BYTES);
}
