/* SPDX-License-Identifier: Apache-2.0 */
/* Who the visitor of an exchange is, behind trusted proxies, too (client.h). */
#include "edge/visit/client.h"

#include "http/forwarded.h"
#include "net/addr.h"

#include <netinet/in.h>

void
client_find(struct exchange *x, struct slice bytes)
{
	struct sockaddr_storage ss;

	x->client.known = false;
	if (x->front->trusted &&
	    forwarded_client(&x->req.head, bytes, &x->worker->settings->trusted, &ss))
		source_ip_of(&ss, &x->client);
}

void
client_sockaddr(const struct exchange *x, struct sockaddr_storage *ret)
{
	source_ip_sockaddr(x->client.known ? &x->client : &x->front->ip, ret);
}

/*
 * By a proxy's word the client is counted, else whoever is connected, as he was counted
 * when he came.
 */
bool
client_key(const struct exchange *x, struct source_key *ret_key)
{
	struct sockaddr_storage ss;

	if (x->client.known) {
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

	if (!x->client.known) {
		slice_copy(slice_str(x->front->peer), dst, PEER_TEXT_BYTES);
		return;
	}
	client_sockaddr(x, &ss);
	addr_show(&ss, sizeof(struct sockaddr_in6), dst, PEER_TEXT_BYTES);
}
