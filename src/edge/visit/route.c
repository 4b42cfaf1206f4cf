/* SPDX-License-Identifier: Apache-2.0 */
/* Which tunnel a request is for: everything reads the one canonical host (S-06, S-07). */
#include "edge/visit/route.h"

#include "edge/core/own_domain.h"
#include "http/url.h"

#include <arpa/inet.h>

/* An IP address is no name of a tenant: clients that send one as SNI mean none. */
static bool
is_address(const char *sni)
{
	struct in_addr v4;

	return inet_pton(AF_INET, sni, &v4) == 1;
}

/*
 * A connection is for the name that its TLS handshake asked for: else one tunnel's
 * certificate and cookies could be used to speak to another (421, RFC 9110 15.5.20).
 */
static bool
is_misdirected(const struct exchange *x)
{
	const struct tls *tls = front_tls(x->front);
	struct slice sni = tls == NULL ? S("") : slice_str(tls_sni(tls));

	if (sni.n == 0 || is_address(tls_sni(tls)))
		return false;
	if (sni.p[sni.n - 1] == '.')
		sni.n--;
	return !slice_ieq(sni, slice_str(x->host));
}

/* The authority of an absolute target wins over Host (RFC 9112 3.2.2); two
 * that differ are refused. */
static bool
is_contradicted(const struct exchange *x, struct slice bytes)
{
	const struct h1_head *h = &x->req.head;
	const struct h1_field *field;
	char host[sizeof(x->host)];
	uint16_t port = 0;
	size_t at = 0;

	field = h1_find(h, bytes, S("Host"), &at);
	if (field == NULL)
		return false;
	return !url_authority(h1_text(bytes, field->value), host, sizeof(host), &port) ||
	       strcmp(host, x->host) != 0;
}

/* The name of the tunnel that the host leads to, which is the host's first label or an own domain's. */
static enum close_code
find_name(struct exchange *x)
{
	const struct edge *e = x->worker->edge;
	struct slice host = slice_str(x->host), name = edge_name_of(e, host);

	if (name.n > 0) {
		check(name.n < sizeof(x->name)); /* edge_name_of() knows no longer one */
		slice_copy(name, x->name, sizeof(x->name));
		return CLOSE_OK;
	}
	switch (own_domain_find(e, host, x->name)) {
	case OWN_DOMAIN_KNOWN:
		return CLOSE_OK;
	case OWN_DOMAIN_SUSPENDED:
		x->name[0] = '\0';
		return CLOSE_DOMAIN_SUSPENDED;
	case OWN_DOMAIN_UNKNOWN:
		break;
	}
	x->name[0] = '\0';
	return CLOSE_UNKNOWN_NAME;
}

enum close_code
route_find(struct exchange *x, struct tunnel **ret_tunnel, struct worker **ret_to)
{
	struct worker *w = x->worker;
	enum close_code code = find_name(x);
	struct slice name = slice_str(x->name);
	unsigned at = 0;

	if (code != CLOSE_OK)
		return code;
	*ret_tunnel = tunnel_find(w, name);
	if (*ret_tunnel != NULL)
		return CLOSE_OK;
	switch (directory_find(w->edge->directory, name, &at)) {
	case DIRECTORY_UNKNOWN:
		return CLOSE_UNKNOWN_NAME;
	case DIRECTORY_RELEASED:
		return CLOSE_RELEASED_NAME;
	case DIRECTORY_DISABLED:
		return CLOSE_NAME_DISABLED;
	case DIRECTORY_AWAY:
		return CLOSE_AGENT_AWAY;
	case DIRECTORY_UP:
		break;
	}
	if (at == w->index)
		return CLOSE_AGENT_AWAY; /* it has gone, or comes, in this very turn */
	*ret_to = edge_worker(w->edge, at);
	return CLOSE_OK;
}

/* A name whose agent is away keeps its kind. */
bool
route_is_tls(const struct exchange *x, const struct tunnel *t, enum close_code code)
{
	if (t != NULL)
		return t->kind == TUNNEL_TLS;
	return code == CLOSE_AGENT_AWAY &&
	       directory_is_tls(x->worker->edge->directory, slice_str(x->name));
}

/*
 * In this order: what cannot be read is told before what may not be, and a stop comes last,
 * since it is no fault of the request.
 */
enum close_code
route_look(struct exchange *x, struct slice bytes)
{
	const struct h1_head *h = &x->req.head;
	struct settings *set = x->worker->settings;
	uint16_t port = 0;

	if (slice_eq(h1_text(bytes, h->method), S("CONNECT")))
		return CLOSE_CONNECT_REFUSED;
	if (!url_authority(h1_text(bytes, h->authority), x->host, sizeof(x->host), &port) ||
	    ((h->flags & H1_ABSOLUTE) && is_contradicted(x, bytes)))
		return CLOSE_BAD_HOST;
	if (is_misdirected(x))
		return CLOSE_MISDIRECTED;
	if (set->limits.body_bytes != 0 && h->framing == H1_LENGTH &&
	    h->length > (uint64_t)set->limits.body_bytes)
		return CLOSE_BODY_TOO_LARGE;
	return x->worker->draining ? CLOSE_STOPPING : CLOSE_OK;
}
