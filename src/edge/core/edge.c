/* SPDX-License-Identifier: Apache-2.0 */
/* What all threads share: made at the start, freed at the end. */
#include "edge/core/edge.h"

#include "edge/core/own_domain.h"

#include <stdio.h>
#include <stdlib.h>

/* Mail to the main loop, which alone knows who waits for what. */
struct news {
	struct loop_mail mail;
	struct edge *edge;
	unsigned worker;
	char key[DIRECTORY_KEY_BYTES];
};

static void
on_up(struct loop *loop, struct loop_mail *m)
{
	struct news *n = list_of(m, struct news, mail);

	check(loop == n->edge->main_loop);
	if (n->edge->route_up != NULL)
		n->edge->route_up(n->edge, n->key);
	free(n);
}

static void
on_idle(struct loop *loop, struct loop_mail *m)
{
	struct news *n = list_of(m, struct news, mail);

	check(loop == n->edge->main_loop && n->worker < n->edge->n_workers);
	if (n->edge->worker_idle != NULL)
		n->edge->worker_idle(n->edge, n->worker);
	free(n);
}

/* From any thread. Without a main loop there is nobody who waits. */
static void
tell(struct edge *e, unsigned worker, const char *key,
    void (*fn)(struct loop *, struct loop_mail *))
{
	struct news *n;

	if (e->main_loop == NULL || (n = calloc(1, sizeof(*n))) == NULL)
		return;
	n->mail.fn = fn;
	n->edge = e;
	n->worker = worker;
	check(strlen(key) < sizeof(n->key)); /* a key that is cut would wake nobody */
	snprintf(n->key, sizeof(n->key), "%s", key);
	loop_post(e->main_loop, &n->mail);
}

void
edge_tell_up(struct edge *e, const char *key)
{
	tell(e, 0, key, on_up);
}

void
edge_tell_idle(struct edge *e, unsigned worker)
{
	tell(e, worker, "", on_idle);
}

/* 0: a Unix socket. A proxy stands before it then, which people reach at the usual port. */
void
edge_host_url(const struct edge *e, const char *host, char *dst, size_t cap)
{
	if (e->https_port == 443 || e->https_port == 0)
		snprintf(dst, cap, "https://%s", host);
	else
		snprintf(dst, cap, "https://%s:%u", host, e->https_port);
}

/* Where there is no domain, one tunnel is reached, by the address. */
void
edge_url(const struct edge *e, const char *name, char *dst, size_t cap)
{
	char host[DIRECTORY_KEY_BYTES + sizeof(e->domain)];

	if (edge_is_address(e)) {
		edge_host_url(e, e->domain, dst, cap);
		return;
	}
	snprintf(host, sizeof(host), "%s.%s", name, e->domain);
	edge_host_url(e, host, dst, cap);
}

/* In the spelling of url_authority(): four numbers, or brackets. */
bool
edge_is_address(const struct edge *e)
{
	return own_domain_is_address(slice_str(e->domain));
}

struct slice
edge_name_of(const struct edge *e, struct slice host)
{
	struct slice domain = slice_str(e->domain), none = { 0 };

	if (host.n < domain.n + 2 || !slice_ends(host, domain))
		return none;
	host = slice_head(host, host.n - domain.n);
	if (host.p[host.n - 1] != '.')
		return none;
	host = slice_head(host, host.n - 1);
	/*
	 * One label alone: a certificate for *.example.org does not cover a.b.example.org
	 * (RFC 6125 6.4.3), so no tunnel has such a name.
	 */
	return slice_find(host, '.') == SIZE_MAX && host.n < DIRECTORY_KEY_BYTES ? host : none;
}
