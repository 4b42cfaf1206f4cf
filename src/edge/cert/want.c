/* SPDX-License-Identifier: Apache-2.0 */
/* Which certificates there are to be: of the settings, of tunnels, and of accounts. */
#include "edge/cert/cert_private.h"

#include <stdio.h>
#include <stdlib.h>

/* Certificates of files are for the domain, then: ours are for the rest. */
static bool
has_domain(const struct certs *all)
{
	return certs_has_acme(all) && all->settings->n_certs == 0 && !edge_is_address(all->edge);
}

/* "jenkins" of "jenkins.tunnel.example.org", of a name that a tunnel has or had. */
static bool
is_tunnel(const struct cert *c)
{
	struct slice name = edge_name_of(c->all->edge, slice_str(c->row.names[0]));
	unsigned at;

	if (name.n == 0 || !has_domain(c->all) || c->all->has_dns ||
	    directory_is_tls(c->all->edge->directory, name))
		return false;
	switch (directory_find(c->all->edge->directory, name, &at)) {
	case DIRECTORY_UP:
	case DIRECTORY_AWAY:
	case DIRECTORY_DISABLED: /* visitors are told so, by https, too */
		return true;
	case DIRECTORY_UNKNOWN:
	case DIRECTORY_RELEASED:
		break;
	}
	return false;
}

bool
cert_is_wanted(const struct cert *c)
{
	return !c->unwanted && !c->paused && certs_has_acme(c->all) &&
	       (c->set || c->row.account[0] != '\0' || is_tunnel(c));
}

/* A row of these names, new where there is none. NULL without memory. */
static struct cert *
want(struct certs *all, const char *account, const char *first, const char *second)
{
	struct cert *c = certs_find(all, first);
	struct row row = { .n_names = second == NULL ? 1 : 2 };

	if (c != NULL) {
		c->unwanted = false;
		return c;
	}
	snprintf(row.names[0], sizeof(row.names[0]), "%s", first);
	if (second != NULL)
		snprintf(row.names[1], sizeof(row.names[1]), "%s", second);
	snprintf(row.account, sizeof(row.account), "%s", account);
	return cert_new(all, &row);
}

/* What the settings say. */
static void
want_settings(struct certs *all)
{
	const struct settings *s = all->settings;
	char wild[IDENT_BYTES];
	struct ident ip;
	struct cert *c;

	for (c = all->first; c != NULL; c = c->next)
		c->set = false;
	if (has_domain(all)) {
		snprintf(wild, sizeof(wild), "*.%s", all->edge->domain);
		c = all->has_dns ? want(all, "", wild, all->edge->domain)
				 : want(all, "", all->edge->domain, NULL);
		if (c != NULL)
			c->set = true;
	}
	if (certs_has_acme(all) && ident_read(slice_str(s->acme.ip), &ip) == NULL) {
		c = want(all, "", ip.text, NULL);
		if (c != NULL)
			c->set = true;
	}
}

/* First certificates are ordered one behind the other, however many names come at once. */
static void
queue_fresh(struct certs *all, struct cert *c)
{
	static const struct plan_rate rate = { LIMIT_CERT_NEW_EDGE, 3600 / LIMIT_CERT_NEW_EDGE };
	int64_t now_s = certs_now_s(), wait_s = plan_bucket_wait_s(&all->fresh, &rate, now_s);

	plan_bucket_take(&all->fresh, &rate, now_s);
	if (wait_s > 0)
		c->row.next_s = now_s + wait_s;
}

const char *
certs_want(struct certs *all, const char *name, const char *account)
{
	struct ident id;
	const char *why = ident_read(slice_str(name), &id);
	struct cert *c;

	if (why == NULL && !certs_has_acme(all))
		why = "acme: stands not in the edge's configuration, so it gets no certificates";
	if (why != NULL)
		return why;
	c = certs_find(all, id.text);
	if (c != NULL) { /* it may have been told to rest, or to go */
		c->paused = c->unwanted = false;
		snprintf(c->row.account, sizeof(c->row.account), "%s", account);
		certs_kick(all);
		return NULL;
	}
	c = want(all, account, id.text, NULL);
	if (c == NULL)
		return "the edge has as many certificates as it may";
	queue_fresh(all, c);
	cert_keep(c, cert_rest); /* it is wanted over a restart, too */
	return NULL;
}

void
certs_pause(struct certs *all, const char *name)
{
	struct ident id;
	struct cert *c = ident_read(slice_str(name), &id) != NULL ? NULL : certs_find(all, id.text);

	if (c != NULL) /* what is under way comes to its end */
		c->paused = true;
}

void
certs_unwant(struct certs *all, const char *name)
{
	struct ident id;
	struct cert *c = ident_read(slice_str(name), &id) != NULL ? NULL : certs_find(all, id.text);

	if (c == NULL)
		return;
	c->unwanted = true;
	if (c->state == CERT_RESTS)
		cert_discard(c);
}

void
certs_route_up(struct certs *all, const char *key)
{
	char name[IDENT_BYTES];
	struct cert *c;

	/* Of a tunnel whose TLS ends at the agent the certificate is the agent's own. */
	if (!has_domain(all) || all->has_dns || strchr(key, ':') != NULL ||
	    directory_is_tls(all->edge->directory, slice_str(key)) ||
	    (size_t)snprintf(name, sizeof(name), "%s.%s", key, all->edge->domain) >= sizeof(name))
		return;
	c = certs_find(all, name);
	if (c != NULL) {
		if (c->unwanted) { /* it was about to be deleted, and is stored again */
			c->unwanted = false;
			certs_kick(all);
		}
		return;
	}
	c = want(all, "", name, NULL);
	if (c == NULL)
		return;
	queue_fresh(all, c);
	certs_kick(all);
}

/* Names of tunnels that are up. */
struct up {
	size_t n, room;
	char (*keys)[DIRECTORY_KEY_BYTES];
};

static bool
note_up(const struct route *r, void *arg)
{
	struct up *up = arg;

	if (route_serves(r, 0) || r->tombstone)
		return true;
	if (up->n == up->room) {
		size_t room = up->room * 2 + 16;
		void *keys = realloc(up->keys, room * sizeof(*up->keys));

		if (keys == NULL) /* the others get theirs when they connect again */
			return false;
		up->keys = keys;
		up->room = room;
	}
	memcpy(up->keys[up->n++], r->key, sizeof(r->key));
	return true;
}

/* Tunnels that came while files had certificates for them. The directory's lock is not held meanwhile. */
static void
want_tunnels(struct certs *all)
{
	struct up up = { 0 };

	directory_each(all->edge->directory, note_up, &up);
	for (size_t i = 0; i < up.n; i++)
		certs_route_up(all, up.keys[i]);
	free(up.keys);
}

void
certs_use_settings(struct certs *all, struct settings *s)
{
	settings_unref(all->settings);
	all->settings = settings_ref(s);
	registrations_use_settings(&all->registrations, s);
	want_settings(all);
	want_tunnels(all);
	if (all->notice != NULL)
		notice_use_settings(all->notice);
	certs_kick(all);
}
